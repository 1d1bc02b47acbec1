"""The tables of a measurement paper, made from one run, or from several runs for key rollovers.

Every table except T7 counts both domains and MX hosts; a host of several domains is counted once. A domain is counted
in the rows of all its MX hosts, so the sum of a column of domains can exceed the total. The table of STARTTLS outcomes
counts each domain only in the row of its most advanced outcome. The note of a table states to which number the
percentages refer.

The package ``results.count`` computes the numbers, so that the tables agree with the report and the metrics of the run.
The memory used grows with the number of MX hosts and certificates, not with the number of domains.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from results.count.base import Count, CountTable, Word
from results.count.hosts import EXPIRY_WORDS
from results.count.percent import percent
from results.count.summary import Counted, MoreCounts, Summary, count_run, summary_of
from results.diff.compare import compare
from results.diff.rollover import RolloverClass
from results.paper.causes import mismatch_causes
from results.paper.facts import DISAGREEMENTS, STARTTLS_CLASSES, HostFacts, host_facts
from results.paper.words import (
    COVERAGE,
    HOST_STEPS,
    MX_KINDS,
    PUBLISHED,
    SECURE_MX,
    WITH_TLSA,
    PaperWords,
    between_families,
    dane_and_sts,
    words_of_facts,
)
from results.render.tables import Cell, Table
from results.store.reader import Run
from scanner.vocabulary import Dane, DomainDane, DomainSTS

TOP = 20  # maximum number of listed providers
RANKS = tuple(factor * 10**power for power in range(6) for factor in (1, 2, 5))
"""Numbers N for which table T7 has a row: the shares of domains at the N largest providers and MX hosts."""

COLUMNS = ("domains", "domains %", "MX hosts", "MX hosts %")

_STEPS = {"domains": "all domains", "with_mail": "take mail", "mx_secure": "DNSSEC-secure MX"}
_TLS_TABLES = {
    "version": "tls_versions",
    "group": "groups",
    "post-quantum group": "post_quantum",
    "cipher": "ciphers",
    "key type": "key_types",
    "issuer": "issuers",
}

_POLICY_TABLES = {
    "step": "sts_funnel",
    "MTA-STS": "sts",
    "protection": "mechanism",
    "TLSRPT record": "tlsrpt_record",
}


@dataclass(frozen=True, slots=True)
class _Sources:
    """The data from which all paper tables are made."""

    facts: Mapping[str, HostFacts]
    words: PaperWords
    counted: Counted
    summary: Summary


def paper_tables(run: Run, history: Sequence[Run] = ()) -> list[Table]:
    """Return the tables T1 to T3, T5 to T7, T9, T10 and T13.

    Table T11 is added if earlier runs are given, and table T14 if the scan examined MTA-STS (``--sts``).

    Args:
        run: the run.
        history: earlier runs in the order of time, for T11 and for the earlier certificates of T5.

    Raises:
        StoreError: a file of a run cannot be read.
        ValueError: the runs are not in the order of time.
    """
    sources = _sources(run)
    rollovers = [_rollovers(run, history)] if history else []
    return [
        _funnel(sources),
        _starttls(sources.counted),
        _parameters(sources),
        _causes(run, history, sources.counted),
        _providers(sources.summary),
        _concentration(sources.words),
        _coverage(sources.counted),
        _tls(sources),
        *rollovers,
        _disagreements(sources.counted),
        *_policies(sources),
    ]


def _sources(run: Run) -> _Sources:
    facts = host_facts(run)
    words = PaperWords(facts)
    shared: dict[frozenset[Word], frozenset[Word]] = {}
    of_hosts = {
        key: shared.setdefault(found, found) for key, each in facts.items() for found in (words_of_facts(each),)
    }
    counted = count_run(run, MoreCounts(of_hosts, words))
    return _Sources(facts, words, counted, summary_of(run, counted))


def _cells(count: Count, base: Count) -> tuple[Cell, ...]:
    """Return the cells of one row: number and percentage of domains, number and percentage of MX hosts."""
    return count.domains, percent(count.domains, base.domains), count.hosts, percent(count.hosts, base.hosts)


def _rows(counted: Counted, table: str, labels: Iterable[str], base: Count) -> list[tuple[Cell, ...]]:
    """Return one row for each label: the label and its counts in the count table ``table``."""
    return [(label, *_cells(counted[table, label], base)) for label in labels]


def _funnel(sources: _Sources) -> Table:
    counted, funnel, dane = sources.counted, sources.summary.tables["funnel"], sources.summary.tables["dane"]
    whole = counted.whole
    steps = [(label, funnel.rows[step]) for step, label in _STEPS.items()]
    for label in HOST_STEPS:
        hosts = counted.domains.hosts_with(SECURE_MX, ("host_step", label))
        steps.append((label, Count(counted["step", label].domains, hosts)))
    verdicts = [(str(word), dane.rows.get(word, Count(0, 0))) for word in DomainDane]
    rows = [
        *(("funnel", label, *_cells(count, whole)) for label, count in steps),
        *(("MX", *row) for row in _rows(counted, "mx_kind", MX_KINDS, whole)),
        *(("DANE", label, *_cells(count, whole)) for label, count in verdicts),
    ]
    note = "Steps count among those of the step before; MX and DANE are of all domains. Hosts are those of the domains."
    return Table("T1", "From domains to DANE", ("part", "label", *COLUMNS), tuple(rows), note)


def _starttls(counted: Counted) -> Table:
    whole = counted.whole
    counts = [
        (label, Count(counted["starttls_furthest", label].domains, counted["starttls_class", label].hosts))
        for label in STARTTLS_CLASSES
    ]
    note = "The furthest that any address of a host, and any host of a domain, got. Of all domains and hosts."
    rows = tuple((label, *_cells(count, whole)) for label, count in counts)
    return Table("T2", "STARTTLS by outcome", ("outcome", *COLUMNS), rows, note)


def _parameters(sources: _Sources) -> Table:
    """Return table T3, which also counts TLSA records, as a host may have several records with the same parameters."""
    counted = sources.counted
    records = Counter(label for facts in sources.facts.values() for label in facts.records)
    found = {label for table, label in counted.domains.by_word if table == "parameters"}
    labels = sorted(found, key=lambda label: (label.startswith("unusable"), label))
    rows = _rows(counted, "parameters", labels, counted[WITH_TLSA])
    note = "Usage, selector and matching type. Of domains and hosts with TLSA records."
    columns = ("parameters", "records", *COLUMNS)
    counts = tuple((label, records[str(label)] or None, *cells) for label, *cells in rows)
    return Table("T3", "TLSA parameters", columns, counts, note)


def _causes(run: Run, history: Sequence[Run], counted: Counted) -> Table:
    wrong = {key for key, dane in counted.domains.host_dane.items() if dane == Dane.MISMATCH}
    found = mismatch_causes(run, history, wrong)
    domains = Counter[str]()
    for host, cause in found.items():
        domains[cause] += counted.domains.domains_of[host]
    hosts = Counter(found.values())
    base = Count(domains.total(), hosts.total())
    ranked = sorted(hosts, key=lambda cause: (-domains[cause], -hosts[cause], cause))
    rows = tuple((cause, *_cells(Count(domains[cause], hosts[cause]), base)) for cause in ranked)
    note = "Of MX hosts that do not match; a domain counts once for each such host of it."
    return Table("T5", "Causes of DANE mismatches", ("cause", *COLUMNS), rows, note)


def _providers(summary: Summary) -> Table:
    columns = ("rank", "provider", *COLUMNS, "protected", "protected %", "broken", "broken %")
    base = Count(summary.funnel.domains, summary.hosts)
    rows = tuple(
        (
            rank,
            row.name,
            *_cells(Count(row.domains, row.hosts), base),
            *(row.protected, percent(row.protected, row.domains), row.broken, percent(row.broken, row.domains)),
        )
        for rank, row in enumerate(summary.providers[:TOP], 1)
    )
    note = "By registrable domain of the MX hosts; a domain counts once for each of its providers. Of all domains."
    return Table("T6", "Largest MX providers", columns, rows, note)


def _concentration(words: PaperWords) -> Table:
    """Return table T7, the cumulated share of domains at the largest providers and MX hosts.

    Each domain is counted at its first MX host.
    """
    providers = [name for name, _ in sorted(words.by_provider.items(), key=lambda row: (-row[1], row[0]))]
    lines = [
        _cumulated([words.by_provider[name] for name in providers]),
        _cumulated([words.protected[name] for name in providers]),
        _cumulated([words.broken[name] for name in providers]),
        _cumulated([count for _, count in words.by_host.most_common()]),
    ]
    most = len(lines[3])
    ranks = [rank for rank in RANKS if rank < most] + ([most] if most else [])
    rows = tuple((rank, *(line[min(rank, len(line)) - 1] for line in lines)) for rank in ranks)
    columns = (
        "largest",
        "domains % by provider",
        "protected % by provider",
        "broken % by provider",
        "domains % by MX host",
    )
    note = "Cumulated, by the MX host that senders try first. Of domains with an MX host; of protected; of broken."
    return Table("T7", "Concentration", columns, rows, note)


def _cumulated(counts: Sequence[int]) -> list[Cell]:
    total = sum(counts)
    return [percent(count, total) for count in accumulate(counts)]


def _coverage(counted: Counted) -> Table:
    base = counted[PUBLISHED]
    rows = [
        (part, *row)
        for part, table in (("published", "published_where"), ("matching", "matching_where"))
        for row in _rows(counted, table, COVERAGE, base)
    ]
    note = "Of domains with usable TLSA records at one MX host or more, and of all hosts of these."
    return Table("T9", "Partial coverage by TLSA records", ("TLSA records", "where", *COLUMNS), tuple(rows), note)


def _tls(sources: _Sources) -> Table:
    tables: dict[str, CountTable] = sources.summary.tables
    rows: list[tuple[Cell, ...]] = []
    for word, name in _TLS_TABLES.items():
        table = tables[name]
        rows += [(word, label, *_cells(count, table.base)) for label, count in table.rows.items()]
    base = tables["tls_versions"].base
    rows += [("days to expiry", *row) for row in _rows(sources.counted, "expiry", EXPIRY_WORDS, base)]
    note = (
        "Percentages of domains and hosts with a TLS handshake; a host with several addresses may show several values."
    )
    return Table("T10", "TLS", ("property", "value", *COLUMNS), tuple(rows), note)


def _rollovers(run: Run, history: Sequence[Run]) -> Table:
    found = compare([*history, run]).rollovers
    rows: list[tuple[Cell, ...]] = []
    for outcome in RolloverClass:
        of_class = [row for row in found if row.outcome is outcome]
        domains, total = sum(row.domains for row in of_class), sum(row.domains for row in found)
        seen = sum(row.overlap is True for row in of_class) if outcome is RolloverClass.CORRECT else None
        shares = percent(domains, total), len(of_class), percent(len(of_class), len(found))
        rows.append((outcome, domains, *shares, seen))
    note = f"Of rollovers at hosts with DANE over {len(history) + 1} runs; domains are those of the last run."
    return Table("T11", "Rollovers", ("outcome", *COLUMNS, "overlap seen"), tuple(rows), note)


def _policies(sources: _Sources) -> list[Table]:
    """Return table T14, or no table if the scan did not examine MTA-STS."""
    counted, tables = sources.counted, sources.summary.tables
    base = tables["sts_funnel"].base
    if not base.domains:
        return []
    rows: list[tuple[Cell, ...]] = []
    for part, name in _POLICY_TABLES.items():
        rows += [(part, label, *_cells(count, base)) for label, count in tables[name].rows.items()]
    pairs = [dane_and_sts(dane, sts) for dane in DomainDane for sts in DomainSTS]
    rows += [("DANE and MTA-STS", *row) for row in _rows(counted, "dane_sts", pairs, base) if row[1]]
    note = "Each step counts among those of the step before. Of domains for which MTA-STS was examined."
    return [Table("T14", "MTA-STS and TLSRPT", ("part", "label", *COLUMNS), tuple(rows), note)]


def _disagreements(counted: Counted) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for compared, name in (("several addresses", str), ("IPv4 and IPv6", between_families)):
        base = counted["compared", compared]
        rows.append((f"hosts with {compared}", *_cells(base, base)))
        rows += _rows(counted, "differs", map(name, DISAGREEMENTS), base)
    note = "Addresses of one MX host that differ. Of hosts with several addresses, and with both families."
    return Table("T13", "Disagreement between addresses", ("what", *COLUMNS), tuple(rows), note)
