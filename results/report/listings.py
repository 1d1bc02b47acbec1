"""Tables of a report in which each row has a name, such as providers, expiring certificates and owners."""

from collections.abc import Iterable, Iterator

from results.count.columns import NO_VALUE
from results.count.percent import percent
from results.count.summary import LimitedDomain, PostQuantumProvider, Provider, Summary
from results.render.tables import Cell, Table
from scanner.model import RunHeader

SHOWN_HOSTS = 5
"""Maximum number of MX hosts with unexamined addresses that the report names for a domain above a limit of the scan."""


def listings(summary: Summary, header: RunHeader, column: str) -> Iterator[Table]:
    """Yield the tables of a report that are not empty; the first column of a table names the rows.

    Args:
        summary: the counts of the run.
        header: the header of the run.
        column: column of the target list by whose values the summary counts domains, empty for none.
    """
    made = (
        Table("by-column", f"Domains by {column}", (column, *_HEALTH), _by_column(summary)),
        Table(
            "providers",
            "Providers",
            ("provider", "domains", "MX hosts", "protected", "broken", "all TLS", "failing"),
            tuple(map(_provider, summary.providers)),
            "by registrable domain of the MX hosts",
        ),
        _post_quantum(summary.post_quantum),
        Table(
            "expiring",
            "Certificates that have expired or expire soon",
            ("MX host", "domains", "expires"),
            tuple((row.host, row.domains, f"{row.not_after:%Y-%m-%d}") for row in summary.expiring),
            "not an error for DANE with usage 3 (RFC 7671 section 5.1)",
        ),
        Table(
            "disagreeing",
            "Hosts whose addresses differ",
            ("MX host", "difference", "address: value"),
            tuple((d.host, d.what, ", ".join(f"{a}: {v}" for a, v in d.values)) for d in summary.disagreements),
        ),
        _slowest(summary),
        _limited(summary.limited),
        _rejected(summary, header),
    )
    return (table for table in made if table.rows)


def _slowest(summary: Summary) -> Table:
    rows = tuple((slow.host, slow.address, round(slow.ms / 1000, 1)) for slow in summary.slowest)
    return Table("slowest", "Slowest addresses", ("MX host", "address", "seconds"), rows)


def _post_quantum(rows: Iterable[PostQuantumProvider]) -> Table:
    columns = ("provider", "hosts with TLS", "post-quantum", "supported", "second hello", "second hello %")
    cells = (
        (row.name, row.tls, row.post_quantum, row.supported, row.second_hello, percent(row.second_hello, row.tls))
        for row in rows
    )
    note = "MX hosts; a second ClientHello costs a round trip"
    return Table("post-quantum", "Post-quantum key exchange by provider", columns, tuple(cells), note)


_HEALTH = ("domains", "protected", "broken", "unknown")


def _by_column(summary: Summary) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        (row.value or NO_VALUE, row.domains, row.protected, row.broken, row.unknown) for row in summary.by_column
    )


def _limited(domains: Iterable[LimitedDomain]) -> Table:
    return Table(
        "limited",
        "Domains above a limit of the scan",
        ("domain", "MX hosts not examined", "MX hosts with further addresses"),
        tuple((row.domain, row.unexamined, ", ".join(row.hosts[:SHOWN_HOSTS])) for row in domains),
        "the rest was not examined",
    )


def _rejected(summary: Summary, header: RunHeader) -> Table:
    reasons = header.reject_reasons or summary.rejects
    return Table("rejects", "Input not scanned", ("reason", "lines"), tuple(reasons.items()))


def _provider(row: Provider) -> tuple[Cell, ...]:
    return row.name, row.domains, row.hosts, row.protected, row.broken, row.tls, row.failing
