"""The progress of a scan: the loop, its views, and the state in run.json."""

from pathlib import Path

import pytest
import trio
import trio.testing

from results.store.files import StoreError
from results.store.writer import Store
from scanner.cli.progress import REFRESH, ProgressLoop, progress_loop
from scanner.cli.progress_request import ProgressRequest
from scanner.cli.raising_console import RaisingConsole
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
