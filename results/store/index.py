"""The index of a run that is being written: where the line of each host and certificate begins.

With it, nothing is written twice. The index is a file, so that memory does not grow with the run: some 60 octets on
disk for a certificate, 100 for a host, ``CACHE`` in memory. It is built from the line files when a run is resumed. The
file has no name, so that the kernel removes it when the process ends.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from results.store import codec
from results.store.files import StoreError
from results.store.last_lines import keyed_lines

CACHE = 16 * 1024 * 1024
"""Octets of the database that are cached in memory."""

K = TypeVar("K")
Row = tuple[Any, ...]

REMEMBERED = 20_000
"""Rows of a table in memory, some 11 MB; when there are more, all are written to the disk."""

_NAME = "index.tmp"
_OBSERVED = b'"observed_at":"'
_TABLES = """
    pragma journal_mode = off;
    pragma synchronous = off;
    pragma locking_mode = exclusive;
    pragma cache_size = -%d;
    create table hosts (key text primary key, observed real, start integer, octets integer) without rowid;
    create table certs (digest blob primary key, start integer, octets integer) without rowid;
"""


class Place(NamedTuple):
    """The place of a line in a file: its start and its length, in octets."""

    start: int
    octets: int


class _CachedTable(Generic[K]):
    """Rows of numbers by key: recent rows in memory, the others on disk.

    To write many rows at once takes less than half of the time of one at a time, and a short run writes none.

    Args:
        db: the database of the table.
        naming: raises errors of the database as ``StoreError``.
        find: the query for the row of a key.
        keep: the statement that writes a key and its row, in place of an earlier row.
    """

    def __init__(
        self, db: sqlite3.Connection, naming: Callable[[], AbstractContextManager[None]], find: str, keep: str
    ) -> None:
        self._db = db
        self._naming = naming
        self._find = find
        self._keep = keep
        self._recent: dict[K, Row] = {}
        self._written = False

    def get(self, key: K) -> Row | None:
        """Return the row of a key, None without one."""
        row = self._recent.get(key)
        if row is None and self._written:
            with self._naming():
                row = self._db.execute(self._find, (key,)).fetchone()
            if row is not None:
                self.put(key, row)
        return row

    def put(self, key: K, row: Row) -> None:
        """Keep a row in place of the earlier one."""
        if len(self._recent) >= REMEMBERED and key not in self._recent:
            with self._naming():
                self._db.executemany(self._keep, [(key, *row) for key, row in self._recent.items()])
            self._recent.clear()
            self._written = True
        self._recent[key] = row


class Index:
    """The index of one run, for one thread, on the disk of the run."""

    def __init__(self, run: Path) -> None:
        self._path = run / _NAME
        with self._naming():
            self._path.unlink(missing_ok=True)
            self._db = sqlite3.connect(self._path)
            self._db.executescript(_TABLES % (CACHE // 1024))
            self._path.unlink()
        self._certs: _CachedTable[bytes] = _CachedTable(
            self._db,
            self._naming,
            "select start, octets from certs where digest = ?",
            "insert or replace into certs values (?, ?, ?)",
        )
        self._hosts: _CachedTable[str] = _CachedTable(
            self._db,
            self._naming,
            "select observed, start, octets from hosts where key = ?",
            "insert or replace into hosts values (?, ?, ?, ?)",
        )

    def cert(self, digest: bytes) -> Place | None:
        """Return the place of a certificate, by its SHA-256."""
        row = self._certs.get(digest)
        return Place(*row) if row else None

    def host(self, key: str) -> tuple[float, Place] | None:
        """Return the time of a host's examination as a POSIX timestamp, and the place of its last line."""
        row = self._hosts.get(key)
        return (row[0], Place(*row[1:])) if row else None

    def put_cert(self, digest: bytes, place: Place) -> None:
        """Keep the place of a certificate's line."""
        self._certs.put(digest, place)

    def put_host(self, key: str, observed: datetime, place: Place) -> None:
        """Keep the place of a host's line, in place of the earlier one: the last line of a key counts."""
        self._hosts.put(key, (observed.timestamp(), *place))

    def load(self, hosts: Path, certs: Path) -> None:
        """Read the line files, without parsing their lines.

        Raises:
            StoreError: a file cannot be read, or a line is not of the kind of its file.
        """
        with self._naming():
            for start, key, line in keyed_lines(certs):
                self.put_cert(bytes.fromhex(key), Place(start, len(line)))
            for start, key, line in keyed_lines(hosts):
                self.put_host(key, _observed(line), Place(start, len(line)))

    def close(self) -> None:
        """Close the index, which removes it."""
        self._db.close()

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error, ValueError) as error:
            raise StoreError(f"{self._path}: {error}") from error


def _observed(line: bytes) -> datetime:
    """Return the time of an examination, which is near the end of the line of a host."""
    start = line.rfind(_OBSERVED)
    if start < 0:
        raise codec.CodecError("the line is no host")
    start += len(_OBSERVED)
    return datetime.fromisoformat(line[start : line.find(b'"', start)].decode())
