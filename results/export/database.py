"""The tables of runs in a temporary DuckDB database (``pip install mxsweep[export]``).

The database serves SQL queries, data frames and export to Parquet. DuckDB reads the JSON line files of a run itself,
many times faster than Python could decode the files and insert rows. If a file has a corrupt line, an incomplete last
line or a repeated key, Python writes the last correct line of each key to a temporary file for DuckDB (module
``source``). A table is filled with rows when an SQL text first contains the name of the table. ``MEMORY`` limits the
memory of DuckDB; data beyond this limit are written to a temporary directory.

DuckDB fetches nothing from the network: its automatic installation of extensions is switched off. An SQL text cannot
read or write files outside the temporary directory unless ``allow_files`` is true: before the first SQL text is
executed, DuckDB's access to files is limited to the temporary directory, and its configuration is locked
(https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from results.export.columns import Column, TableDefinition, field_columns, identifier, literal
from results.export.rows import provider_of_host
from results.export.source import Sources
from results.export.tables import TABLES, run_names, table_of
from results.store.files import StoreError
from results.store.reader import Run

MEMORY = "1GB"  # memory limit of DuckDB; further data go to the temporary directory
MAX_LINE = 16 * 1024 * 1024  # maximum number of octets of a line; any line of a scan is shorter

CURRENT = """CREATE VIEW current AS SELECT domains.* FROM domains
    JOIN (SELECT run, started, row_number() OVER () AS place FROM runs) AS ordered USING (run)
    QUALIFY row_number() OVER (PARTITION BY domain ORDER BY started DESC, place DESC) = 1"""
"""SQL definition of the view ``current``: the row of each domain in the latest run that contains the domain."""

_DYNAMIC = {"query", "query_table", "show", "database", "duckdb_tables"}
"""SQL keywords and functions by which a statement can use a table without containing the name of the table."""
_WORD = re.compile(r"\w+")


class MissingExtraError(Exception):
    """Error: a Python package of an extra, such as DuckDB, is not installed.

    The text of the error is one line that names the extra to install.
    """


class QueryError(Exception):
    """Error: DuckDB rejected an SQL text. The text of the error is DuckDB's message."""


class Database:
    """The tables of runs in a temporary DuckDB database.

    Args:
        connection: DuckDB's connection to an empty database.
        directory: an empty directory for temporary files, which the caller removes after the database is closed.
        runs: the runs whose tables the database contains.
        allow_files: whether SQL may read and write files outside the temporary directory.

    Raises:
        StoreError: temporary files cannot be written.
    """

    def __init__(self, connection: Any, directory: Path, runs: Sequence[Run], *, allow_files: bool) -> None:
        self.connection = connection
        self._runs = dict(zip(run_names(runs), runs, strict=True))
        self._directory = directory
        self._sources = Sources(directory)
        self._allow_files = allow_files
        self._filled: set[str] = set()
        self._run("CREATE SCHEMA data")
        self._run("CREATE TABLE data.providers (host VARCHAR, provider VARCHAR)")
        for name in TABLES:
            self._create(table_of(name, ""))
        self._run(CURRENT)

    def ask(self, sql: str) -> tuple[tuple[str, ...], Iterator[tuple[Any, ...]]]:
        """Execute SQL statements and return the rows of the last statement.

        Args:
            sql: one or more statements.

        Returns:
            The column names and the rows of the last statement; empty lists if the statement has no result.

        Raises:
            QueryError: DuckDB rejects the SQL text, at once or while the rows are read.
            StoreError: a run cannot be read.
        """
        self.fill_for(sql)
        self._lock()
        try:
            self.connection.execute(sql)
        except _duckdb().Error as error:
            raise QueryError(str(error).strip()) from error
        names = tuple(column[0] for column in self.connection.description or ())
        return names, self._rows()

    def relation(self, sql: str) -> Any:
        """Return the DuckDB relation of a query, which reads the tables when its rows are fetched.

        Raises:
            QueryError: DuckDB rejects the SQL.
            StoreError: a run cannot be read.
        """
        self.fill_for(sql)
        self._lock()
        try:
            return self.connection.cursor().sql(sql)  # a separate connection can have an unfinished result
        except _duckdb().Error as error:
            raise QueryError(str(error).strip()) from error

    def fill_for(self, sql: str) -> None:
        """Fill the tables whose names occur in an SQL text.

        Raises:
            StoreError: a run cannot be read.
        """
        words = set(_WORD.findall(sql.lower()))
        everything = bool(words & _DYNAMIC) or "u&" in sql.lower()
        self.fill(TABLES if everything else (name for name in TABLES if name in words))
        if "current" in words:
            self.fill(("domains",))

    def fill(self, names: Iterable[str]) -> None:
        """Fill tables with the rows of the runs; a table that was filled before is not filled again.

        Raises:
            StoreError: a run cannot be read.
        """
        wanted = {need for name in names for need in (name, *TABLES[name].needs)} | {"runs"}
        waiting = [name for name in TABLES if name in wanted - self._filled]
        while waiting:
            first, *waiting = waiting
            group = [first, *(name for name in waiting if TABLES[name].shared and TABLES[first].shared)]
            waiting = [name for name in waiting if name not in group]
            beside = [TABLES[name] for name in waiting]
            for run_name, run in self._runs.items():
                self._fill([table_of(name, run_name) for name in group], run, beside)
            if "domains" in group:
                self._name_providers()
                self._show(table_of("domains", "", self._listed()))
            self._filled.update(group)

    def copy(self, table: str, path: Path) -> None:
        """Write a table to a Parquet file.

        Raises:
            StoreError: the file cannot be written, or a run cannot be read.
        """
        self.fill((table,))
        try:
            self._run(f"COPY {table} TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)")
        except _duckdb().Error as error:
            raise StoreError(f"{path}: {error}") from error

    def copy_to_database(self, path: Path) -> None:
        """Write all tables and the view ``current`` to a new DuckDB database.

        Raises:
            StoreError: the file cannot be written, or a run cannot be read.
        """
        self.fill(TABLES)
        try:
            self._run(f"ATTACH {literal(path)} AS copy")
            for name in TABLES:
                self._run(f"CREATE TABLE copy.{name} AS FROM {name}")
            self._run("USE copy")
            self._run(CURRENT)
            self._run("USE memory")
            self._run("DETACH copy")
        except _duckdb().Error as error:
            raise StoreError(f"{path}: {error}") from error

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        """Execute an SQL statement of this module and return all rows of its result."""
        rows: list[tuple[Any, ...]] = self.connection.execute(sql).fetchall()
        return rows

    def _lock(self) -> None:
        """Limit DuckDB's file access to the temporary directory, unless ``allow_files`` is true."""
        if not self._allow_files and not self._sources.confined:
            self._sources.confined = True
            self._run(f"SET allowed_directories = [{literal(self._directory)}]")
            self._run("SET enable_external_access = false")
            self._run("SET lock_configuration = true")

    def _create(self, table: TableDefinition) -> None:
        selected = _selected(table, _lines(table, self._sources.nothing))
        self._run(f"CREATE TABLE data.{table.name} AS {selected}")
        self._show(table)

    def _show(self, table: TableDefinition) -> None:
        """Define the SQL view of a table, which contains all columns except the hidden columns."""
        cells = ", ".join(f"{column.sql or f'r.{column.name}'} AS {identifier(column.name)}" for column in table.shown)
        self._run(
            f"CREATE OR REPLACE VIEW {table.name} AS SELECT {cells} FROM data.{table.name} AS r {table.joined}"  # noqa: S608 - names are quoted
            f" WHERE {table.keep}"
        )

    def _fill(self, tables: Sequence[TableDefinition], run: Run, beside: Sequence[TableDefinition]) -> None:
        """Fill one table, or all tables of a line file, from the first valid file that ``Sources.of`` yields."""
        error: Exception | None = None
        for source in self._sources.of(tables[0], run, beside):
            try:
                with source as path:
                    self._insert(tables, path)
            except _duckdb().Error as failed:
                error = failed
            else:
                if not tables[0].file or all(map(self._valid, tables)):
                    return
                error = None
            for table in tables:
                self._run(f"DELETE FROM data.{table.name} WHERE {_own_rows(table)}")  # noqa: S608 - quoted
        raise StoreError(f"{run.path}: {tables[0].name}: {error or 'a value is out of range'}")

    def _insert(self, tables: Sequence[TableDefinition], path: Path) -> None:
        if len(tables) == 1:
            lines = _lines(tables[0], path)
        else:
            lines = "data.line"
            self._run(f"CREATE OR REPLACE TABLE {lines} AS FROM {_read(path, tables[0].shared)}")
        for table in tables:
            self._run(f"INSERT INTO data.{table.name} {_selected(table, lines)}")
        self._run("DROP TABLE IF EXISTS data.line")

    def _valid(self, table: TableDefinition) -> bool:
        """Return whether the rows of the last loaded run are valid, and no key is on two lines of the run's file."""
        conditions = " AND ".join(f"({column.valid})" for column in table.columns if column.valid)
        ((good,),) = self._run(
            f"SELECT count(*) FILTER ({table.first}) = count(DISTINCT {table.key})"  # noqa: S608 - names of module tables
            f" AND bool_and(NOT ({table.keep}) OR coalesce({conditions}, false)) IS NOT false"
            f" FROM data.{table.name} AS r WHERE {_own_rows(table)}"
        )
        return bool(good)

    def _name_providers(self) -> None:
        """Compute the provider (registrable domain) of each MX host that is the first MX host of a domain."""
        hosts = self._run("SELECT DISTINCT first_host FROM data.domains WHERE first_host IS NOT NULL")
        rows = ({"host": host, "provider": provider_of_host(host)} for (host,) in hosts)
        with self._sources.temporary(rows) as path:
            read = _read(path, "host: 'VARCHAR', provider: 'VARCHAR'")
            self._run(f"INSERT INTO data.providers FROM {read}")

    def _listed(self) -> tuple[Column, ...]:
        """Return the columns of the table ``domains`` that are made of the columns of target lists."""
        found = self._run("SELECT DISTINCT unnest(map_keys(fields_map)) FROM data.domains")
        return field_columns((name for (name,) in found), (column.name for column in table_of("domains", "").columns))

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        try:
            while rows := self.connection.fetchmany(1000):
                yield from rows
        except _duckdb().Error as error:
            raise QueryError(str(error).strip()) from error


@contextmanager
def load(*runs: Run, allow_files: bool = False) -> Iterator[Database]:
    """Open a temporary database with the tables of runs.

    The context manager removes the database at the end of the block.

    Args:
        runs: the runs whose tables the database contains.
        allow_files: whether SQL may read and write files outside the temporary directory.

    Raises:
        MissingExtraError: DuckDB is not installed.
        StoreError: temporary files cannot be written.
    """
    with TemporaryDirectory(prefix="mxsweep-") as name:
        connection = connect(Path(name))
        try:
            yield Database(connection, Path(name), runs, allow_files=allow_files)
        finally:
            connection.close()


def connect(directory: Path) -> Any:
    """Return a connection to an empty database in memory, which writes excess data to files in a directory.

    Raises:
        MissingExtraError: DuckDB is not installed.
    """
    return _duckdb().connect(
        config={
            "memory_limit": MEMORY,
            "temp_directory": str(directory / "spill"),
            "autoinstall_known_extensions": "false",
            "TimeZone": "UTC",
            "python_enable_replacements": "false",  # a name in SQL never refers to a variable of the Python program
        },
    )


def _duckdb() -> Any:
    try:
        import duckdb  # noqa: PLC0415 - an optional dependency that is slow to load
    except ImportError:
        raise MissingExtraError("this needs DuckDB: pip install 'mxsweep[export]'") from None
    return duckdb


def _selected(table: TableDefinition, lines: str) -> str:
    """Return the SQL that selects the stored columns of a table from ``lines``, an SQL table or SQL function call."""
    cells = ", ".join(f"{column.stored} AS {column.name}" for column in table.columns if column.stored)
    return f"WITH line AS (FROM {lines}) SELECT {cells} FROM ({table.source})"  # noqa: S608 - names of module tables


def _lines(table: TableDefinition, path: Path) -> str:
    """Return the call of the SQL function that reads the lines of one table from a file."""
    return _read(path, table.line or table.row_line)


def _read(path: Path, members: str) -> str:
    return (
        f"read_json({literal(path)}, format = 'newline_delimited', maximum_object_size = {MAX_LINE},"
        f" columns = {{{members}}})"
    )


def _own_rows(table: TableDefinition) -> str:
    """Return the SQL condition that selects the rows of the run for which ``table`` was defined (``table_of``)."""
    return next(f"run = {column.stored}" for column in table.columns if column.name == "run")


def plain(row: Sequence[Any]) -> list[Any]:
    """Return the cells of a row as values for JSON; times are RFC 3339 text."""
    return [_plain(cell) for cell in row]


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        moment = cell.astimezone(UTC) if cell.tzinfo else cell.replace(tzinfo=UTC)
        return moment.isoformat().removesuffix("+00:00") + "Z"
    if isinstance(cell, list | tuple):
        return plain(cell)
    return cell if cell is None or isinstance(cell, bool | int | float | str) else str(cell)
