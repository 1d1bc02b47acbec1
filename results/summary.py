"""A run in numbers: one pass over each of its files.

Memory grows with the MX hosts and certificates of the run, never with its domains. Domains are counted by
verdict, hosts and endpoints each once however many domains share them; the name of a count says which it is.
Where a table is by domain and host, a domain counts once for each of its hosts.
"""

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from results.run import Run
from scanner.model import CertFacts, DomainRecord, Handshake, HostReport, HostVerdict, Probe
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, Reason, RunState, Security, Sender

SLOWEST = 20  # more than anybody looks into
EXPIRING = 100  # the first to expire; the rest can be found in certs.jsonl
SOON = timedelta(days=14)  # a certificate that renews itself has done so by then

UNKNOWN = "unknown"

_WORST_FIRST = (
    Dane.MISMATCH,
    Dane.NO_TLS,
    Dane.LOOKUP_FAILED,
    Dane.UNUSABLE,
    Dane.INSECURE,
    Dane.NONE,
    Dane.UNKNOWN,
    Dane.OK,
)
_FAILS = (Dane.MISMATCH, Dane.NO_TLS, Dane.LOOKUP_FAILED)
_PASSED_OVER = (Sender.DEFER, Sender.BOUNCE)


@dataclass(frozen=True, slots=True)
class Funnel:
    """Domains that got so far; each number counts among those of the one before.

    ``with_mail`` are known to take mail; ``mx_secure`` have a DNSSEC-secure MX RRset, or needed none;
    ``with_tlsa`` have usable TLSA records at one MX host or more, ``matched`` match at one or more,
    ``protected`` at all.
    """

    domains: int
    with_mail: int
    mx_secure: int
    with_tlsa: int
    matched: int
    protected: int


@dataclass(frozen=True, slots=True)
class FailingHost:
    """An MX host that a sender passes over, or whose DANE fails; ``domains`` is how many that concerns.

    ``text`` are the peer's own words, not escaped.
    """

    host: str
    domains: int
    dane: Dane
    reasons: tuple[Reason, ...]
    text: str


@dataclass(frozen=True, slots=True)
class SlowHost:
    """An address and how long all probes of it took."""

    host: str
    address: str
    ms: float


@dataclass(frozen=True, slots=True)
class Expiring:
    """A host whose own certificate expires soon after the run, or had expired."""

    host: str
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in numbers. Counts are by word, most frequent first; those of ``reasons`` are domains affected.

    ``tls_versions``, ``ciphers``, ``groups`` and ``key_types`` count endpoints with a handshake, of
    ``endpoints`` in all.
    """

    state: RunState
    started: datetime
    finished: datetime | None
    funnel: Funnel
    outcome: dict[str, int]
    sender: dict[str, int]
    dane: dict[str, int]
    starttls: dict[str, int]
    reasons: dict[str, int]
    hosts: int
    host_dane: dict[str, int]
    endpoints: int
    tls_versions: dict[str, int]
    ciphers: dict[str, int]
    groups: dict[str, int]
    key_types: dict[str, int]
    failing: tuple[FailingHost, ...]
    slowest: tuple[SlowHost, ...]
    expiring: tuple[Expiring, ...]
    rejects: dict[str, int]


def summarise(run: Run) -> Summary:
    """Count a run.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    hosts = _Hosts(run.certs())
    for report in run.hosts():
        hosts.add(report)
    domains = _Domains(hosts.usable)
    for record in run.domains():
        domains.add(record)
    rejects = Counter(reject.reason for reject in run.rejects())
    header = run.header
    return Summary(
        state=header.state,
        started=header.started,
        finished=header.finished,
        funnel=domains.funnel(),
        outcome=_ranked(domains.outcome),
        sender=_ranked(domains.sender),
        dane=_ranked(domains.dane),
        starttls=_ranked(domains.starttls),
        reasons=_ranked(domains.reasons),
        hosts=hosts.count,
        host_dane=_ranked(Counter(str(dane) for dane in domains.host_dane.values())),
        endpoints=hosts.endpoints,
        tls_versions=_ranked(hosts.versions),
        ciphers=_ranked(hosts.ciphers),
        groups=_ranked(hosts.groups),
        key_types=_ranked(hosts.key_types),
        failing=domains.failing(),
        slowest=tuple(heapq.nlargest(SLOWEST, hosts.times, key=lambda slow: slow.ms)),
        expiring=_soonest(hosts.leaves, (header.finished or header.started) + SOON),
        rejects=_ranked(rejects),
    )


def last_handshake(probes: Iterable[Probe]) -> Handshake | None:
    """Give the handshake that the evidence of an endpoint belongs to."""
    found = [probe.handshake for probe in probes if probe.handshake is not None]
    return found[-1] if found else None


class _Hosts:
    """Counts over hosts.jsonl."""

    def __init__(self, certs: Iterable[CertFacts]) -> None:
        self._keys = {bytes.fromhex(cert.sha256): (_key_words(cert), cert.not_after) for cert in certs}
        self.count = 0
        self.endpoints = 0
        self.usable: set[str] = set()
        self.versions: Counter[str] = Counter()
        self.ciphers: Counter[str] = Counter()
        self.groups: Counter[str] = Counter()
        self.key_types: Counter[str] = Counter()
        self.times: list[SlowHost] = []
        self.leaves: dict[str, datetime] = {}

    def add(self, report: HostReport) -> None:
        self.count += 1
        self.endpoints += len(report.endpoints)
        if report.tlsa.dane is None:
            self.usable.add(report.key)
        for endpoint in report.endpoints:
            taken = sum(sum(probe.ms.values()) for probe in endpoint.probes)
            self.times.append(SlowHost(report.host, endpoint.address, round(taken, 1)))
            shaken = last_handshake(endpoint.probes)
            if shaken is not None:
                self._add_handshake(report.host, shaken)

    def _add_handshake(self, host: str, shaken: Handshake) -> None:
        self.versions[shaken.version] += 1
        self.ciphers[shaken.cipher] += 1
        self.groups[shaken.group or UNKNOWN] += 1
        leaf = bytes.fromhex(shaken.chain[0]) if shaken.chain else b""
        key_type, not_after = self._keys.get(leaf, (UNKNOWN, None))
        self.key_types[key_type] += 1
        if not_after is not None:
            self.leaves[host] = min(not_after, self.leaves.get(host, not_after))


@dataclass(slots=True)
class _Failing:
    """What is known of a failing host so far."""

    domains: int = 0
    dane: Dane = Dane.OK
    reasons: set[Reason] = field(default_factory=set)
    text: str = ""


class _Domains:
    """Counts over domains.jsonl."""

    def __init__(self, usable: set[str]) -> None:
        self._usable = usable
        self._steps: Counter[int] = Counter()
        self._failing: dict[str, _Failing] = {}
        self.outcome: Counter[str] = Counter()
        self.sender: Counter[str] = Counter()
        self.dane: Counter[str] = Counter()
        self.starttls: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.host_dane: dict[str, Dane] = {}

    def add(self, record: DomainRecord) -> None:
        verdict = record.verdict
        self.outcome[verdict.outcome] += 1
        self.sender[verdict.sender] += 1
        self.dane[verdict.dane] += 1
        self.starttls[verdict.starttls] += 1
        self.reasons.update(map(str, reasons_of(record)))
        self._steps[self._step(record)] += 1
        for host in record.hosts:
            self._add_host(host)

    def funnel(self) -> Funnel:
        reached = [sum(count for step, count in self._steps.items() if step >= floor) for floor in range(6)]
        return Funnel(*reached)

    def failing(self) -> tuple[FailingHost, ...]:
        found = (
            FailingHost(host, seen.domains, seen.dane, tuple(sorted(seen.reasons)), seen.text)
            for host, seen in self._failing.items()
        )
        return tuple(sorted(found, key=lambda failing: (-failing.domains, failing.host)))

    def _step(self, record: DomainRecord) -> int:
        """Say how far down the funnel a domain gets."""
        mx = record.route.mx
        steps = (
            bool(record.route.hosts) and record.verdict.outcome is not DomainOutcome.NO_MAIL,
            mx is None or mx.security is Security.SECURE,
            any(host.report in self._usable for host in record.hosts),
            any(host.dane is Dane.OK for host in record.hosts),
            record.verdict.dane is DomainDane.PROTECTED,
        )
        return next((number for number, passed in enumerate(steps) if not passed), len(steps))

    def _add_host(self, host: HostVerdict) -> None:
        if host.report is not None:
            known = self.host_dane.get(host.report, host.dane)
            self.host_dane[host.report] = _worse(known, host.dane)
        if host.dane not in _FAILS and host.sender not in _PASSED_OVER:
            return
        seen = self._failing.setdefault(host.host, _Failing())
        seen.domains += 1
        seen.dane = _worse(seen.dane, host.dane)
        seen.reasons.update(_host_reasons(host))
        seen.text = seen.text or _words_of(host)


def reasons_of(record: DomainRecord) -> set[Reason]:
    """Give every reason in the verdicts of a domain, its hosts and their addresses."""
    return set(record.verdict.reasons).union(*map(_host_reasons, record.hosts))


def _host_reasons(host: HostVerdict) -> set[Reason]:
    return set(host.reasons).union(*(endpoint.reasons for endpoint in host.endpoints))


def _words_of(host: HostVerdict) -> str:
    """Give the first words that a host or one of its addresses said."""
    texts = (host.text, *(endpoint.text for endpoint in host.endpoints))
    return next((text for text in texts if text), "")


def _worse(one: Dane, other: Dane) -> Dane:
    return min(one, other, key=_WORST_FIRST.index)


def _key_words(cert: CertFacts) -> str:
    return f"{cert.key_type} {cert.key_bits}" if cert.key_type and cert.key_bits else cert.key_type or UNKNOWN


def _soonest(leaves: dict[str, datetime], limit: datetime) -> tuple[Expiring, ...]:
    found = (Expiring(host, not_after) for host, not_after in leaves.items() if not_after < limit)
    return tuple(heapq.nsmallest(EXPIRING, found, key=lambda row: (row.not_after, row.host)))


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda row: (-row[1], row[0])))
