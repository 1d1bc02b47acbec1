"""Output of the differences between stored and recomputed verdicts, as text or JSON."""

from rich.console import Console

from results.diff.rejudge import EndpointChange, Rejudged
from results.diff.text import CHANGE, ROWS, change_row, transition_table
from results.diff.verdicts import change_text
from results.render.escape import json_text
from results.render.tables import Cell, Table, print_table, table_of
from results.render.terminal import quote
from results.store import codec


def summary_lines(found: Rejudged) -> list[str]:
    """Return sentences with the TLS security level and time of the recomputed verdicts, and the number of changes."""
    when = "at the time of each probe" if found.at is None else f"at {found.at:%Y-%m-%d %H:%M} UTC"
    changed = f"{len(found.changed):,} of {found.domains:,} domains and {len(found.endpoints):,} addresses"
    lines = [f"Judged again at level {found.level}, validity periods {when}: the verdicts of {changed} change."]
    if found.left:
        lines.append(
            f"{found.left:,} domains could not be judged again: the run lacks one of their hosts or certificates."
        )
    return lines


def tables(found: Rejudged, limit: int | None = None) -> list[Table]:
    """Return the changed verdicts as tables of at most ``limit`` rows, without empty tables."""
    columns = ("host", "address", "domains", "change", "why")
    made = [
        transition_table(found.transitions, limit),
        table_of("changed", "Changed domains", CHANGE, found.changed, change_row, limit),
        table_of("endpoints", "Changed addresses", columns, found.endpoints, _endpoint_row, limit),
    ]
    return [table for table in made if table.rows]


def print_rejudged(found: Rejudged, console: Console, limit: int | None = ROWS) -> None:
    """Print the changed verdicts as tables, at most ``limit`` rows of each table."""
    for line in summary_lines(found):
        console.print(quote(console, line))
    for table in tables(found, limit):
        print_table(console, table)


def as_json(found: Rejudged) -> bytes:
    """Return all differences between stored and recomputed verdicts as indented JSON."""
    return json_text(codec.pretty(found))


def _endpoint_row(row: EndpointChange) -> tuple[Cell, ...]:
    return row.host, row.address, row.domains, change_text(row.old, row.new), row.text
