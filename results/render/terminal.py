"""The layout of reports on a terminal: headings, grids and counts, at 80 columns, without colour, in ASCII."""

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from results.count.base import Count
from results.count.percent import share
from results.render.escape import MAX_QUOTE, safe

INDENT = 2
COUNT = 9  # columns: 1,234,567
SHARE = 7  # columns: 100.0 %
WORD = 13  # columns: the longest word of a verdict, so that sections line up
WIDE = 100  # columns from which on there is room for bars
BAR = 20  # columns: five per cent each


def quote(console: Console, text: str, style: str = "", limit: int = MAX_QUOTE) -> Text:
    """Return foreign text escaped, cut to ``limit`` characters, and within the encoding of the terminal."""
    shown = safe(text, limit)
    if console.options.ascii_only:
        shown = shown.replace("\N{HORIZONTAL ELLIPSIS}", "...").encode("ascii", "backslashreplace").decode()
    return Text(shown, style)


def said(console: Console, text: str) -> Text:
    """Return foreign text in quotation marks."""
    return Text.assemble('"', quote(console, text), '"', style="italic")


def one_line(console: Console, text: Text, indent: int = 0) -> None:
    """Print text on one line whatever the width of the terminal, so that it can be copied as a whole."""
    console.print(Text(" " * indent).append_text(text), soft_wrap=True)


def heading(console: Console, title: str, note: str = "") -> None:
    """Print the heading of a section after an empty line."""
    console.print()
    console.print(Text.assemble((title, "bold"), (f"  {note}" if note else "", "dim")))


def grid(*columns: str) -> Table:
    """Return a table without lines, of columns ``<`` (left), ``>`` (right) and ``*`` (left, as wide as possible).

    A first column of numbers has the width of that of other sections.
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
    """Print a table below its heading."""
    console.print(Padding(table, (0, 0, 0, INDENT)))


def counts(console: Console, rows: Iterable[tuple[Text, str, Count]], base: Count) -> None:
    """Print counts: domains and their share, MX hosts and their share, a word and its meaning.

    The meanings are not escaped. A bar shows the share of domains on terminals of ``WIDE`` columns or more.
    """
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
        numbers = (
            f"{count.domains:,}",
            share(count.domains, base.domains),
            f"{count.hosts:,}",
            share(count.hosts, base.hosts),
        )
        bar = [_bar(console, count.domains, base.domains)] if wide else []
        table.add_row(*numbers, *bar, word, meaning)
    indented(console, table)


def _bar(console: Console, count: int, total: int) -> Text:
    """Return a bar for a share; a share that is not 0 is never empty."""
    length = round(BAR * count / total) if total else 0
    mark, trace = ("#", ".") if console.options.ascii_only else ("\N{FULL BLOCK}", "\N{LEFT ONE EIGHTH BLOCK}")
    drawn = mark * length or (trace if count else "")
    return Text(drawn.ljust(BAR), "cyan")
