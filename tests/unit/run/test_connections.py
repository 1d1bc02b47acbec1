"""Connections behind gates, breakers and the outage detector."""

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
PAUSED = (
    "every connection to port 25 fails everywhere: paused until it works again;"
    " mxsweep doctor shows whether this network blocks port 25"
)
SILENCE = 2.0
"""Timeout of a connection attempt in seconds."""


class FailingNetwork:
    """A network that is down for a while: a probe that begins or waits in that time gets no answer."""

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
async def test_an_outage_is_detected_while_hundreds_wait_at_the_gates(
    rate: float, total: int, autojump_clock: MockClock
) -> None:
    network = FailingNetwork((2.0, 11.0))
    messages: list[str] = []
    caps = Caps(total=total, rate=rate, spacing=0)
    settings = replace(Settings(), caps=caps, retries=Retries(2, 300))
    connections = Connections(settings, Stats(), network.probe, messages.append)
    seen: list[ProbeResult] = []

    async def probe(number: int) -> None:
        endpoint = Endpoint(f"192.{number // 256}.{number % 256}.1", 25, None, Mode.SMTP, "opportunistic")
        seen.append(await connections(endpoint, f"mx.d{number}.example"))

    async with trio.open_nursery() as nursery:
        for number in range(int(rate * 20)):
            nursery.start_soon(probe, number)
    assert [result.probe.failure for result in seen] == [None] * int(rate * 20)
    assert messages == [PAUSED, ""]
    assert network.during < rate * 5 + 40  # in the seconds until it was detected, and the trials


async def test_without_descriptors_fewer_probes_run_at_once_and_all_succeed(autojump_clock: MockClock) -> None:
    """The machine has descriptors for three probes; thirty are requested."""
    settings = replace(Settings(), caps=Caps(total=30, rate=1e9, spacing=0), retries=Retries(0, 300))
    inside = 0
    failed = 0

    async def attempt(endpoint: Endpoint) -> ProbeResult:
        nonlocal inside, failed
        if inside >= 3:
            failed += 1
            return fails(Phase.CONNECT, FailureKind.RESOURCES, 24)(endpoint)
        inside += 1
        await trio.sleep(1)
        inside -= 1
        return shakes()(endpoint)

    connections = Connections(settings, Stats(), attempt)
    seen: list[ProbeResult] = []

    async def probe(number: int) -> None:
        endpoint = Endpoint(f"192.0.{number}.1", 25, None, Mode.SMTP, "authenticated")
        seen.append(await connections(endpoint, f"mx.d{number}.example"))

    async with trio.open_nursery() as nursery:
        for number in range(30):
            nursery.start_soon(probe, number)
    assert [result.probe.failure for result in seen] == [None] * 30
    assert failed <= 30 * 2


async def test_a_failure_for_a_limit_of_mxsweep_itself_is_not_a_shortage(autojump_clock: MockClock) -> None:
    """The operating system's shortages have an errno; a shortage would repeat the probe and lower the limits."""
    calls = 0

    async def attempt(endpoint: Endpoint) -> ProbeResult:
        nonlocal calls
        calls += 1
        return fails(Phase.HANDSHAKE, FailureKind.RESOURCES)(endpoint)

    connections = Connections(Settings(), Stats(), attempt)
    await connections(Endpoint("192.0.2.1", 25, None, Mode.SMTP, "authenticated"), "mx.example.com")
    assert calls == 1


async def test_deferred_connections_are_counted_by_provider(autojump_clock: MockClock) -> None:
    stats = Stats()

    async def busy(endpoint: Endpoint) -> ProbeResult:
        return fails(Phase.GREETING, FailureKind.REJECTED, 421, "busy")(endpoint)

    connections = Connections(Settings(), stats, busy)
    for number in range(3):
        await connections(Endpoint(f"192.0.{number}.1", 25, None, Mode.SMTP, "opportunistic"), "mx.example.com")
    assert stats.breakers is not None
    (found,) = stats.breakers.open(trio.current_time())
    assert (found.name, found.endpoints) == ("example.com", 2)


async def test_silent_servers_leave_half_of_the_slots_to_the_others(autojump_clock: MockClock) -> None:
    """Servers that answer are probed at once, although more silent servers than slots come first."""
    settings = replace(Settings(), caps=Caps(total=20, rate=1e9, spacing=0), retries=Retries(0, 300))
    ended: list[str] = []
    most = 0
    in_flight: set[str] = set()

    async def attempt(endpoint: Endpoint) -> ProbeResult:
        nonlocal most
        silent = endpoint.address.startswith("198.")
        if silent:
            in_flight.add(endpoint.address)
            most = max(most, len(in_flight))
        try:
            await trio.sleep(60 if silent else 0.5)
        finally:
            in_flight.discard(endpoint.address)
        return fails(Phase.GREETING, FailureKind.TIMEOUT)(endpoint) if silent else shakes()(endpoint)

    connections = Connections(settings, Stats(), attempt)

    async def probe(address: str) -> None:
        endpoint = Endpoint(address, 25, None, Mode.SMTP, "opportunistic")
        result = await connections(endpoint, f"mx.d{address.replace('.', '-')}.example")
        ended.append(address)
        assert (result.probe.failure is not None) == address.startswith("198.")

    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(probe, f"198.51.{number}.1")
        await trio.sleep(1)
        for number in range(100):
            nursery.start_soon(probe, f"192.0.{number}.1")
    assert all(address.startswith("192.") for address in ended[:100])
    assert len(ended) == 140
    assert most == 20  # all slots before the first servers are slow
