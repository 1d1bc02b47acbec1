"""What judging a run again changes, as text or JSON."""

from rich.console import Console

from results.diff.rejudge import EndpointChange, EndpointWords, Rejudged
from results.diff.text import CHANGE, ROWS, change_row, transition_table
from results.render.tables import Cell, Table, print_table, table_of
from results.render.terminal import quote
from results.store import codec


def summary_lines(found: Rejudged) -> list[str]:
    """Say what was asked and how much changes."""
    when = "at the time of each probe" if found.at is None else f"at {found.at:%Y-%m-%d %H:%M} UTC"
    changed = f"{len(found.changed):,} of {found.domains:,} domains and {len(found.endpoints):,} addresses"
    lines = [f"Judged again at level {found.level}, dates {when}: the verdicts of {changed} change."]
    if found.left:
        lines.append(f"{found.left:,} domains were left as they are: the run lacks a host or certificate of theirs.")
    return lines


def tables(found: Rejudged, limit: int | None = None) -> list[Table]:
    """Set the changes in tables of ``limit`` rows at most, those without rows left out."""
    columns = ("host", "address", "domains", "change", "why")
    made = [
        transition_table(found.transitions, limit),
        table_of("changed", "Changed domains", CHANGE, found.changed, change_row, limit),
        table_of("endpoints", "Changed addresses", columns, found.endpoints, _endpoint_row, limit),
    ]
    return [table for table in made if table.rows]


def print_rejudged(found: Rejudged, console: Console, limit: int | None = ROWS) -> None:
    """Print what changes, ``limit`` rows of each table at most."""
    for line in summary_lines(found):
        console.print(quote(console, line))
    for table in tables(found, limit):
        print_table(console, table)


def as_json(found: Rejudged) -> bytes:
    """Write what changes whole, as indented JSON."""
    return codec.pretty(found)


def _endpoint_row(row: EndpointChange) -> tuple[Cell, ...]:
    return row.host, row.address, row.domains, _words(row.old, row.new), row.text


def _words(old: EndpointWords, new: EndpointWords) -> str:
    pairs = (("tls", old.tls, new.tls), ("dane", old.dane, new.dane), ("pkix", old.pkix, new.pkix))
    return ", ".join(f"{name} {before} > {after}" for name, before, after in pairs if before != after)
