"""Time slices: other tasks run between the parts of a long computation, and a short one has no checkpoint."""

import logging
import time
from collections.abc import Iterator

import pytest
import trio

from scanner.run.slices import SLICE, Slices


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time of the slices in a list of one member, which a test sets."""
    at = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: at[0])
    return at


async def turns_of_others(computation: Iterator[float], clock: list[float]) -> tuple[int, int]:
    """Return how often another task ran during a computation, and the number of its parts."""
    ran: list[None] = []

    async def other() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            ran.append(None)

    parts = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        own = Slices()
        for seconds in computation:
            clock[0] += seconds
            await own.turn("mx1.example")
            parts += 1
        nursery.cancel_scope.cancel()
    return len(ran), parts


async def test_a_computation_within_a_slice_has_no_checkpoint(clock: list[float]) -> None:
    assert await turns_of_others(iter([SLICE / 100] * 99), clock) == (0, 99)


async def test_other_tasks_run_after_each_slice(clock: list[float]) -> None:
    ran, _ = await turns_of_others(iter([SLICE / 2] * 40), clock)
    assert 18 <= ran <= 21


async def test_a_long_part_is_logged_with_its_host(clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await turns_of_others(iter([0.1, 0.3]), clock)
    assert caplog.messages == ["mx1.example: one step took 0.30 s and delayed all other probes"]
