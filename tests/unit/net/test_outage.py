"""Detection of outages: a network that is down is distinguished from hosts that are down."""

import pytest
import trio
from trio.testing import MockClock

from scanner.net import outage
from scanner.net.outage import MANY, MANY_AT_FIRST, Outage

DOWN = 30.0
"""Seconds of the outage."""


class Net:
    """Peers by number, of which the even ones work, behind a network with one outage."""

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

    async def probe(self, peer: int) -> bool:
        """Try a peer as a scan does, and return whether it works."""
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
        found[peer] = await net.probe(peer)

    async with trio.open_nursery() as nursery:
        for peer in range(peers):
            nursery.start_soon(one, peer)
            await trio.sleep(every)
    return found


@pytest.mark.parametrize("lasts", [0, 2, 20])
@pytest.mark.parametrize("start", [1.0, 3.33, 9.9])
async def test_no_peer_fails_because_of_an_outage(autojump_clock: MockClock, lasts: float, start: float) -> None:
    net = Net((start, start + DOWN), lasts=lasts)
    found = await scan(net, 400)
    assert found == {peer: peer % 2 == 0 for peer in range(400)}
    assert net.said == ["everything fails everywhere: paused until it works again", ""]


async def test_work_pauses(autojump_clock: MockClock) -> None:
    net = Net((5, 5 + 10_000))
    with trio.move_on_after(9_000):
        await scan(net, 400)
    assert net.attempts < 250  # a hundred before, and those until the outage was detected
    assert len(net.trials) < 4 * 9_000 / outage.TRY_EVERY


async def test_an_active_outage_overlaps_an_attempt(autojump_clock: MockClock) -> None:
    """The lookups use this to classify their failures during an outage of the network."""
    net = Net((5, 5 + DOWN))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scan, net, 400)
        await trio.sleep(20)
        assert (net.outage.active, net.outage.overlaps(trio.current_time())) == (True, True)
    await trio.sleep(1)
    assert (net.outage.active, net.outage.overlaps(trio.current_time())) == (False, False)
    assert net.outage.overlaps(10.0)


async def test_peers_that_are_down_are_no_outage(autojump_clock: MockClock) -> None:
    """At the end of a scan all remaining peers may time out; a peer that worked before shows that the network works."""
    net = Net()
    assert await net.probe(0)
    began = trio.current_time()
    for number in range(3):
        async with trio.open_nursery() as nursery:
            for peer in range(MANY + 5):
                nursery.start_soon(net.probe, 2 * peer + 1 + 100 * number)
    assert net.said == []
    assert 0 < len(net.trials) <= 3 * 2
    assert trio.current_time() - began < 3 * (2.1 + 2 * outage.DOUBT + 1)


async def test_a_few_failures_are_confirmed_without_a_trial(autojump_clock: MockClock) -> None:
    net = Net()
    assert await net.probe(0)
    async with trio.open_nursery() as nursery:
        for peer in range(MANY - 1):
            nursery.start_soon(net.probe, 2 * peer + 1)
    assert net.trials == []


async def test_a_pause_ends_if_no_peer_has_ever_worked(autojump_clock: MockClock) -> None:
    net = Net()
    found: dict[int, bool] = {}

    async def one(peer: int) -> None:
        found[peer] = await net.probe(peer)

    began = trio.current_time()
    with trio.move_on_after(4 * outage.PATIENCE):
        async with trio.open_nursery() as nursery:
            for number in range(MANY_AT_FIRST + 5):
                nursery.start_soon(one, 2 * number + 1)
    assert trio.current_time() - began < 4 * outage.PATIENCE
    assert set(found.values()) == {False}
