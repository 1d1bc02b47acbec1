"""The run directory of a part: begun, left behind, complete; and its destinations."""

import time
from pathlib import Path

import pytest

from results.store.files import Lock, StoreError
from results.store.writer import Store
from scanner.model import RunHeader
from scanner.scale import part_run
from scanner.scale.part_run import HostReader, clear, header_if_begun, host_targets, is_done, planned_answers
from scanner.scale.plan_files import PartLine, write_lines
from scanner.vocabulary import RunState
from tests.unit import records
from tests.unit.records import answer


def begun(run: Path, state: RunState = RunState.COMPLETE, **totals: int) -> RunHeader:
    with Store.create(run, records.header()) as store:
        (run / "spool").mkdir()
        (run / "spool" / "flags.json").write_text("{}")
        store.finish(state, totals, records.NOON)
    header = header_if_begun(run)
    assert header is not None
    return header


def test_a_run_whose_input_is_not_complete_is_begun_anew(tmp_path: Path) -> None:
    run = tmp_path / "001"
    assert header_if_begun(run) is None
    Store.create(run, records.header()).close()
    assert header_if_begun(run) is None
    clear(run)
    assert not run.exists()
    clear(run)


def test_a_run_is_not_cleared_while_a_process_works_on_it_or_after_it_was_begun(tmp_path: Path) -> None:
    run = tmp_path / "001"
    begun(run)
    clear(run)
    lock = Lock(run / "run.lock")
    with pytest.raises(StoreError, match="another process is writing to this run"):
        clear(run)
    lock.release()
    assert (run / "run.json").exists()


@pytest.mark.parametrize(
    ("state", "last", "again", "expected"),
    [
        (RunState.COMPLETE, 0, 0, True),
        (RunState.COMPLETE, 0, 1, False),
        (RunState.COMPLETE, 2, 1, True),
        (RunState.INTERRUPTED, 0, 0, False),
    ],
)
def test_a_pass_is_done_if_the_run_is_complete_with_this_pass(
    state: RunState, last: int, again: int, *, expected: bool, tmp_path: Path
) -> None:
    assert not is_done(None, 0)
    assert is_done(begun(tmp_path / "001", state, **{"pass": last}), again) is expected


def test_a_locked_run_is_opened_after_a_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(tmp_path / "001")
    lock = Lock(tmp_path / "001" / "run.lock")
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            lock.release()

    monkeypatch.setattr(time, "sleep", sleep)
    part_run.resume(tmp_path / "001").close()
    assert len(waits) == 3


def test_a_run_that_stays_locked_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(tmp_path / "001")
    monkeypatch.setattr(part_run, "BUSY", 0)
    lock = Lock(tmp_path / "001" / "run.lock")
    with pytest.raises(StoreError, match="another process is writing to this run"):
        part_run.resume(tmp_path / "001")
    lock.release()


def test_hosts_are_destinations_whatever_their_names(tmp_path: Path) -> None:
    """A name in an MX record may contain an underscore, and be an address."""
    hosts = [("mx_1.example", 25), ("192.0.2.1", 25), ("2001:db8::1", 2525)]
    lines = [PartLine(f"{host}:{port}/smtp", host, port, (), None, None) for host, port in hosts]
    write_lines(tmp_path / "part", lines)
    reader = HostReader()
    found = [target.destination for target in host_targets(tmp_path / "part", reader)]
    assert [(each.host, each.port) for each in found] == hosts
    assert [each.key for each in found] == ["[mx_1.example]", "[192.0.2.1]", "[ipv6:2001:db8::1]:2525"]
    assert [reader.destination(each.raw) for each in found] == found


def test_planned_answers(tmp_path: Path) -> None:
    a, aaaa = answer("mx.example", "A", "192.0.2.1"), answer("mx.example", "AAAA", "2001:db8::1")
    write_lines(tmp_path / "part", [PartLine("mx.example:25/smtp", "mx.example", 25, (), a, aaaa)])
    assert planned_answers(tmp_path / "part") == {("mx.example", "A"): a, ("mx.example", "AAAA"): aaaa}
