"""The progress of a scan: the loop, its views, and the state in run.json."""

from pathlib import Path

import pytest
import trio
import trio.testing

from results.store.files import StoreError
from results.store.writer import Store
from scanner.cli.console import RaisingConsole
from scanner.cli.errors import CliError
from scanner.cli.progress import REFRESH, ProgressLoop, ProgressRequest, progress_loop, progress_request
from scanner.model import Status
from scanner.run.stats import Stats
from scanner.run.status import StatusSource
from scanner.vocabulary import RunState
from tests.unit import records


class KeptView:
    """A view that keeps what it is shown."""

    def __init__(self) -> None:
        self.shown: list[RunState] = []
        self.ended: list[RunState] = []

    def show(self, status: Status) -> None:
        self.shown.append(status.state)

    def end(self, status: Status) -> None:
        self.ended.append(status.state)


async def test_the_status_is_shown_again_and_again(autojump_clock: trio.testing.MockClock) -> None:
    view = KeptView()
    loop = ProgressLoop(StatusSource(Stats(), 300), (view,), None)
    with trio.move_on_after(REFRESH * 3.5):
        await loop.run()
    assert view.shown == [RunState.RUNNING] * 4


async def test_a_pause_is_kept_in_run_json(tmp_path: Path) -> None:
    stats = Stats()
    with Store.create(tmp_path / "run", records.header(state=RunState.RUNNING)) as store:
        loop = ProgressLoop(StatusSource(stats, 300), (), store)
        states = []
        for text in ("every connection fails", ""):
            stats.outage("network", text)
            loop.show()
            states.append(store.header.state)
    assert states == [RunState.PAUSED, RunState.RUNNING]


@pytest.mark.parametrize(("ended", "state"), [(None, RunState.INTERRUPTED), (RunState.COMPLETE, RunState.COMPLETE)])
async def test_the_last_status_has_the_final_state(ended: RunState | None, state: RunState) -> None:
    statuses: list[Status] = []
    request = ProgressRequest(quiet=True, files=(statuses.append,), every=10)
    with progress_loop(StatusSource(Stats(), 300), request, RaisingConsole(), None, print) as loop:
        loop.ended = ended
    assert [status.state for status in statuses] == [RunState.RUNNING, state]


async def test_a_file_that_cannot_be_written_costs_one_message() -> None:
    def fail(_: Status) -> None:
        raise StoreError("status: No space left on device")

    said: list[str] = []
    request = ProgressRequest(quiet=True, files=(fail,), every=10)
    with progress_loop(StatusSource(Stats(), 300), request, RaisingConsole(), None, said.append):
        pass
    assert len(said) == 1
    assert said[0].startswith("status: No space left on device")


def test_files_are_opened_before_the_scan(tmp_path: Path) -> None:
    flags = {"status_file": str(tmp_path / "no" / "file"), "metrics_file": None, "quiet": True, "output": "-"}
    with pytest.raises(CliError, match="No such file"):
        progress_request(flags | {"status_every": 10.0})


@pytest.mark.parametrize(("quiet", "output", "expected"), [(False, "-", False), (True, "-", True), (False, None, True)])
def test_no_display_beside_a_verdict_in_words(quiet: bool, output: str | None, expected: bool) -> None:  # noqa: FBT001 - a case
    flags = {"status_file": None, "metrics_file": None, "quiet": quiet, "output": output, "status_every": 10.0}
    assert progress_request(flags).quiet == expected
