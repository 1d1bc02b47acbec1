"""A run as CSV, Parquet or SQLite files, for spreadsheets, data frames and SQL.

Module ``rows`` defines the tables. CSV (RFC 4180, a file for each table) and SQLite need only the standard library.
Parquet needs DuckDB. Existing files are never overwritten.

In CSV, an apostrophe precedes each text that a spreadsheet would evaluate as a formula, times are RFC 3339 text, null
is an empty cell, and booleans are ``true`` and ``false``. In SQLite, booleans are 1 and 0, and times are text.
"""

import csv
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from results.export.database import load
from results.export.rows import ROWS, Flattener, columns, values
from results.render.escape import csv_cell
from results.store.files import StoreError, naming
from results.store.reader import Run

SQLITE_FILE = "run.sqlite"
BATCH = 10_000  # number of rows inserted at once, to limit the memory

_SQLITE = {str: "TEXT", int: "INTEGER", bool: "INTEGER", float: "REAL", datetime: "TEXT"}
_INDEXES = (
    "CREATE UNIQUE INDEX domains_domain ON domains (domain)",
    "CREATE INDEX routes_domain ON routes (domain)",
    "CREATE INDEX routes_host_key ON routes (host_key)",
    "CREATE UNIQUE INDEX hosts_host_key ON hosts (host_key)",
    "CREATE INDEX endpoints_host_key ON endpoints (host_key)",
    "CREATE UNIQUE INDEX certs_sha256 ON certs (sha256)",
)


def to_csv(run: Run, directory: Path) -> list[Path]:
    """Write a CSV file for each table.

    Args:
        run: the run, finished or not.
        directory: the directory of the files, created if it does not exist.

    Returns:
        The paths of the written files.

    Raises:
        StoreError: a file exists or cannot be written, or the run cannot be read.
    """
    paths = _fresh(directory, [f"{name}.csv" for name in ROWS])
    for path, (name, rows) in zip(paths, Flattener(run).tables(), strict=True):
        with naming(path), path.open("x", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file)
            writer.writerow(columns(ROWS[name]))
            writer.writerows([_csv(cell) for cell in values(row)] for row in rows)
    return paths


def to_sqlite(run: Run, directory: Path) -> list[Path]:
    """Write all tables to one SQLite database, with an index on the key of each table.

    Raises:
        StoreError: the file exists or cannot be written, or the run cannot be read.
    """
    (path,) = _fresh(directory, [SQLITE_FILE])
    try:
        with closing(sqlite3.connect(path)) as database:
            _fill(database, run)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    return [path]


def to_parquet(run: Run, directory: Path) -> list[Path]:
    """Write a Parquet file for each table.

    Raises:
        MissingExtraError: DuckDB is not installed.
        StoreError: a file exists or cannot be written, or the run cannot be read.
    """
    paths = _fresh(directory, [f"{name}.parquet" for name in ROWS])
    with load(run, allow_files=True) as database:
        for path, name in zip(paths, ROWS, strict=True):
            database.copy(name, path)
    return paths


FORMATS = {"csv": to_csv, "parquet": to_parquet, "sqlite": to_sqlite}


def _fresh(directory: Path, names: Iterable[str]) -> list[Path]:
    with naming(directory):
        directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / name for name in names]
    for path in paths:
        if path.exists():
            raise StoreError(f"{path}: exists already; nothing is overwritten")
    return paths


def _csv(cell: Any) -> Any:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return csv_cell(_time(cell) if isinstance(cell, datetime) else cell)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _fill(database: sqlite3.Connection, run: Run) -> None:
    """Fill all tables in one transaction, so that an interrupted export leaves an empty database."""
    database.execute("PRAGMA synchronous = OFF")
    database.execute("BEGIN")
    for name, rows in Flattener(run).tables():
        kinds = columns(ROWS[name])
        declared = ", ".join(f"{column} {_SQLITE[kind]}" for column, kind in kinds.items())
        database.execute(f"CREATE TABLE {name} ({declared})")
        places = ", ".join("?" * len(kinds))
        for batch in _batches(rows):
            database.executemany(f"INSERT INTO {name} VALUES ({places})", batch)  # noqa: S608 - names of this module only
    for statement in _INDEXES:
        database.execute(statement)
    database.commit()


def _batches(rows: Iterator[Any]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := [tuple(map(_sqlite, values(row))) for row in islice(rows, BATCH)]:
        yield batch


def _sqlite(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return _time(cell)
    return str(cell).encode(errors="replace").decode() if isinstance(cell, str) else cell
