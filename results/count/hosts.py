"""Counter of the MX hosts in the file hosts.jsonl of a run, by label (see ``results.count.base.Word``).

MX hosts with equal labels share one set object, so that each host costs the memory of one reference.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from results.count.base import UNKNOWN, Word
from results.count.domain_words import NOT_ASKED
from results.store.partial import AddressPart, AnswerPart, CertPart, HandshakePart, ReportPart
from scanner.core.algorithms import algorithm_of
from scanner.core.post_quantum import is_post_quantum
from scanner.core.route import TRUST
from scanner.vocabulary import PostQuantum, Served

SLOWEST = 20  # maximum number of listed addresses
EXPIRING = 100  # maximum number of listed hosts with an expiring certificate, earliest first
DISAGREEING = 1000  # maximum number of listed differences between addresses; the table counts all differences

_EXPIRY = ((0, "expired"), (7, "0-7"), (14, "7-14"), (30, "14-30"), (60, "30-60"), (90, "60-90"), (180, "90-180"))
_LATEST = "over 180"
EXPIRY_WORDS = (*(word for _, word in _EXPIRY), _LATEST)
"""Labels for the days until the expiry of a server certificate; a range of days includes its upper bound."""

_DAY = 86400  # length of a day in seconds
_WORST_FIRST = tuple(str(state) for state in reversed(TRUST))


@dataclass(frozen=True, slots=True)
class SlowHost:
    """An address of an MX host, and the total duration ``ms`` of all probes of the address in milliseconds."""

    host: str
    address: str
    ms: float


@dataclass(frozen=True, slots=True)
class ExpiringHost:
    """An MX host with a server certificate that expires before the ``limit`` of ``Hosts.expiring``.

    ``domains`` is the number of domains that use the host.
    """

    host: str
    not_after: datetime
    domains: int = 0


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An MX host whose addresses differ in the property ``what``.

    ``values`` contains a pair (address, value of the property) for each address with a known value.
    """

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
    """Counter of the lines of hosts.jsonl; the numbers are complete after ``add`` was called for each report.

    ``facts`` maps report keys to labels of the MX host, and ``usable`` is the set of report keys with usable TLSA
    records. ``ends`` maps the name of a host to the earliest expiry of the server certificates of the host.
    ``versions``, ``ciphers``, ``groups`` and ``key_types`` count addresses with a TLS handshake.

    Args:
        certs: the certificates of the run.
        now: the reference time for the remaining days of a certificate.
        more: further labels of each MX host, by report key.
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
        """Count the MX host that a report describes."""
        self.count += 1
        self.endpoints += len(report.endpoints)
        if report.tlsa.dane is None:
            self.usable.add(report.key)
        words = {*_dnssec(report), *self._more.get(report.key, ())}
        probed = report.inferred is None  # the lists name a probed address once, under the name of its own host
        for endpoint in report.endpoints:
            if probed:
                self._time(report.host, endpoint)
            if (shaken := endpoint.handshake) is not None:
                words.update(self._handshake(report.host, shaken))
                if endpoint.small_hello_only:
                    words.add(("post_quantum", "fails"))
                words.update(_post_quantum_words(endpoint, shaken))
                if endpoint.algorithms:
                    words.update(self._certificates(report.host, endpoint, shaken))
        if (end := self.ends.get(report.host)) is not None:
            words.add(("expiry", expiry_word(days_left(end, self._now))))
        words.update(self._differences(report))
        fixed = frozenset(words)
        self.facts[report.key] = self._shared.setdefault(fixed, fixed)

    def slowest(self) -> tuple[SlowHost, ...]:
        """Return the addresses with the longest total duration of their probes, longest first."""
        return tuple(SlowHost(host, address, ms) for ms, host, address in sorted(self._times, reverse=True))

    def expiring(self, limit: datetime, domains: Mapping[str, int]) -> tuple[ExpiringHost, ...]:
        """Return at most ``EXPIRING`` hosts whose certificate expires before ``limit``, earliest expiry first."""
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
        self._end(host, cert)
        return self._words_of(shaken.version, shaken.cipher, group, cert.key, cert.issuer)

    def _certificates(self, host: str, endpoint: AddressPart, shaken: HandshakePart) -> Iterator[Word]:
        """Yield the labels about the key algorithms of an address's certificates.

        ``shaken`` is the handshake with the default TLS offer; each further probe of the address offered the signature
        algorithms of one key algorithm only.
        """
        served = [other for other in endpoint.algorithms if other.served == Served.YES]
        for other in served:
            handshake = other.probe.handshake
            if handshake is not None and handshake.chain:
                self._end(host, self._certs.get(bytes.fromhex(handshake.chain[0]), _NO_CERT))
        algs = sorted({algorithm_of(shaken), *(other.alg for other in served)})
        doubt = any(other.served == Served.UNKNOWN for other in endpoint.algorithms)
        yield "tls", "asked"
        yield "cert_algs", " and ".join((*algs, *([UNKNOWN] if doubt else [])))

    def _end(self, host: str, cert: _Cert) -> None:
        if cert.not_after is not None:
            self.ends[host] = min(cert.not_after, self.ends.get(host, cert.not_after))

    def _words_of(self, *seen: str) -> frozenset[Word]:
        """Return the labels of a TLS handshake.

        The arguments ``seen`` are the TLS version, cipher, group, key type and issuer of the handshake.
        """
        words = self._handshakes.get(seen)
        if words is None:
            named = zip(("tls_versions", "ciphers", "groups", "key_types", "issuers"), seen, strict=True)
            pq = ("post_quantum", _post_quantum(seen[2]))
            words = self._handshakes[seen] = frozenset((("tls", "yes"), pq, *named))
        return words

    def _differences(self, report: ReportPart) -> Iterator[Word]:
        if len(set(map(_look, report.endpoints))) < 2:  # noqa: PLR2004 - a disagreement needs two values
            return
        for what, values in _views(report.endpoints).items():
            if len(set(values.values())) > 1:
                yield "disagreements", what
                if len(self.disagreements) < DISAGREEING and report.inferred is None:
                    self.disagreements.append(Disagreement(report.host, what, tuple(sorted(values.items()))))


def days_left(end: datetime, now: datetime) -> float:
    """Return the days from ``now`` to the expiry of a certificate, negative for an expired certificate."""
    return (end - now).total_seconds() / _DAY


def expiry_word(days: float) -> str:
    """Return the member of ``EXPIRY_WORDS`` for the remaining days of a certificate."""
    return next((word for bound, word in _EXPIRY if days <= bound), _LATEST)


def _look(endpoint: AddressPart) -> tuple[object, ...]:
    """Return, as one value, the properties that are compared between the addresses of a host."""
    shaken = endpoint.handshake
    leaf = (shaken.version, *shaken.chain[:1]) if shaken is not None else None
    match = endpoint.dane.matched if endpoint.dane is not None else None
    return (_starttls(endpoint), leaf, match)


def _starttls(endpoint: AddressPart) -> str:
    shown = endpoint.shown
    return UNKNOWN if shown is None else shown.starttls


def _views(endpoints: Iterable[AddressPart]) -> dict[str, dict[str, str]]:
    """Return for each compared property the value at each address, without the addresses where the value is unknown."""
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
    return "yes" if is_post_quantum(group) else "no"


def _post_quantum_words(endpoint: AddressPart, shaken: HandshakePart) -> Iterator[Word]:
    """Yield the labels of an address about post-quantum groups and signatures, and about a second ClientHello."""
    if endpoint.pq in (PostQuantum.SUPPORTED, PostQuantum.NO):
        yield "post_quantum", "supported" if endpoint.pq == PostQuantum.SUPPORTED else "not supported"
    if endpoint.pq_signature == Served.YES:
        yield "post_quantum", "signature"
    if shaken.retried:
        yield "post_quantum", "second hello"


def _cert(cert: CertPart) -> _Cert:
    key = f"{cert.key_type} {cert.key_bits}" if cert.key_type and cert.key_bits else cert.key_type or UNKNOWN
    return _Cert(key, cert.issuer_cn or cert.issuer or UNKNOWN, cert.not_after)
