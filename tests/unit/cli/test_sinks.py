"""The sink that reports on the way to another sink, and the sink that prints words."""

from io import StringIO

import pytest

from scanner.cli.raising_console import RaisingConsole
from scanner.cli.sinks import ReportingSink, WordsSink
from scanner.model import DomainRecord
from scanner.vocabulary import DomainDane
from tests.unit import records
from tests.unit.records import DIGEST


class KeptSink:
    """A sink that keeps what it takes."""

    def __init__(self) -> None:
        self.records: list[DomainRecord] = []
        self.rejects: list[str] = []
        self.syncs = 0

    def put_domain(self, record: DomainRecord, *_: object) -> None:
        self.records.append(record)

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        self.rejects.append(f"{file}:{line}: {raw}: {reason}")

    def sync(self) -> None:
        self.syncs += 1


BROKEN = records.domain(verdict=records.verdict(dane=DomainDane.BROKEN))
SOUND = records.domain(verdict=records.verdict(dane=DomainDane.PROTECTED))


@pytest.mark.parametrize(
    ("found", "matched"), [([BROKEN], True), ([SOUND], False), ([BROKEN, SOUND], False), ([SOUND, BROKEN], True)]
)
def test_the_last_verdict_of_a_domain_decides(found: list[DomainRecord], matched: bool) -> None:  # noqa: FBT001 - a case
    kept = KeptSink()
    sink = ReportingSink(kept, RaisingConsole(file=StringIO()), [("dane", "broken")], rejects=False)
    for record in found:
        sink.put_domain(record, [], {})
    assert sink.matched == matched
    assert kept.records == found


@pytest.mark.parametrize(("rejects", "printed"), [(True, "list:3: a\\x1b[31m: not a name\n"), (False, "")])
def test_rejects_are_printed_where_asked_for_and_escaped(rejects: bool, printed: str) -> None:  # noqa: FBT001 - a case
    kept, file = KeptSink(), StringIO()
    sink = ReportingSink(kept, RaisingConsole(file=file), (), rejects=rejects)
    sink.put_reject("list", 3, "a\x1b[31m", "not a name")
    sink.sync()
    assert file.getvalue() == printed
    assert kept.rejects == ["list:3: a\x1b[31m: not a name"]
    assert kept.syncs == 1


def test_words() -> None:
    file = StringIO()
    WordsSink(RaisingConsole(file=file, width=80)).put_domain(
        records.domain(), [records.report()], {DIGEST: records.cert()}
    )
    assert file.getvalue().lstrip().startswith(records.domain().key)
