"""Recomputation of the verdicts of a stored run with the current code, optionally at another time or security level.

The routes (MX hosts), TLSA lookups, evidence and verdicts of a run are derived again from the stored DNS answers,
probes and certificates. If the code, trusted certificates, time and security level are the same as in the scan, the
recomputed verdicts are equal to the stored verdicts.

If the current code needs a DNS answer that is not stored, the stored result of the lookup is kept. A recomputation at
another security level uses the handshakes made with the TLS profile of the scan: a scan at ``may`` or ``encrypt``
accepts sessions without a certificate, a scan at ``dane`` or above does not. A domain for which the run lacks a host
report or a certificate keeps the stored verdict; such domains are counted.

Domains with the same first MX host are judged soon after each other, so that the evidence of each host is recomputed
about once. Domains with equal MX records whose names are not in the certificates of a host share the host's verdict.

The memory needed grows with the numbers of MX hosts, certificates (see ``store.by_key``) and changes, not of domains.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from results.diff.join import MAX_BUCKETS, grouped
from results.diff.verdicts import (
    DomainChange,
    EndpointWords,
    Transitions,
    domain_words,
    endpoint_words,
    shared,
)
from results.store.by_key import KEPT, Lookup
from results.store.codec import CodecError, decode
from results.store.files import StoreError
from results.store.last_lines import last_lines
from results.store.line_keys import key_of
from results.store.reader import HEADER_FILE, Run, lines_path
from scanner.core import judgement, rollup, route
from scanner.core.pkix import TrustStore
from scanner.core.sts.domain_verdict import STSView, with_sts
from scanner.core.sts.records import tlsrpt_report
from scanner.core.sts.rejudge import PolicyJudge
from scanner.core.verdict import sessions
from scanner.core.x509 import facts as certs
from scanner.facts import CertFacts, Probe, TLSALookup
from scanner.model import (
    AlgorithmReport,
    DomainRecord,
    DomainVerdict,
    EndpointReport,
    HostReport,
    HostVerdict,
    Route,
    RouteHost,
)
from scanner.reasons import Reason
from scanner.vocabulary import Level

_Report = TypeVar("_Report", EndpointReport, AlgorithmReport)

_FIRST_REPORT = re.compile(rb'"report":"([^"]*)"')


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """An address whose recomputed verdict differs from the stored verdict.

    ``domains`` is the number of domains for which the verdict of the address changes. ``text`` explains the recomputed
    verdict.
    """

    host: str
    address: str
    old: EndpointWords
    new: EndpointWords
    text: str
    domains: int


@dataclass(slots=True)
class Rejudged:
    """The differences between the stored and the recomputed verdicts of a run.

    ``at`` is the time at which validity periods of certificates are checked, None for the time of each probe. ``left``
    is the number of domains that keep the stored verdict because the run lacks a host report or a certificate.
    ``transitions`` counts the changes of domain verdicts by field and by the text ``old > new``.
    """

    level: Level
    at: datetime | None
    domains: int = 0
    left: int = 0
    changed: list[DomainChange] = field(default_factory=list)
    transitions: dict[str, dict[str, int]] = field(default_factory=dict)
    endpoints: list[EndpointChange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _JudgedHost:
    """The report of a host with recomputed evidence, its certificates, and its verdicts for the domains that use it."""

    report: HostReport
    shown: dict[str, CertFacts]
    verdicts: judgement.HostVerdicts


class MissingPartError(Exception):
    """Error: the run lacks a host report or a certificate to which one of its lines refers."""


class Rejudge:
    """Recomputation of the domain verdicts of one run."""

    def __init__(self, run: Run, trust: TrustStore, level: Level | None = None, at: datetime | None = None) -> None:
        """Open the files of host reports and certificates.

        Args:
            run: the stored run.
            trust: the trusted certificates.
            level: the security level; None for the level stored with each domain.
            at: the time at which validity periods of certificates are checked; None for the time of each probe.

        Raises:
            StoreError: a file of the run cannot be read.
        """
        self._trust = trust
        self._level = level
        self._at = at
        self._run = run
        self._reports = Lookup(lines_path(run.path, "hosts"), HostReport, corrupt=run.corrupt)
        self._certs = Lookup(lines_path(run.path, "certs"), CertFacts, corrupt=run.corrupt)
        self._host = lru_cache(maxsize=KEPT)(self._judged_host)
        self._policies = PolicyJudge(trust, self._chain, at)

    def record(self, old: DomainRecord) -> DomainRecord:
        """Return the record of a domain with recomputed verdicts.

        Raises:
            MissingPartError: the run lacks a host report or a certificate.
        """
        if Reason.INTERNAL in old.verdict.reasons and not old.route.hosts:
            return old  # an internal error prevented the scan of this domain; the record contains no facts
        level = self._level or old.verdict.level
        way = _route(old.route)
        known = {host.host: host for host in old.hosts}
        hosts = tuple(self._verdict(level, way, hop, known.get(hop.host)) for hop in way.hosts)
        new = replace(old, route=way, hosts=hosts, verdict=self._domain(level, way, hosts))
        return new if old.verdict.sts is None else self._with_sts(new)

    def domains(self) -> Iterator[DomainRecord]:
        """Yield the domains of the run; domains with the same first MX host are near each other.

        Raises:
            StoreError: a file cannot be read or written, or a line is not a record of a domain.
        """
        lines = last_lines(lines_path(self._run.path, "domains"), self._run.corrupt)
        count = min(MAX_BUCKETS, 1 + 2 * len(self._reports) // KEPT)
        for line in grouped(lines, _first_report, count):
            try:
                record = decode(DomainRecord, line)
            except CodecError as error:
                self._run.skip("domains", key_of(line), error)
            else:
                yield record

    def report(self, key: str) -> HostReport:
        """Return the report of a host with recomputed evidence.

        Raises:
            MissingPartError: the run lacks a host report or a certificate.
        """
        return self._host(key).report

    def _with_sts(self, record: DomainRecord) -> DomainRecord:
        """Judge the MTA-STS policy of a domain again, with the recomputed verdicts of the MX hosts."""
        judged = [self._host(host.report) for host in record.hosts if host.report is not None]
        known = {digest: cert for host in judged for digest, cert in host.shown.items()}
        reports = {host.report.key: host.report for host in judged}
        nexthop = record.route.mx.name if record.route.mx is not None else record.key
        sts = self._policies.policy(record.sts) if record.sts is not None else None
        tlsrpt = tlsrpt_report(record.tlsrpt.txt) if record.tlsrpt is not None else None
        view = STSView(nexthop, record.route, record.hosts, record.verdict, reports, known)
        hosts, verdict = with_sts(view, sts, tlsrpt, self._shared(record.hosts))
        return replace(record, hosts=hosts, verdict=verdict, sts=sts, tlsrpt=tlsrpt)

    def _verdict(self, level: Level, way: Route, hop: RouteHost, old: HostVerdict | None) -> HostVerdict:
        if old is None or old.report is None:
            return rollup.unexamined(hop, next(iter(old.reasons), None) if old else None)
        host = self._host(old.report)
        nexthop = way.mx.name if way.mx is not None else hop.host
        key = host.verdicts.key(level, nexthop, way, hop)
        found = host.verdicts.get(key)
        if found is None:
            found = judgement.judge_host(level, nexthop, way, hop, host.report, host.shown)
            host.verdicts.keep(key, found)
        return found

    def _domain(self, level: Level, way: Route, hosts: tuple[HostVerdict, ...]) -> DomainVerdict:
        first = self._shared(hosts)
        return first.domain(level, way, hosts) if first else rollup.judge_domain(level, way, hosts)

    def _shared(self, hosts: Sequence[HostVerdict]) -> judgement.HostVerdicts | None:
        """Return the verdicts that domains with the same first host share, None if the host was not examined."""
        return self._host(hosts[0].report).verdicts if hosts and hosts[0].report is not None else None

    def _judged_host(self, key: str) -> _JudgedHost:
        report = self._reports.get(key)
        if report is None:
            raise MissingPartError(key)
        lookup = _tlsa(report)
        shown: dict[str, CertFacts] = {}
        endpoints = tuple(self._evidence(each, lookup, shown) for each in report.endpoints)
        judged = replace(report, tlsa=lookup, endpoints=endpoints)
        return _JudgedHost(judged, shown, judgement.HostVerdicts(judged, shown))

    def _evidence(self, old: EndpointReport, lookup: TLSALookup, shown: dict[str, CertFacts]) -> EndpointReport:
        """Recompute the DANE and PKIX evidence of an address for each certificate whose evidence the run contains."""
        others = tuple(self._judged(other, other.probe, lookup, shown) for other in old.algorithms)
        return replace(self._judged(old, sessions(old).shown, lookup, shown), algorithms=others)

    def _judged(self, old: _Report, probe: Probe, lookup: TLSALookup, shown: dict[str, CertFacts]) -> _Report:
        if old.pkix is None or probe.handshake is None or not probe.handshake.chain:
            return old
        chain = self._chain(probe.handshake.chain)
        shown.update((cert.sha256, cert) for cert in chain)
        at = self._at or probe.started
        return judgement.with_pkix(judgement.with_dane(old, chain, lookup, at), chain, self._trust, at)

    def _chain(self, digests: Sequence[str]) -> list[CertFacts]:
        return [self._cert(digest) for digest in digests]

    def _cert(self, digest: str) -> CertFacts:
        stored = self._certs.get(digest)
        found = certs.facts(stored.der) if stored is not None else None
        if found is None or found.sha256 != digest:
            raise MissingPartError(digest)
        return found


def _level_of(run: Run) -> Level:
    try:
        return Level(run.header.settings.get("level", Level.DANE))
    except ValueError as error:
        raise StoreError(f"{run.path / HEADER_FILE}: {error}") from error


def rejudge(run: Run, trust: TrustStore, level: Level | None = None, at: datetime | None = None) -> Rejudged:
    """Recompute the verdicts of a run and return the differences from the stored verdicts.

    Args:
        run: the stored run.
        trust: the trusted certificates.
        level: the security level; None for the level of the run.
        at: the time at which validity periods of certificates are checked; None for the time of each probe.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    judge = Rejudge(run, trust, level, at)
    found = Rejudged(level or _level_of(run), at)
    transitions = Transitions()
    endpoints: Counter[EndpointChange] = Counter()
    for old in judge.domains():
        found.domains += 1
        try:
            new = judge.record(old)
        except MissingPartError:
            found.left += 1
            continue
        if (change := _change(old, new)) is not None:
            transitions.add(change.old, change.new)
            found.changed.append(change)
        endpoints.update(_changed_endpoints(old, new))
    found.changed.sort(key=lambda row: row.domain)
    found.transitions = transitions.sorted()
    rows = (replace(row, domains=domains) for row, domains in endpoints.items())
    found.endpoints = sorted(rows, key=lambda row: (-row.domains, row.host, row.address, row.text, repr(row)))
    return found


def _first_report(line: bytes) -> bytes:
    found = _FIRST_REPORT.search(line)
    return b"" if found is None else found[1]


def _route(old: Route) -> Route:
    """Recompute the route (the MX hosts) of a domain from the stored MX answer.

    If no MX answer is stored, because the scan made no MX lookup for the destination, the first host of the stored
    route is the only host of the new route.
    """
    if old.mx is None:
        return route.direct(old.hosts[0].host) if old.hosts else old
    return route.from_mx(old.mx.name, old.mx)


def _tlsa(report: HostReport) -> TLSALookup:
    """Repeat the TLSA search with the stored DNS answers; return the stored result if an answer is missing."""
    addresses = [answer for answer in (report.a, report.aaaa) if answer is not None]
    steps = report.tlsa.steps
    for asked in range(len(steps) + 1):
        step = judgement.tlsa_step(report.host, report.port, addresses, steps[:asked])
        if isinstance(step, TLSALookup):
            return step
    return report.tlsa


def _change(old: DomainRecord, new: DomainRecord) -> DomainChange | None:
    if old.verdict == new.verdict:
        return None
    before, after = domain_words(old.verdict), domain_words(new.verdict)
    if before == after:
        return None
    return DomainChange(old.key, before, after, shared(new.verdict.reasons), shared(new.verdict.text))


def _changed_endpoints(old: DomainRecord, new: DomainRecord) -> Iterator[EndpointChange]:
    now = {host.host: host for host in new.hosts}
    for host in old.hosts:
        if now.get(host.host) == host:  # usual, and takes a fifth of the time of the comparison by addresses
            continue
        endpoints = {each.address: each for each in now[host.host].endpoints} if host.host in now else {}
        for one in host.endpoints:
            other = endpoints.get(one.address)
            if other is not None and (before := endpoint_words(one)) != (after := endpoint_words(other)):
                text = other.text or other.pkix_error
                yield EndpointChange(host.host, one.address, before, after, text, 0)
