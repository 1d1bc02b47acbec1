"""Counts over domains.jsonl.

The verdict of an MX host has the same octets in the lines of most domains that share the host, and so have most
verdicts of domains. Each is decoded once, and recognised by its octets after that. Domains with the same route,
verdict and hosts are counted as one kind. Kinds are counted and forgotten when there are too many to keep.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypeVar

import msgspec

from results.count.base import Word
from results.count.domain_words import funnel_step, mx_kind, mx_state, words_of_domain, words_of_host
from results.count.failing import EXAMPLES, Failing, FailingHost, fails, reasons_of
from results.store import codec
from results.store.partial import HOST, VERDICT, DomainPart, HostPart, RoutePart, VerdictPart
from scanner.core.providers import provider_of
from scanner.vocabulary import DomainDane, DomainOutcome, DomainStartTLS, worst

KNOWN = 262_144  # verdicts of hosts kept at once, about 0.4 KiB each
KINDS = 65_536  # of domains, kept at once, about 0.3 KiB each
VERDICTS = 16_384  # of domains, kept at once, about 1 KiB each
UNROUTED = 1000  # domains named that fail before any host is known

_DIGEST = 16  # octets: no two texts with the same digest can be found
_Part = TypeVar("_Part", HostPart, VerdictPart)
_NO_FACTS: frozenset[Word] = frozenset()


@dataclass(frozen=True, slots=True)
class Funnel:
    """The number of domains that reach each step; each is a part of the one before.

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
    """The operator of MX hosts, named by registrable domain; a domain counts once, ``failing`` are MX hosts."""

    name: str
    domains: int
    hosts: int
    protected: int
    broken: int
    tls: int
    failing: int


@dataclass(slots=True, eq=False)
class HostKind:
    """One verdict of an MX host, and the number of domains that have it.

    ``reasons`` are those of the host and of its addresses, ``words`` all that is counted of it. ``mask`` has a bit for
    each word of the host or of a domain that uses it. ``part`` is kept of hosts that fail.
    """

    name: str
    preference: int
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
class DomainKind:
    """Domains with the same route, verdict and hosts, and their number; ``failing`` are the hosts that fail."""

    route: RoutePart
    verdict: VerdictPart
    hosts: tuple[HostKind, ...]
    failing: tuple[HostKind, ...]
    size: int = 0


MoreWords = Callable[[DomainKind, int], frozenset[Word]]
"""Returns further words of a kind of domains, from the kind and its ``funnel_step``; a kind is asked for once."""


def _no_more(_kind: DomainKind, _step: int) -> frozenset[Word]:
    return _NO_FACTS


class Domains:
    """Counts over domains.jsonl; add every line, settle, then read.

    ``by_word`` has the number of domains of each word, ``masks`` the words of each MX host as bits, ``domains_of`` the
    number of domains of each MX host, and ``host_dane`` the worst DANE verdict by key of a report.

    Args:
        facts: words of each MX host, by the key of its report.
        usable: keys of reports with usable TLSA records.
        more: what else is counted of domains.
    """

    def __init__(self, facts: Mapping[str, frozenset[Word]], usable: set[str], more: MoreWords = _no_more) -> None:
        self._facts = facts
        self._usable = usable
        self._more = more
        self._known: dict[bytes, HostKind] = {}
        self._verdicts: dict[bytes, VerdictPart] = {}
        self._routes: dict[RoutePart, RoutePart] = {}  # one copy of equal routes: there are few
        self._kinds: dict[tuple[RoutePart, VerdictPart, tuple[HostKind, ...]], DomainKind] = {}
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
        """Count a domain.

        Raises:
            CodecError: a verdict in the line is not what it should be; the domain is not counted.
        """
        verdict = self._verdict(line.verdict)
        hosts = tuple([self._host(raw) for raw in line.hosts])
        self.count += 1
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
        """Count the kinds that are kept, and forget them."""
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
        """Return the number of domains that reach each step."""
        reached = [sum(count for step, count in self._steps.items() if step >= floor) for floor in range(6)]
        return Funnel(*reached)

    def failing(self) -> tuple[FailingHost, ...]:
        """Return the failing hosts, those that concern most domains first."""
        return self._failing.hosts()

    def hosts_by_word(self) -> Counter[Word]:
        """Return the number of MX hosts that each word concerns."""
        sizes = Counter(self.masks.values())
        found: Counter[Word] = Counter()
        for mask, hosts in sizes.items():
            for word, bit in self._bits.items():
                if mask & bit:
                    found[word] += hosts
        return found

    def hosts_with(self, *words: Word) -> int:
        """Return the number of MX hosts that all of several words concern."""
        bits = [self._bits.get(word, 0) for word in words]
        whole = sum(bits)
        return sum(mask & whole == whole for mask in self.masks.values()) if all(bits) else 0

    def providers(self) -> tuple[Provider, ...]:
        """Return the providers, those with most domains first."""
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

    def _settle(self, kind: DomainKind) -> tuple[frozenset[Word], ...]:
        """Count the domains of a kind except for their words, and return the sets of these."""
        usable = not self._usable.isdisjoint([host.report for host in kind.hosts])
        step = funnel_step(kind.route, kind.verdict, [host.dane for host in kind.hosts], usable=usable)
        self._steps[step] += kind.size
        words, mask = self._words_of_domain(kind, step)
        more, more_mask = self._further(kind, step)
        for host in kind.hosts:
            host.mask |= mask | more_mask
            host.size += kind.size
        self._add_providers(kind)
        return words, more, *[host.words for host in kind.hosts]

    # --- one domain -------------------------------------------------------------------------------------------

    def _kind(self, route: RoutePart, verdict: VerdictPart, hosts: tuple[HostKind, ...]) -> DomainKind:
        found = self._kinds.get((route, verdict, hosts))
        if found is None:
            route = self._routes.setdefault(route, route)
            failing = tuple([host for host in hosts if host.part is not None])
            found = self._kinds[route, verdict, hosts] = DomainKind(route, verdict, hosts, failing)
        return found

    def _host(self, raw: msgspec.Raw) -> HostKind:
        key = blake2b(raw, digest_size=_DIGEST).digest()
        found = self._known.get(key)
        if found is None:
            part = _decoded(HOST, raw)
            reasons = reasons_of(part)
            words, mask = self._words_of_host(part, reasons)
            kept = part if fails(part) else None
            provider = self._provider(part.host)
            found = HostKind(part.host, part.preference, part.report, part.dane, provider, reasons, words, mask, kept)
            self._known[key] = found
        return found

    def _verdict(self, raw: msgspec.Raw) -> VerdictPart:
        key = bytes(raw)
        found = self._verdicts.get(key)
        if found is None:
            if len(self._verdicts) >= VERDICTS:
                self._verdicts.clear()
            found = self._verdicts[key] = _decoded(VERDICT, raw)
        return found

    def _unrouted(self, domain: str, verdict: VerdictPart) -> None:
        if verdict.outcome in (DomainOutcome.FAIL, DomainOutcome.INCONCLUSIVE) and len(self.unrouted) < UNROUTED:
            self.unrouted.append(UnroutedDomain(domain, verdict.reasons, verdict.text))

    def _words_of_domain(self, kind: DomainKind, step: int) -> tuple[frozenset[Word], int]:
        """Return the words of a kind of domains, and the mask of those that concern all its hosts."""
        verdict, hosts = kind.verdict, kind.hosts
        by_hosts = hosts[0].reasons if len(hosts) == 1 else frozenset[str]().union(*[host.reasons for host in hosts])
        mx, known_by = mx_state(kind.route), mx_kind(kind.route)
        key = (verdict, mx, known_by, step, by_hosts)
        words = self._words.get(key)
        if words is None:
            said = frozenset(words_of_domain(verdict, mx, known_by, step, routed=bool(hosts)))
            own = (word for word in said if word[0] != "reasons" or word[1] not in by_hosts)
            words = self._words[key] = (said, self._mask(own))
        return words

    def _further(self, kind: DomainKind, step: int) -> tuple[frozenset[Word], int]:
        said = self._more(kind, step)
        words = self._words.get(said)
        if words is None:
            words = self._words[said] = (said, self._mask(said))
        return words

    def _words_of_host(self, host: HostPart, reasons: frozenset[str]) -> tuple[frozenset[Word], int]:
        """Return the words of a host, and their mask."""
        facts = self._facts.get(host.report or "", _NO_FACTS)
        key = (host.dane, host.starttls, reasons, facts)
        words = self._words.get(key)
        if words is None:
            said = facts.union(words_of_host(host, reasons))
            words = self._words[key] = (said, self._mask(said))
        return words

    def _add_providers(self, kind: DomainKind) -> None:
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


def _exemplify(kind: DomainKind, domain: str) -> None:
    for host in kind.failing:
        if len(host.examples) < EXAMPLES:
            host.examples.append(domain)


def _decoded(decoder: msgspec.json.Decoder[_Part], raw: msgspec.Raw) -> _Part:
    try:
        return decoder.decode(raw)
    except codec.UNREADABLE as error:
        raise codec.CodecError(str(error)) from error
