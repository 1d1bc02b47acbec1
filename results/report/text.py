"""A run as a report on the terminal, for whoever asks "how are they doing, what is wrong, and whom do I write to?".

Everything that came from the network or the input goes through ``layout.quote``.
"""

from collections.abc import Sequence
from itertools import islice

from rich.console import Console
from rich.text import Text

from results.count.summary import UnroutedDomain
from results.explain.domain_summary import in_words
from results.explain.worklist import Task
from results.render import words
from results.render.terminal import counts, grid, heading, indented, quote, said
from results.report.model import OPEN, Counts, Listing, Report, make_report
from results.store.reader import Run
from scanner.reasons import Reason
from scanner.vocabulary import Dane

__all__ = ["in_words", "print_report", "render", "shown_rows"]

TOP = 10  # rows of a table that could be endless
CLOSED = 12  # rows of a table whose words are ours: all of them
EXAMPLES = 3  # domains named beside a host


def print_report(run: Run, console: Console, top: int = TOP) -> None:
    """Print the report of a run.

    Args:
        run: finished or not.
        console: where to; its width is kept.
        top: rows shown of reasons, hosts, ciphers and so on.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    render(make_report(run, top=top), console, top)


def render(report: Report, console: Console, top: int = TOP) -> None:
    """Print a report that is at hand."""
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


def _counts(section: Counts, console: Console, top: int) -> None:
    if not section.rows:
        return
    heading(console, section.title, section.note)
    top = shown_rows(section, top)
    rows = ((quote(console, row.word), row.meaning, row.count) for row in section.rows)
    counts(console, islice(rows, top), section.base)
    _rest(len(section.rows) - top, "rows", console)


def shown_rows(section: Counts, top: int) -> int:
    """Say how many rows of a section are shown: of a closed vocabulary all, else ``top``."""
    return top if section.key in OPEN else max(top, CLOSED)


def _tasks(report: Report, console: Console, top: int) -> None:
    for conclusive, title in ((True, "Broken MX hosts"), (False, "MX hosts that could not be judged")):
        tasks = [task for task in report.tasks if task.conclusive is conclusive]
        if not tasks:
            continue
        heading(console, title, "domains affected")
        table = grid(">", "*")
        for task in tasks[:top]:
            table.add_row(f"{task.domains:,}", _task(task, console))
        indented(console, table)
    _rest(report.failing - min(len(report.tasks), top), "hosts", console)


def _task(task: Task, console: Console) -> Text:
    explanation = task.explanation
    records = "" if task.dane == Dane.NONE else f"  {words.of_dane(task.dane)}"  # the cause is not that there are none
    text = Text.assemble(quote(console, task.host, "bold"), records, _since(task))
    lines = [quote(console, explanation.sentence, limit=1000)]
    if explanation.unsaid:
        lines.append(said(console, explanation.unsaid))
    lines.append(Text.assemble(("To do: ", "bold"), quote(console, explanation.fix, limit=1000)))
    lines += [quote(console, record, "green") for record in explanation.records]
    contact = quote(console, f"; {task.contact}", "dim")
    lines.append(Text.assemble(("for ", "dim"), quote(console, _affected(task), "dim"), contact))
    for line in lines:
        text.append("\n").append_text(line)
    return text


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
    heading(console, "Domains that fail before any MX host is known")
    table = grid("<", "*")
    for row in unrouted[:top]:
        why = Text("; ".join(words.of_reason(code) for code in row.reasons if code != Reason.LEVEL_NOT_MET))
        if row.text and row.text not in map(words.of_reason, row.reasons):
            why.append("\n").append_text(said(console, row.text))
        table.add_row(quote(console, row.domain), why)
    indented(console, table)
    _rest(len(unrouted) - top, "domains", console)


def _listing(listing: Listing, console: Console, top: int) -> None:
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
