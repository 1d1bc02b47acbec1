"""The examination of one MX host: addresses, TLSA records, the probes of each address, and the evidence.

TLSA records and certificates are read at different times, seconds apart, and both are read a second time before a
mismatch is recorded. A key rollover between the readings of TLSA records and certificates must not be recorded as a
mismatch (RFC 7671 section 8.1).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from scanner.core import algorithms, judgement, post_quantum, retry, sampling, tlsa
from scanner.core.sni import server_name
from scanner.core.verdict import accepted_tcp, sessions
from scanner.facts import Answer, CertFacts, Endpoint, Probe, TLSALookup
from scanner.model import EndpointReport, HostReport, Skipped
from scanner.net.probe import ProbeResult
from scanner.net.single_flight import SingleFlight, gather
from scanner.run.addresses import HostAddresses, choose_addresses, find_addresses
from scanner.run.domain_slots import DomainSlots, HostDomains, SlotRequest
from scanner.run.evidence import FACTS, EvidenceMaker, ProbedAddress, large_octets
from scanner.run.host_result import HostKey, HostResult, ReportAndCerts
from scanner.run.ports import Ports, now
from scanner.run.samples import Samples
from scanner.run.slices import Slices
from scanner.settings import WITH_AUTHENTICATION, WITHOUT_AUTHENTICATION
from scanner.vocabulary import FailureKind, Phase
from scanner.worker_status import Vantage

LOOKED_UP = 8
"""Number of hosts of one domain whose addresses are looked up concurrently in order to count the addresses."""

_WORTH_ANOTHER_PROFILE = (FailureKind.TLS, FailureKind.CLOSED, FailureKind.RESET, FailureKind.TIMEOUT)
"""Kinds of handshake failures after which the next TLS profile of the security level is tried."""


@dataclass(frozen=True, slots=True)
class _HostDNS:
    """The DNS answers about a host, and the addresses to probe; ``observed_at`` is the time before the lookups."""

    observed_at: datetime
    addresses: HostAddresses
    lookup: TLSALookup
    chosen: list[str]
    skipped: tuple[Skipped, ...]
    vantages: tuple[Vantage, ...]

    def report(self, key: HostKey, endpoints: tuple[EndpointReport, ...], source: HostKey | None = None) -> HostReport:
        """Return the report of the host.

        If the endpoints are those of another host, ``source`` is the key of the other host.
        """
        return HostReport(
            key=str(key),
            host=key.host,
            port=key.port,
            mode=key.mode,
            a=self.addresses.a,
            aaaa=self.addresses.aaaa,
            tlsa=self.lookup,
            endpoints=endpoints,
            skipped=self.skipped,
            observed_at=self.observed_at,
            vantages=self.vantages,
            inferred=None if source is None else {"from": str(source)},
        )


class HostExaminer:
    """The examiner of MX hosts; each endpoint is probed once, even if many hosts share the endpoint.

    Args:
        ports: interfaces for lookups and probes, and settings.
        find: function that returns the result of a host that was examined earlier, or None.
    """

    def __init__(self, ports: Ports, find: Callable[[HostKey], HostResult | None] = lambda _: None) -> None:
        self._ports = ports
        self._settings = ports.settings
        self._results: SingleFlight[Endpoint, ProbeResult] = SingleFlight(weigh=large_octets)
        self._requests: dict[Endpoint, SlotRequest] = {}
        level = ports.settings.level
        self._evidence = EvidenceMaker(ports.trust)
        self._profiles = WITH_AUTHENTICATION if level.must_match else WITHOUT_AUTHENTICATION
        self._samples = Samples(ports.settings.sni_sample, find) if ports.settings.samples_hosts else None

    async def examine(self, key: HostKey, domains: HostDomains, *, again: bool = False) -> HostResult:
        """Examine one MX host: look up its addresses and TLSA records, and probe each address.

        Args:
            key: the host, port and mode.
            domains: the domains that wait for the host, one of which provides the slot of each probe.
            again: true if the host was examined in an earlier pass; such a host is probed even with ``--sni-sample``.
        """
        observed_at = now()
        addresses = await find_addresses(key.host, self._ports)
        lookup = await self._tlsa(key, addresses)
        chosen, skipped = choose_addresses(key.host, addresses.all, self._ports)
        dns = _HostDNS(observed_at, addresses, lookup, chosen, skipped, self._ports.vantages)
        if self._samples is not None and chosen and not again:
            return await self._sampled(self._samples, key, dns, domains)
        return await self._probed(key, dns, domains)

    async def _probed(self, key: HostKey, dns: _HostDNS, domains: HostDomains) -> HostResult:
        """Probe the addresses of a host; before a mismatch is recorded, look up the TLSA records again."""
        probed = await self._probe_all(key, dns.chosen, dns.lookup, domains)
        if any(address.mismatch for address in probed):
            lookup, probed = await self._confirm(key, dns.addresses, dns.lookup, probed, domains)
            dns = replace(dns, lookup=lookup)

        async def make(slices: Slices) -> ReportAndCerts:
            endpoints, found = await self._evidence.complete(key.host, probed, slices)
            return dns.report(key, endpoints), found

        octets = sum(large_octets(result) for address in probed for result in address.results)
        return HostResult(tuple([address.report for address in probed]), make, FACTS * octets, probed)

    async def _sampled(self, samples: Samples, key: HostKey, dns: _HostDNS, domains: HostDomains) -> HostResult:
        """Return the result of a host from probes of the host, or from a sampled host (``--sni-sample``)."""
        settings, lookup, addresses = self._settings, dns.lookup, dns.addresses
        group = sampling.group_of(settings, key.host, key.port, addresses.answers, addresses.all, lookup)
        if group is None:
            return await self._probed(key, dns, domains)
        named = key.host if settings.sts else None

        def fits(found: HostResult, leaves: Mapping[str, CertFacts]) -> bool:
            same = [each.address for each in found.endpoints] == dns.chosen
            return same and sampling.represents(found.endpoints, leaves, lookup, named)

        source, result = await samples.sample_or_source(group, key, lambda: self._probed(key, dns, domains), fits)
        return result if source == key else _inferred(key, dns, source, result)

    def next_pass(self) -> None:
        """Remove kept results of inconclusive probes, so that the next pass of the scan repeats the probes."""
        self._results.forget(lambda result: retry.of_probe(result.probe))

    async def within_limits(self, keys: Sequence[HostKey]) -> Sequence[HostKey]:
        """Return the first hosts of a route, up to the limits of hosts and of addresses of one domain.

        A host with more addresses than the limit still permits, and all later hosts on the route, are not examined,
        because the result of a partly examined host cannot be shared with other domains. The addresses of hosts are
        looked up only if the limit of addresses can be exceeded.
        """
        limits = self._settings
        keys = keys[: limits.hosts]
        if limits.addresses is not None and len(keys) * limits.addresses <= limits.domain_addresses:
            return keys
        left = limits.domain_addresses
        for place in range(0, len(keys), LOOKED_UP):
            found = await gather(keys[place : place + LOOKED_UP], self.chosen_addresses)
            for number, (chosen, _) in enumerate(found, place):
                left -= len(chosen)
                if left < 0 and number:
                    return keys[:number]
        return keys

    async def chosen_addresses(self, key: HostKey) -> tuple[list[str], tuple[Skipped, ...]]:
        """Return the addresses that ``examine`` would probe, and the addresses that ``examine`` would skip."""
        addresses = await find_addresses(key.host, self._ports)
        return choose_addresses(key.host, addresses.all, self._ports)

    async def _tlsa(self, key: HostKey, addresses: HostAddresses) -> TLSALookup:
        """Look up the TLSA records of the host now, without cached answers (RFC 7672 section 2.2.2)."""
        steps: list[Answer] = []
        while True:
            step = judgement.tlsa_step(key.host, key.port, addresses.answers, steps)
            if isinstance(step, TLSALookup):
                return step
            steps.append(tlsa.known_answer(step) or await self._ports.lookup(*step, fresh=True))

    # --- probes -----------------------------------------------------------------------------------------------

    def _probe_all(
        self, key: HostKey, addresses: list[str], lookup: TLSALookup, domains: HostDomains
    ) -> Awaitable[list[ProbedAddress]]:
        """Probe all addresses concurrently, or one by one up to the first address that accepts a connection."""
        if self._settings.first_answer:
            return self._probe_in_order(key, addresses, lookup, domains)
        return gather(addresses, lambda address: self._probe_address(key, address, lookup, domains), domains.limit)

    async def _probe_in_order(
        self, key: HostKey, addresses: list[str], lookup: TLSALookup, domains: HostDomains
    ) -> list[ProbedAddress]:
        probed: list[ProbedAddress] = []
        for address in addresses:
            probed.append(await self._probe_address(key, address, lookup, domains))
            if accepted_tcp(probed[-1].report):
                break
        return probed

    async def _probe_address(
        self, key: HostKey, address: str, lookup: TLSALookup, domains: HostDomains, *, fresh: bool = False
    ) -> ProbedAddress:
        """Probe one address with each TLS profile of the security level in turn, until a handshake does not fail.

        Also probe the address for certificates with other key algorithms, if the host has usable TLSA records, and for
        post-quantum groups.
        """
        sni = server_name(self._settings.level, lookup, choice=self._settings.sni, host=key.host)
        results: list[ProbeResult] = []
        for profile in self._profiles:
            endpoint = Endpoint(address, key.port, sni, key.mode, profile.name)
            results.append(await self._probe(endpoint, key.host, domains, fresh=fresh))
            if not _handshake_failed(results[-1].probe):
                break
        report = EndpointReport(address, _probes(results))
        own = sessions(report).own
        probed = await self._evidence.with_dane(key.host, report, results, lookup)
        if probed.mismatch and not fresh:  # the second reading asks for the other certificates
            return probed
        for alg, name in algorithms.wanted(self._settings.cert_algs, own, lookup):
            result = await self._probe(replace(own.endpoint, profile=name), key.host, domains, fresh=fresh)
            probed = await self._evidence.with_other(key.host, probed, alg, result, lookup)
        asked = None
        if self._settings.pq and (pq := post_quantum.wanted(own)) is not None:
            asked = await self._probe(replace(own.endpoint, profile=pq), key.host, domains, fresh=fresh)
        return probed.with_pq(own, asked)

    async def _probe(self, endpoint: Endpoint, host: str, domains: HostDomains, *, fresh: bool) -> ProbeResult:
        """Probe an endpoint, or return the result of a probe of the same endpoint for another host.

        With ``fresh``, make a new probe in any case.
        """
        if fresh:
            return await self._probe_in_slot(endpoint, host, domains)
        shared = True

        def begin() -> Awaitable[ProbeResult]:
            nonlocal shared
            shared = False
            return self._probe_in_slot(endpoint, host, domains)

        if (request := self._requests.get(endpoint)) is not None:  # the probe of another host waits for a slot
            request.add(domains)
        result = await self._results.get(endpoint, begin)
        self._ports.stats.endpoints_shared += shared
        return result

    async def _probe_in_slot(self, endpoint: Endpoint, host: str, domains: HostDomains) -> ProbeResult:
        """Probe an endpoint in a slot of one of the domains.

        If the domain of the slot exceeds its limit of evidence in memory, remove the transcript of the probe.
        """
        domain = domains.take() or await self._wait_for_slot(endpoint, domains)
        try:
            result = await self._ports.probe(endpoint, host)
        finally:
            domain.release()
        return result if domain.keeps(result) else replace(result, probe=replace(result.probe, transcript=()))

    async def _wait_for_slot(self, endpoint: Endpoint, domains: HostDomains) -> DomainSlots:
        request = self._requests[endpoint] = SlotRequest()
        try:
            request.add(domains)
            return await request.wait()
        finally:
            if self._requests.get(endpoint) is request:
                del self._requests[endpoint]

    async def _confirm(
        self,
        key: HostKey,
        addresses: HostAddresses,
        lookup: TLSALookup,
        probed: list[ProbedAddress],
        domains: HostDomains,
    ) -> tuple[TLSALookup, list[ProbedAddress]]:
        """Repeat the TLSA lookup without a cache and the probes of addresses with a mismatch; return the new results.

        If the TLSA records have changed, all addresses are probed again.
        """
        again = await self._tlsa(key, addresses)
        changed = again.records != lookup.records

        async def second(first: ProbedAddress) -> ProbedAddress:
            if not changed and not first.mismatch:
                return first
            anew = await self._probe_address(key, first.report.address, again, domains, fresh=True)
            probes = (*first.report.probes, *anew.report.probes)
            return replace(anew, report=replace(anew.report, probes=probes), unconfirmed=first.result)

        return again, await gather(probed, second, domains.limit)


def _inferred(key: HostKey, dns: _HostDNS, source: HostKey, result: HostResult) -> HostResult:
    """Return the result of a host that was not probed: its endpoints are those of ``source``, a sampled host.

    When the writer task makes the report of the host, it first makes the report of ``source``.
    """

    async def make(slices: Slices) -> ReportAndCerts:
        await result.complete(slices)
        return dns.report(key, result.report.endpoints, source), result.certs

    return HostResult(result.endpoints, make)


def _probes(results: list[ProbeResult]) -> tuple[Probe, ...]:
    return tuple([result.probe for result in results])


def _handshake_failed(probe: Probe) -> bool:
    failure = probe.failure
    return failure is not None and failure.phase is Phase.HANDSHAKE and failure.kind in _WORTH_ANOTHER_PROFILE
