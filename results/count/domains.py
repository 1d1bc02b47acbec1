"""Counts over domains.jsonl.

What is said of an MX host is written alike in the lines of all domains that share it, and so are most verdicts of
domains: either is decoded once, and known again by its octets. Domains with the same route, verdict and hosts are
counted as one kind. What is known is settled, and forgotten, when there is too much of it.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypeVar

import msgspec

from results.count.failing import EXAMPLES, Failing, FailingHost, fails, reasons_of
from results.count.hosts import UNKNOWN, Word
from results.store.files import StoreError
from results.store.partial import HOST, VERDICT, DomainPart, HostPart, RoutePart, VerdictPart
from scanner.core.providers import provider_of
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainStartTLS, Security, worst

KNOWN = 262_144  # verdicts of hosts kept at once, about 0.4 KiB each
KINDS = 65_536  # of domains, kept at once, about 0.3 KiB each
VERDICTS = 16_384  # of domains, kept at once, about 1 KiB each
UNROUTED = 1000  # domains named that fail before any host is known

FUNNEL = ("domains", "with_mail", "mx_secure", "with_tlsa", "matched", "protected")
"""The steps of the funnel: the members of ``Funnel``."""

_DIGEST = 16  # octets: nobody finds two texts with the same
_NOT_A_CAUSE = frozenset(
    (
        Reason.LEVEL_NOT_MET,
        Reason.DELIVERED_BY_LESSER_MX,
        Reason.IMPLICIT_MX,
        Reason.MX_INSECURE,
        Reason.MX_TARGET_IS_ALIAS,
        Reason.HOST_INSECURE,
        Reason.TLSA_NONE,
        Reason.TLSA_INSECURE,
        Reason.HOST_UNREACHABLE,
        Reason.SOME_ADDRESSES_UNREACHABLE,
        Reason.SOME_ADDRESSES_INCONCLUSIVE,
    )
)
"""Reasons that do not say by themselves why something could not be told."""
NOT_ASKED = "not asked"

_Part = TypeVar("_Part", HostPart, VerdictPart)

_NO_FACTS: frozenset[Word] = frozenset()


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
class UnroutedDomain:
    """A domain that fails before any MX host is known."""

    domain: str
    reasons: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Provider:
    """Who runs MX hosts: a registrable domain; a domain counts once, ``failing`` are hosts."""

    name: str
    domains: int
    hosts: int
    protected: int
    broken: int
    tls: int
    failing: int


@dataclass(slots=True, eq=False)
class _Host:
    """A verdict of an MX host, and the domains that have it; ``part`` is kept of hosts that fail."""

    name: str
    report: str | None
    dane: str
    provider: str
    reasons: frozenset[str]
    words: frozenset[Word]
    mask: int
    part: HostPart | None
    size: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Kind:
    """Domains with the same route, verdict and hosts; ``failing`` are those of the hosts that fail."""

    route: RoutePart
    verdict: VerdictPart
    hosts: tuple[_Host, ...]
    failing: tuple[_Host, ...]
    size: int = 0


class Domains:
    """Counts over domains.jsonl; add every line, settle, then read.

    Args:
        facts: words of each MX host, by the key of its report.
        usable: keys of reports with usable TLSA records.
    """

    def __init__(self, facts: Mapping[str, frozenset[Word]], usable: set[str]) -> None:
        self._facts = facts
        self._usable = usable
        self._known: dict[bytes, _Host] = {}
        self._verdicts: dict[bytes, VerdictPart] = {}
        self._routes: dict[RoutePart, RoutePart] = {}  # one of those that are alike: there are few
        self._kinds: dict[tuple[RoutePart, VerdictPart, tuple[_Host, ...]], _Kind] = {}
        self._steps: Counter[int] = Counter()
        self._failing = Failing()
        self._providers: Counter[tuple[str, tuple[str, bool]]] = Counter()
        self._provider_of: dict[str, str] = {}
        self._bits: dict[Word, int] = {}
        self._words: dict[Hashable, tuple[frozenset[Word], int]] = {}
        self.count = 0
        self.by_word: Counter[Word] = Counter()
        self.masks: dict[str, int] = {}
        self.domains_of: Counter[str] = Counter()
        self.host_dane: dict[str, str] = {}
        self.unrouted: list[UnroutedDomain] = []

    def add(self, line: DomainPart) -> None:
        """Count a domain."""
        self.count += 1
        verdict = self._verdict(line.key, line.verdict)
        hosts = tuple([self._host(line.key, raw) for raw in line.hosts])
        kind = self._kind(line.route, verdict, hosts)
        kind.size += 1
        if kind.size <= EXAMPLES:
            _exemplify(kind, line.key)
        if not hosts:
            self._unrouted(line.key, verdict)
        if len(self._known) > KNOWN:
            self.settle()
        elif len(self._kinds) > KINDS:
            self._settle_kinds()

    def settle(self) -> None:
        """Count what is known, and forget it."""
        self._settle_kinds()
        for host in self._known.values():
            self.masks[host.name] = self.masks.get(host.name, 0) | host.mask
            self.domains_of[host.name] += host.size
            if host.report is not None:
                self.host_dane[host.report] = worst(self.host_dane.get(host.report, host.dane), host.dane)
            if host.part is not None:
                self._failing.add(host.part, host.size, host.examples)
        self._known.clear()

    def funnel(self) -> Funnel:
        """Say how many domains got how far."""
        reached = [sum(count for step, count in self._steps.items() if step >= floor) for floor in range(6)]
        return Funnel(*reached)

    def failing(self) -> tuple[FailingHost, ...]:
        """Give the failing hosts, those that concern most domains first."""
        return self._failing.hosts()

    def hosts_by_word(self) -> Counter[Word]:
        """Say how many MX hosts each word concerns."""
        sizes = Counter(self.masks.values())
        found: Counter[Word] = Counter()
        for mask, hosts in sizes.items():
            for word, bit in self._bits.items():
                if mask & bit:
                    found[word] += hosts
        return found

    def providers(self) -> tuple[Provider, ...]:
        """Give the providers, those with most domains first."""
        hosts = Counter(self._provider_of.values())
        failing = Counter(self._provider_of[host] for host in self._failing.names)
        counts: Counter[tuple[str, str]] = Counter()
        for (name, (dane, tls)), size in self._providers.items():
            for word in ("all", dane, *(["tls"] if tls else [])):
                counts[name, word] += size
        found = (
            Provider(
                name,
                counts[name, "all"],
                number,
                counts[name, DomainDane.PROTECTED],
                counts[name, DomainDane.BROKEN],
                counts[name, "tls"],
                failing[name],
            )
            for name, number in hosts.items()
        )
        return tuple(sorted(found, key=lambda row: (-row.domains, row.name)))

    def _settle_kinds(self) -> None:
        alike: Counter[tuple[frozenset[Word], ...]] = Counter()
        for kind in self._kinds.values():
            alike[self._settle(kind)] += kind.size
        for sets, size in alike.items():
            for word in frozenset[Word]().union(*sets):
                self.by_word[word] += size
        self._kinds.clear()
        self._words.clear()

    def _settle(self, kind: _Kind) -> tuple[frozenset[Word], ...]:
        """Count the domains of a kind, but for their words, which are given back."""
        step = self._step(kind)
        self._steps[step] += kind.size
        words, mask = self._words_of_domain(kind, step)
        for host in kind.hosts:
            host.mask |= mask
            host.size += kind.size
        self._add_providers(kind)
        return words, *[host.words for host in kind.hosts]

    # --- one domain -------------------------------------------------------------------------------------------

    def _kind(self, route: RoutePart, verdict: VerdictPart, hosts: tuple[_Host, ...]) -> _Kind:
        found = self._kinds.get((route, verdict, hosts))
        if found is None:
            route = self._routes.setdefault(route, route)
            failing = tuple([host for host in hosts if host.part is not None])
            found = self._kinds[route, verdict, hosts] = _Kind(route, verdict, hosts, failing)
        return found

    def _host(self, domain: str, raw: msgspec.Raw) -> _Host:
        key = blake2b(raw, digest_size=_DIGEST).digest()
        found = self._known.get(key)
        if found is None:
            part = _decoded(HOST, raw, domain)
            reasons = reasons_of(part)
            words, mask = self._words_of_host(part, reasons)
            kept = part if fails(part) else None
            provider = self._provider(part.host)
            found = _Host(part.host, part.report, part.dane, provider, reasons, words, mask, kept)
            self._known[key] = found
        return found

    def _verdict(self, domain: str, raw: msgspec.Raw) -> VerdictPart:
        key = bytes(raw)
        found = self._verdicts.get(key)
        if found is None:
            if len(self._verdicts) >= VERDICTS:
                self._verdicts.clear()
            found = self._verdicts[key] = _decoded(VERDICT, raw, domain)
        return found

    def _unrouted(self, domain: str, verdict: VerdictPart) -> None:
        if verdict.outcome in (DomainOutcome.FAIL, DomainOutcome.INCONCLUSIVE) and len(self.unrouted) < UNROUTED:
            self.unrouted.append(UnroutedDomain(domain, verdict.reasons, verdict.text))

    def _step(self, kind: _Kind) -> int:
        """Say how far down the funnel domains of a kind get."""
        route, verdict, hosts = kind.route, kind.verdict, kind.hosts
        if not hosts or route.final is not None or verdict.outcome == DomainOutcome.NO_MAIL:
            return 0
        if route.mx is not None and route.mx.security != Security.SECURE:
            return 1
        if self._usable.isdisjoint([host.report for host in hosts]):
            return 2
        if Dane.OK not in [host.dane for host in hosts]:
            return 3
        return 5 if verdict.dane == DomainDane.PROTECTED else 4

    def _words_of_domain(self, kind: _Kind, step: int) -> tuple[frozenset[Word], int]:
        """The words of a kind of domains, and the mask of those that concern all its hosts."""
        route, verdict, hosts = kind.route, kind.verdict, kind.hosts
        by_hosts = hosts[0].reasons if len(hosts) == 1 else frozenset[str]().union(*[host.reasons for host in hosts])
        mx = route.mx.security if route.mx is not None else NOT_ASKED
        mx_kind = _mx_kind(route)
        key = (verdict, mx, mx_kind, step, by_hosts)
        words = self._words.get(key)
        if words is None:
            reached = (("funnel", name) for name in FUNNEL[: step + 1])
            said = frozenset((*_words_of_domain(verdict, mx, mx_kind, routed=bool(hosts)), *reached))
            own = (word for word in said if word[0] != "reasons" or word[1] not in by_hosts)
            words = self._words[key] = (said, self._mask(own))
        return words

    def _words_of_host(self, host: HostPart, reasons: frozenset[str]) -> tuple[frozenset[Word], int]:
        """The words of a host, and their mask."""
        facts = self._facts.get(host.report or "", _NO_FACTS)
        key = (host.dane, host.starttls, reasons, facts)
        words = self._words.get(key)
        if words is None:
            said = facts.union(_words_of_verdict(host, reasons))
            words = self._words[key] = (said, self._mask(said))
        return words

    def _add_providers(self, kind: _Kind) -> None:
        state = (kind.verdict.dane, kind.verdict.starttls == DomainStartTLS.ALL)
        for name in {host.provider for host in kind.hosts}:
            self._providers[name, state] += kind.size

    def _mask(self, words: Iterable[Word]) -> int:
        mask = 0
        for word in words:
            bit = self._bits.get(word)
            if bit is None:
                bit = self._bits[word] = 1 << len(self._bits)
            mask |= bit
        return mask

    def _provider(self, host: str) -> str:
        name = self._provider_of.get(host)
        if name is None:
            name = self._provider_of[host] = provider_of(host)
        return name


def _exemplify(kind: _Kind, domain: str) -> None:
    for host in kind.failing:
        if len(host.examples) < EXAMPLES:
            host.examples.append(domain)


def _words_of_domain(verdict: VerdictPart, mx: str, kind: str, *, routed: bool) -> Iterator[Word]:
    yield "outcome", verdict.outcome
    yield "sender", verdict.sender
    yield "dane", verdict.dane
    yield "starttls", verdict.starttls
    yield "dnssec_mx", mx
    yield "mx", kind
    for code in verdict.reasons:
        yield "reasons", code
        if verdict.outcome == DomainOutcome.INCONCLUSIVE and not routed and code not in _NOT_A_CAUSE:
            yield "inconclusive", code


def _mx_kind(route: RoutePart) -> str:
    if route.final is not None:
        return route.final
    if Reason.IMPLICIT_MX in route.reasons:
        return "implicit-mx"
    return "given" if route.mx is None else "mx"


def _decoded(decoder: msgspec.json.Decoder[_Part], raw: msgspec.Raw, domain: str) -> _Part:
    try:
        return decoder.decode(raw)
    except msgspec.DecodeError as error:
        raise StoreError(f"the line of {domain} in domains.jsonl: {error}") from error


def _words_of_verdict(host: HostPart, reasons: frozenset[str]) -> Iterator[Word]:
    yield "host_dane", host.dane
    for code in reasons:
        yield "reasons", code
        if UNKNOWN in (host.dane, host.starttls) and code not in _NOT_A_CAUSE:
            yield "inconclusive", code
