"""Labels of MX hosts and of domains that only the tables of a publication count.

The package ``results.count`` counts the labels of this module and the labels of the report together, by the same rules.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from results.count.base import Word
from results.count.domain_words import FUNNEL
from results.count.domains import DomainKind
from results.paper.facts import NO_ADDRESS, HostFacts, furthest
from results.store.partial import RoutePart
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, Outcome

SECURE_HOST = "DNSSEC-secure addresses of an MX host"
TLSA = "usable TLSA records of such a host"
REACHED = "such a host accepts connections"
HOST_STEPS = (SECURE_HOST, TLSA, REACHED)
"""The steps of protection in table T1 that follow the step "DNSSEC-secure MX RRset"."""

MX_KINDS = (
    "MX records",
    "implicit MX",
    "host named itself",
    "null MX",
    "MX hosts without address",
    "no such domain, or no address",
    "MX lookup failed",
    "MX bogus",
)
_FINAL: dict[str, str] = {
    Reason.NULL_MX: "null MX",
    Reason.MX_BOGUS: "MX bogus",
    Reason.MX_LOOKUP_FAILED: "MX lookup failed",
    Reason.MX_TARGETS_UNRESOLVABLE: "MX hosts without address",
}

COVERAGE = ("all MX hosts", "primary MX hosts only", "some MX hosts", "no MX host")

SECURE_MX: Word = ("funnel", "mx_secure")
PUBLISHED: Word = ("published", "usable TLSA records")
WITH_TLSA: Word = ("tlsa", "TLSA records")


def words_of_facts(facts: HostFacts) -> frozenset[Word]:
    """Return the labels under which the paper tables count an MX host."""
    words: set[Word] = {("starttls_class", facts.starttls)}
    words.update(("host_step", step) for step in steps_of(facts))
    words.update(("parameters", label) for label in facts.records)
    words.update(("parameters", f"unusable: {reason}") for reason in facts.unusable)
    words.update(("differs", what) for what in facts.disagree)
    words.update(("differs", between_families(what)) for what in facts.families)
    if facts.records:
        words.add(WITH_TLSA)
    if facts.addresses > 1:
        words.add(("compared", "several addresses"))
    if facts.both:
        words.add(("compared", "IPv4 and IPv6"))
    return frozenset(words)


def steps_of(facts: HostFacts) -> tuple[str, ...]:
    """Return the steps of protection (``HOST_STEPS``) that an MX host reaches."""
    reached = (facts.secure, facts.usable, facts.reached)
    count = reached.index(False) if False in reached else len(reached)
    return HOST_STEPS[:count]


def between_families(what: str) -> str:
    """Return the label for a property that differs between IPv4 and IPv6."""
    return f"{what}, IPv4 against IPv6"


class PaperWords:
    """Function object that returns the labels of domains and counts domains by their first MX host.

    ``by_host`` counts domains by the MX host that senders try first. By the provider of this host, ``by_provider``
    counts all domains, ``protected`` the protected domains and ``broken`` the domains with broken DANE.

    Args:
        facts: properties of each MX host, by the key of the host report.
    """

    def __init__(self, facts: Mapping[str, HostFacts]) -> None:
        self._facts = facts
        self.by_host: Counter[str] = Counter()
        self.by_provider: Counter[str] = Counter()
        self.protected: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()

    def __call__(self, kind: DomainKind, step: int) -> frozenset[Word]:
        """Return the labels of a group of domains that have the same hosts and verdicts.

        ``step`` is the index in ``FUNNEL`` of the last step of protection that the domains of the group ``kind`` reach.
        """
        self._concentration(kind)
        found = {host.name: self._facts.get(host.report or "") for host in kind.hosts}
        known = {name: each for name, each in found.items() if each is not None}
        facts = known.values()
        words: set[Word] = {("mx_kind", mx_label(kind.route, kind.verdict.reasons))}
        words.add(("starttls_furthest", furthest([each.starttls for each in facts], NO_ADDRESS)))
        if step >= FUNNEL.index("mx_secure"):
            words.update(("step", label) for each in facts for label in steps_of(each))
        words.update(_coverage(kind, {name for name, each in known.items() if each.usable}))
        if kind.verdict.sts is not None:
            words.add(("dane_sts", dane_and_sts(kind.verdict.dane, kind.verdict.sts)))
        return frozenset(words)

    def _concentration(self, kind: DomainKind) -> None:
        if not kind.hosts:
            return
        host = kind.hosts[0]
        self.by_host[host.name] += kind.size
        self.by_provider[host.provider] += kind.size
        if kind.verdict.dane == DomainDane.PROTECTED:
            self.protected[host.provider] += kind.size
        if kind.verdict.dane == DomainDane.BROKEN:
            self.broken[host.provider] += kind.size


def dane_and_sts(dane: str, sts: str) -> str:
    """Return the label of a pair of a DANE verdict and an MTA-STS verdict."""
    return f"DANE {dane}, MTA-STS {sts}"


def mx_label(route: RoutePart, reasons: Sequence[str]) -> str:
    """Return the value of ``MX_KINDS`` for the route and the verdict reasons of a domain."""
    if Reason.NXDOMAIN in reasons or Reason.NO_ADDRESS in reasons:
        return "no such domain, or no address"
    final = route.final or (Reason.MX_TARGETS_UNRESOLVABLE if Reason.MX_TARGETS_UNRESOLVABLE in reasons else "")
    if final in _FINAL:
        return _FINAL[final]
    if route.mx is None:
        return "host named itself"
    return "MX records" if route.mx.outcome == Outcome.DATA else "implicit MX"


def _coverage(kind: DomainKind, usable: Collection[str]) -> Iterator[Word]:
    """Yield ``PUBLISHED``, and one label of ``COVERAGE`` for usable and one for matching TLSA records of a domain.

    A domain whose MX hosts have no usable TLSA records gets no labels.

    Args:
        kind: the classified domain, with its MX hosts.
        usable: the names of the MX hosts of the domain with usable TLSA records.
    """
    if not usable:
        return
    every = {host.name for host in kind.hosts}
    first = min(host.preference for host in kind.hosts)
    primary = {host.name for host in kind.hosts if host.preference == first}
    yield PUBLISHED
    yield "published_where", _covered({*usable}, primary, every)
    yield "matching_where", _covered({host.name for host in kind.hosts if host.dane == Dane.OK}, primary, every)


def _covered(where: set[str], primary: set[str], every: set[str]) -> str:
    everywhere, first, some, nowhere = COVERAGE
    if where >= every:
        return everywhere
    if where >= primary:
        return first
    return some if where else nowhere
