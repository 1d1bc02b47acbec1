"""What judging a run again changes, as text or JSON."""

from rich.console import Console

from results import codec
from results.diff_text import CHANGE, ROWS, change_rows, transition_table
from results.layout import quote
from results.rejudge import EndpointWords, Rejudged
from results.tables import Table, limited, print_table


def summary_lines(found: Rejudged) -> list[str]:
    """Say what was asked and how much changes."""
    when = "at the time of each probe" if found.at is None else f"at {found.at:%Y-%m-%d %H:%M} UTC"
    changed = f"{len(found.changed):,} of {found.domains:,} domains and {len(found.endpoints):,} addresses"
    lines = [f"Judged again at level {found.level}, dates {when}: the verdicts of {changed} change."]
    if found.left:
        lines.append(f"{found.left:,} domains were left as they are: the run lacks a host or certificate of theirs.")
    return lines


def tables(found: Rejudged) -> list[Table]:
    """Set the changes in tables, those without rows left out."""
    rows = tuple((row.host, row.address, row.domains, _words(row.old, row.new), row.text) for row in found.endpoints)
    made = [
        transition_table(found.transitions),
        Table("changed", "Changed domains", CHANGE, change_rows(found.changed)),
        Table("endpoints", "Changed addresses", ("host", "address", "domains", "change", "why"), rows),
    ]
    return [table for table in made if table.rows]


def print_rejudged(found: Rejudged, console: Console, limit: int | None = ROWS) -> None:
    """Print what changes, ``limit`` rows of each table at most."""
    for line in summary_lines(found):
        console.print(quote(console, line))
    for table in tables(found):
        print_table(console, limited(table, limit))


def as_json(found: Rejudged) -> bytes:
    """Write what changes whole, as indented JSON."""
    return codec.pretty(found)


def _words(old: EndpointWords, new: EndpointWords) -> str:
    pairs = (("tls", old.tls, new.tls), ("dane", old.dane, new.dane), ("pkix", old.pkix, new.pkix))
    return ", ".join(f"{name} {before} > {after}" for name, before, after in pairs if before != after)
