"""Counts over domains.jsonl.

Most domains of a long list share their MX hosts, and then those parts of their lines are the same octets. Such
domains make a class, which is decoded once and counted with its size. Classes are settled, and forgotten, when
there are too many to keep.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec

from results.counting_hosts import UNKNOWN, Word
from results.failing import EXAMPLES, Failing, FailingHost, fails, reasons_of, worse
from results.files import StoreError
from results.lean import HOSTS, VERDICT, DomainPart, HostPart, RoutePart, VerdictPart
from scanner.core.providers import provider_of
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainStartTLS, Reason, Security

CLASSES = 16_384  # kept at once, about 3 KiB each
UNROUTED = 1000  # domains named that fail before any host is known

FUNNEL = ("domains", "with_mail", "mx_secure", "with_tlsa", "matched", "protected")
"""The steps of the funnel: the members of ``Funnel``."""

_DIGEST = 16  # octets: nobody finds two classes with the same
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
_Key = tuple[bytes, str | None, tuple[str, ...], str | None]
"""What makes a class: a digest of hosts and verdict, and what counts of the route."""

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


@dataclass(slots=True)
class _Class:
    """Domains whose hosts and verdicts are written alike."""

    route: RoutePart
    hosts: tuple[HostPart, ...]
    verdict: VerdictPart
    size: int = 0
    examples: list[str] = field(default_factory=list)
    fails: bool = False

    def emptied(self) -> "_Class":
        """Begin to count anew."""
        self.size = 0
        self.examples = []
        return self


class Domains:
    """Counts over domains.jsonl; add every line, settle, then read.

    Args:
        facts: words of each MX host, by the key of its report.
        usable: keys of reports with usable TLSA records.
    """

    def __init__(self, facts: Mapping[str, frozenset[Word]], usable: set[str]) -> None:
        self._facts = facts
        self._usable = usable
        self._classes: dict[_Key, _Class] = {}
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
        route = line.route
        digest = blake2b(line.hosts, digest_size=_DIGEST)
        digest.update(line.verdict)
        key = (digest.digest(), route.mx.security if route.mx else None, route.reasons, route.final)
        found = self._classes.get(key)
        if found is None:
            found = self._new_class(key, line)
        found.size += 1
        if found.fails and len(found.examples) < EXAMPLES:
            found.examples.append(line.key)
        if not found.hosts:
            self._unrouted(line.key, found)

    def settle(self) -> None:
        """Count the classes at hand, and forget those that only one domain was of."""
        alike: Counter[frozenset[frozenset[Word]]] = Counter()
        for found in self._classes.values():
            if found.size:
                alike[self._settle(found)] += found.size
        self._classes = {key: found.emptied() for key, found in self._classes.items() if found.size > 1}
        for sets, size in alike.items():
            for word in frozenset[Word]().union(*sets):
                self.by_word[word] += size
        self._words.clear()

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

    # --- one class --------------------------------------------------------------------------------------------

    def _new_class(self, key: _Key, line: DomainPart) -> _Class:
        if len(self._classes) >= CLASSES:
            self.settle()
        try:
            found = _Class(line.route, HOSTS.decode(line.hosts), VERDICT.decode(line.verdict))
        except msgspec.DecodeError as error:
            raise StoreError(f"the line of {line.key} in domains.jsonl: {error}") from error
        found.fails = any(map(fails, found.hosts))
        self._classes[key] = found
        return found

    def _unrouted(self, domain: str, found: _Class) -> None:
        verdict = found.verdict
        if verdict.outcome in (DomainOutcome.FAIL, DomainOutcome.INCONCLUSIVE) and len(self.unrouted) < UNROUTED:
            self.unrouted.append(UnroutedDomain(domain, verdict.reasons, verdict.text))

    def _settle(self, found: _Class) -> frozenset[frozenset[Word]]:
        """Count all of a class but its words, which are given back: those of the domain and of each host."""
        step = self._step(found)
        self._steps[step] += found.size
        reasons = [reasons_of(host) for host in found.hosts]
        of_domain, mask = self._words_of_domain(found, step, reasons)
        sets = {of_domain}
        for host, said in zip(found.hosts, reasons, strict=True):
            words, of_host = self._words_of_host(host, said)
            sets.add(words)
            self._host(host, mask | of_host, found.size)
            if fails(host):
                self._failing.add(host, found.size, found.examples)
        self._add_providers(found)
        return frozenset(sets)

    def _step(self, found: _Class) -> int:
        """Say how far down the funnel a domain gets."""
        mx, hosts = found.route.mx, found.hosts
        if not hosts or found.route.final is not None or found.verdict.outcome == DomainOutcome.NO_MAIL:
            return 0
        if mx is not None and mx.security != Security.SECURE:
            return 1
        if self._usable.isdisjoint([host.report for host in hosts]):
            return 2
        if Dane.OK not in [host.dane for host in hosts]:
            return 3
        return 5 if found.verdict.dane == DomainDane.PROTECTED else 4

    def _words_of_domain(
        self, found: _Class, step: int, reasons: Sequence[frozenset[str]]
    ) -> tuple[frozenset[Word], int]:
        """The words of a domain, and the mask of those that concern all its hosts."""
        verdict, route = found.verdict, found.route
        by_hosts = reasons[0] if len(reasons) == 1 else frozenset[str]().union(*reasons)
        mx = route.mx.security if route.mx is not None else "not asked"
        key = (
            verdict.outcome,
            verdict.sender,
            verdict.dane,
            verdict.starttls,
            verdict.reasons,
            mx,
            _mx_kind(found),
            step,
        )
        words = self._words.get((*key, by_hosts))
        if words is None:
            reached = (("funnel", name) for name in FUNNEL[: step + 1])
            all_words = frozenset((*_words_of_domain(found), *reached))
            own = (word for word in all_words if word[0] != "reasons" or word[1] not in by_hosts)
            words = self._words[(*key, by_hosts)] = (all_words, self._mask(own))
        return words

    def _words_of_host(self, host: HostPart, reasons: frozenset[str]) -> tuple[frozenset[Word], int]:
        """The words of a host, and their mask."""
        facts = self._facts.get(host.report or "", _NO_FACTS)
        key = (host.dane, host.starttls, reasons, facts)
        words = self._words.get(key)
        if words is None:
            all_words = facts.union(_words_of_verdict(host, reasons))
            words = self._words[key] = (all_words, self._mask(all_words))
        return words

    def _host(self, host: HostPart, mask: int, size: int) -> None:
        self.masks[host.host] = self.masks.get(host.host, 0) | mask
        self.domains_of[host.host] += size
        if host.report is not None:
            self.host_dane[host.report] = worse(self.host_dane.get(host.report, host.dane), host.dane)

    def _mask(self, words: Iterable[Word]) -> int:
        mask = 0
        for word in words:
            bit = self._bits.get(word)
            if bit is None:
                bit = self._bits[word] = 1 << len(self._bits)
            mask |= bit
        return mask

    def _add_providers(self, found: _Class) -> None:
        kind = (found.verdict.dane, found.verdict.starttls == DomainStartTLS.ALL)
        names = [self._provider(host.host) for host in found.hosts]
        for name in names if len(names) == 1 else set(names):
            self._providers[name, kind] += found.size

    def _provider(self, host: str) -> str:
        name = self._provider_of.get(host)
        if name is None:
            name = self._provider_of[host] = provider_of(host)
        return name


def _words_of_domain(found: _Class) -> Iterator[Word]:
    verdict, route = found.verdict, found.route
    yield "outcome", verdict.outcome
    yield "sender", verdict.sender
    yield "dane", verdict.dane
    yield "starttls", verdict.starttls
    yield "dnssec_mx", route.mx.security if route.mx is not None else "not asked"
    yield "mx", _mx_kind(found)
    for code in verdict.reasons:
        yield "reasons", code
    if verdict.outcome == DomainOutcome.INCONCLUSIVE and not found.hosts:
        for code in verdict.reasons:
            if code not in _NOT_A_CAUSE:
                yield "inconclusive", code


def _mx_kind(found: _Class) -> str:
    route = found.route
    if route.final is not None:
        return route.final
    if Reason.IMPLICIT_MX in route.reasons:
        return "implicit-mx"
    return "given" if route.mx is None else "mx"


def _words_of_verdict(host: HostPart, reasons: frozenset[str]) -> Iterator[Word]:
    yield "host_dane", host.dane
    for code in reasons:
        yield "reasons", code
        if UNKNOWN in (host.dane, host.starttls) and code not in _NOT_A_CAUSE:
            yield "inconclusive", code
