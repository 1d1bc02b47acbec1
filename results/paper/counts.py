"""Counts over domains.jsonl for the paper tables. Memory grows with MX hosts and providers, not with domains."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from sys import intern

from results.paper.facts import NO_ADDRESS, HostFacts, furthest
from results.paper.tally import Tally
from scanner.core.providers import provider_of
from scanner.model import DomainRecord
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, Outcome, Security, worst

ALL = "all domains"
WITH_MAIL = "take mail"
SECURE_MX = "DNSSEC-secure MX"
SECURE_HOST = "DNSSEC-secure addresses of an MX host"
TLSA = "usable TLSA records of such a host"
PROBED = "such a host accepts connections"
STEPS = (ALL, WITH_MAIL, SECURE_MX, SECURE_HOST, TLSA, PROBED)

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
_FINAL = {
    Reason.NULL_MX: "null MX",
    Reason.MX_BOGUS: "MX bogus",
    Reason.MX_LOOKUP_FAILED: "MX lookup failed",
    Reason.MX_TARGETS_UNRESOLVABLE: "MX hosts without address",
}

COVERAGE = ("all MX hosts", "primary MX hosts only", "some MX hosts", "no MX host")


class Counts:
    """Takes domains one after the other; ``facts`` are those of the MX hosts by report key."""

    def __init__(self, facts: Mapping[str, HostFacts]) -> None:
        self.facts = facts
        self.dane_of: dict[str, Dane] = {}
        self.domains_of: Counter[str] = Counter()
        self.steps, self.mx, self.dane, self.starttls = Tally(), Tally(), Tally(), Tally()
        self.published, self.matched = Tally(), Tally()
        self.with_tlsa, self.records = Tally(), Tally()
        self.compared, self.disagree, self.expiry = Tally(), Tally(), Tally()
        self.by_host: Counter[str] = Counter()
        self.by_provider: Counter[str] = Counter()
        self.protected: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()

    def add(self, record: DomainRecord) -> None:
        """Count a domain."""
        seen = self._seen(record)
        for label, hosts in _steps(record, seen):
            self.steps.add([label], hosts)
        self.mx.add([_mx_kind(record)], seen)
        self.dane.add([record.verdict.dane], seen)
        classes = {key: facts.starttls for key, facts in seen.items()}
        self.starttls.add_furthest(furthest(classes.values(), NO_ADDRESS), classes)
        self._coverage(record, seen)
        self._words(seen)
        self._concentration(record)

    def _seen(self, record: DomainRecord) -> dict[str, HostFacts]:
        """Note what the domain says of its hosts, and give those that were examined."""
        known = {intern(host.report): host.dane for host in record.hosts if host.report is not None}
        for key, dane in known.items():
            self.dane_of[key] = worst(self.dane_of.get(key, dane), dane)
            self.domains_of[key] += 1
        return {key: self.facts[key] for key in known if key in self.facts}

    def _coverage(self, record: DomainRecord, seen: Mapping[str, HostFacts]) -> None:
        """Tell where usable records are and where they match, of domains that have any."""
        usable = {facts.host for facts in seen.values() if facts.usable}
        if not usable:
            return
        first = min(host.preference for host in record.hosts)
        primary = {host.host for host in record.hosts if host.preference == first}
        every = {host.host for host in record.hosts}
        matched = {host.host for host in record.hosts if host.dane is Dane.OK}
        self.published.add([_covered(usable, primary, every)], seen)
        self.matched.add([_covered(matched, primary, every)], seen)

    def _words(self, seen: Mapping[str, HostFacts]) -> None:
        """Count what is said of hosts."""
        self.with_tlsa.add_of_hosts({key: ["any"] for key, facts in seen.items() if facts.records})
        self.records.add_of_hosts({key: _record_words(facts) for key, facts in seen.items()})
        self.compared.add_of_hosts({key: _comparable(facts) for key, facts in seen.items()})
        self.disagree.add_of_hosts({key: _differences(facts) for key, facts in seen.items()})
        self.expiry.add_of_hosts({key: [facts.expiry] for key, facts in seen.items() if facts.expiry})

    def _concentration(self, record: DomainRecord) -> None:
        """Count a domain for the host that senders try first, and whoever runs that."""
        if not record.route.hosts:
            return
        host = record.route.hosts[0].host
        provider = provider_of(host)
        self.by_host[host] += 1
        self.by_provider[provider] += 1
        self.protected[provider] += record.verdict.dane is DomainDane.PROTECTED
        self.broken[provider] += record.verdict.dane is DomainDane.BROKEN


def takes_mail(record: DomainRecord) -> bool:
    """Tell whether a domain is known to take mail."""
    routed = record.route.final is None and bool(record.route.hosts)
    return routed and record.verdict.outcome is not DomainOutcome.NO_MAIL


def _steps(record: DomainRecord, seen: Mapping[str, HostFacts]) -> Iterator[tuple[str, Iterable[str]]]:
    """Give each step that a domain gets to, with the hosts that get there."""
    mx = record.route.mx
    secure = [key for key, facts in seen.items() if facts.secure]
    usable = [key for key in secure if seen[key].usable]
    reached = [key for key in usable if seen[key].reached]
    passed: tuple[tuple[str, bool, Iterable[str]], ...] = (
        (ALL, True, seen),
        (WITH_MAIL, takes_mail(record), seen),
        (SECURE_MX, mx is None or mx.security is Security.SECURE, seen),
        (SECURE_HOST, bool(secure), secure),
        (TLSA, bool(usable), usable),
        (PROBED, bool(reached), reached),
    )
    for label, here, hosts in passed:
        if not here:
            return
        yield label, hosts


def _mx_kind(record: DomainRecord) -> str:
    way, reasons = record.route, record.verdict.reasons
    if Reason.NXDOMAIN in reasons or Reason.NO_ADDRESS in reasons:
        return "no such domain, or no address"
    final = way.final or next((reason for reason in reasons if reason is Reason.MX_TARGETS_UNRESOLVABLE), None)
    if final in _FINAL:
        return _FINAL[final]
    if way.mx is None:
        return "host named itself"
    return "MX records" if way.mx.outcome is Outcome.DATA else "implicit MX"


def _covered(where: set[str], primary: set[str], every: set[str]) -> str:
    everywhere, first, some, nowhere = COVERAGE
    if where >= every:
        return everywhere
    if where >= primary:
        return first
    return some if where else nowhere


def _record_words(facts: HostFacts) -> set[str]:
    return {*facts.records, *(f"unusable: {reason}" for reason in facts.unusable)}


def _comparable(facts: HostFacts) -> list[str]:
    several = ["several addresses"] if facts.addresses > 1 else []
    return [*several, *(["IPv4 and IPv6"] if facts.both else [])]


def _differences(facts: HostFacts) -> set[str]:
    return {*facts.disagree, *map(between_families, facts.families)}


def between_families(what: str) -> str:
    """Name a difference between IPv4 and IPv6."""
    return f"{what}, IPv4 against IPv6"
