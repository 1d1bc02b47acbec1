"""Slow probes and their share of all slots, on trio's autojump clock."""

import pytest
import trio
from trio.testing import MockClock

from scanner.net.deadlines import TICK
from scanner.net.slow_probes import RECHECK, SLOW, SlowProbes

LONG = 60.0
"""Duration of a slow probe in seconds."""


class Waiting:
    """A queue of probes in which a probe waits from a time on."""

    def __init__(self, since: float = 0.0) -> None:
        self._since = trio.current_time() + since

    @property
    def is_awaited(self) -> bool:
        return trio.current_time() >= self._since


async def stopped_after(slow: SlowProbes, count: int, seconds: float = LONG) -> list[float]:
    """Return the times after which probes were stopped, of several probes that begin now."""
    began, found = trio.current_time(), []

    async def probe() -> None:
        deadline = slow.watch()
        with deadline:
            await trio.sleep(seconds)
        if deadline.reached:
            found.append(trio.current_time() - began)

    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(probe)
    return found


async def test_slow_probes_above_half_of_all_slots_are_stopped(autojump_clock: MockClock) -> None:
    slow = SlowProbes(10, Waiting())
    assert await stopped_after(slow, 10) == [pytest.approx(SLOW, abs=2 * TICK)] * 5


async def test_no_probe_is_stopped_while_no_other_probe_waits(autojump_clock: MockClock) -> None:
    assert await stopped_after(SlowProbes(10, Waiting(since=LONG)), 10) == []


async def test_slow_probes_are_stopped_once_another_probe_waits(autojump_clock: MockClock) -> None:
    found = await stopped_after(SlowProbes(10, Waiting(since=20)), 10)
    assert found == [pytest.approx(20, abs=RECHECK + 2 * TICK)] * 5


async def test_quick_probes_take_no_place(autojump_clock: MockClock) -> None:
    slow = SlowProbes(2, Waiting())
    assert await stopped_after(slow, 9, SLOW - 1) == []
    assert len(slow.share) == 0


async def test_places_are_returned(autojump_clock: MockClock) -> None:
    slow = SlowProbes(2, Waiting())
    for _ in range(3):
        assert await stopped_after(slow, 1) == []
    async with slow.place():
        assert len(await stopped_after(slow, 1)) == 1
    assert len(slow.share) == 0


async def test_one_slot_has_a_place(autojump_clock: MockClock) -> None:
    assert await stopped_after(SlowProbes(1, Waiting()), 1) == []
