"""The index of a run in progress: the offset and length of the line of each MX host and certificate.

A scan looks up each host and certificate in the index, so that the scan writes no line twice. The index is an SQLite
file, so that memory does not grow with the run; a certificate takes about 60 octets on disk, and an MX host about 100
octets. A resumed scan builds the index from the files of JSON lines. The SQLite file is unlinked while it is open, so
that the kernel removes the file at the end of the process.
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
"""Size in octets of SQLite's page cache for the index."""

K = TypeVar("K")
Row = tuple[Any, ...]

REMEMBERED = 20_000
"""Maximum number of rows of an index table that are kept in memory (about 11 MB).

When a table has the maximum number of rows in memory, all these rows are written to the disk.
"""

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
    """Position of a line in a file: offset and length in octets."""

    start: int
    octets: int


class _CachedTable(Generic[K]):
    """A table of the index that maps keys to numbers, with recent rows in memory and older rows on disk.

    Writing rows in batches takes less than half of the time of writing single rows, and a short run writes no rows to
    the disk.

    Args:
        db: the SQLite database that contains the table.
        naming: context manager that converts errors of the database to ``StoreError``.
        find: the query for the row of a key.
        keep: the statement that inserts or replaces the row of a key.
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
        """Return the row of a key, or None if the table does not contain the key."""
        row = self._recent.get(key)
        if row is None and self._written:
            with self._naming():
                row = self._db.execute(self._find, (key,)).fetchone()
            if row is not None:
                self.put(key, row)
        return row

    def put(self, key: K, row: Row) -> None:
        """Insert or replace the row of a key."""
        if len(self._recent) >= REMEMBERED and key not in self._recent:
            with self._naming():
                self._db.executemany(self._keep, [(key, *row) for key, row in self._recent.items()])
            self._recent.clear()
            self._written = True
        self._recent[key] = row


class Index:
    """The index of one run, in the run directory, for use by one thread at a time."""

    def __init__(self, run: Path) -> None:
        self._path = run / _NAME
        with self._naming():
            self._path.unlink(missing_ok=True)
            self._db = sqlite3.connect(self._path, check_same_thread=False)
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
        """Return the position of the line of a certificate by its SHA-256 digest, or None if no line was written."""
        row = self._certs.get(digest)
        return Place(*row) if row else None

    def host(self, key: str) -> tuple[float, Place] | None:
        """Return the examination time (POSIX timestamp) and the position of the last line of an MX host, or None."""
        row = self._hosts.get(key)
        return (row[0], Place(*row[1:])) if row else None

    def put_cert(self, digest: bytes, place: Place) -> None:
        """Record the position of the line of a certificate."""
        self._certs.put(digest, place)

    def put_host(self, key: str, observed: datetime, place: Place) -> None:
        """Record the examination time and position of the last line of an MX host, in place of an earlier line."""
        self._hosts.put(key, (observed.timestamp(), *place))

    def load(self, hosts: Path, certs: Path) -> None:
        """Build the index from the line files of the run, without parsing whole lines.

        Raises:
            StoreError: a file cannot be read, or a line is not a record of the expected class.
        """
        with self._naming():
            for start, key, line in keyed_lines(certs):
                self.put_cert(bytes.fromhex(key), Place(start, len(line)))
            for start, key, line in keyed_lines(hosts):
                self.put_host(key, observed_of(line), Place(start, len(line)))

    def close(self) -> None:
        """Close the index, which also removes the index file."""
        self._db.close()

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error, ValueError) as error:
            raise StoreError(f"{self._path}: {error}") from error


def observed_of(line: bytes) -> datetime:
    """Return the examination time in the line of an MX host.

    The search begins at the end of the line, because the member that contains the time is close to the end of the line.

    Raises:
        ValueError: the line contains no time.
    """
    start = line.rfind(_OBSERVED)
    if start < 0:
        raise codec.CodecError("the line is no host")
    start += len(_OBSERVED)
    return datetime.fromisoformat(line[start : line.find(b'"', start)].decode())
