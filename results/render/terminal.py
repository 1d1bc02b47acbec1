"""Layout of reports on a terminal.

Headings, tables and counts can be read at 80 columns, without colour and in ASCII.
"""

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from results.count.base import Count
from results.count.percent import share
from results.render.escape import MAX_QUOTE, safe
from results.render.words import number

INDENT = 2
COUNT = 9  # width of a count such as 1,234,567 in terminal columns
SHARE = 7  # width of a percentage such as 100.0 % in terminal columns
WORD = 13  # width of the longest verdict value in terminal columns, the same in all sections
WIDE = 100  # minimum width of a terminal with bars, in terminal columns
NARROW = 64  # minimum width of a terminal with counts beside their labels, in terminal columns
STACKED = 6  # indentation in terminal columns of text that is printed below its row
BAR = 20  # width of a bar for 100 % in terminal columns


def quote(console: Console, text: str, style: str = "", limit: int = MAX_QUOTE) -> Text:
    """Return text from a peer, zone or list, escaped and cut to ``limit`` characters, in the terminal's encoding."""
    shown = safe(text, limit)
    if console.options.ascii_only:
        shown = shown.replace("\N{HORIZONTAL ELLIPSIS}", "...").encode("ascii", "backslashreplace").decode()
    return Text(shown, style)


def said(console: Console, text: str) -> Text:
    """Return text from a peer, zone or list, escaped and in quotation marks."""
    return Text.assemble('"', quote(console, text), '"', style="italic")


def one_line(console: Console, text: Text, indent: int = 0) -> None:
    """Print text on one line regardless of the width of the terminal, so that users can copy the whole text."""
    console.print(Text(" " * indent).append_text(text), soft_wrap=True)


def heading(console: Console, title: str, note: str = "") -> None:
    """Print the heading of a section after an empty line."""
    console.print()
    console.print(Text.assemble((title, "bold"), (f"  {note}" if note else "", "dim")))


def grid(*columns: str) -> Table:
    """Return a table without lines between cells.

    The alignment of a column is ``<`` (left), ``>`` (right) or ``*`` (left, as wide as possible). A first column of
    numbers is at least ``COUNT`` terminal columns wide, as in all sections of a report.
    """
    table = Table.grid(padding=(0, 2), expand="*" in columns)
    for place, column in enumerate(columns):
        table.add_column(
            justify="right" if column == ">" else "left",
            ratio=1 if column == "*" else None,
            overflow="fold",
            min_width=COUNT if column == ">" and place == 0 else None,
            no_wrap=column == ">",
        )
    return table


def indented(console: Console, table: Table) -> None:
    """Print a table with the indentation of a report section."""
    console.print(Padding(table, (0, 0, 0, INDENT)))


def counts(console: Console, rows: Iterable[tuple[Text, str, Count]], base: Count) -> None:
    """Print rows of counts: the number and percentage of domains and of MX hosts, a label and its meaning.

    The meanings in ``rows`` are not escaped. On terminals of ``WIDE`` columns or more, a bar shows the percentage of
    domains. On terminals of fewer than ``NARROW`` columns, the counts are printed below the label.
    """
    if console.width < NARROW:
        _stacked_counts(console, rows, base)
        return
    wide = console.width >= WIDE
    table = Table.grid(padding=(0, 2), expand=True)
    for width in (COUNT, SHARE, COUNT, SHARE):
        table.add_column(justify="right", min_width=width, no_wrap=True)
    if wide:
        table.add_column(no_wrap=True)
    table.add_column(min_width=WORD, overflow="fold")
    table.add_column(ratio=1, style="dim", overflow="fold")
    heads = [Text(head, "dim") for head in ("domains", "", "MX hosts", "", *([""] if wide else []), "", "")]
    table.add_row(*heads)
    for word, meaning, count in rows:
        bar = [_bar(console, count.domains, base.domains)] if wide else []
        table.add_row(*_numbers(count, base), *bar, word, meaning)
    indented(console, table)


def _numbers(count: Count, base: Count) -> tuple[str, str, str, str]:
    return (
        f"{count.domains:,}",
        share(count.domains, base.domains),
        f"{count.hosts:,}",
        share(count.hosts, base.hosts),
    )


def _stacked_counts(console: Console, rows: Iterable[tuple[Text, str, Count]], base: Count) -> None:
    for word, meaning, count in rows:
        _, of_domains, _, of_hosts = _numbers(count, base)
        line(console, Text.assemble(word, ("  " + meaning, "dim")), INDENT)
        line(console, Text(f"{number(count.domains, 'domain')} {of_domains}"), STACKED)
        line(console, Text(f"{number(count.hosts, 'MX host')} {of_hosts}"), STACKED)


def line(console: Console, text: Text, indent: int = INDENT) -> None:
    """Print a text without blanks at the end.

    A text that is longer than a terminal line continues with the same indentation.
    """
    for part in text.wrap(console, max(console.width - indent, 1)):
        part.rstrip()
        console.print(Text(" " * indent).append_text(part), soft_wrap=True)


def _bar(console: Console, count: int, total: int) -> Text:
    """Return a bar of text that shows the share of ``count`` in ``total``; the bar is empty only if ``count`` is 0."""
    length = round(BAR * count / total) if total else 0
    mark, trace = ("#", ".") if console.options.ascii_only else ("\N{FULL BLOCK}", "\N{LEFT ONE EIGHTH BLOCK}")
    drawn = mark * length or (trace if count else "")
    return Text(drawn.ljust(BAR), "cyan")
