"""Deadlines: kept within a tick, movable, and without a task while there are none."""

import socket

import pytest
import trio
import trio.testing

from scanner.net.deadlines import TICK, Deadline
from scanner.net.tcp import TCPStream

A_TICK = TICK + 1e-6  # and floating point


async def test_a_block_is_cancelled_within_a_tick(autojump_clock: trio.testing.MockClock) -> None:
    with Deadline(3) as limit:
        await trio.sleep_forever()
    assert limit.reached
    assert 3 <= trio.current_time() <= 3 + A_TICK


async def test_a_moved_deadline_counts(autojump_clock: trio.testing.MockClock) -> None:
    with Deadline(3) as limit:
        await trio.sleep(2)
        limit.at = 5
        await trio.sleep(2)
        limit.at = 4.5
        await trio.sleep_forever()
    assert limit.reached
    assert 4.5 <= trio.current_time() <= 4.5 + A_TICK


async def test_a_block_that_ends_in_time_is_not_cancelled(autojump_clock: trio.testing.MockClock) -> None:
    with Deadline(1) as limit:
        await trio.sleep(0.5)
    await trio.sleep(2)
    assert not limit.reached


@pytest.mark.parametrize("reads", [1, 7])
async def test_octets_that_arrived_before_a_late_wake_up_are_read_first(
    reads: int, autojump_clock: trio.testing.MockClock
) -> None:
    """The process stalls for a minute after the octets have arrived; trio's order of tasks is random: ten attempts."""
    for _ in range(10):
        ours, peer = socket.socketpair()
        ours.settimeout(0)
        with peer:
            stream = TCPStream(ours)
            peer.sendall(b"x")
            assert await stream.receive_some() == b"x"
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_stall, peer, reads, autojump_clock)
                with Deadline(trio.current_time() + 3) as limit:
                    for _ in range(reads):
                        assert await stream.receive_some(1) == b"x"
                    limit.at = float("inf")
                    await trio.lowlevel.checkpoint()
                    await trio.sleep(TICK)
            assert not limit.reached
            stream.close()


async def _stall(peer: socket.socket, octets: int, clock: trio.testing.MockClock) -> None:
    await trio.sleep(1)
    peer.sendall(b"x" * octets)
    clock.jump(60)


async def test_deadlines_are_independent(autojump_clock: trio.testing.MockClock) -> None:
    ended: dict[float, float] = {}

    async def wait(seconds: float) -> None:
        with Deadline(seconds):
            await trio.sleep_forever()
        ended[seconds] = trio.current_time()

    async with trio.open_nursery() as nursery:
        for seconds in (4, 1, 2.5):
            nursery.start_soon(wait, seconds)
    assert list(ended) == [1, 2.5, 4]
    assert all(wanted <= was <= wanted + A_TICK for wanted, was in ended.items())


async def test_cancellation_and_errors_pass_through(autojump_clock: trio.testing.MockClock) -> None:
    with trio.move_on_after(1) as outer, Deadline(5) as limit:
        await trio.sleep_forever()
    assert (outer.cancelled_caught, limit.reached) == (True, False)
    with pytest.raises(KeyError), Deadline(5):
        raise KeyError


async def test_the_checking_task_ends_with_the_last_deadline(autojump_clock: trio.testing.MockClock) -> None:
    before = trio.lowlevel.current_statistics().tasks_living
    with Deadline(9):
        await trio.sleep(1)
        assert trio.lowlevel.current_statistics().tasks_living == before + 1
    await trio.sleep(A_TICK)
    assert trio.lowlevel.current_statistics().tasks_living == before
    with Deadline(2) as limit:  # the next deadline starts a new task
        await trio.sleep_forever()
    assert limit.reached
