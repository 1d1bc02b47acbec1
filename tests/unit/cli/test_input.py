"""The domains that a resumed run examines after it was killed before a retry pass."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from results.store.writer import Store
from scanner.cli.input import rest_of
from scanner.model import EndpointReport
from scanner.vocabulary import DomainOutcome, RunState
from targets.lists import Reader, Target
from targets.spool import Spool
from tests.unit import records
from tests.unit.records import NOON

READER = Reader()


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[Store]:
    """A run of four domains: one ok, one whose address did not answer, one skipped, one not examined yet."""
    lines = [Target(READER.destination(name), name, "list", 1) for name in ("well.example", "down.example")]
    lines += [Target(READER.destination(name), name, "list", 1) for name in ("skipped.example", "new.example")]
    with Store.create(tmp_path / "run", records.header(state=RunState.INTERRUPTED)) as store:
        Spool.make(store.path / "spool", lines, READER)
        down = records.report(key="down", endpoints=(EndpointReport("2001:db8::1", (records.refused(),)),))
        skipped = records.report(key="skipped", endpoints=())
        unknown = records.verdict(outcome=DomainOutcome.INCONCLUSIVE)
        put = [("well", records.report(key="well"), records.verdict()), ("down", down, unknown)]
        for name, report, verdict in [*put, ("skipped", skipped, unknown)]:
            host = records.host_verdict(report=report.key)
            store.put_domain(records.domain(key=f"{name}.example", hosts=(host,), verdict=verdict), [report], {})
        store.sync()
        yield store


def names(store: Store) -> list[str]:
    return sorted(item.raw for item in rest_of(store, READER, retry=False).items)


def test_a_domain_that_waited_for_a_retry_pass_is_examined_again(killed: Store) -> None:
    """A refused connection is worth a retry; a skipped address is not."""
    assert names(killed) == ["down.example", "new.example"]
    assert rest_of(killed, READER, retry=False).done == 2


def test_a_complete_run_has_no_pending_retry(killed: Store) -> None:
    killed.finish(RunState.COMPLETE, {}, NOON)
    assert names(killed) == ["new.example"]


def test_a_domain_with_a_later_conclusive_line_does_not_wait(killed: Store) -> None:
    """The last line counts."""
    killed.put_domain(replace(records.domain(key="down.example"), hosts=()), [], {})
    killed.sync()
    assert names(killed) == ["new.example"]
