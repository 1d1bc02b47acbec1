"""Connections where the network goes away: whoever waits at the gates must not keep us from finding out."""

from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from scanner.facts import Endpoint
from scanner.net.probe import ProbeResult
from scanner.run.connections import Connections
from scanner.run.stats import Stats
from scanner.settings import Caps, Retries, Settings
from scanner.vocabulary import FailureKind, Mode, Phase
from tests.unit.fakes import fails, shakes

TIMED_OUT = fails(Phase.CONNECT, FailureKind.TIMEOUT)
SILENCE = 2.0
"""Seconds after which a connection attempt is given up."""


class Network:
    """A network that is away for a while; whoever begins or waits in that time gets no answer."""

    def __init__(self, away: tuple[float, float]) -> None:
        self._from, self._until = away
        self.began: list[float] = []
        self.during = 0

    async def probe(self, endpoint: Endpoint) -> ProbeResult:
        self.began.append(trio.current_time())
        await trio.sleep(0.2)
        if self._from <= trio.current_time() < self._until:
            self.during += 1
            await trio.sleep(SILENCE)
            return TIMED_OUT(endpoint)
        return shakes()(endpoint)


@pytest.mark.parametrize(("rate", "total"), [(15, 512), (15, 20), (100, 512)])
async def test_an_outage_is_noticed_though_hundreds_wait_for_their_turn(
    rate: float, total: int, autojump_clock: MockClock
) -> None:
    network = Network((2.0, 11.0))
    told: list[str] = []
    caps = Caps(total=total, rate=rate, spacing=0)
    settings = replace(Settings(), caps=caps, retries=Retries(2, 300))
    connections = Connections(settings, Stats(), network.probe, told.append)
    seen: list[ProbeResult] = []

    async def visit(number: int) -> None:
        endpoint = Endpoint(f"192.{number // 256}.{number % 256}.1", 25, None, Mode.SMTP, "opportunistic")
        seen.append(await connections(endpoint, f"mx.d{number}.example"))

    async with trio.open_nursery() as nursery:
        for number in range(int(rate * 20)):
            nursery.start_soon(visit, number)
    assert [sighting.probe.failure for sighting in seen] == [None] * int(rate * 20)
    assert told == ["every connection fails everywhere: paused until it works again", ""]
    assert network.during < rate * 5 + 40  # those of the seconds until it was noticed, and the trials
