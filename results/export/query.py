"""Output of ``mxsweep query``: the rows of an SQL result as text, CSV or JSON lines."""

import csv
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, BinaryIO, TextIO

import orjson
from rich.console import Console

from results.export.database import plain
from results.render.escape import csv_cell, json_text
from results.render.tables import Cell, Table, print_rows

MAX_SHOWN = 1000  # maximum number of rows of a text table; CSV and JSON have no limit

Rows = Iterable[Sequence[Any]]


def as_text(names: Sequence[str], rows: Rows, console: Console) -> None:
    """Print at most ``MAX_SHOWN`` rows of an SQL result as a text table."""
    shown = [tuple(map(_cell, plain(row))) for row in islice(rows, MAX_SHOWN)]
    table = Table("query", "", tuple(names), tuple(shown), more=sum(1 for _ in rows))
    print_rows(console, table)


def as_csv(names: Sequence[str], rows: Rows, out: TextIO) -> None:
    """Write the rows of an SQL result as CSV with a header line."""
    writer = csv.writer(out)
    writer.writerow(map(csv_cell, names))
    writer.writerows([csv_cell(_as_text(cell)) for cell in plain(row)] for row in rows)


def as_json(names: Sequence[str], rows: Rows, out: BinaryIO) -> None:
    """Write the rows of an SQL result as JSON lines, one object for each row."""
    for row in rows:
        document = orjson.dumps(dict(zip(names, plain(row), strict=True)), option=orjson.OPT_APPEND_NEWLINE)
        out.write(json_text(document))


def _cell(value: Any) -> Cell:
    return str(value).lower() if isinstance(value, bool) else _as_text(value)


def _as_text(value: Any) -> Any:
    """Return a list as JSON text, and any other value unchanged."""
    return orjson.dumps(value).decode() if isinstance(value, list) else value
