"""A run in numbers: one pass over each of its files.

Memory grows with the MX hosts and certificates of the run, not with its domains. Every word is counted twice over:
how many domains it concerns, and how many MX hosts, each once however many domains share it. A word that is said of
a domain (``protected``) concerns the MX hosts of that domain; one that is said of a host (``TLSv1.2``) concerns the
domains that have such a host. So the columns of a table may add up to more than there are.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from results.count.base import Count, CountTable
from results.count.domains import FUNNEL, Domains, Funnel, Provider, UnroutedDomain
from results.count.failing import FailingHost
from results.count.hosts import SLOWEST, Disagreement, Expiring, Hosts, SlowHost
from results.store.partial import CertPart, DomainPart, ReportPart, lines
from results.store.reader import Run
from scanner.core.verdict import roles
from scanner.facts import Handshake, Probe
from scanner.vocabulary import RunState

__all__ = [
    "SLOWEST",
    "Count",
    "CountTable",
    "Disagreement",
    "Expiring",
    "FailingHost",
    "Funnel",
    "Provider",
    "SlowHost",
    "Summary",
    "UnroutedDomain",
    "last_handshake",
    "summarise",
]

SOON = 21  # days: a renewal that is due 30 days ahead has then been failing for 9 days


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in numbers. Counts are by word, most frequent first; those of ``reasons`` are domains affected.

    ``tables`` has every word in both weightings. ``tls_versions``, ``ciphers``, ``groups`` and ``key_types`` count
    endpoints with a handshake, of ``endpoints`` in all; ``hosts`` is how many were examined.
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
    unrouted: tuple[UnroutedDomain, ...]
    slowest: tuple[SlowHost, ...]
    expiring: tuple[Expiring, ...]
    disagreements: tuple[Disagreement, ...]
    providers: tuple[Provider, ...]
    tables: dict[str, CountTable]
    rejects: dict[str, int]


def summarise(run: Run, days: int = SOON) -> Summary:
    """Count a run.

    Args:
        run: finished or not.
        days: a certificate expires "soon" within as many days after the run.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    hosts, domains = _counted(run)
    rejects = Counter(reject.reason for reject in run.rejects())
    header = run.header
    tables = _tables(hosts, domains)
    return Summary(
        state=header.state,
        started=header.started,
        finished=header.finished,
        funnel=domains.funnel(),
        **{name: _by_domains(tables[name]) for name in ("outcome", "sender", "dane", "starttls", "reasons")},
        hosts=hosts.count,
        host_dane=_ranked(Counter(domains.host_dane.values())),
        endpoints=hosts.endpoints,
        tls_versions=_ranked(hosts.versions),
        ciphers=_ranked(hosts.ciphers),
        groups=_ranked(hosts.groups),
        key_types=_ranked(hosts.key_types),
        failing=domains.failing(),
        unrouted=tuple(domains.unrouted),
        slowest=hosts.slowest(),
        expiring=hosts.expiring((header.finished or header.started) + timedelta(days=days), domains.domains_of),
        disagreements=tuple(hosts.disagreements),
        providers=domains.providers(),
        tables=tables,
        rejects=_ranked(rejects),
    )


def last_handshake(probes: Sequence[Probe]) -> Handshake | None:
    """Return the handshake of the probe that stands for an address."""
    return roles(probes).shown.handshake if probes else None


def _counted(run: Run) -> tuple[Hosts, Domains]:
    """Read the certificates, hosts and domains of a run into their counters."""
    hosts = Hosts(lines(run, "certs", CertPart))
    for report in lines(run, "hosts", ReportPart):
        hosts.add(report)
    domains = Domains(hosts.facts, hosts.usable)
    for line in lines(run, "domains", DomainPart):
        domains.add(line)
    domains.settle()
    return hosts, domains


SHAKEN = ("tls_versions", "ciphers", "groups", "post_quantum", "key_types", "issuers")
"""Tables that are shares of what had a TLS handshake."""

TABLES = (
    "funnel",
    "outcome",
    "sender",
    "dane",
    "starttls",
    "reasons",
    "inconclusive",
    "host_dane",
    "mx",
    "dnssec_mx",
    "dnssec_host",
    "dnssec_tlsa",
    *SHAKEN,
    "disagreements",
)
"""The tables of every summary, in the order of a report; one without rows says that nothing of the kind was seen."""


def _tables(hosts: Hosts, domains: Domains) -> dict[str, CountTable]:
    whole = Count(domains.count, len(domains.masks))
    by_hosts = domains.hosts_by_word()
    shaken = Count(domains.by_word["tls", "yes"], by_hosts["tls", "yes"])
    found: dict[str, dict[str, Count]] = {name: {} for name in TABLES}
    for (table, word), count in domains.by_word.items():
        if table in found:
            found[table][word] = Count(count, by_hosts[table, word])
    _unnamed_hosts(hosts, found)
    tables = {name: CountTable(shaken if name in SHAKEN else whole, _sorted(rows)) for name, rows in found.items()}
    steps = {step: found["funnel"].get(step, Count(0, 0)) for step in FUNNEL}
    return tables | {"funnel": CountTable(whole, steps)}


def _unnamed_hosts(hosts: Hosts, found: Mapping[str, dict[str, Count]]) -> None:
    """Add the words of hosts that no domain line names (yet): a run that goes on may have such."""
    for words in hosts.facts.values():
        for table, word in words:
            if table in found:
                found[table].setdefault(word, Count(0, 0))


def _sorted(rows: Mapping[str, Count]) -> dict[str, Count]:
    return dict(sorted(rows.items(), key=lambda row: (-row[1].domains, -row[1].hosts, row[0])))


def _by_domains(table: CountTable) -> dict[str, int]:
    return {word: count.domains for word, count in table.rows.items()}


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda row: (-row[1], row[0])))
