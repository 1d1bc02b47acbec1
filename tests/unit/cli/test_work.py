"""The destinations of a run that is continued."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from results.store.writer import Store
from scanner import __version__
from scanner.cli.work import rest_of
from scanner.facts import Failure
from scanner.model import EndpointReport
from scanner.reasons import Reason
from scanner.vocabulary import DomainOutcome, FailureKind, Phase, RunState
from targets.lists import Reader, Target
from targets.spool import Spool
from tests.unit import records
from tests.unit.records import NOON

READER = Reader()
LATER = NOON + timedelta(minutes=1)
SHORT = records.probe("192.0.2.9", handshake=None, failure=Failure(Phase.CONNECT, FailureKind.RESOURCES, 24))


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


@pytest.fixture
def spoiled(killed: Store) -> Store:
    """The run, in which a limit of this machine spoiled one domain more, and a bug another."""
    lines = [Target(READER.destination(name), name, "list", 1) for name in ("files.example", "bug.example")]
    Spool.make(killed.path / "spool", lines, READER)
    short = records.report(key="files", endpoints=(EndpointReport("192.0.2.9", (SHORT,)),))
    for name, reason in (("files.example", Reason.LOCAL_LIMIT), ("bug.example", Reason.INTERNAL)):
        verdict = records.verdict(outcome=DomainOutcome.INCONCLUSIVE, reasons=(reason,))
        killed.put_domain(records.domain(key=name, verdict=verdict, hosts=()), [short], {})
    killed.sync()
    return killed


@pytest.mark.parametrize(
    ("state", "version", "expected", "errors"),
    [
        (RunState.INTERRUPTED, __version__, ["files.example"], 3),
        (RunState.INTERRUPTED, "0.0.1", ["bug.example", "files.example"], 2),
        (RunState.COMPLETE, __version__, ["bug.example", "files.example"], 2),
    ],
)
def test_what_our_side_spoiled_is_examined_again(
    spoiled: Store, state: RunState, version: str, expected: list[str], errors: int
) -> None:
    """The same version would meet the same bug: that one is repeated only if the run has nothing else left."""
    spoiled.header = replace(spoiled.header, version=version)
    spoiled.finish(state, {"internal_errors": 3}, NOON)
    assert names(spoiled) == expected
    assert rest_of(spoiled, READER, retry=False).before["internal_errors"] == errors


def test_a_stored_report_that_our_side_spoiled_is_not_used_by_another_process(spoiled: Store) -> None:
    assert spoiled.find_host("files") is not None
    spoiled.close()
    with Store.resume(spoiled.path) as store:
        assert store.find_host("files") is None
        assert store.find_host("down") is not None
        short = records.report(key="files", endpoints=(EndpointReport("192.0.2.8", (SHORT,)),), observed_at=LATER)
        store.put_host(short, [])
        assert store.find_host("files") == (short, {})


def test_a_domain_with_a_later_conclusive_line_does_not_wait(killed: Store) -> None:
    """The last line counts."""
    killed.put_domain(replace(records.domain(key="down.example"), hosts=()), [], {})
    killed.sync()
    assert names(killed) == ["new.example"]
