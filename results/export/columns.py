"""Columns of exported tables, each defined as a Python function and as an SQL expression for DuckDB.

The CSV and SQLite exports compute the columns in Python. For SQL queries, DuckDB reads the JSON line files of a run
directly, in a fraction of the time that Python needs. For every column, a test compares the value of the Python
function with the value of the SQL expression.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from types import NoneType
from typing import Any, get_type_hints

from results.store.reader import Run
from scanner.model import HostReport

MAX_FIELDS = 100  # maximum number of table columns made of target list columns, because a run directory is untrusted
FIRST, LAST = "0001-01-01 00:00:00Z", "9999-12-31 23:59:59.999999Z"  # times that Python can represent
SQL_TYPES: dict[type, str] = {
    str: "VARCHAR", int: "BIGINT", bool: "BOOLEAN", float: "DOUBLE", datetime: "TIMESTAMPTZ", tuple: "VARCHAR[]",
}  # fmt: skip
"""DuckDB's type for each column type; ``tuple`` is a list of texts."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an exported table.

    ``kind`` is the type of the column, a key of ``SQL_TYPES``. ``value`` is a function that returns the cell of a
    record in this column. ``stored`` is an SQL expression that computes the cell from a line of a JSON line file of the
    run; a column without ``stored`` is computed on access by ``sql``, an SQL expression over the stored columns.
    Columns with ``hidden`` are stored only for the ``sql`` expressions of other columns. ``valid`` is an SQL condition
    for correct values of the stored column: if a line file contains another value, Python decodes the file and finds
    the corrupt lines.
    """

    name: str
    kind: type
    value: Callable[[Any], Any]
    stored: str = ""
    sql: str = ""
    hidden: bool = False
    valid: str = ""


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """The definition of an exported table.

    Args:
        name: name of the table.
        rows: function that returns the records of a run, one record for each row.
        columns: the columns; each function ``value`` gets a record that ``rows`` returns.
        file: the line file from which DuckDB reads the rows, a key of ``LINE_FILES``; empty if Python makes the rows.
        line: DuckDB's types of the JSON members of a line that the columns need.
        shared: DuckDB's types of the JSON members that all tables of the file need, as the file is read once for all
            these tables.
        source: an SQL query over the lines of ``file`` that returns one row for each row of the table.
        key: the stored column that contains the key of the line.
        first: SQL condition that is true for one of the rows that ``source`` makes of a line, to count the lines.
        keep: SQL condition that selects the rows of the table among the rows that ``source`` makes.
        joined: an SQL join with the stored rows ``r`` that supplies values to the ``sql`` expressions of columns.
        needs: other tables that the SQL join ``joined`` reads.
        of_host: function that returns the rows that Python makes of the report of an MX host for DuckDB, without the
            columns whose values ``joined`` supplies.
    """

    name: str
    rows: Callable[[Run], Iterator[Any]]
    columns: tuple[Column, ...]
    file: str = ""
    line: str = ""
    shared: str = ""
    source: str = "SELECT * FROM line"
    key: str = ""
    first: str = "true"
    keep: str = "true"
    joined: str = ""
    needs: tuple[str, ...] = ()
    of_host: Callable[[HostReport], Iterable[Any]] | None = None

    @property
    def row_line(self) -> str:
        """DuckDB's types for the members of the rows that Python computes."""
        own = [column for column in self.columns if column.stored == column.name]
        return ", ".join(f"{column.name}: {literal(SQL_TYPES[column.kind])}" for column in own)

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns of the table without the hidden columns."""
        return tuple(column for column in self.columns if not column.hidden)


def member(name: str, kind: type, path: str = "", *, null: bool = False) -> Column:
    """Return a column that contains a member of a record.

    Python reads the member of the decoded record, and SQL reads the member of the same name in the line of the record.

    Args:
        name: name of the column.
        kind: type of the column, or the enumeration of its values.
        path: names of nested members, separated by dots and beginning with a member of the record; by default the name
            of the column.
        null: true if the value may be null.
    """
    valid = "" if null else f"{name} IS NOT NULL"
    if issubclass(kind, StrEnum):
        valid = f"{name} IN ({', '.join(map(literal, kind))})" + (f" OR {name} IS NULL" if null else "")
    elif kind is datetime:
        valid = f"{name} BETWEEN {literal(FIRST)} AND {literal(LAST)}" + (f" OR {name} IS NULL" if null else "")
    return Column(name, str if issubclass(kind, StrEnum) else kind, attrgetter(path or name), path or name, valid=valid)


def hidden(name: str, expression: str) -> Column:
    """Return a column that is stored only for the SQL expressions of other columns."""
    return Column(name, NoneType, _never, expression, hidden=True)


def _never(record: Any) -> Any:
    raise NotImplementedError(record)


def texts(name: str, value: Callable[[Any], Iterable[str]], stored: str = "", sql: str = "") -> tuple[Column, Column]:
    """Return two columns for a list: a text with a blank between two items, and a list with the name ``NAME_list``."""
    listed = f"{name}_list"
    valid = f"{listed} IS NOT NULL" if stored else ""
    return (
        Column(name, str, lambda record: " ".join(value(record)), sql=f"array_to_string({sql or listed}, ' ')"),
        Column(listed, tuple, lambda record: tuple(value(record)), stored, sql, valid=valid),
    )


def of_row(kind: type) -> tuple[Column, ...]:
    """Return the columns of a table whose rows are instances of a class: one column for each annotated member."""
    return tuple(Column(name, _plain(hint), attrgetter(name), name) for name, hint in get_type_hints(kind).items())


def _plain(hint: Any) -> type:
    """Return the annotated type of a member without ``| None``; ``tuple`` for a list of texts."""
    origin: type = getattr(hint, "__origin__", hint)
    parts: tuple[type, ...] = (tuple,) if origin is tuple else getattr(hint, "__args__", (hint,))
    return next(part for part in parts if part is not NoneType)


def field_columns(names: Iterable[str], taken: Iterable[str]) -> tuple[Column, ...]:
    """Return a column for each column of the target lists.

    Args:
        names: names of the columns of target lists, from an untrusted run directory. At most ``MAX_FIELDS`` names are
            used.
        taken: names of the other columns of the table. A column of a target list with the name of another column is
            called ``field_NAME``.
    """
    used = {name.lower() for name in taken}
    found: list[Column] = []
    for name in sorted(set(names))[:MAX_FIELDS]:
        label = "".join(char if char.isprintable() else "_" for char in name)
        while not label or label.lower() in used:
            label = f"field_{label}"
        used.add(label.lower())
        found.append(Column(label, str, _field(name), sql=f"fields_map[{literal(name)}]"))
    return tuple(found)


def _field(name: str) -> Callable[[Any], str | None]:
    return lambda record: record.target.fields.get(name)


def literal(value: object) -> str:
    """Return an SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return an SQL identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'
