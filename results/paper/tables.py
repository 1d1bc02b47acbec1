"""The tables of a measurement paper, from one run, or several for rollovers.

Every table counts twice: domains, and MX hosts each once however many domains share them. A word that is said of a
host concerns every domain that has it, so a column of domains may add up to more than there are; where a class is the
furthest that was reached, it adds up. Percentages are of the base that the note names.

Memory grows with MX hosts and certificates, not with domains.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from results.count.summary import Summary, summarise
from results.diff.compare import compare
from results.diff.rollover import RolloverClass
from results.paper.causes import mismatch_causes
from results.paper.counts import ALL, COVERAGE, MX_KINDS, STEPS, Counts, between_families
from results.paper.facts import DISAGREEMENTS, EXPIRY_WORDS, STARTTLS_CLASSES, host_facts
from results.paper.tally import COLUMNS, Tally, percent
from results.render.tables import Cell, Table
from results.store.reader import Run
from scanner.vocabulary import DomainDane

TOP = 20  # providers
RANKS = tuple(factor * 10**power for power in range(6) for factor in (1, 2, 5))
"""Ranks at which concentration is told."""

_TLS_TABLES = {
    "version": "tls_versions",
    "group": "groups",
    "post-quantum group": "post_quantum",
    "cipher": "ciphers",
    "key type": "key_types",
    "issuer": "issuers",
}
_SHAKEN = "of domains and hosts with a TLS handshake"


def paper_tables(run: Run, history: Sequence[Run] = ()) -> list[Table]:
    """Make the tables T1 to T3, T5 to T7, T9, T10 and T13, and T11 where there is a history.

    Args:
        run: the run.
        history: earlier runs in the order of time, for T11 and for T5's records of earlier certificates.

    Raises:
        StoreError: a file of a run cannot be read.
        ValueError: the runs are not in the order of time.
    """
    summary = summarise(run)  # first: what it counts with is gone when the next begins
    counts = Counts(host_facts(run))
    for record in run.domains():
        counts.add(record)
    rollovers = [_rollovers(run, history)] if history else []
    return [
        _funnel(counts),
        _starttls(counts),
        _parameters(counts),
        _causes(run, history, counts),
        _providers(summary),
        _concentration(counts),
        _coverage(counts),
        _tls(summary, counts),
        *rollovers,
        _disagreements(counts),
    ]


def _whole(counts: Counts) -> tuple[int, int]:
    return counts.steps.domains[ALL], counts.steps.hosts(ALL)


def _rows(parts: Sequence[tuple[str, Tally, Sequence[str]]], base: tuple[int, int]) -> tuple[tuple[Cell, ...], ...]:
    return tuple((part, label, *tally.row(label, base)) for part, tally, labels in parts for label in labels)


def _funnel(counts: Counts) -> Table:
    verdicts = [str(word) for word in DomainDane]
    parts = (("funnel", counts.steps, STEPS), ("MX", counts.mx, MX_KINDS), ("DANE", counts.dane, verdicts))
    note = "Steps count among those of the step before; MX and DANE are of all domains. Hosts are those of the domains."
    return Table("T1", "From domains to DANE", ("part", "label", *COLUMNS), _rows(parts, _whole(counts)), note)


def _starttls(counts: Counts) -> Table:
    note = "The furthest that any address of a host, and any host of a domain, got. Of all domains and hosts."
    return counts.starttls.table("T2", "STARTTLS by outcome", "outcome", _whole(counts), note, STARTTLS_CLASSES)


def _parameters(counts: Counts) -> Table:
    """T3 counts records too: a host may have several of a kind."""
    records = Counter(label for facts in counts.facts.values() for label in facts.records)
    base = counts.with_tlsa.domains["any"], counts.with_tlsa.hosts("any")
    labels = sorted(counts.records.labels, key=lambda label: (label.startswith("unusable"), label))
    rows = tuple((label, records[label] or None, *counts.records.row(label, base)) for label in labels)
    note = "Usage, selector and matching type. Of domains and hosts with TLSA records."
    return Table("T3", "TLSA parameters", ("parameters", "records", *COLUMNS), rows, note)


def _causes(run: Run, history: Sequence[Run], counts: Counts) -> Table:
    found = mismatch_causes(run, history, counts.dane_of)
    domains = Counter[str]()
    for key, cause in found.items():
        domains[cause] += counts.domains_of[key]
    hosts = Counter(found.values())
    total, whole = domains.total(), hosts.total()
    ranked = sorted(hosts, key=lambda cause: (-domains[cause], -hosts[cause], cause))
    rows = tuple((c, domains[c], percent(domains[c], total), hosts[c], percent(hosts[c], whole)) for c in ranked)
    note = "Of MX hosts that do not match; a domain counts once for each such host of it."
    return Table("T5", "Causes of DANE mismatches", ("cause", *COLUMNS), rows, note)


def _providers(summary: Summary) -> Table:
    columns = ("rank", "provider", *COLUMNS, "protected", "protected %", "broken", "broken %")
    every = summary.funnel.domains
    rows = tuple(
        (
            rank,
            row.name,
            *(row.domains, percent(row.domains, every), row.hosts, percent(row.hosts, summary.hosts)),
            *(row.protected, percent(row.protected, row.domains), row.broken, percent(row.broken, row.domains)),
        )
        for rank, row in enumerate(summary.providers[:TOP], 1)
    )
    note = "By registrable domain of the MX hosts; a domain counts once for each of its providers. Of all domains."
    return Table("T6", "Largest MX providers", columns, rows, note)


def _concentration(counts: Counts) -> Table:
    """T7: the share of domains whose first MX host is one of the largest, or is run by one of the largest."""
    providers = [name for name, _ in counts.by_provider.most_common()]
    lines = [
        _cumulated([counts.by_provider[name] for name in providers]),
        _cumulated([counts.protected[name] for name in providers]),
        _cumulated([counts.broken[name] for name in providers]),
        _cumulated([count for _, count in counts.by_host.most_common()]),
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


def _coverage(counts: Counts) -> Table:
    base = counts.published.domains.total(), len(counts.published.all_hosts())
    parts = (("published", counts.published, COVERAGE), ("matching", counts.matched, COVERAGE))
    note = "Of domains with usable TLSA records at one MX host or more, and of all hosts of these."
    columns = ("TLSA records", "where", *COLUMNS)
    return Table("T9", "Partial coverage by TLSA records", columns, _rows(parts, base), note)


def _tls(summary: Summary, counts: Counts) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for word, name in _TLS_TABLES.items():
        table = summary.tables[name]
        rows += [
            (
                word,
                label,
                n.domains,
                percent(n.domains, table.base.domains),
                n.hosts,
                percent(n.hosts, table.base.hosts),
            )
            for label, n in table.rows.items()
        ]
    base = summary.tables["tls_versions"].base
    whole = base.domains, base.hosts
    rows += [("days to expiry", label, *counts.expiry.row(label, whole)) for label in EXPIRY_WORDS]
    note = f"Percentages {_SHAKEN}; a host with several addresses may show several."
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


def _disagreements(counts: Counts) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for base, name in (("several addresses", str), ("IPv4 and IPv6", between_families)):
        whole = counts.compared.domains[base], counts.compared.hosts(base)
        rows.append((f"hosts with {base}", *counts.compared.row(base, whole)))
        rows += [(name(what), *counts.disagree.row(name(what), whole)) for what in DISAGREEMENTS]
    note = "Addresses of one MX host that differ. Of hosts with several addresses, and with both families."
    return Table("T13", "Disagreement between addresses", ("what", *COLUMNS), tuple(rows), note)
