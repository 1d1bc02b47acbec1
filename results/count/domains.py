"""Counts of the domains in the file domains.jsonl of a run.

Most domains that share an MX host have the same JSON for the verdict of the host, and many of these domains have the
same JSON for the verdict of the domain. Verdicts with equal JSON texts are decoded once. Domains with equal MX answers
(``RoutePart``), verdicts and MX hosts form a group, and the labels of a group are computed once. When the maximum
number of groups is in memory, the groups are added to the counts and discarded.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TypeVar

import msgspec

from results.count.base import Word
from results.count.columns import EXAMPLES, Columns, GroupCount
from results.count.domain_words import funnel_step, mx_kind, mx_state, words_of_domain, words_of_host
from results.count.failing import Failing, FailingHost, fails, reasons_of
from results.count.listed_domains import ListedDomains
from results.count.policy_words import words_of_policy
from results.store import codec
from results.store.partial import HOST, VERDICT, DomainPart, HostPart, RoutePart, VerdictPart
from scanner.core.providers import provider_of
from scanner.vocabulary import DomainDane, DomainStartTLS, worst

KNOWN = 262_144  # maximum number of cached verdicts of MX hosts, about 0.4 KiB each
KINDS = 65_536  # maximum number of groups of domains in memory, about 0.3 KiB each
VERDICTS = 16_384  # maximum number of cached verdicts of domains, about 1 KiB each

_DIGEST = 16  # length in octets of a collision-resistant digest
_Part = TypeVar("_Part", HostPart, VerdictPart)
_NO_FACTS: frozenset[Word] = frozenset()


@dataclass(frozen=True, slots=True)
class Funnel:
    """The number of domains that reach each step of protection; a domain that reaches a step reaches all earlier steps.

    ``with_mail`` counts domains known to accept mail, ``mx_secure`` domains with a DNSSEC-secure MX RRset or without
    MX lookup, ``with_tlsa`` domains with usable TLSA records at an MX host, ``matched`` domains with a DANE match at an
    MX host, ``protected`` domains with the DANE verdict ``protected``.
    """

    domains: int
    with_mail: int
    mx_secure: int
    with_tlsa: int
    matched: int
    protected: int


@dataclass(frozen=True, slots=True)
class Provider:
    """The numbers of domains and MX hosts of a provider of MX hosts, named by registrable domain.

    ``hosts`` is the number of MX hosts of the provider, and ``failing`` the number of these MX hosts that a sender
    skips or whose DANE check fails.
    """

    name: str
    domains: int
    hosts: int
    protected: int
    broken: int
    tls: int
    failing: int


@dataclass(slots=True, eq=False)
class HostKind:
    """One verdict of an MX host, and the number of domains for which the host has this verdict (``size``).

    ``reasons`` includes the reasons of the host's addresses. ``words`` is the set of labels of the MX host. ``mask``
    has a bit for each label of the host and each label of the domains that use the host. ``part`` is the decoded
    verdict of a failing host, from which the list of failing MX hosts is made; None if the host does not fail.
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
    """A group of ``size`` domains with equal ``route`` (MX answer), ``verdict`` and ``hosts``.

    ``failing`` lists the hosts that a sender skips or whose DANE check fails. ``policy`` contains the labels for
    MTA-STS and TLSRPT.
    """

    route: RoutePart
    verdict: VerdictPart
    hosts: tuple[HostKind, ...]
    failing: tuple[HostKind, ...]
    policy: frozenset[Word]
    size: int = 0


_KindKey = tuple[RoutePart, VerdictPart, tuple[HostKind, ...], frozenset[Word]]

MoreWords = Callable[[DomainKind, int], frozenset[Word]]
"""A function that returns further labels for a group of domains, given the group and its ``funnel_step``."""


def _no_more(_kind: DomainKind, _step: int) -> frozenset[Word]:
    return _NO_FACTS


class Domains:
    """Counter of the lines of domains.jsonl: call ``add`` for each line and ``settle`` after the last line.

    ``by_word`` maps labels to numbers of domains. ``masks`` maps each MX host to its labels as a bit mask, and
    ``domains_of`` to the number of its domains. ``host_dane`` maps the key of each host's report to the most severe
    DANE verdict of the host. ``listed`` contains the domains that a report names.

    Args:
        facts: labels of each MX host, by the key of the host's report.
        usable: keys of the reports of MX hosts with usable TLSA records.
        more: function that returns further labels of a group of domains.
        column: column of the target list by whose values domains are counted, empty for none.
    """

    def __init__(
        self,
        facts: Mapping[str, frozenset[Word]],
        usable: set[str],
        more: MoreWords = _no_more,
        column: str = "",
    ) -> None:
        self._columns = Columns(column)
        self._facts = facts
        self._usable = usable
        self._more = more
        self._known: dict[bytes, HostKind] = {}
        self._verdicts: dict[bytes, VerdictPart] = {}
        self._routes: dict[RoutePart, RoutePart] = {}  # equal routes share one object, to save memory
        self._kinds: dict[_KindKey, DomainKind] = {}
        self._steps: Counter[int] = Counter()
        self._failing = Failing()
        self._providers: Counter[tuple[str, tuple[str, bool]]] = Counter()
        self.provider_of_host: dict[str, str] = {}
        self.bits: dict[Word, int] = {}
        self._words: dict[Hashable, tuple[frozenset[Word], int]] = {}
        self.count = 0
        self.by_word: Counter[Word] = Counter()
        self.masks: dict[str, int] = {}
        self.domains_of: Counter[str] = Counter()
        self.host_dane: dict[str, str] = {}
        self.listed = ListedDomains()

    def add(self, line: DomainPart) -> None:
        """Count a domain.

        Raises:
            CodecError: a verdict in the line does not have the expected form; the domain is not counted.
        """
        verdict = self._verdict(line.verdict)
        hosts = tuple([self._host(raw) for raw in line.hosts])
        kind = self._kind(line.route, verdict, hosts, words_of_policy(verdict.sts, line.sts, line.tlsrpt))
        if kind.failing or self._columns.given:
            self._columns.add(line.key, bytes(line.target), verdict, kind.failing)
        self.count += 1
        kind.size += 1
        if kind.size <= EXAMPLES:
            _exemplify(kind, line.key)
        self.listed.add(line.key, verdict, hosts)
        if len(self._known) > KNOWN:
            self.settle()
        elif len(self._kinds) > KINDS:
            self._settle_kinds()

    def settle(self) -> None:
        """Add the groups and host verdicts in memory to the counts, and remove them from memory."""
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
        """Return the number of domains that reach each step of protection."""
        reached = [sum(count for step, count in self._steps.items() if step >= floor) for floor in range(6)]
        return Funnel(*reached)

    def failing(self) -> tuple[FailingHost, ...]:
        """Return the failing MX hosts; the host with the largest number of domains is first."""
        columns = self._columns
        return tuple(
            replace(host, importance=columns.importance_of(host.host), shares=columns.shares_of(host.host))
            for host in self._failing.hosts()
        )

    def by_column(self) -> tuple[GroupCount, ...]:
        """Return the numbers of domains by the values of the column; the result is empty if no column was given."""
        return self._columns.counts()

    def hosts_by_word(self) -> Counter[Word]:
        """Return the number of MX hosts by label."""
        sizes = Counter(self.masks.values())
        found: Counter[Word] = Counter()
        for mask, hosts in sizes.items():
            for word, bit in self.bits.items():
                if mask & bit:
                    found[word] += hosts
        return found

    def hosts_with(self, *words: Word) -> int:
        """Return the number of MX hosts that have all of the given labels."""
        bits = [self.bits.get(word, 0) for word in words]
        whole = sum(bits)
        return sum(mask & whole == whole for mask in self.masks.values()) if all(bits) else 0

    def providers(self) -> tuple[Provider, ...]:
        """Return the providers of MX hosts; the provider with the largest number of domains is first."""
        hosts = Counter(self.provider_of_host.values())
        failing = Counter(self.provider_of_host[host] for host in self._failing.names)
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
        """Count the domains of a group by step, host and provider; return the label sets of domains and hosts."""
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

    def _kind(
        self, route: RoutePart, verdict: VerdictPart, hosts: tuple[HostKind, ...], policy: frozenset[Word]
    ) -> DomainKind:
        found = self._kinds.get((route, verdict, hosts, policy))
        if found is None:
            route = self._routes.setdefault(route, route)
            failing = tuple([host for host in hosts if host.part is not None])
            found = self._kinds[route, verdict, hosts, policy] = DomainKind(route, verdict, hosts, failing, policy)
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
            found = self._verdicts[key] = decoded_verdict(raw)
        return found

    def _words_of_domain(self, kind: DomainKind, step: int) -> tuple[frozenset[Word], int]:
        """Return the labels of a group of domains, and the bit mask of the labels that also count for the MX hosts.

        A reason of an MX host counts only for the MX hosts that have the reason.
        """
        verdict, hosts = kind.verdict, kind.hosts
        by_hosts = hosts[0].reasons if len(hosts) == 1 else frozenset[str]().union(*[host.reasons for host in hosts])
        mx, known_by = mx_state(kind.route), mx_kind(kind.route)
        key = (verdict, mx, known_by, step, by_hosts, kind.policy)
        words = self._words.get(key)
        if words is None:
            said = kind.policy.union(words_of_domain(verdict, mx, known_by, step, routed=bool(hosts)))
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
        """Return the labels of an MX host, and the bit mask of these labels."""
        facts = self._facts.get(host.report or "", _NO_FACTS)
        key = (host.dane, host.starttls, host.sender, host.conclusive, reasons, facts)
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
            bit = self.bits.get(word)
            if bit is None:
                bit = self.bits[word] = 1 << len(self.bits)
            mask |= bit
        return mask

    def _provider(self, host: str) -> str:
        name = self.provider_of_host.get(host)
        if name is None:
            name = self.provider_of_host[host] = provider_of(host)
        return name


def _exemplify(kind: DomainKind, domain: str) -> None:
    for host in kind.failing:
        if len(host.examples) < EXAMPLES:
            host.examples.append(domain)


def decoded_verdict(raw: msgspec.Raw) -> VerdictPart:
    """Decode the verdict of a domain.

    Raises:
        CodecError: the JSON is not the verdict of a domain.
    """
    return _decoded(VERDICT, raw)


def _decoded(decoder: msgspec.json.Decoder[_Part], raw: msgspec.Raw) -> _Part:
    try:
        return decoder.decode(raw)
    except codec.UNREADABLE as error:
        raise codec.CodecError(str(error)) from error
