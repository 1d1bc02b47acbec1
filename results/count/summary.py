"""The counts of domains and MX hosts of a run; the module reads each file of the run once.

The memory used grows with the number of MX hosts and certificates of the run, not with the number of domains. Every
label (such as a verdict value or a TLS version) has a number of domains and a number of MX hosts; an MX host of several
domains is counted once. A label of a domain (``protected``) is also counted for the MX hosts of the domain, and a label
of a host (``TLSv1.2``) also for the domains with this host. The sum of the numbers in a column of a table can exceed
the total, because a domain or a host can have several labels of a table.

The report, the metrics and the paper tables all use the counts of ``count_run``.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from results.count.base import Count, CountTable, Word
from results.count.columns import GroupCount
from results.count.domain_words import FUNNEL
from results.count.domains import Domains, Funnel, MoreWords, Provider
from results.count.failing import FailingHost
from results.count.health import Health
from results.count.hosts import SLOWEST, Disagreement, ExpiringHost, Hosts, SlowHost
from results.count.listed_domains import LimitedDomain, PolicyFaults, UnroutedDomain
from results.count.policy_words import STS_FUNNEL
from results.count.post_quantum import PostQuantumProvider, post_quantum_providers
from results.store.codec import CodecError
from results.store.partial import CertPart, DomainPart, ReportPart, lines
from results.store.reader import Run
from scanner.model import RunHeader
from scanner.vocabulary import Dane, DomainDane, RunState

__all__ = [
    "SLOWEST",
    "Count",
    "CountTable",
    "Disagreement",
    "ExpiringHost",
    "FailingHost",
    "Funnel",
    "LimitedDomain",
    "PolicyFaults",
    "PostQuantumProvider",
    "Provider",
    "SlowHost",
    "Summary",
    "UnroutedDomain",
    "summarise",
]

SOON = 21  # number of days; a renewal that is due 30 days before expiry is then 9 days late


class Counted:
    """Counters of a run: ``hosts`` counts the lines of hosts.jsonl, ``domains`` counts the lines of domains.jsonl."""

    def __init__(self, hosts: Hosts, domains: Domains) -> None:
        self.hosts = hosts
        self.domains = domains
        self._by_hosts = domains.hosts_by_word()

    @property
    def whole(self) -> Count:
        """The number of all domains, and the number of all MX hosts of the domains."""
        return Count(self.domains.count, len(self.domains.masks))

    def __getitem__(self, word: Word) -> Count:
        return Count(self.domains.by_word[word], self._by_hosts[word])


@dataclass(frozen=True, slots=True)
class MoreCounts:
    """Labels that are counted in addition to the labels of the summary.

    ``hosts`` maps the key of a host's report to labels; ``domains`` returns the labels of a group of domains.
    """

    hosts: Mapping[str, frozenset[Word]]
    domains: MoreWords


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of domains and MX hosts at the top of a report.

    An MX host counts as broken if the host is broken for at least one domain. ``absent`` is the number of domains that
    do not exist or have no mail host.
    """

    whole: Count
    protected: Count
    broken: Count
    unknown: Count
    absent: Count


@dataclass(frozen=True, slots=True)
class Summary:
    """The counts of a run for each verdict value, reason code and TLS property; the most frequent value is first.

    ``tables`` contains the numbers of domains and of MX hosts with each label. ``tls_versions``, ``ciphers``,
    ``groups`` and ``key_types`` count endpoints with a TLS handshake. ``endpoints`` is the number of all endpoints, and
    ``hosts`` the number of examined MX hosts. ``by_column`` counts domains by the values of a column of the target
    list. ``policy_faults`` names the domains with a fault of MTA-STS or TLSRPT.
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
    limited: tuple[LimitedDomain, ...]
    slowest: tuple[SlowHost, ...]
    expiring: tuple[ExpiringHost, ...]
    disagreements: tuple[Disagreement, ...]
    providers: tuple[Provider, ...]
    tables: dict[str, CountTable]
    rejects: dict[str, int]
    figures: Figures
    by_column: tuple[GroupCount, ...] = ()
    policy_faults: PolicyFaults = field(default_factory=PolicyFaults)
    post_quantum: tuple[PostQuantumProvider, ...] = ()


def summarise(run: Run, days: int = SOON, column: str = "") -> Summary:
    """Return the summary of a run.

    Args:
        run: the run, finished or not.
        days: length in days of the period after the run in which a certificate "expires soon".
        column: column of the target list by whose values domains are counted, empty for none.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    return summary_of(run, count_run(run, column=column), days)


def ended(header: RunHeader) -> datetime:
    """Return the reference time for certificate expiry: the end of a finished run, the start of an unfinished run."""
    return header.finished or header.started


def count_run(run: Run, more: MoreCounts | None = None, column: str = "") -> Counted:
    """Count the certificates, MX hosts and domains of a run.

    Args:
        run: the run, finished or not.
        more: labels that are counted in addition to the labels of the summary.
        column: column of the target list by whose values domains are counted, empty for none.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    certs, now = lines(run, "certs", CertPart), ended(run.header)
    hosts = Hosts(certs, now) if more is None else Hosts(certs, now, more.hosts)
    for report in lines(run, "hosts", ReportPart):
        hosts.add(report)
    known = (hosts.facts, hosts.usable)
    domains = Domains(*known, column=column) if more is None else Domains(*known, more.domains, column)
    for line in lines(run, "domains", DomainPart):
        try:
            domains.add(line)
        except CodecError as error:
            run.skip("domains", line.key, error)
    domains.settle()
    return Counted(hosts, domains)


def summary_of(run: Run, counted: Counted, days: int = SOON) -> Summary:
    """Return the summary of a run from its counts; see ``summarise``."""
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
        unrouted=tuple(domains.listed.unrouted),
        limited=tuple(domains.listed.limited),
        slowest=hosts.slowest(),
        expiring=hosts.expiring(ended(header) + timedelta(days=days), domains.domains_of),
        disagreements=tuple(hosts.disagreements),
        providers=domains.providers(),
        tables=tables,
        rejects=_ranked(rejects),
        figures=_figures(counted),
        by_column=domains.by_column(),
        policy_faults=domains.listed.faults(),
        post_quantum=post_quantum_providers(domains),
    )


def _figures(counted: Counted) -> Figures:
    def both(domains: Word, hosts: Word) -> Count:
        return Count(counted[domains].domains, counted[hosts].hosts)

    return Figures(
        counted.whole,
        both(("dane", DomainDane.PROTECTED), ("host_dane", Dane.OK)),
        both(("health", Health.BROKEN), ("host_health", Health.BROKEN)),
        both(("health", Health.UNKNOWN), ("host_health", Health.UNKNOWN)),
        Count(counted["health", Health.ABSENT].domains, 0),
    )


SHAKEN = ("tls_versions", "ciphers", "groups", "post_quantum", "key_types", "issuers")
"""Names of the tables in which the domains and MX hosts with a TLS handshake are 100 percent."""

TABLES = (
    "funnel",
    "outcome",
    "sender",
    "dane",
    "starttls",
    "mechanism",
    "sts",
    "sts_funnel",
    "tlsrpt_record",
    "reasons",
    "inconclusive",
    "host_dane",
    "mx",
    "dnssec_mx",
    "dnssec_host",
    "dnssec_tlsa",
    *SHAKEN,
    "cert_algs",
    "disagreements",
)
"""Names of the tables in every summary, in the order of a report; a table of values that did not occur has no rows."""


def _tables(counted: Counted) -> dict[str, CountTable]:
    whole, shaken = counted.whole, counted["tls", "yes"]
    found: dict[str, dict[str, Count]] = {name: {} for name in TABLES}
    for table, word in counted.domains.by_word:
        if table in found:
            found[table][word] = counted[table, word]
    _unnamed_hosts(counted.hosts, found)
    bases = dict.fromkeys(SHAKEN, shaken) | {"cert_algs": counted["tls", "asked"]}
    tables = {name: CountTable(bases.get(name, whole), _sorted(rows)) for name, rows in found.items()}
    steps = {step: found["funnel"].get(step, Count(0, 0)) for step in FUNNEL}
    return tables | {"funnel": CountTable(whole, steps)} | _sts_funnel(counted)


def _sts_funnel(counted: Counted) -> dict[str, CountTable]:
    """Return the table ``sts_funnel``, without rows if the scan did not examine MTA-STS."""
    examined = counted["sts_funnel", STS_FUNNEL[0]]
    steps = {step: counted["sts_funnel", step] for step in STS_FUNNEL} if examined.domains else {}
    return {"sts_funnel": CountTable(examined, steps)}


def _unnamed_hosts(hosts: Hosts, found: Mapping[str, dict[str, Count]]) -> None:
    """Add rows of zeros for the labels of MX hosts to which no domain line refers yet, as in an unfinished run."""
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
