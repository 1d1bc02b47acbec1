"""Provider of the JSON line files from which DuckDB fills the tables of a run.

DuckDB reads a line file of the run directly. If the file has a corrupt line, an incomplete last line or a repeated key,
DuckDB reads a temporary copy, to which the reader of the run writes only the last correct line of each key. If DuckDB
reads a line file directly, members that no column needs are not checked.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from shutil import copyfileobj
from typing import Any

import msgspec

from results.export.columns import TableDefinition
from results.store import codec
from results.store.files import naming, open_regular
from results.store.last_lines import last_records
from results.store.reader import LINE_FILES, Run, lines_path


class Sources:
    """Provider of JSON line files for DuckDB, which creates links and copies in a directory for temporary files.

    ``confined`` is true if DuckDB can read only files of this directory, so that DuckDB needs a copy of each line file.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._copies: dict[tuple[Path, str], Path] = {}
        self._made: dict[tuple[Path, str], Path] = {}
        self._number = 0
        self.confined = False
        self.nothing = self._fresh()
        with naming(self.nothing):
            self.nothing.touch()

    def of(
        self, table: TableDefinition, run: Run, beside: Sequence[TableDefinition] = ()
    ) -> Iterator[AbstractContextManager[Path]]:
        """Yield files that each contain all rows of a table.

        The caller reads the next file only if the previous file contains corrupt rows.

        Args:
            table: the table to fill.
            run: the run that contains the rows.
            beside: tables that the caller fills after ``table``; the rows of these tables are also written while the
                reports of the hosts are read for ``table``.

        Raises:
            StoreError: the run cannot be read, or a temporary file cannot be written.
        """
        if table.of_host:
            yield self._made_of_hosts(table, run, [other for other in beside if other.of_host])
            return
        if not table.file:
            yield self.temporary(table.rows(run))
            return
        path = lines_path(run.path, table.file)
        if (run.path, table.file) not in self._copies and _complete(path):
            yield self._linked(path)
        yield self._copy(run, table.file)

    @contextmanager
    def temporary(self, rows: Iterable[Any]) -> Iterator[Path]:
        """Write rows to a temporary file, which is removed at the end of the context.

        Raises:
            StoreError: the file cannot be written.
        """
        path = self._fresh()
        try:
            self._write(path, map(_encoded, rows))
            yield path
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def _made_of_hosts(self, table: TableDefinition, run: Run, beside: Sequence[TableDefinition]) -> Iterator[Path]:
        if (run.path, table.name) not in self._made:
            self._make_of_hosts((table, *beside), run)
        path = self._made.pop((run.path, table.name))
        try:
            yield path
        finally:
            path.unlink()

    def _make_of_hosts(self, tables: Sequence[TableDefinition], run: Run) -> None:
        """Write the rows of several tables while the reports of the hosts are read once."""
        makers = {table.name: table.of_host for table in tables if table.of_host}
        with naming(self._directory), ExitStack() as stack:
            files = {}
            for name in makers:
                path = self._made[run.path, name] = self._fresh()
                files[name] = stack.enter_context(path.open("wb"))
            for report in run.hosts():
                for name, make in makers.items():
                    files[name].writelines(map(_encoded, make(report)))

    @contextmanager
    def _linked(self, path: Path) -> Iterator[Path]:
        """Create a link to a line file for the time in which DuckDB reads the file.

        The name of the link contains no characters that are special in a file name pattern.
        """
        link = self._fresh()
        with naming(path), open_regular(path) as file:
            try:
                if self.confined:
                    with link.open("wb") as copy:
                        copyfileobj(file, copy)
                else:
                    link.symlink_to(f"/proc/{os.getpid()}/fd/{file.fileno()}")
                yield link
            finally:
                link.unlink(missing_ok=True)

    @contextmanager
    def _copy(self, run: Run, name: str) -> Iterator[Path]:
        path = self._copies.get((run.path, name))
        if path is None:
            path = self._fresh()
            kind = LINE_FILES[name]
            found: Iterator[Any] = last_records(
                lines_path(run.path, name), lambda line: codec.decode(kind, line), run.corrupt
            )
            self._write(path, map(codec.encode, found))
            self._copies[run.path, name] = path
        yield path

    def _fresh(self) -> Path:
        self._number += 1
        return self._directory / f"{self._number}.jsonl"

    @staticmethod
    def _write(path: Path, lines: Iterable[bytes]) -> None:
        with naming(path), path.open("wb") as file:
            file.writelines(lines)


def _encoded(row: Any) -> bytes:
    """Return a row as a line of JSON."""
    return msgspec.json.encode(row) + b"\n"


def _complete(path: Path) -> bool:
    """Return whether a line file exists and its last line is complete.

    Raises:
        StoreError: the file cannot be read, or is not a regular file.
    """
    if not path.exists():
        return False
    with naming(path), open_regular(path) as file:
        size = file.seek(0, os.SEEK_END)
        return size == 0 or os.pread(file.fileno(), 1, size - 1) == b"\n"
