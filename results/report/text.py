"""The report as text for a terminal.

All text from the network and the input is escaped by ``terminal.quote``.
"""

from collections.abc import Sequence
from itertools import islice

from rich.console import Console
from rich.text import Text

from results.count.summary import UnroutedDomain
from results.explain.domain_summary import in_words
from results.explain.worklist import Task
from results.render import words
from results.render.terminal import COUNT, INDENT, counts, grid, heading, indented, one_line, quote, said
from results.report.model import OPEN, CountSection, ListSection, Report
from scanner.reasons import Reason
from scanner.vocabulary import Dane

__all__ = ["in_words", "render", "shown_rows"]

TOP = 10  # default maximum number of rows of an open table
CLOSED = 12  # maximum number of rows of a closed vocabulary; no vocabulary is larger
EXAMPLES = 3  # maximum number of domains named for a host
LONG = 1000  # maximum characters of a sentence or record
MARGIN = INDENT + COUNT + 2  # width in columns to the left of the texts about a host


def render(report: Report, console: Console, top: int = TOP) -> None:
    """Print a report with at most ``top`` rows of each open table."""
    console.print(Text(report.title, "bold"))
    facts = ", ".join(f"{name} {value}" for name, value in report.facts.items())
    console.print(quote(console, facts, "dim"))
    if report.domains:
        for section in report.counts:
            _counts(section, console, top)
        _tasks(report, console, top)
        _unrouted(report.unrouted, console, top)
    else:
        console.print(Text("No domains were scanned."))
    for listing in report.listings:
        _listing(listing, console, top)


def _counts(section: CountSection, console: Console, top: int) -> None:
    if not section.rows:
        return
    heading(console, section.title, section.note)
    top = shown_rows(section, top)
    rows = ((quote(console, row.word), row.meaning, row.count) for row in section.rows)
    counts(console, islice(rows, top), section.base)
    _rest(len(section.rows) - top, "rows", console)


def shown_rows(section: CountSection, top: int) -> int:
    """Return the maximum number of rows of a section: at least ``CLOSED`` for a closed vocabulary, else ``top``."""
    return top if section.key in OPEN else max(top, CLOSED)


def _tasks(report: Report, console: Console, top: int) -> None:
    for conclusive, title in ((True, "Broken MX hosts"), (False, "Inconclusive MX hosts")):
        tasks = [task for task in report.tasks if task.conclusive is conclusive]
        if not tasks:
            continue
        heading(console, title, "affected domains")
        for task in tasks[:top]:
            _task(task, console)
    _rest(report.failing - min(len(report.tasks), top), "hosts", console)


def _task(task: Task, console: Console) -> None:
    explanation = task.explanation
    dane = "" if task.dane == Dane.NONE else f"  {words.of_dane(task.dane)}"  # absence of TLSA records is not a cause
    lines = [
        Text.assemble(quote(console, task.host, "bold"), dane, _since(task)),
        quote(console, explanation.sentence, limit=LONG),
        *([said(console, explanation.new_reply)] if explanation.new_reply else []),
        Text.assemble(("Remedy: ", "bold"), quote(console, explanation.fix, limit=LONG)),
    ]
    _beside(console, f"{task.domains:,}", lines)
    for record in explanation.records:
        one_line(console, quote(console, record, "green", LONG), MARGIN)
    if explanation.alternative:
        _beside(console, "", [Text("or instead:")])
        one_line(console, quote(console, explanation.alternative, "green", LONG), MARGIN)
    contact = quote(console, f"; {task.contact}", "dim")
    _beside(console, "", [Text.assemble(("domains: ", "dim"), quote(console, _affected(task), "dim"), contact)])


def _beside(console: Console, number: str, lines: Sequence[Text]) -> None:
    """Print lines to the right of a number."""
    table = grid(">", "*")
    table.add_row(number, Text("\n").join(lines))
    indented(console, table)


def _since(task: Task) -> str:
    if task.since is not None:
        return f", since {task.since:%Y-%m-%d %H:%M} UTC or before"
    return ", new in this run" if task.new else ""


def _affected(task: Task) -> str:
    shown = ", ".join(task.examples[:EXAMPLES])
    more = task.domains - min(len(task.examples), EXAMPLES)
    return f"{shown} and {more:,} more" if more else shown


def _unrouted(unrouted: Sequence[UnroutedDomain], console: Console, top: int) -> None:
    if not unrouted:
        return
    heading(console, "Domains without an MX host to examine")
    table = grid("<", "*")
    for row in unrouted[:top]:
        why = Text("; ".join(words.of_reason(code) for code in row.reasons if code != Reason.LEVEL_NOT_MET))
        if row.text and row.text not in map(words.of_reason, row.reasons):
            why.append("\n").append_text(said(console, row.text))
        table.add_row(quote(console, row.domain), why)
    indented(console, table)
    _rest(len(unrouted) - top, "domains", console)


def _listing(listing: ListSection, console: Console, top: int) -> None:
    heading(console, listing.title, listing.note)
    numeric = [column.endswith("#") for column in listing.columns]
    table = grid(*(">" if number else "<" for number in numeric[:-1]), ">" if numeric[-1] else "*")
    table.add_row(*(Text(column.removesuffix("#"), "dim") for column in listing.columns))
    for row in listing.rows[:top]:
        table.add_row(*(quote(console, cell) for cell in row))
    indented(console, table)
    _rest(len(listing.rows) - top, "rows", console)


def _rest(count: int, what: str, console: Console) -> None:
    if count > 0:
        console.print(Text(f"  and {count:,} more {what}", "dim"))
