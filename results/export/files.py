"""Export of runs as CSV, Parquet, SQLite, DuckDB or JSON lines, for spreadsheets, data frames and SQL.

The module ``results.export.tables`` defines the tables. CSV (RFC 4180, one file for each table), SQLite and JSON lines
need no additional package. The formats Parquet and DuckDB need the package DuckDB. Several runs are written into the
same tables, whose column ``run`` names the run. Existing files are never overwritten.

In CSV files, an apostrophe precedes each text that a spreadsheet would evaluate as a formula, times are RFC 3339 text,
null is an empty cell, booleans are ``true`` and ``false``, and a list is a JSON array. In SQLite files, booleans are 1
and 0, and times and lists are text.
"""

import csv
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from shutil import copyfile
from typing import Any

import orjson

from results.export.columns import Column, TableDefinition, field_columns, identifier
from results.export.database import load
from results.export.rows import field_names
from results.export.tables import TABLES, run_names, table_of
from results.render.escape import csv_cell
from results.store import codec
from results.store.files import StoreError, naming
from results.store.last_lines import last_records
from results.store.reader import HEADER_FILE, LINE_FILES, Run, lines_path

SQLITE_FILE = "run.sqlite"
DUCKDB_FILE = "run.duckdb"
BATCH = 10_000  # number of rows inserted at once, which limits the memory needed

_SQLITE = {str: "TEXT", int: "INTEGER", bool: "INTEGER", float: "REAL", datetime: "TEXT", tuple: "TEXT"}
_INDEXES = (
    "CREATE UNIQUE INDEX domains_domain ON domains (domain, run)",
    "CREATE INDEX routes_domain ON routes (domain)",
    "CREATE INDEX routes_host_key ON routes (host_key)",
    "CREATE UNIQUE INDEX hosts_host_key ON hosts (host_key, run)",
    "CREATE INDEX endpoints_host_key ON endpoints (host_key)",
    "CREATE UNIQUE INDEX certs_sha256 ON certs (sha256, run)",
)


def to_csv(runs: Sequence[Run], directory: Path) -> list[Path]:
    """Write a CSV file for each table.

    Args:
        runs: the runs to export, finished or not.
        directory: the directory of the files, created if it does not exist.

    Returns:
        The paths of the written files.

    Raises:
        StoreError: a file exists or cannot be written, or a run cannot be read.
    """
    paths = _fresh(directory, [f"{name}.csv" for name in TABLES])
    for path, (columns, rows) in zip(paths, _tables(runs), strict=True):
        with naming(path), path.open("x", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file)
            writer.writerow(csv_cell(column.name) for column in columns)
            writer.writerows(map(_csv, row) for row in rows)
    return paths


def to_sqlite(runs: Sequence[Run], directory: Path) -> list[Path]:
    """Write all tables to one SQLite database, with an index on the key of each table.

    Raises:
        StoreError: the file exists or cannot be written, or a run cannot be read.
    """
    (path,) = _fresh(directory, [SQLITE_FILE])
    try:
        with closing(sqlite3.connect(path)) as database:
            _fill(database, runs)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    return [path]


def to_parquet(runs: Sequence[Run], directory: Path) -> list[Path]:
    """Write a Parquet file for each table.

    Raises:
        MissingExtraError: DuckDB is not installed.
        StoreError: a file exists or cannot be written, or a run cannot be read.
    """
    paths = _fresh(directory, [f"{name}.parquet" for name in TABLES])
    with load(*runs, allow_files=True) as database:
        database.fill(TABLES)
        for path, name in zip(paths, TABLES, strict=True):
            database.copy(name, path)
    return paths


def to_duckdb(runs: Sequence[Run], directory: Path) -> list[Path]:
    """Write all tables and the view ``current`` to one DuckDB database.

    Raises:
        MissingExtraError: DuckDB is not installed.
        StoreError: the file exists or cannot be written, or a run cannot be read.
    """
    (path,) = _fresh(directory, [DUCKDB_FILE])
    with load(*runs, allow_files=True) as database:
        try:
            database.copy_to_database(path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return [path]


def to_jsonl(runs: Sequence[Run], directory: Path) -> list[Path]:
    """Write a copy of each run that contains only the last line of each key.

    If ``runs`` contains one run, the copy is written to ``directory``. If ``runs`` contains several runs, each copy is
    written to a subdirectory that has the name of the run directory.

    Raises:
        StoreError: a file exists or cannot be written, or a run cannot be read.
    """
    names = run_names(runs)
    places = [directory / Path(name).name for name in names] if len(runs) > 1 else [directory]
    if len(set(places)) < len(places):
        raise StoreError(f"{directory}: two runs have directories of the same name")
    return [path for run, place in zip(runs, places, strict=True) for path in _to_jsonl(run, place)]


FORMATS = {"csv": to_csv, "parquet": to_parquet, "sqlite": to_sqlite, "duckdb": to_duckdb, "jsonl": to_jsonl}


def _to_jsonl(run: Run, directory: Path) -> list[Path]:
    header, *paths = _fresh(directory, [HEADER_FILE, *(f"{name}.jsonl" for name in LINE_FILES)])
    for path, (name, kind) in zip(paths, LINE_FILES.items(), strict=True):
        rows = last_records(lines_path(run.path, name), partial(_decodable, kind), run.corrupt)
        with naming(path), path.open("xb") as file:
            file.writelines(rows)
    with naming(header):
        copyfile(run.path / HEADER_FILE, header)
    return [header, *paths]


def _decodable(kind: type, line: bytes) -> bytes:
    """Check that a line of a run is a record of the class ``kind``, and return the line unchanged."""
    codec.decode(kind, line)
    return line


def _tables(runs: Sequence[Run]) -> Iterator[tuple[tuple[Column, ...], Iterator[list[Any]]]]:
    """Yield the columns and the rows of each table of ``TABLES``."""
    taken = [column.name for column in table_of("domains", "").columns]
    listed = field_columns((name for run in runs for name in field_names(run)), taken)
    named = dict(zip(run_names(runs), runs, strict=True))
    for name in TABLES:
        tables = [
            (table_of(name, run_name, listed if name == "domains" else ()), run) for run_name, run in named.items()
        ]
        yield tables[0][0].shown, (row for table, run in tables for row in _rows(table, run))


def _rows(table: TableDefinition, run: Run) -> Iterator[list[Any]]:
    makers = [column.value for column in table.shown]
    return ([make(record) for make in makers] for record in table.rows(run))


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
    return csv_cell(_text(cell))


def _text(cell: Any) -> Any:
    """Return a cell with a time or list as text, and any other cell unchanged."""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
    return orjson.dumps(cell).decode() if isinstance(cell, tuple) else cell


def _fill(database: sqlite3.Connection, runs: Sequence[Run]) -> None:
    """Fill all SQLite tables in one transaction, so that an interrupted export leaves an empty database."""
    database.execute("PRAGMA synchronous = OFF")
    database.execute("BEGIN")
    for name, (columns, rows) in zip(TABLES, _tables(runs), strict=True):
        declared = ", ".join(f"{identifier(column.name)} {_SQLITE[column.kind]}" for column in columns)
        database.execute(f"CREATE TABLE {name} ({declared})")
        places = ", ".join("?" * len(columns))
        for batch in _batches(rows):
            database.executemany(f"INSERT INTO {name} VALUES ({places})", batch)  # noqa: S608 - names of this module only
    for statement in _INDEXES:
        database.execute(statement)
    database.commit()


def _batches(rows: Iterator[list[Any]]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := [tuple(map(_sqlite, row)) for row in islice(rows, BATCH)]:
        yield batch


def _sqlite(cell: Any) -> Any:
    cell = _text(cell)
    return str(cell).encode(errors="replace").decode() if isinstance(cell, str) else cell
