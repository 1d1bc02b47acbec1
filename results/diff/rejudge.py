"""A stored run judged again: with today's code, at another time or level, from the facts alone.

Routes, TLSA look-ups, evidence and verdicts are drawn anew from the stored DNS answers, probes and certificates. With
the code that made the run, the same trusted certificates, and no time or level given, nothing changes.

What was never asked cannot be judged: where today's code would put a question to the DNS that was not put, the stored
look-up stands; at a level that the scan was not made for, handshakes are still those of the scan's own TLS profile (a
scan at ``may`` or ``encrypt`` takes sessions without certificate, one at ``dane`` and above does not). A domain of
which the run lacks a host or a certificate is left as it is and counted.

Memory grows with MX hosts and certificates (see ``lookup``) and with what changes, not with domains.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

from results.diff.compare import DomainChange, Words, shared
from results.store.by_key import KEPT, Lookup
from results.store.reader import Run, lines_path
from scanner.core import judgement, rollup, route
from scanner.core.pkix import TrustStore
from scanner.core.verdict import sessions
from scanner.core.x509 import facts as certs
from scanner.facts import CertFacts, TLSALookup
from scanner.model import DomainRecord, EndpointReport, EndpointVerdict, HostReport, HostVerdict, Route, RouteHost
from scanner.reasons import Reason
from scanner.vocabulary import Dane, Level, Pkix, TLSState


@dataclass(frozen=True, slots=True)
class EndpointWords:
    """The words of an address's verdict."""

    tls: TLSState
    dane: Dane
    pkix: Pkix


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """An address that is judged otherwise; ``domains`` is how many see it so, ``text`` what is wrong now."""

    host: str
    address: str
    old: EndpointWords
    new: EndpointWords
    text: str
    domains: int


@dataclass(slots=True)
class Rejudged:
    """What changes. ``at`` is None where dates are judged as at the time of each probe; ``left`` could not be judged.

    ``transitions`` counts changes of domains by field and ``old > new``.
    """

    level: Level
    at: datetime | None
    domains: int = 0
    left: int = 0
    changed: list[DomainChange] = field(default_factory=list)
    transitions: dict[str, dict[str, int]] = field(default_factory=dict)
    endpoints: list[EndpointChange] = field(default_factory=list)


class Missing(Exception):  # noqa: N818 - a condition of the run, no error of anybody
    """The run lacks a host or a certificate that a line names."""


class Rejudge:
    """Judges the domains of a run again."""

    def __init__(self, run: Run, trust: TrustStore, level: Level | None = None, at: datetime | None = None) -> None:
        """Open the run's hosts and certificates.

        Args:
            run: the run.
            trust: the trusted certificates of today.
            level: the level to judge by, None for the one of each domain's line.
            at: the time at which dates are judged, None for that of each probe.

        Raises:
            StoreError: a file of the run cannot be read.
        """
        self._trust = trust
        self._level = level
        self._at = at
        self._reports = Lookup(lines_path(run.path, "hosts"), HostReport)
        self._certs = Lookup(lines_path(run.path, "certs"), CertFacts)
        self._host = lru_cache(maxsize=KEPT)(self._judged_host)

    def record(self, old: DomainRecord) -> DomainRecord:
        """Give the record of a domain as today's code would write it.

        Raises:
            Missing: the run lacks a part of it.
        """
        if Reason.INTERNAL in old.verdict.reasons and not old.route.hosts:
            return old  # our own bug kept us from looking; there are no facts
        level = self._level or old.verdict.level
        way = _route(old.route)
        known = {host.host: host for host in old.hosts}
        hosts = tuple(self._verdict(level, way, hop, known.get(hop.host)) for hop in way.hosts)
        return replace(old, route=way, hosts=hosts, verdict=rollup.judge_domain(level, way, hosts))

    def report(self, key: str) -> HostReport:
        """Give the report of a host with today's evidence.

        Raises:
            Missing: the run lacks a part of it.
        """
        return self._host(key)[0]

    def _verdict(self, level: Level, way: Route, hop: RouteHost, old: HostVerdict | None) -> HostVerdict:
        if old is None or old.report is None:
            return rollup.unexamined(hop)
        report, shown = self._host(old.report)
        nexthop = way.mx.name if way.mx is not None else hop.host
        return judgement.judge_host(level, nexthop, way, hop, report, shown)

    def _judged_host(self, key: str) -> tuple[HostReport, dict[str, CertFacts]]:
        report = self._reports.get(key)
        if report is None:
            raise Missing(key)
        lookup = _tlsa(report)
        shown: dict[str, CertFacts] = {}
        endpoints = tuple(self._evidence(each, lookup, shown) for each in report.endpoints)
        return replace(report, tlsa=lookup, endpoints=endpoints), shown

    def _evidence(self, old: EndpointReport, lookup: TLSALookup, shown: dict[str, CertFacts]) -> EndpointReport:
        """Draw the evidence of an address again, where there was any."""
        probe = sessions(old).shown
        if old.pkix is None or probe.handshake is None or not probe.handshake.chain:
            return old
        chain = [self._cert(digest) for digest in probe.handshake.chain]
        shown.update((cert.sha256, cert) for cert in chain)
        at = self._at or probe.started
        return judgement.with_pkix(judgement.with_dane(old, chain, lookup, at), chain, self._trust, at)

    def _cert(self, digest: str) -> CertFacts:
        stored = self._certs.get(digest)
        found = certs.facts(stored.der) if stored is not None else None
        if found is None or found.sha256 != digest:
            raise Missing(digest)
        return found


def rejudge(run: Run, trust: TrustStore, level: Level | None = None, at: datetime | None = None) -> Rejudged:
    """Judge a run again, and tell what changes.

    Args:
        run: the run.
        trust: the trusted certificates of today.
        level: the level to judge by, None for the run's own.
        at: the time at which dates are judged, None for that of each probe.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    judge = Rejudge(run, trust, level, at)
    found = Rejudged(level or Level(run.header.settings.get("level", Level.DANE)), at)
    transitions: dict[str, Counter[str]] = {}
    endpoints: Counter[EndpointChange] = Counter()
    for old in run.domains():
        found.domains += 1
        try:
            new = judge.record(old)
        except Missing:
            found.left += 1
            continue
        _compare(old, new, found.changed, transitions)
        endpoints.update(_changed_endpoints(old, new))
    found.changed.sort(key=lambda row: row.domain)
    found.transitions = {name: dict(counts.most_common()) for name, counts in transitions.items()}
    rows = (replace(row, domains=domains) for row, domains in endpoints.items())
    found.endpoints = sorted(rows, key=lambda row: (-row.domains, row.host, row.address))
    return found


def _route(old: Route) -> Route:
    """Route again from the stored MX answer; without one, the host was named itself."""
    if old.mx is None:
        return route.direct(old.hosts[0].host) if old.hosts else old
    return route.from_mx(old.mx.name, old.mx)


def _tlsa(report: HostReport) -> TLSALookup:
    """Search again in the stored answers; a question that was never asked leaves what was found then."""
    addresses = [answer for answer in (report.a, report.aaaa) if answer is not None]
    steps = report.tlsa.steps
    for asked in range(len(steps) + 1):
        step = judgement.tlsa_step(report.host, report.port, addresses, steps[:asked])
        if isinstance(step, TLSALookup):
            return step
    return report.tlsa


def _compare(
    old: DomainRecord, new: DomainRecord, changed: list[DomainChange], transitions: dict[str, Counter[str]]
) -> None:
    before, after = _words(old), _words(new)
    if before == after:
        return
    changed.append(DomainChange(old.key, before, after, shared(new.verdict.reasons), shared(new.verdict.text)))
    for name in ("dane", "starttls", "outcome", "sender"):
        one, other = getattr(before, name), getattr(after, name)
        if one != other:
            transitions.setdefault(name, Counter())[f"{one} > {other}"] += 1


def _words(record: DomainRecord) -> Words:
    verdict = record.verdict
    return shared(Words(verdict.dane, verdict.starttls, verdict.sender, verdict.outcome))


def _changed_endpoints(old: DomainRecord, new: DomainRecord) -> Iterator[EndpointChange]:
    now = {host.host: host for host in new.hosts}
    for host in old.hosts:
        after = {each.address: each for each in now[host.host].endpoints} if host.host in now else {}
        for one in host.endpoints:
            other = after.get(one.address)
            if other is not None and _endpoint_words(one) != _endpoint_words(other):
                words = _endpoint_words(one), _endpoint_words(other)
                yield EndpointChange(host.host, one.address, *words, other.text or other.pkix_error, 0)


def _endpoint_words(verdict: EndpointVerdict) -> EndpointWords:
    return EndpointWords(verdict.tls, verdict.dane, verdict.pkix)
