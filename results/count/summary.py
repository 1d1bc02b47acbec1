"""A run in numbers: one pass over each of its files.

Memory grows with the MX hosts and certificates of the run, not with its domains. Every word has two counts: the domains
it concerns and the MX hosts it concerns, each host once however many domains share it. A word of a domain
(``protected``) concerns the MX hosts of that domain; a word of a host (``TLSv1.2``) concerns the domains that have such
a host. So the columns of a table may add up to more than the total.

The report, the metrics and the paper tables all count with ``count_run``.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from results.count.base import Count, CountTable, Word
from results.count.domain_words import FUNNEL
from results.count.domains import Domains, Funnel, MoreWords, Provider, UnroutedDomain
from results.count.failing import FailingHost
from results.count.hosts import SLOWEST, Disagreement, ExpiringHost, Hosts, SlowHost
from results.store.codec import CodecError
from results.store.partial import CertPart, DomainPart, ReportPart, lines
from results.store.reader import Run
from scanner.model import RunHeader
from scanner.vocabulary import RunState

__all__ = [
    "SLOWEST",
    "Count",
    "CountTable",
    "Disagreement",
    "ExpiringHost",
    "FailingHost",
    "Funnel",
    "Provider",
    "SlowHost",
    "Summary",
    "UnroutedDomain",
    "summarise",
]

SOON = 21  # days: a renewal that is due 30 days ahead has then been failing for 9 days


class Counted:
    """The counts of a run: ``hosts`` over hosts.jsonl, ``domains`` over domains.jsonl."""

    def __init__(self, hosts: Hosts, domains: Domains) -> None:
        self.hosts = hosts
        self.domains = domains
        self._by_hosts = domains.hosts_by_word()

    @property
    def whole(self) -> Count:
        """All domains, and all MX hosts that one of them has."""
        return Count(self.domains.count, len(self.domains.masks))

    def __getitem__(self, word: Word) -> Count:
        return Count(self.domains.by_word[word], self._by_hosts[word])


@dataclass(frozen=True, slots=True)
class MoreCounts:
    """Words that are counted besides those of the summary: of MX hosts by key of a report, and of domains."""

    hosts: Mapping[str, frozenset[Word]]
    domains: MoreWords


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in numbers. Counts are by word, most frequent first; those of ``reasons`` are domains affected.

    ``tables`` has both counts of every word. ``tls_versions``, ``ciphers``, ``groups`` and ``key_types`` count
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
    expiring: tuple[ExpiringHost, ...]
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
    return summary_of(run, count_run(run), days)


def ended(header: RunHeader) -> datetime:
    """Return when a run ended, or began where it is not finished: the time that its certificates are judged at."""
    return header.finished or header.started


def count_run(run: Run, more: MoreCounts | None = None) -> Counted:
    """Count the certificates, hosts and domains of a run.

    Args:
        run: finished or not.
        more: what is counted besides the words of the summary.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    certs, now = lines(run, "certs", CertPart), ended(run.header)
    hosts = Hosts(certs, now) if more is None else Hosts(certs, now, more.hosts)
    for report in lines(run, "hosts", ReportPart):
        hosts.add(report)
    domains = Domains(hosts.facts, hosts.usable) if more is None else Domains(hosts.facts, hosts.usable, more.domains)
    for line in lines(run, "domains", DomainPart):
        try:
            domains.add(line)
        except CodecError as error:
            run.skip("domains", line.key, error)
    domains.settle()
    return Counted(hosts, domains)


def summary_of(run: Run, counted: Counted, days: int = SOON) -> Summary:
    """Return the summary of a run that was counted; see ``summarise``."""
    hosts, domains, header = counted.hosts, counted.domains, run.header
    rejects = Counter(reject.reason for reject in run.rejects())
    tables = _tables(counted)
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
        expiring=hosts.expiring(ended(header) + timedelta(days=days), domains.domains_of),
        disagreements=tuple(hosts.disagreements),
        providers=domains.providers(),
        tables=tables,
        rejects=_ranked(rejects),
    )


SHAKEN = ("tls_versions", "ciphers", "groups", "post_quantum", "key_types", "issuers")
"""Tables whose percentages are of domains and hosts with a TLS handshake."""

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
"""The tables of every summary, in the order of a report; one without rows means that nothing of the kind was seen."""


def _tables(counted: Counted) -> dict[str, CountTable]:
    whole, shaken = counted.whole, counted["tls", "yes"]
    found: dict[str, dict[str, Count]] = {name: {} for name in TABLES}
    for table, word in counted.domains.by_word:
        if table in found:
            found[table][word] = counted[table, word]
    _unnamed_hosts(counted.hosts, found)
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
