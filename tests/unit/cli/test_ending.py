"""The limits of a scan in time: of the whole scan, and of a pause."""

import pytest
import trio
from trio.testing import MockClock

from scanner.cli.ending import GIVE_UP, Limits, watch_limits
from scanner.run.pipeline import DRAIN, Stop
from scanner.run.stats import Stats

PAUSE = "every connection to port 25 fails everywhere: paused until it works again; advice"
NEVER = 10_000.0


@pytest.mark.parametrize(
    ("limits", "outage", "reached", "ends", "why"),
    [
        (Limits(), (0, NEVER), False, GIVE_UP, "every connection to port 25 fails everywhere for 15 min"),
        (Limits(), (0, NEVER), True, NEVER, ""),
        (Limits(give_up_after=60), (5, NEVER), True, 65, "fails everywhere for 1 min"),
        (Limits(give_up_after=60), (5, 64), True, NEVER, ""),
        (Limits(), (0, GIVE_UP - 1), False, NEVER, ""),
        (Limits(max_time=20), (0, 0), True, 20, "the scan took longer than --max-time 20"),
        (Limits(max_time=20, give_up_after=60), (5, NEVER), True, 20, "--max-time 20"),
    ],
)
async def test_when_a_scan_ends(
    limits: Limits,
    outage: tuple[float, float],
    reached: bool,  # noqa: FBT001 - a table's column
    ends: float,
    why: str,
    autojump_clock: MockClock,
) -> None:
    stop, stats = Stop(), Stats(reached=reached)
    began = trio.current_time()

    async def lose_the_network() -> None:
        await trio.sleep(outage[0])
        if outage[1]:
            stats.outage("network", PAUSE)
            await trio.sleep(outage[1] - outage[0])
            stats.outage("network", "")

    with trio.move_on_after(NEVER):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lose_the_network)
            await watch_limits(stop, stats, limits)
            nursery.cancel_scope.cancel()
    assert trio.current_time() - began == pytest.approx(ends, abs=1)
    assert why in stop.why
    assert stop.draining is bool(why)


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_scan_that_waits_for_nothing_useful_ends_at_once(autojump_clock: MockClock, *, at_once: bool) -> None:
    stop = Stop()
    stop.between_passes = True
    began = trio.current_time()
    with stop.working:
        stop.end("why", at_once=at_once)
        await trio.sleep(NEVER)
    assert trio.current_time() - began == pytest.approx(0 if at_once else DRAIN)
    assert stop.skip_wait.is_set()


def test_a_signal_before_the_limit_is_the_reason() -> None:
    stop = Stop()
    stop.draining = True
    stop.end("why", at_once=True)
    assert stop.why == ""
