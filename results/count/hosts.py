"""Counts over hosts.jsonl: what was observed at each MX host, as words in named tables.

Hosts with equal words share one set of them, so that memory is a reference for each host.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from results.count.base import UNKNOWN, Word
from results.count.domain_words import NOT_ASKED
from results.store.partial import AddressPart, AnswerPart, CertPart, HandshakePart, ReportPart

SLOWEST = 20  # addresses listed
EXPIRING = 100  # the first to expire; the rest can be found in certs.jsonl
DISAGREEING = 1000  # hosts kept with their addresses; the table counts all

_EXPIRY = ((0, "expired"), (7, "0-7"), (14, "7-14"), (30, "14-30"), (60, "30-60"), (90, "60-90"), (180, "90-180"))
_LATEST = "over 180"
EXPIRY_WORDS = (*(word for _, word in _EXPIRY), _LATEST)
"""Ranges of days left to a server certificate, each with its upper bound."""

_DAY = 86400  # seconds
_POST_QUANTUM = ("MLKEM", "KYBER")
_WORST_FIRST = ("bogus", "indeterminate", "insecure", "secure")


@dataclass(frozen=True, slots=True)
class SlowHost:
    """An address and how long all probes of it took."""

    host: str
    address: str
    ms: float


@dataclass(frozen=True, slots=True)
class ExpiringHost:
    """An MX host whose server certificate expires soon after the run, or had expired; ``domains`` have this host."""

    host: str
    not_after: datetime
    domains: int = 0


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An MX host whose addresses differ in ``what``; ``values`` has what each address showed."""

    host: str
    what: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Cert:
    key: str
    issuer: str
    not_after: datetime | None


_NO_CERT = _Cert(UNKNOWN, UNKNOWN, None)
_NO_WORDS: Mapping[str, frozenset[Word]] = {}


class Hosts:
    """Counts over hosts.jsonl; add every report, then read.

    ``facts`` has the words of each host, and ``usable`` the hosts with usable TLSA records, by key of a report.
    ``ends`` is when the first of the server certificates of a host ends. The other counts are of addresses with a
    handshake.

    Args:
        certs: the certificates of the run.
        now: the time from which the days left to a certificate are counted.
        more: further words of MX hosts by key of a report.
    """

    def __init__(
        self, certs: Iterable[CertPart], now: datetime, more: Mapping[str, frozenset[Word]] = _NO_WORDS
    ) -> None:
        self._now = now
        self._more = more
        self._certs = {bytes.fromhex(cert.sha256): _cert(cert) for cert in certs}
        self._shared: dict[frozenset[Word], frozenset[Word]] = {}
        self._times: list[tuple[float, str, str]] = []
        self.ends: dict[str, datetime] = {}
        self._handshakes: dict[tuple[str, ...], frozenset[Word]] = {}
        self.count = 0
        self.endpoints = 0
        self.usable: set[str] = set()
        self.facts: dict[str, frozenset[Word]] = {}
        self.versions: Counter[str] = Counter()
        self.ciphers: Counter[str] = Counter()
        self.groups: Counter[str] = Counter()
        self.key_types: Counter[str] = Counter()
        self.disagreements: list[Disagreement] = []

    def add(self, report: ReportPart) -> None:
        """Count an MX host."""
        self.count += 1
        self.endpoints += len(report.endpoints)
        if report.tlsa.dane is None:
            self.usable.add(report.key)
        words = {*_dnssec(report), *self._more.get(report.key, ())}
        for endpoint in report.endpoints:
            self._time(report.host, endpoint)
            if (shaken := endpoint.handshake) is not None:
                words.update(self._handshake(report.host, shaken))
                if endpoint.small_hello_only:
                    words.add(("post_quantum", "fails"))
        if (end := self.ends.get(report.host)) is not None:
            words.add(("expiry", expiry_word(days_left(end, self._now))))
        words.update(self._differences(report))
        fixed = frozenset(words)
        self.facts[report.key] = self._shared.setdefault(fixed, fixed)

    def slowest(self) -> tuple[SlowHost, ...]:
        """Return the addresses whose probes took longest."""
        return tuple(SlowHost(host, address, ms) for ms, host, address in sorted(self._times, reverse=True))

    def expiring(self, limit: datetime, domains: Mapping[str, int]) -> tuple[ExpiringHost, ...]:
        """Return the hosts whose certificate ends before a time, the first to end first."""
        found = (ExpiringHost(host, end, domains.get(host, 0)) for host, end in self.ends.items() if end < limit)
        return tuple(heapq.nsmallest(EXPIRING, found, key=lambda row: (row.not_after, row.host)))

    def _time(self, host: str, endpoint: AddressPart) -> None:
        taken = round(sum(sum(probe.ms.values()) for probe in endpoint.probes), 1)
        put = heapq.heappush if len(self._times) < SLOWEST else heapq.heappushpop
        put(self._times, (taken, host, endpoint.address))

    def _handshake(self, host: str, shaken: HandshakePart) -> frozenset[Word]:
        cert = self._certs.get(bytes.fromhex(shaken.chain[0]), _NO_CERT) if shaken.chain else _NO_CERT
        group = shaken.group or UNKNOWN
        self.versions[shaken.version] += 1
        self.ciphers[shaken.cipher] += 1
        self.groups[group] += 1
        self.key_types[cert.key] += 1
        if cert.not_after is not None:
            self.ends[host] = min(cert.not_after, self.ends.get(host, cert.not_after))
        return self._words_of(shaken.version, shaken.cipher, group, cert.key, cert.issuer)

    def _words_of(self, *seen: str) -> frozenset[Word]:
        """Return the words of a handshake: version, cipher, group, key and issuer."""
        words = self._handshakes.get(seen)
        if words is None:
            named = zip(("tls_versions", "ciphers", "groups", "key_types", "issuers"), seen, strict=True)
            pq = ("post_quantum", _post_quantum(seen[2]))
            words = self._handshakes[seen] = frozenset((("tls", "yes"), pq, *named))
        return words

    def _differences(self, report: ReportPart) -> Iterator[Word]:
        if len(set(map(_look, report.endpoints))) < 2:  # noqa: PLR2004 - it takes two to disagree
            return
        for what, values in _views(report.endpoints).items():
            if len(set(values.values())) > 1:
                yield "disagreements", what
                if len(self.disagreements) < DISAGREEING:
                    self.disagreements.append(Disagreement(report.host, what, tuple(sorted(values.items()))))


def days_left(end: datetime, now: datetime) -> float:
    """Return the days from ``now`` to the end of a certificate, negative where it has expired."""
    return (end - now).total_seconds() / _DAY


def expiry_word(days: float) -> str:
    """Return the member of ``EXPIRY_WORDS`` for the days left to a certificate."""
    return next((word for bound, word in _EXPIRY if days <= bound), _LATEST)


def _look(endpoint: AddressPart) -> tuple[object, ...]:
    """Return all that is compared of an address: addresses with the same cannot disagree."""
    shaken = endpoint.handshake
    leaf = (shaken.version, *shaken.chain[:1]) if shaken is not None else None
    match = endpoint.dane.matched if endpoint.dane is not None else None
    return (_starttls(endpoint), leaf, match)


def _starttls(endpoint: AddressPart) -> str:
    shown = endpoint.shown
    return UNKNOWN if shown is None else shown.starttls


def _views(endpoints: Iterable[AddressPart]) -> dict[str, dict[str, str]]:
    """Return what each address showed, by what is compared, without addresses that showed nothing of the kind."""
    views: dict[str, dict[str, str]] = {"starttls": {}, "certificate": {}, "tls-version": {}, "dane": {}}
    for endpoint in endpoints:
        shaken = endpoint.handshake
        if (starttls := _starttls(endpoint)) != UNKNOWN:
            views["starttls"][endpoint.address] = starttls
        if shaken is not None:
            views["certificate"][endpoint.address] = shaken.chain[0][:16] if shaken.chain else "none"
            views["tls-version"][endpoint.address] = shaken.version
        if endpoint.dane is not None:
            views["dane"][endpoint.address] = "match" if endpoint.dane.matched else "no match"
    return views


def _dnssec(report: ReportPart) -> Iterator[Word]:
    yield "dnssec_host", _worst(answer for answer in (report.a, report.aaaa) if answer is not None)
    yield "dnssec_tlsa", _worst(report.tlsa.steps)


def _worst(answers: Iterable[AnswerPart]) -> str:
    states = {answer.security for answer in answers}
    return next((state for state in _WORST_FIRST if state in states), NOT_ASKED)


def _post_quantum(group: str) -> str:
    if group == UNKNOWN:
        return UNKNOWN
    return "yes" if any(name in group.upper() for name in _POST_QUANTUM) else "no"


def _cert(cert: CertPart) -> _Cert:
    key = f"{cert.key_type} {cert.key_bits}" if cert.key_type and cert.key_bits else cert.key_type or UNKNOWN
    return _Cert(key, cert.issuer_cn or cert.issuer or UNKNOWN, cert.not_after)
