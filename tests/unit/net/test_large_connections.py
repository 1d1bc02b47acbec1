"""The limit on large connections: their number, and the pause after the handshake of each."""

import pytest
import trio
import trio.testing

from scanner.net.heavy_work import PAUSE
from scanner.net.large_connections import AT_ONCE, LONGEST_PAUSE, LargeConnections


async def test_few_connections_are_large_at_the_same_time(autojump_clock: trio.testing.MockClock) -> None:
    large, began = LargeConnections(), []

    async def connect() -> None:
        await large.begin()
        began.append(trio.current_time())
        await trio.sleep(10)
        large.end(0)

    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE + 1):
            nursery.start_soon(connect)
    assert [at - start for at in began] == [0] * AT_ONCE + [10]


async def test_no_connection_becomes_large_during_the_pause(autojump_clock: trio.testing.MockClock) -> None:
    """Two handshakes of 0.1 s and 0.2 s end at the same time: the pauses add up."""
    large, start = LargeConnections(), trio.current_time()
    await large.begin()
    await large.begin()
    large.end(0.1)
    large.end(0.2)
    await large.begin()
    assert trio.current_time() - start == pytest.approx(0.3 * PAUSE)


async def test_many_handshakes_make_no_long_pause(autojump_clock: trio.testing.MockClock) -> None:
    large, start = LargeConnections(), trio.current_time()
    for _ in range(100):
        await large.begin()
        large.end(0)
    await large.begin()
    large.end(100)
    await large.begin()
    assert trio.current_time() - start == LONGEST_PAUSE


async def test_a_cancelled_wait_takes_no_place(autojump_clock: trio.testing.MockClock) -> None:
    large = LargeConnections(1)
    await large.begin()
    large.end(1)
    with trio.move_on_after(1):
        await large.begin()
    with trio.fail_after(LONGEST_PAUSE):
        await large.begin()
