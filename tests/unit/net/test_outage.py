"""Detection of outages: a network that is down is distinguished from hosts that are down."""

import math

import pytest
import trio
from trio.testing import MockClock

from scanner.net import outage
from scanner.net.outage import MANY, MANY_AT_FIRST, AtFirst, Outage

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


class Blocked:
    """Hosts (network, number) behind a network that refuses all connections until ``open`` is set."""

    def __init__(self, *, works: set[tuple[int, int]] | None = None) -> None:
        self.works = works or set()
        self.said: list[str] = []
        self.trials: list[tuple[int, int]] = []
        place: AtFirst[tuple[int, int]] = AtFirst(lambda host: (host, host[0]))
        self.outage: Outage[tuple[int, int]] = Outage(
            self.trial, self.said.append, "port 25", advice="; look", at_first=place, patience=math.inf
        )

    async def trial(self, host: tuple[int, int]) -> bool:
        self.trials.append(host)
        await trio.lowlevel.checkpoint()
        return host in self.works

    async def fail(self, host: tuple[int, int]) -> None:
        await self.outage.confirmed(host, trio.current_time())


@pytest.mark.parametrize(
    ("hosts", "paused"),
    [
        ([(n % 5, n) for n in range(20)], True),
        ([(n % 5, n) for n in range(19)], False),
        ([(n % 4, n) for n in range(40)], False),
        ([(n % 5, n % 10) for n in range(40)], False),
    ],
    ids=["20 in 5 networks", "19", "4 networks", "the same 10 again and again"],
)
async def test_a_network_that_blocks_all_connections(
    hosts: list[tuple[int, int]],
    paused: bool,  # noqa: FBT001 - a table's column
    autojump_clock: MockClock,
) -> None:
    net = Blocked()
    with trio.move_on_after(100):
        async with trio.open_nursery() as nursery:
            for host in hosts:
                nursery.start_soon(net.fail, host)
    assert net.outage.active is paused
    assert net.said == (["port 25 fails everywhere: paused until it works again; look"] if paused else [])


async def test_a_host_that_accepts_a_connection_shows_that_nothing_is_blocked(autojump_clock: MockClock) -> None:
    net = Blocked()
    net.outage.reached()
    with trio.move_on_after(100):
        async with trio.open_nursery() as nursery:
            for number in range(MANY_AT_FIRST - 1):
                nursery.start_soon(net.fail, (number, number))
    assert net.said == []


async def test_a_pause_tries_hosts_that_have_not_been_tried(autojump_clock: MockClock) -> None:
    """The first hosts of a list may all be down. Those that wait are tried once each, then the last that failed."""
    net = Blocked(works={(9, 30)})
    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(net.fail, (number % 5, number))
        await trio.sleep(outage.DOUBT + 0.1)
        for number in range(20, 40):
            nursery.start_soon(net.outage.wait_until_over, (9, number))
    assert net.said[-1] == ""
    assert (9, 30) in net.trials
    waiting = [host for host in net.trials if host[0] == 9]
    assert len(waiting) == len(set(waiting))
    assert trio.current_time() < 60
