"""A table of text cells, printed as text, Markdown, CSV or LaTeX.

Cells may contain text from servers, zones and lists; the module ``escape`` escapes this text for each format.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from rich.console import Console
from rich.text import Text

from results.render import escape
from results.render.terminal import INDENT, STACKED, grid, heading, indented, line, quote

T = TypeVar("T")

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a heading; ``key`` is a file name or an HTML anchor, ``more`` the number of omitted rows."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    more: int = 0


def table_of(
    key: str,
    title: str,
    columns: tuple[str, ...],
    items: Sequence[T],
    row: Callable[[T], tuple[Cell, ...]],
    limit: int | None = None,
    note: str = "",
) -> Table:
    """Return a table of the first ``limit`` items (None: all items), which states the number of omitted items."""
    shown = items if limit is None else items[:limit]
    return Table(key, title, columns, tuple(map(row, shown)), note, len(items) - len(shown))


def cut(table: Table, limit: int) -> Table:
    """Return the table with at most ``limit`` rows."""
    return replace(table, rows=table.rows[:limit], more=table.more + max(0, len(table.rows) - limit))


def print_table(console: Console, table: Table) -> None:
    """Print a table with its heading on a terminal.

    If the terminal is too narrow, the last cell of each row is printed below the row.
    """
    heading(console, table.title, table.note)
    print_rows(console, table)


def print_rows(console: Console, table: Table) -> None:
    """Print a table without its heading."""
    if _width(table) <= console.width:
        _print_grid(console, table)
    else:
        _print_stacked(console, table)
    if table.more:
        console.print(Text(f"  and {table.more:,} more", "dim"))


def _width(table: Table) -> int:
    """Return the width of a table in terminal columns if no cell is folded."""
    cells = zip(table.columns, *(map(_shown, row) for row in table.rows), strict=True)
    return INDENT + sum(max(map(len, column)) + 2 for column in cells)


def _print_grid(console: Console, table: Table) -> None:
    shape = ["<" if any(isinstance(row[place], str) for row in table.rows) else ">" for place in _places(table)]
    shape[-1] = "*" if shape[-1] == "<" else ">"
    lines = grid(*shape)
    lines.add_row(*(Text(column, "dim") for column in table.columns))
    for row in table.rows:
        lines.add_row(*(quote(console, cell_text(cell)) for cell in row))
    indented(console, lines)


def _print_stacked(console: Console, table: Table) -> None:
    for row in table.rows:
        named = zip(row[1:-1], table.columns[1:-1], strict=True)
        cells = [f"{cell_text(cell)} {name}" if is_number(cell) else cell_text(cell) for cell, name in named]
        first = quote(console, cell_text(row[0]), "bold")
        for cell in filter(None, cells):
            first.append("  ").append_text(quote(console, cell))
        line(console, first, INDENT)
        if row[-1] not in ("", None):
            last = Text(f"{table.columns[-1]}: ", "dim").append_text(quote(console, cell_text(row[-1])))
            line(console, last, STACKED)


def plain_text(table: Table) -> str:
    """Return a table as text in columns of fixed width."""
    rows = [table.columns, *(tuple(escape.safe(cell_text(cell)) for cell in row) for row in table.rows)]
    widths = [max(len(row[place]) for row in rows) for place in _places(table)]
    right = [_number(table, place) for place in _places(table)]
    lines = [table.title, *([table.note] if table.note else []), ""]
    for row in rows:
        cells = (
            cell.rjust(width) if end else cell.ljust(width) for cell, width, end in zip(row, widths, right, strict=True)
        )
        lines.append("  ".join(cells).rstrip())
    return "\n".join([*lines, *_rest(table)]) + "\n"


def markdown(table: Table) -> str:
    """Return a table in Markdown under a heading of the second level."""
    lines = [f"## {escape.markdown(table.title)}", "", *([escape.markdown(table.note), ""] if table.note else [])]
    lines.append(_markdown_row(table.columns))
    lines.append(_markdown_row("---:" if _number(table, place) else "---" for place in _places(table)))
    lines += [_markdown_row(escape.markdown(cell_text(cell)) for cell in row) for row in table.rows]
    return "\n".join([*lines, *("\n" + rest for rest in _rest(table))]) + "\n"


def csv_text(table: Table) -> str:
    """Return a table as CSV (RFC 4180) with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(table.columns)
    writer.writerows([escape.csv_cell(cell) for cell in row] for row in table.rows)
    return out.getvalue()


def latex(table: Table) -> str:
    """Return a table as a LaTeX ``table`` with booktabs rules."""
    shape = "".join("r" if _number(table, place) else "l" for place in _places(table))
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape.latex(table.title)}{'. ' + escape.latex(table.note) if table.note else ''}}}",
        rf"\label{{tab:{table.key}}}",
        rf"\begin{{tabular}}{{{shape}}}",
        r"\toprule",
        _tex_row(table.columns),
        r"\midrule",
        *(_tex_row(map(cell_text, row)) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _places(table: Table) -> range:
    return range(len(table.columns))


def is_number(cell: Cell) -> bool:
    """Return whether a cell is a number."""
    return isinstance(cell, int | float)


def _number(table: Table, place: int) -> bool:
    """Return whether every cell of a column is a number or empty, and at least one is a number."""
    cells = [row[place] for row in table.rows if row[place] is not None]
    return bool(cells) and all(map(is_number, cells))


def _shown(cell: Cell) -> str:
    return escape.safe(cell_text(cell))


def cell_text(cell: Cell) -> str:
    """Return the value of a cell as text, without escaping."""
    if cell is None:
        return ""
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)


def _rest(table: Table) -> list[str]:
    return [f"and {table.more:,} more"] if table.more else []


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _tex_row(cells: Iterable[str]) -> str:
    return " & ".join(map(escape.latex, cells)) + r" \\"
