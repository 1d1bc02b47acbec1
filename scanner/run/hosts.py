"""The examination of one MX host: addresses, TLSA records, one probe of each endpoint, and the evidence.

TLSA records and certificates are read at different times, seconds apart, and are read a second time before a mismatch
is recorded. A key rollover between the two readings must not be recorded as a mismatch (RFC 7671 section 8.1).
"""

import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import trio

from scanner.core import judgement, retry, tlsa
from scanner.core.matching import matched_peername
from scanner.core.sni import server_name
from scanner.core.verdict import accepted_tcp, sessions
from scanner.core.x509 import facts as certs
from scanner.facts import Answer, CertFacts, Endpoint, Probe, TLSALookup
from scanner.model import DaneEvidence, EndpointReport, HostReport, Skipped
from scanner.net.probe import ProbeResult
from scanner.net.single_flight import SingleFlight, gather
from scanner.run.addresses import HostAddresses, choose_addresses, find_addresses
from scanner.run.domain_slots import DomainSlots, HostDomains, SlotRequest
from scanner.run.host_result import HostKey, HostResult, ReportAndCerts
from scanner.run.ports import Ports, now
from scanner.run.slices import Slices
from scanner.settings import WITH_AUTHENTICATION, WITHOUT_AUTHENTICATION
from scanner.vocabulary import FailureKind, Phase

LOOKED_UP = 8
"""Number of hosts of one domain whose addresses are looked up concurrently to count them."""

_WORTH_ANOTHER_PROFILE = (FailureKind.TLS, FailureKind.CLOSED, FailureKind.RESET, FailureKind.TIMEOUT)
"""Kinds of handshake failure after which the next TLS profile is probed."""

HEAVY_OCTETS = 16 * 1024
"""Octets of chain and TLSA records above which evidence is computed in a thread; usual chains have 3,000 to 6,000."""

HEAVY_RECORDS = 8
"""Number of TLSA records above which evidence is computed in a thread, because each record may contain a key to try."""

HEAVY_PAUSE = 3
"""Duration of the pause after heavy work, in units of its duration: heavy work takes at most a quarter of the time."""

FACTS = 16
"""Octets of memory per octet of DER that the facts of a large certificate with many short names take."""


@dataclass(frozen=True, slots=True)
class _ProbedAddress:
    """The probes of one address.

    ``report`` does not contain PKIX evidence. ``result`` is the probe from which evidence is computed if it has a
    certificate chain. ``mismatch`` is true if the evidence is a mismatch, at least for domains whose name is not in the
    certificate. ``unconfirmed`` is the result of the first reading if the address was probed twice.
    """

    report: EndpointReport
    result: ProbeResult | None
    mismatch: bool = False
    unconfirmed: ProbeResult | None = None


class HostExaminer:
    """The examiner of MX hosts; each endpoint is probed once, even if many hosts share it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._settings = ports.settings
        self._results: SingleFlight[Endpoint, ProbeResult] = SingleFlight(weigh=large_octets)
        self._requests: dict[Endpoint, SlotRequest] = {}
        level = ports.settings.level
        self._heavy_work = trio.Lock()
        self._profiles = WITH_AUTHENTICATION if level.must_match else WITHOUT_AUTHENTICATION

    async def examine(self, key: HostKey, domains: HostDomains) -> HostResult:
        """Examine one MX host: look up its addresses and TLSA records, and probe each address.

        Args:
            key: the host, port and mode.
            domains: the domains that wait for the host, one of which provides the slot of each probe.
        """
        observed_at = now()
        addresses = await find_addresses(key.host, self._ports.lookup)
        lookup = await self._tlsa(key, addresses)
        chosen, skipped = choose_addresses(key.host, addresses.all, self._ports)
        probed = await self._probe_all(key, chosen, lookup, domains)
        if any(address.mismatch for address in probed):
            lookup, probed = await self._confirm(key, addresses, lookup, probed, domains)

        async def make(slices: Slices) -> ReportAndCerts:
            endpoints, found = await self._evidence(key.host, probed, slices)
            report = HostReport(
                key=str(key),
                host=key.host,
                port=key.port,
                mode=key.mode,
                a=addresses.a,
                aaaa=addresses.aaaa,
                tlsa=lookup,
                endpoints=endpoints,
                skipped=skipped,
                observed_at=observed_at,
            )
            return report, found

        octets = sum(large_octets(address.result) for address in probed if address.result is not None)
        return HostResult(tuple([address.report for address in probed]), make, FACTS * octets)

    def next_pass(self) -> None:
        """Remove remembered probes that are worth a retry, so that the next pass repeats them."""
        self._results.forget(lambda result: retry.of_probe(result.probe))

    async def within_limits(self, keys: Sequence[HostKey]) -> Sequence[HostKey]:
        """Return the first hosts of a route, up to the limits of hosts and of addresses of one domain.

        A host with more addresses than the limit still permits, and all hosts after this host, are not examined,
        because the result of a partly examined host cannot be shared with other domains. Lookups are made only if the
        limit of addresses can be exceeded.
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
        """Return the addresses that ``examine`` would probe, and the addresses that it would skip."""
        addresses = await find_addresses(key.host, self._ports.lookup)
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
    ) -> Awaitable[list[_ProbedAddress]]:
        """Probe all addresses concurrently, or one by one up to the first that accepts a connection."""
        if self._settings.first_answer:
            return self._probe_in_order(key, addresses, lookup, domains)
        return gather(addresses, lambda address: self._probe_address(key, address, lookup, domains), domains.limit)

    async def _probe_in_order(
        self, key: HostKey, addresses: list[str], lookup: TLSALookup, domains: HostDomains
    ) -> list[_ProbedAddress]:
        probed: list[_ProbedAddress] = []
        for address in addresses:
            probed.append(await self._probe_address(key, address, lookup, domains))
            if accepted_tcp(probed[-1].report):
                break
        return probed

    async def _probe_address(
        self, key: HostKey, address: str, lookup: TLSALookup, domains: HostDomains, *, fresh: bool = False
    ) -> _ProbedAddress:
        """Probe one address with each TLS profile of the level in turn, until a handshake does not fail."""
        sni = server_name(self._settings.level, lookup, choice=self._settings.sni, host=key.host)
        results: list[ProbeResult] = []
        for profile in self._profiles:
            endpoint = Endpoint(address, key.port, sni, key.mode, profile.name)
            results.append(await self._probe(endpoint, key.host, domains, fresh=fresh))
            if not _handshake_failed(results[-1].probe):
                break
        return await self._with_dane(key.host, EndpointReport(address, _probes(results)), results, lookup)

    async def _probe(self, endpoint: Endpoint, host: str, domains: HostDomains, *, fresh: bool) -> ProbeResult:
        """Probe an endpoint, or return the result of a probe for another host.

        With ``fresh``, always make a new probe.
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

        Above the limit of evidence in memory, drop the transcript.
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
        probed: list[_ProbedAddress],
        domains: HostDomains,
    ) -> tuple[TLSALookup, list[_ProbedAddress]]:
        """Query TLSA records and probe mismatched addresses a second time, without a cache; the second reading counts.

        If the records have changed, all addresses are probed again.
        """
        again = await self._tlsa(key, addresses)
        changed = again.records != lookup.records

        async def second(first: _ProbedAddress) -> _ProbedAddress:
            if not changed and not first.mismatch:
                return first
            anew = await self._probe_address(key, first.report.address, again, domains, fresh=True)
            probes = (*first.report.probes, *anew.report.probes)
            return replace(anew, report=replace(anew.report, probes=probes), unconfirmed=first.result)

        return again, await gather(probed, second, domains.limit)

    # --- evidence ---------------------------------------------------------------------------------------------

    async def _with_dane(
        self, host: str, report: EndpointReport, results: list[ProbeResult], lookup: TLSALookup
    ) -> _ProbedAddress:
        """Return a probed address, with DANE evidence if the host has TLSA records and the server sent a chain."""
        shown = sessions(report).shown
        result = next((result for result in results if result.probe is shown and result.chain), None)
        if result is None or lookup.dane is not None:
            return _ProbedAddress(report, result)
        if _is_heavy(result, lookup):
            chain, report = await self._heavily(host, report, result, lookup)
        else:
            chain = await _facts(host, result, Slices())
            report = judgement.with_dane(report, chain, lookup, result.probe.started)
        return _ProbedAddress(report, result, _is_mismatch(report.dane, chain[0], lookup))

    async def _heavily(
        self, host: str, report: EndpointReport, result: ProbeResult, lookup: TLSALookup
    ) -> tuple[tuple[CertFacts, ...], EndpointReport]:
        """Make unusually expensive DANE evidence: one at a time, in a thread, followed by a pause for other domains.

        OpenSSL's functions run without the interpreter lock. One at a time uses the caches of the certificate reader.
        """
        async with self._heavy_work:
            began = time.perf_counter()
            chain = await _facts(host, result, Slices())
            work = partial(judgement.with_dane, report, chain, lookup, result.probe.started)
            report = await trio.to_thread.run_sync(work)
            await trio.sleep(HEAVY_PAUSE * (time.perf_counter() - began))
        return chain, report

    async def _evidence(
        self, host: str, probed: list[_ProbedAddress], slices: Slices
    ) -> tuple[tuple[EndpointReport, ...], dict[str, CertFacts]]:
        """Return the reports of all addresses with PKIX evidence, and the certificates that the probes refer to."""
        found = dict[str, CertFacts]()
        endpoints: list[EndpointReport] = []
        for address in probed:
            if address.unconfirmed is not None:
                unconfirmed = await _facts(host, address.unconfirmed, slices)
                found |= {cert.sha256: cert for cert in unconfirmed}
            report = address.report
            if address.result is not None:
                chain = await _facts(host, address.result, slices)
                found |= {cert.sha256: cert for cert in chain}
                report = judgement.with_pkix(report, chain, self._ports.trust, address.result.probe.started)
            endpoints.append(report)
            await slices.turn(host)
        return tuple(endpoints), found


async def _facts(host: str, result: ProbeResult, slices: Slices) -> tuple[CertFacts, ...]:
    found = []
    for der in result.chain:
        found.append(certs.facts(der))
        await slices.turn(host)
    return tuple(found)


def large_octets(result: ProbeResult) -> int:
    """Return the number of octets of an unusually large chain, and 0 for a chain of the usual size."""
    octets = sum(map(len, result.chain))
    return octets if octets > HEAVY_OCTETS else 0


def _probes(results: list[ProbeResult]) -> tuple[Probe, ...]:
    return tuple([result.probe for result in results])


def _is_heavy(result: ProbeResult, lookup: TLSALookup) -> bool:
    """Return whether the comparison of records and chain may verify more than a few signatures of unusual size."""
    if len(lookup.records) > HEAVY_RECORDS or large_octets(result):
        return True
    return sum(len(record.data) for record in lookup.records) > HEAVY_OCTETS


def _handshake_failed(probe: Probe) -> bool:
    failure = probe.failure
    return failure is not None and failure.phase is Phase.HANDSHAKE and failure.kind in _WORTH_ANOTHER_PROFILE


def _is_mismatch(evidence: DaneEvidence | None, leaf: CertFacts, lookup: TLSALookup) -> bool:
    if evidence is None:
        return False
    if not evidence.matched:
        return True
    return evidence.needs_name and matched_peername(leaf, (lookup.base_domain,)) is None
