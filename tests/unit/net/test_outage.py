"""A network that is gone is told from hosts that are gone, on a clock that jumps."""

import pytest
import trio
from trio.testing import MockClock

from scanner.net import outage
from scanner.net.outage import MANY, MANY_AT_FIRST, Outage

DOWN = 30.0
"""Seconds that the network is away."""


class Net:
    """Peers by number; the even ones live. The network is away for a while, and attempts take a moment."""

    def __init__(self, away: tuple[float, float] = (-1, -1), *, lasts: float = 2) -> None:
        self._away = away
        self._lasts = lasts
        self.said: list[str] = []
        self.trials: list[int] = []
        self.attempts = 0
        self.outage: Outage[int] = Outage(self.trial, self.said.append, "everything")

    async def connect(self, peer: int) -> bool:
        began = trio.current_time()
        await trio.sleep(0.1)
        from_, until = self._away
        gone = from_ <= trio.current_time() < until or from_ <= began < until
        if gone or peer % 2:
            await trio.sleep(self._lasts)
        return not gone and peer % 2 == 0

    async def trial(self, peer: int) -> bool:
        self.trials.append(peer)
        return await self.connect(peer)

    async def visit(self, peer: int) -> bool:
        """Visit a peer as a scan does; the verdict on it."""
        while True:
            await self.outage.wait_until_over()
            self.attempts += 1
            began = trio.current_time()
            if await self.connect(peer):
                self.outage.worked(peer)
                return True
            if await self.outage.confirmed(peer, began):
                return False


async def scan(net: Net, peers: int, every: float = 0.05) -> dict[int, bool]:
    found: dict[int, bool] = {}

    async def one(peer: int) -> None:
        found[peer] = await net.visit(peer)

    async with trio.open_nursery() as nursery:
        for peer in range(peers):
            nursery.start_soon(one, peer)
            await trio.sleep(every)
    return found


@pytest.mark.parametrize("lasts", [0, 2, 20])
@pytest.mark.parametrize("start", [1.0, 3.33, 9.9])
async def test_nobody_is_called_dead_for_an_outage(autojump_clock: MockClock, lasts: float, start: float) -> None:
    net = Net((start, start + DOWN), lasts=lasts)
    found = await scan(net, 400)
    assert found == {peer: peer % 2 == 0 for peer in range(400)}
    assert net.said == ["everything fails everywhere: paused until it works again", ""]


async def test_work_pauses(autojump_clock: MockClock) -> None:
    net = Net((5, 5 + 10_000))
    with trio.move_on_after(9_000):
        await scan(net, 400)
    assert net.attempts < 250  # a hundred before, and those of the seconds until it was noticed
    assert len(net.trials) < 4 * 9_000 / outage.TRY_EVERY


async def test_what_fails_in_an_outage_is_known_to_be_hit_before_its_end(autojump_clock: MockClock) -> None:
    """Who watches over something else, like the DNS, need not wait for the end to tell."""
    net = Net((5, 5 + DOWN))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scan, net, 400)
        await trio.sleep(20)
        assert (net.outage.active, net.outage.overlaps(trio.current_time())) == (True, True)
    await trio.sleep(1)
    assert (net.outage.active, net.outage.overlaps(trio.current_time())) == (False, False)
    assert net.outage.overlaps(10.0)


async def test_the_dead_alone_are_no_outage(autojump_clock: MockClock) -> None:
    """At the end of a list only those are left that time out: one that worked is asked, and the network is well."""
    net = Net()
    assert await net.visit(0)
    began = trio.current_time()
    for number in range(3):
        async with trio.open_nursery() as nursery:
            for peer in range(MANY + 5):
                nursery.start_soon(net.visit, 2 * peer + 1 + 100 * number)
    assert net.said == []
    assert 0 < len(net.trials) <= 3 * 2
    assert trio.current_time() - began < 3 * (2.1 + 2 * outage.DOUBT + 1)


async def test_a_few_failures_are_believed_without_asking_anybody(autojump_clock: MockClock) -> None:
    net = Net()
    assert await net.visit(0)
    async with trio.open_nursery() as nursery:
        for peer in range(MANY - 1):
            nursery.start_soon(net.visit, 2 * peer + 1)
    assert net.trials == []


async def test_where_nothing_ever_worked_patience_ends(autojump_clock: MockClock) -> None:
    net = Net()
    found: dict[int, bool] = {}

    async def one(peer: int) -> None:
        found[peer] = await net.visit(peer)

    began = trio.current_time()
    with trio.move_on_after(4 * outage.PATIENCE):
        async with trio.open_nursery() as nursery:
            for number in range(MANY_AT_FIRST + 5):
                nursery.start_soon(one, 2 * number + 1)
    assert trio.current_time() - began < 4 * outage.PATIENCE
    assert set(found.values()) == {False}
