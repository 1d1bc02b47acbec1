"""A run in a temporary DuckDB database, for SQL queries and Parquet (``pip install mxsweep[export]``).

DuckDB reads JSON lines many times faster than it inserts rows from Python. Each table is therefore first written to a
temporary file of JSON lines. ``MEMORY`` limits the memory. The temporary files are about half as large as the run.
Nothing is fetched from the network: DuckDB's automatic installation of extensions is switched off. SQL cannot read or
write other files unless the caller allows it: once the tables are loaded, DuckDB's access to files and network is
switched off and its configuration is locked (https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from results.export.rows import ROWS, Flattener, columns
from results.store import codec
from results.store.files import StoreError, naming
from results.store.reader import Run

MEMORY = "1GB"  # memory limit of DuckDB; further data go to the temporary directory
LOCKS = ("SET enable_external_access = false", "SET lock_configuration = true")
MAX_LINE = 16 * 1024 * 1024  # maximum octets of a row; a domain with the longest possible replies is smaller

_TYPES = {str: "VARCHAR", int: "BIGINT", bool: "BOOLEAN", float: "DOUBLE", datetime: "TIMESTAMP"}


class MissingExtraError(Exception):
    """Error: DuckDB is not installed. The text is one line for the user."""


class QueryError(Exception):
    """Error: DuckDB rejected the SQL. The text is DuckDB's message."""


class Database:
    """The tables of a run in a temporary DuckDB database, created by ``load``."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def ask(self, sql: str) -> tuple[tuple[str, ...], Iterator[tuple[Any, ...]]]:
        """Execute SQL.

        Args:
            sql: one or more statements.

        Returns:
            The column names and the rows of the last statement; empty lists if the statement has no result.

        Raises:
            QueryError: DuckDB rejects the SQL, in this call or while the rows are read.
        """
        try:
            self._connection.execute(sql)
        except _duckdb().Error as error:
            raise QueryError(str(error).strip()) from error
        names = tuple(column[0] for column in self._connection.description or ())
        return names, self._rows()

    def copy(self, table: str, path: Path) -> None:
        """Write a table to a Parquet file.

        Raises:
            StoreError: the file cannot be written.
        """
        try:
            self._connection.execute(f"COPY {table} TO {_text(path)} (FORMAT parquet, COMPRESSION zstd)")
        except _duckdb().Error as error:
            raise StoreError(f"{path}: {error}") from error

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        try:
            while rows := self._connection.fetchmany(1000):
                yield from rows
        except _duckdb().Error as error:
            raise QueryError(str(error).strip()) from error


@contextmanager
def load(run: Run, *, allow_files: bool = False) -> Iterator[Database]:
    """Load a run into a temporary database, which the context manager removes at its end.

    Args:
        run: the run.
        allow_files: whether SQL may read and write other files.

    Raises:
        MissingExtraError: DuckDB is not installed.
        StoreError: the run cannot be read, or temporary files cannot be written.
    """
    duckdb = _duckdb()
    with TemporaryDirectory(prefix="mxsweep-") as name:
        directory = Path(name)
        connection = duckdb.connect(
            directory / "run.duckdb",
            config={
                "memory_limit": MEMORY,
                "temp_directory": str(directory / "spill"),
                "autoinstall_known_extensions": "false",
            },
        )
        try:
            for table, rows in Flattener(run).tables():
                _fill(connection, table, directory / f"{table}.jsonl", rows)
            for statement in () if allow_files else LOCKS:
                connection.execute(statement)
            yield Database(connection)
        finally:
            connection.close()


def _duckdb() -> Any:
    try:
        import duckdb  # noqa: PLC0415 - an optional dependency that is slow to load
    except ImportError:
        raise MissingExtraError("this needs DuckDB: pip install 'mxsweep[export]'") from None
    return duckdb


def _fill(connection: Any, table: str, path: Path, rows: Iterator[Any]) -> None:
    with naming(path), path.open("wb") as file:
        file.writelines(map(codec.encode, rows))
    kinds = columns(ROWS[table])
    types = ", ".join(f"{column}: {_text(_TYPES[kind])}" for column, kind in kinds.items())
    connection.execute(
        f"CREATE TABLE {table} AS SELECT * FROM read_json({_text(path)}, format = 'newline_delimited',"  # noqa: S608 - names of this module only
        f" columns = {{{types}}}, maximum_object_size = {MAX_LINE})"
    )
    path.unlink()


def _text(value: object) -> str:
    """Return an SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def plain(row: Sequence[Any]) -> list[Any]:
    """Return the cells of a row as JSON values, times as RFC 3339 text."""
    return [_plain(cell) for cell in row]


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=UTC).isoformat().removesuffix("+00:00") + "Z"
    return cell if cell is None or isinstance(cell, bool | int | float | str) else str(cell)
