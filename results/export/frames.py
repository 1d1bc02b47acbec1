"""The tables of runs for Python programs: DuckDB relations, and data frames of pandas, pyarrow and polars."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from results.export.database import Database, MissingExtraError, connect
from results.export.tables import TABLES
from results.store.reader import Run


class Relation:
    """A table or the result of a query: a DuckDB relation that can be converted to data frames.

    All attributes other than ``df``, ``arrow`` and ``pl`` are the attributes of ``relation``, a
    ``duckdb.DuckDBPyRelation``, such as ``filter``, ``aggregate``, ``order`` and ``fetchall``. A DuckDB relation that a
    method of ``relation`` returns is converted to a ``Relation``.
    """

    def __init__(self, relation: Any, owner: object) -> None:
        self.relation = relation
        self._owner = owner  # the temporary directory exists as long as this object

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self.relation, name)
        return partial(self._called, found) if callable(found) else found

    def __repr__(self) -> str:
        return repr(self.relation)

    def df(self) -> Any:
        """Return a pandas data frame.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return _converted(self.relation.df, "df", "pandas")

    def arrow(self) -> Any:
        """Return a pyarrow table.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        return _converted(self.relation.to_arrow_table, "arrow", "pyarrow")

    def pl(self) -> Any:
        """Return a polars data frame.

        Raises:
            MissingExtraError: polars is not installed.
        """
        return _converted(self.relation.pl, "pl", "polars")

    def _called(self, method: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        result = method(*arguments, **more)
        return Relation(result, self._owner) if isinstance(result, type(self.relation)) else result


class RunDatabase:
    """The tables of runs in a temporary database.

    The database exists as long as this object or a relation made from this object exists.

    An SQL text in this database may also read and write every file that the user can read and write. The file
    docs/queries.md describes the tables.

    Args:
        runs: the runs whose tables the database contains. The column ``run`` of each table contains the name of the
            run's directory.

    Raises:
        MissingExtraError: DuckDB is not installed.
        StoreError: temporary files cannot be written.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._directory = TemporaryDirectory(prefix="mxsweep-")
        place = Path(self._directory.name)
        self._database = Database(connect(place), place, runs, allow_files=True)

    def table(self, name: str) -> Relation:
        """Return a table of the runs as a relation.

        Args:
            name: ``domains``, ``routes``, ``hosts``, ``endpoints``, ``certs``, ``rejects``, ``runs``, or ``current``
                for the row of each domain in the latest run that contains the domain.

        Raises:
            KeyError: no table has the given name.
            StoreError: a run cannot be read.
        """
        if name not in {*TABLES, "current"}:
            raise KeyError(name)
        return self.sql(f"FROM {name}")

    def sql(self, query: str) -> Relation:
        """Return the result of an SQL query.

        Raises:
            QueryError: DuckDB rejects the SQL.
            StoreError: a run cannot be read.
        """
        return Relation(self._database.relation(query), self)


def _converted(convert: Callable[[], Any], method: str, package: str) -> Any:
    try:
        return convert()
    except ImportError:
        raise MissingExtraError(f"{method}() needs {package}: pip install 'mxsweep[{package}]'") from None
