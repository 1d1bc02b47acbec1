"""The child process of a scan in parts: its share of the rates, its messages, and its early ends."""

import io
import json
import os
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing

from results.store import codec
from results.store.writer import Store
from scanner.cli import scale_child
from scanner.cli.errors import CliError, Exit
from scanner.net.unbound import UnboundError
from scanner.run.pipeline import Stop
from scanner.scale.job import ChildMessage, Job, JobResult, Stage
from scanner.scale.plan_files import PlanPlace
from scanner.settings import Caps, DNSSettings, Retries, Settings
from scanner.vocabulary import RunState
from tests.unit import records
from tests.unit.scale.inline import request_of

SETTINGS = Settings(caps=Caps(total=5, rate=100), dns=DNSSettings(rate=500, in_flight=9), retries=Retries(2))


def job(**parts: object) -> Job:
    return Job(Stage.PART, 1, "RUN", {}, **parts)  # type: ignore[arg-type]


def test_the_processes_of_a_machine_share_rates_and_connections() -> None:
    found = scale_child.shared(SETTINGS, job(share=4, last=False))
    assert (found.caps.total, found.caps.rate, found.dns.rate, found.dns.in_flight) == (1, 25, 125, 2)
    assert (found.caps.per_address, found.caps.per_provider) == (SETTINGS.caps.per_address, SETTINGS.caps.per_provider)


@pytest.mark.parametrize(("again", "last", "times"), [(0, False, 2), (1, False, 1), (2, True, 0), (0, True, 0)])
def test_no_probe_is_deferred_in_the_last_pass(again: int, times: int, *, last: bool) -> None:
    assert scale_child.shared(SETTINGS, job(again=again, last=last)).retries.times == times


@pytest.mark.parametrize(
    ("error", "unfit"),
    [(CliError("no resolver", Exit.UNFIT), True), (CliError("bad"), False), (UnboundError("gone"), False)],
)
def test_an_expected_error_is_the_result(error: Exception, monkeypatch: pytest.MonkeyPatch, *, unfit: bool) -> None:
    def fail(_: Job) -> JobResult:
        raise ExceptionGroup("nursery", [error])

    monkeypatch.setattr(scale_child, "_done", fail)
    found = scale_child.result_of(job())
    assert (found.error, found.unfit, found.state) == (str(error), unfit, RunState.INTERRUPTED)
    assert found.host


def test_a_bug_is_not_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Job) -> JobResult:
        raise ExceptionGroup("nursery", [ZeroDivisionError()])

    monkeypatch.setattr(scale_child, "_done", fail)
    with pytest.raises(ExceptionGroup):
        scale_child.result_of(job())


def test_messages_are_lines(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(codec.encode(job()))))
    monkeypatch.setattr(scale_child, "_done", lambda _: JobResult(RunState.COMPLETE, pending=2))
    monkeypatch.setattr(scale_child, "collect_seldom", lambda: None)
    assert scale_child.main() == Exit.DONE
    (line,) = capfd.readouterr().out.splitlines()
    message = codec.decode(ChildMessage, line.encode())
    assert message.result is not None
    assert (message.result.pending, json.loads(line)["status"]) == (2, None)


async def _forever(_: Stop) -> None:
    await trio.sleep_forever()


async def test_the_file_stop_lets_a_part_finish_and_ends_other_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = PlanPlace(tmp_path)
    place.path.mkdir()
    monkeypatch.setattr(scale_child, "_watch_parent", _forever)
    for content, drains, cancelled in ((b"drain", True, False), (b"now", True, True), (b"drain", False, True)):
        place.stop.write_bytes(content)
        stop = Stop()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(scale_child._watch, place, stop, drains=drains))
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert stop.draining
        assert stop.working.cancel_called is cancelled


async def test_the_end_of_the_parent_ends_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "read", lambda *_: b"")
    stop = Stop()
    await scale_child._watch_parent(stop)
    assert stop.working.cancel_called


@pytest.mark.parametrize(
    ("locked", "writable", "text"),
    [(False, True, "its lock has no effect on this machine"), (True, False, "this user cannot write to it")],
)
async def test_a_machine_without_the_run_directory_is_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, *, locked: bool, writable: bool
) -> None:
    """The process that began the scan holds the lock, so that a machine that could take it has a lock of its own."""
    place = PlanPlace(tmp_path / "run")
    store = Store.create(place.run, records.header())
    if not locked:
        store.close()
    monkeypatch.setattr(os, "access", lambda *_: writable)
    with pytest.raises(CliError, match=text) as caught:
        await scale_child._fitness(job(), request_of(place.run), place)
    assert caught.value.code is Exit.UNFIT


def test_every_expected_error_of_a_test_refuses_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """For example, a file that an option names is missing on the machine."""

    def fail(_: Job) -> JobResult:
        raise CliError("/etc/ca.pem: No such file or directory")

    monkeypatch.setattr(scale_child, "_done", fail)
    assert scale_child.result_of(Job(Stage.FITNESS, 0, "RUN", {})).unfit
