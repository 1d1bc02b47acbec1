"""The evidence about the certificates of probed addresses.

The DANE evidence is computed directly after the probe, the PKIX evidence when the report of the host is made. The DANE
evidence shows whether the scan has to probe an address again to confirm a mismatch; no other probe depends on evidence.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self, TypeVar

import trio

from scanner.core import algorithms, judgement, post_quantum
from scanner.core.compared import is_mismatch
from scanner.core.pkix import TrustStore
from scanner.core.verdict import sessions
from scanner.core.x509 import facts as certs
from scanner.facts import CertFacts, Probe, TLSALookup
from scanner.model import AlgorithmReport, EndpointReport
from scanner.net.heavy_work import HeavyWork
from scanner.net.probe import ProbeResult
from scanner.run.slices import Slices
from scanner.vocabulary import CertAlg, Served

HEAVY_OCTETS = 16 * 1024
"""Octets of a certificate chain or of TLSA records above which DANE evidence is computed in a thread.

Usual certificate chains have 3,000 to 6,000 octets.
"""

HEAVY_RECORDS = 8
"""Number of TLSA records of a host above which its DANE evidence is computed in a thread.

Each TLSA record may contain a key with which signatures are verified.
"""

FACTS = 16
"""Octets of memory for the facts of a large certificate with many short names, per octet of its DER encoding."""

_Report = TypeVar("_Report", EndpointReport, AlgorithmReport)


@dataclass(frozen=True, slots=True)
class ProbedAddress:
    """The probes of one address and the evidence from the probes.

    ``report`` does not contain PKIX evidence. ``result`` is the probe whose outcome counts for the address; DANE
    and PKIX evidence is computed from its certificate chain, if the server sent one. ``mismatch`` is true if a chain of
    the address does not match the TLSA records, or matches only for a domain whose name is in the certificate.
    ``unconfirmed`` is the result of the first probe if the address was probed again to confirm a mismatch. ``others``
    contains the results of the probes in ``report.algorithms``, and ``pq`` is the result of the probe for post-quantum
    groups.
    """

    report: EndpointReport
    result: ProbeResult | None
    mismatch: bool = False
    unconfirmed: ProbeResult | None = None
    others: tuple[ProbeResult, ...] = ()
    pq: ProbeResult | None = None

    @property
    def results(self) -> tuple[ProbeResult, ...]:
        """The results of all probes whose certificates are kept."""
        return tuple([each for each in (self.result, *self.others, self.pq) if each is not None])

    def with_pq(self, own: Probe, result: ProbeResult | None) -> Self:
        """Return the address with its post-quantum readiness, from the result of the probe for post-quantum groups."""
        probe = None if result is None else result.probe
        signature = post_quantum.signature(own, self.report.algorithms)
        report = replace(self.report, pq=post_quantum.readiness(own, probe), pq_signature=signature, pq_probe=probe)
        return replace(self, report=report, pq=result)


class EvidenceMaker:
    """The maker of evidence for all hosts of a scan; expensive DANE evidence is computed for one host at a time."""

    def __init__(self, trust: TrustStore) -> None:
        self._trust = trust
        self._heavy_work = trio.Lock()
        self._pauses = HeavyWork()

    async def with_dane(
        self, host: str, report: EndpointReport, results: Sequence[ProbeResult], lookup: TLSALookup
    ) -> ProbedAddress:
        """Return a probed address, with DANE evidence if the host has TLSA records and the server sent a chain."""
        shown = sessions(report).shown
        result = next((result for result in results if result.probe is shown and result.chain), None)
        if result is None or lookup.dane is not None:
            return ProbedAddress(report, result)
        chain, report = await self._compared(host, report, result, lookup)
        return ProbedAddress(report, result, is_mismatch(report.dane, chain[0], lookup))

    async def with_other(
        self, host: str, probed: ProbedAddress, alg: CertAlg, result: ProbeResult, lookup: TLSALookup
    ) -> ProbedAddress:
        """Return a probed address with the result of the probe for a key algorithm, and its DANE evidence."""
        other = AlgorithmReport(alg, algorithms.served(alg, result.probe), result.probe)
        mismatch = False
        if other.served is Served.YES:
            chain, other = await self._compared(host, other, result, lookup)
            mismatch = is_mismatch(other.dane, chain[0], lookup)
        return replace(
            probed,
            report=replace(probed.report, algorithms=(*probed.report.algorithms, other)),
            mismatch=probed.mismatch or mismatch,
            others=(*probed.others, result),
        )

    async def complete(
        self, host: str, probed: Sequence[ProbedAddress], slices: Slices
    ) -> tuple[tuple[EndpointReport, ...], dict[str, CertFacts]]:
        """Return the reports of all addresses with PKIX evidence, and the certificates of the probes."""
        found = dict[str, CertFacts]()
        endpoints: list[EndpointReport] = []
        for address in probed:
            if address.unconfirmed is not None:
                unconfirmed = await _facts(host, address.unconfirmed, slices)
                found |= {cert.sha256: cert for cert in unconfirmed}
            report = address.report
            if address.result is not None:
                report = await self._trusted(host, report, address.result, found, slices)
            others = [
                await self._trusted(host, other, result, found, slices)
                for other, result in zip(report.algorithms, address.others, strict=True)
            ]
            if address.pq is not None:
                kept = await _facts(host, address.pq, slices)
                found |= {cert.sha256: cert for cert in kept}
            endpoints.append(replace(report, algorithms=tuple(others)) if others else report)
            await slices.turn(host)
        return tuple(endpoints), found

    async def _trusted(
        self, host: str, report: _Report, result: ProbeResult, found: dict[str, CertFacts], slices: Slices
    ) -> _Report:
        """Return a report with PKIX evidence about the chain of its probe, and add the certificates to ``found``."""
        chain = await _facts(host, result, slices)
        found |= {cert.sha256: cert for cert in chain}
        if isinstance(report, AlgorithmReport) and report.served is not Served.YES:
            return report
        return judgement.with_pkix(report, chain, self._trust, result.probe.started)

    async def _compared(
        self, host: str, report: _Report, result: ProbeResult, lookup: TLSALookup
    ) -> tuple[tuple[CertFacts, ...], _Report]:
        """Return the facts of a probe's certificates, and the report of the probe with DANE evidence."""
        if _is_heavy(result, lookup):
            return await self._heavily(host, report, result, lookup)
        chain = await _facts(host, result, Slices())
        return chain, judgement.with_dane(report, chain, lookup, result.probe.started)

    async def _heavily(
        self, host: str, report: _Report, result: ProbeResult, lookup: TLSALookup
    ) -> tuple[tuple[CertFacts, ...], _Report]:
        """Compute unusually expensive DANE evidence in a thread, for one probe at a time; pause after each computation.

        Other tasks run during the computation, because OpenSSL's functions run without the interpreter lock.
        """
        async with self._heavy_work:
            chain, spent = await _timed_facts(host, result, Slices())
            work = partial(_timed, partial(judgement.with_dane, report, chain, lookup, result.probe.started))
            report, seconds = await trio.to_thread.run_sync(work)
            await trio.sleep(self._pauses.pause(spent + seconds))
        return chain, report


async def _facts(host: str, result: ProbeResult, slices: Slices) -> tuple[CertFacts, ...]:
    return (await _timed_facts(host, result, slices))[0]


async def _timed_facts(host: str, result: ProbeResult, slices: Slices) -> tuple[tuple[CertFacts, ...], float]:
    """Return the facts of a probe's certificates, and the duration of their computation in seconds."""
    found, spent = [], 0.0
    for der in result.chain:
        began = time.perf_counter()
        found.append(certs.facts(der))
        spent += time.perf_counter() - began
        await slices.turn(host)
    return tuple(found), spent


def _timed(work: Callable[[], _Report]) -> tuple[_Report, float]:
    """Return the result of a function, and the processor time of this thread that the function took in seconds."""
    began = time.thread_time()
    return work(), time.thread_time() - began


def large_octets(result: ProbeResult) -> int:
    """Return the number of octets of the certificate chain if the chain is unusually large, else 0."""
    octets = sum(map(len, result.chain))
    return octets if octets > HEAVY_OCTETS else 0


def _is_heavy(result: ProbeResult, lookup: TLSALookup) -> bool:
    """Return whether the comparison of TLSA records and chain may verify many or unusually large signatures."""
    if len(lookup.records) > HEAVY_RECORDS or large_octets(result):
        return True
    return sum(len(record.data) for record in lookup.records) > HEAVY_OCTETS
