"""The connections of a scan: circuit breakers and limits control each probe, and each result updates the breakers.

While a provider is in back-off, a probe returns the failure ``held-back`` without a connection, and a retry pass of the
scan makes the connection. Without retry passes, a probe is not deferred, but a provider in back-off gets only one
connection at a time. If this machine runs out of file descriptors or local ports, the limit on the total number of
connections is reduced and the probe is repeated. A probe that failed during an outage of the scanner's network is also
repeated.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime

import trio

from scanner.core import rebuffs
from scanner.core.providers import provider_of
from scanner.facts import Endpoint, Failure, Probe
from scanner.net.breakers import KNOWN, Breakers
from scanner.net.deadlines import Deadline
from scanner.net.gates import Gates, KeyedCap, network_of
from scanner.net.outage import PATIENCE, AtFirst, Outage
from scanner.net.probe import ProbeResult
from scanner.net.slow_probes import SlowProbes
from scanner.run.stats import Stats
from scanner.settings import Settings
from scanner.vocabulary import FailureKind, Phase, StartTLS

_PEER_ANSWERED = (
    *(FailureKind.REJECTED, FailureKind.TLS, FailureKind.UNDECODABLE, FailureKind.PRIME_TOO_LARGE),
    *(FailureKind.GARBAGE, FailureKind.TOO_LONG),
)
"""Kinds of failures caused by data from the peer; such a failure shows that the network works."""

_MAYBE_OUTAGE = (
    *(FailureKind.TIMEOUT, FailureKind.UNREACHABLE, FailureKind.REFUSED, FailureKind.RESET, FailureKind.CLOSED),
)
"""Kinds of failures that an outage of the scanner's network or a local firewall may cause."""

TRIES = 20
"""Maximum number of probes of one endpoint if each probe lacks file descriptors or ports or overlaps an outage.

Twenty probes that lack file descriptors or ports take about 30 seconds.
"""

SHORT_OF_RESOURCES = 1.5
"""Seconds before a probe that lacked file descriptors or ports is repeated."""

_NO_CAP: AbstractAsyncContextManager[None] = nullcontext()


class Connections:
    """A ``ProbeEndpoint`` (probe function) under circuit breakers, connection limits and the outage detector.

    Args:
        settings: limits, rates and retries of the scan.
        stats: counters of the scan.
        probe: function that probes an endpoint once, over one connection.
        report: function that gets messages for the user about an outage.
        patience: maximum duration in seconds of the pause of all connections in an outage if no peer has ever answered.
    """

    def __init__(
        self,
        settings: Settings,
        stats: Stats,
        probe: Callable[[Endpoint], Awaitable[ProbeResult]],
        report: Callable[[str], None] = lambda _: None,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._stats = stats
        self._probe = probe
        self._gates = Gates(settings.caps)
        after = settings.retries.after
        self._has_retries = settings.retries.times > 0
        self._deferred: dict[Endpoint, None] = {}
        # a breaker is open for at most the wait before the next pass
        self._breakers = stats.breakers = Breakers(first=after / 2, longest=after)
        self._one_at_a_time = KeyedCap(1)
        self._slow = SlowProbes(settings.caps.total, self._gates)
        self.outage: Outage[tuple[Endpoint, str]] = Outage(
            self._works,
            report,
            f"every connection to port {settings.port}",
            advice=f"; mxsweep doctor shows whether this network blocks port {settings.port}",
            at_first=AtFirst(_place),
            patience=patience,
        )

    async def __call__(self, endpoint: Endpoint, host: str) -> ProbeResult:
        """Probe an endpoint of an MX host."""
        self._stats.wanted += 1
        try:
            for _ in range(TRIES):
                result = await self._attempt(endpoint, host)
                failure = result.probe.failure
                if failure is not None and failure.kind is FailureKind.RESOURCES and failure.code is not None:
                    self._gates.shrink()
                    await trio.sleep(SHORT_OF_RESOURCES)
                elif await self._is_final((endpoint, host), result.probe):
                    break
        finally:
            self._stats.wanted -= 1
        return result

    async def _is_final(self, peer: tuple[Endpoint, str], probe: Probe) -> bool:
        """Return False if an outage overlapped the probe, so that the caller repeats the probe."""
        failure = probe.failure
        if failure is None or failure.phase is not Phase.CONNECT:
            self._stats.reached = True
            self.outage.reached()
        if failure is None or failure.kind in _PEER_ANSWERED:
            self.outage.worked(peer)
            return True
        if failure.kind not in _MAYBE_OUTAGE:
            return True
        began = trio.current_time() - sum(probe.ms.values()) / 1000
        if failure.phase is Phase.CONNECT:
            return await self.outage.confirmed(peer, began)
        await self.outage.wait_until_over()
        return not self.outage.overlaps(began)

    async def _works(self, peer: tuple[Endpoint, str]) -> bool:
        """Return whether a peer is reachable now, by a trial connection, which precedes other waiting connections."""
        endpoint, host = peer
        async with self._gates.connection(endpoint.address, host, trial=True):
            failure = (await self._counted(endpoint)).probe.failure
        return failure is None or failure.phase is not Phase.CONNECT

    async def _attempt(self, endpoint: Endpoint, host: str) -> ProbeResult:
        """Probe an endpoint once.

        A probe that was stopped because it was slow is repeated when one of the slots for slow probes is free.
        """
        result = await self._probe_within(endpoint, host, self._slow.watch)
        while result is None:
            async with self._slow.place():
                result = await self._probe_within(endpoint, host, Deadline)
        return result

    async def _probe_within(
        self, endpoint: Endpoint, host: str, patience: Callable[[], Deadline]
    ) -> ProbeResult | None:
        """Wait for the connection limits and the end of any outage, and probe once.

        Defer the probe if a circuit breaker is open. Return None if the deadline made by ``patience`` stopped the
        probe.
        """
        provider, network = keys = provider_of(host), network_of(endpoint.address)
        while True:
            await self.outage.wait_until_over((endpoint, host))
            if self._defers(endpoint, *keys):
                return _held_back(endpoint)
            gate = self._gates.connection(endpoint.address, host)
            async with self._careful(provider), self._careful(network), gate:  # in the order of the gates
                if self.outage.active:  # the outage began during the wait
                    continue
                if self._defers(endpoint, *keys):  # the breaker opened during the wait
                    return _held_back(endpoint)
                with patience():
                    result = await self._counted(endpoint)
                    self._learn(provider, network, result.probe)
                    return result
                return None

    async def _counted(self, endpoint: Endpoint) -> ProbeResult:
        self._stats.in_flight += 1
        try:
            result = await self._probe(endpoint)
        finally:
            self._stats.in_flight -= 1
        self._stats.endpoints_probed += 1
        return result

    # --- breakers ---------------------------------------------------------------------------------------------

    def _defers(self, endpoint: Endpoint, provider: str, network: str) -> bool:
        """Return whether a breaker defers the probe of the endpoint to a retry pass.

        The probe of an endpoint is deferred only once, so that an address that rejects connections in every pass of the
        scan does not prevent probes of the other addresses of its host.
        """
        at = trio.current_time()
        is_open = self._breakers.is_open(provider, at) or self._breakers.is_open(network, at)
        if not self._has_retries or not is_open or endpoint in self._deferred:
            return False
        self._deferred[endpoint] = None
        if len(self._deferred) > KNOWN:
            del self._deferred[next(iter(self._deferred))]
        self._breakers.defer(provider, at)
        self._breakers.defer(network, at)
        return True

    def _careful(self, key: str) -> AbstractAsyncContextManager[None]:
        """Return a limit of one connection at a time if the breaker of ``key`` (provider or network) ever opened."""
        return self._one_at_a_time.slot(key) if self._breakers.has_opened(key) else _NO_CAP

    def _learn(self, provider: str, network: str, probe: Probe) -> None:
        """Update the circuit breakers after a probe.

        A reply that rejects the connection opens the breaker of the provider at once. The breaker of a network opens
        only after several addresses in a row have refused connections, because a network may contain many providers.
        """
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


def _place(peer: tuple[Endpoint, str]) -> tuple[str, str]:
    """Return the address and the network of a peer."""
    address = peer[0].address
    return address, network_of(address)


def _held_back(endpoint: Endpoint) -> ProbeResult:
    starttls = StartTLS.IMPLICIT if endpoint.mode.implicit_tls else StartTLS.UNKNOWN
    failure = Failure(Phase.CONNECT, FailureKind.HELD_BACK)
    return ProbeResult(Probe(endpoint, datetime.now(UTC), {}, starttls, failure=failure), ())
