"""Every connection of a scan, with what stands before it: breakers, then gates; and what is learned from it.

A provider that turned us away is held back: the probe says so without a connection, for a later pass to make. Without
later passes nobody would make it, so such a provider only gets one connection at a time. Where this machine runs out of
descriptors or ports, fewer connections are made at once and the probe is done again; so it is where the network was
gone.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime

import trio

from scanner.core import rebuffs
from scanner.core.providers import provider_of
from scanner.facts import Endpoint, Failure, Probe
from scanner.net.breakers import KNOWN, Breakers
from scanner.net.gates import Gates, KeyedCap, network_of
from scanner.net.outage import Outage
from scanner.net.probe import ProbeResult
from scanner.run.stats import Stats
from scanner.settings import Settings
from scanner.vocabulary import FailureKind, Phase, StartTLS

_HEARD = (FailureKind.REJECTED, FailureKind.TLS, FailureKind.GARBAGE, FailureKind.TOO_LONG)
"""Failures that the peer sent us: the network works."""

_OUTAGE = (FailureKind.TIMEOUT, FailureKind.UNREACHABLE, FailureKind.REFUSED, FailureKind.RESET, FailureKind.CLOSED)
"""Failures that a network may cause that is gone, or a firewall before us."""

TRIES = 20
"""Probes of one endpoint for want of descriptors, ports or a network: half a minute for others to give them back."""

SHORT_OF_RESOURCES = 1.5
"""Seconds before such a probe is done again."""

_AT_ONCE: AbstractAsyncContextManager[None] = nullcontext()


class Connections:
    """Probes endpoints when it is their turn.

    Args:
        settings: caps, rates and retries.
        stats: counts what is done.
        probe: makes one connection.
        tell: takes what the user should hear about an outage.
    """

    def __init__(
        self,
        settings: Settings,
        stats: Stats,
        probe: Callable[[Endpoint], Awaitable[ProbeResult]],
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._stats = stats
        self._probe = probe
        self._gates = Gates(settings.caps)
        after = settings.retries.after
        self._later = settings.retries.times > 0
        self._put_off: dict[Endpoint, None] = {}
        # none outlasts the wait for the next pass
        self._breakers = stats.breakers = Breakers(first=after / 2, longest=after)
        self._careful = KeyedCap(1)
        self.outage: Outage[tuple[Endpoint, str]] = Outage(self._works, tell, "every connection")

    async def __call__(self, endpoint: Endpoint, host: str) -> ProbeResult:
        """What is seen at an endpoint that an MX host leads to."""
        self._stats.wanted += 1
        try:
            for _ in range(TRIES):
                sighting = await self._once(endpoint, host)
                failure = sighting.probe.failure
                if failure is not None and failure.kind is FailureKind.RESOURCES:
                    self._gates.shrink()
                    await trio.sleep(SHORT_OF_RESOURCES)
                elif await self._stands((endpoint, host), sighting.probe):
                    break
        finally:
            self._stats.wanted -= 1
        return sighting

    async def _stands(self, peer: tuple[Endpoint, str], probe: Probe) -> bool:
        """Is what was seen the peer's doing? False for what fell into an outage."""
        failure = probe.failure
        if failure is None or failure.kind in _HEARD:
            self.outage.worked(peer)
            return True
        if failure.kind not in _OUTAGE:
            return True
        began = trio.current_time() - sum(probe.ms.values()) / 1000
        if failure.phase is Phase.CONNECT:
            return await self.outage.believed(peer, began)
        await self.outage.over()
        return not self.outage.hit(began)

    async def _works(self, peer: tuple[Endpoint, str]) -> bool:
        """Can a peer be reached now? That is a connection as any other, but the next in every line."""
        endpoint, host = peer
        async with self._gates.connection(endpoint.address, host, trial=True):
            failure = (await self._counted(endpoint)).probe.failure
        return failure is None or failure.phase is not Phase.CONNECT

    async def _once(self, endpoint: Endpoint, host: str) -> ProbeResult:
        """One probe, when it is its turn and there is no outage."""
        provider, network = keys = provider_of(host), network_of(endpoint.address)
        while True:
            await self.outage.over()
            if self._holds(endpoint, *keys):
                return _held_back(endpoint)
            gate = self._gates.connection(endpoint.address, host)
            async with self._carefully(provider), self._carefully(network), gate:  # the provider first, as at the gates
                if self.outage.lasts:  # since we came to wait
                    continue
                if self._holds(endpoint, *keys):  # the same
                    return _held_back(endpoint)
                sighting = await self._counted(endpoint)
                self._learn(provider, network, sighting.probe)
                return sighting

    async def _counted(self, endpoint: Endpoint) -> ProbeResult:
        self._stats.in_flight += 1
        try:
            sighting = await self._probe(endpoint)
        finally:
            self._stats.in_flight -= 1
        self._stats.endpoints_probed += 1
        return sighting

    # --- breakers ---------------------------------------------------------------------------------------------

    def _holds(self, endpoint: Endpoint, provider: str, network: str) -> bool:
        """Put an endpoint off, but once only: else one bad address could keep its host's others unseen for ever."""
        at = trio.current_time()
        shut = self._breakers.is_open(provider, at) or self._breakers.is_open(network, at)
        if not self._later or not shut or endpoint in self._put_off:
            return False
        self._put_off[endpoint] = None
        if len(self._put_off) > KNOWN:
            del self._put_off[next(iter(self._put_off))]
        self._breakers.defer(provider, at)
        self._breakers.defer(network, at)
        return True

    def _carefully(self, key: str) -> AbstractAsyncContextManager[None]:
        """One at a time where we were turned away before."""
        return self._careful.slot(key) if self._breakers.has_opened(key) else _AT_ONCE

    def _learn(self, provider: str, network: str, probe: Probe) -> None:
        """A reply counts at once for the provider; a network has many tenants, and opens for several in a row only."""
        failure, at, address = probe.failure, trio.current_time(), probe.endpoint.address
        if failure is not None and rebuffs.turns_away(failure):
            self._breakers.rejected(provider, at)
            self._breakers.refused(network, address, at)
        elif failure is not None and failure.phase is Phase.CONNECT:
            if failure.kind is FailureKind.REFUSED:
                self._breakers.refused(provider, address, at)
                self._breakers.refused(network, address, at)
        else:
            self._breakers.accepted(provider)
            self._breakers.accepted(network)


def _held_back(endpoint: Endpoint) -> ProbeResult:
    starttls = StartTLS.IMPLICIT if endpoint.mode.implicit_tls else StartTLS.UNKNOWN
    failure = Failure(Phase.CONNECT, FailureKind.HELD_BACK)
    return ProbeResult(Probe(endpoint, datetime.now(UTC), {}, starttls, failure=failure), ())
