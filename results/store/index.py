"""Where the lines of hosts and certificates stand in a run that is being written: what is there is not written again.

It is kept in a file of its own, so that memory does not grow with the run: some 60 octets of disk for a certificate,
100 for a host, ``CACHE`` in memory. It is made anew from the line files when a run is taken up again, and it has no
name: nothing is left of it when the process ends, however that happens.
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
"""Octets of the index held in memory: the hosts and certificates that most domains have."""

K = TypeVar("K")
Row = tuple[Any, ...]

REMEMBERED = 20_000
"""Hosts and certificates that are in memory, some 11 MB; with more, all are written to the disk."""

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
    """A line in a file: where it begins, and its octets."""

    start: int
    octets: int


class _CachedTable(Generic[K]):
    """Rows of numbers by key: those put or found lately in memory, the others on disk.

    To write many at once takes less than half of the time to write each when it is put, and a run that is not long
    writes none.

    Args:
        db: where the table is.
        naming: gives the errors of the database their place.
        find: the query for the row of a key.
        keep: what writes a key and its row, in place of what was there.
    """

    def __init__(
        self, db: sqlite3.Connection, naming: Callable[[], AbstractContextManager[None]], find: str, keep: str
    ) -> None:
        self._db = db
        self._naming = naming
        self._find = find
        self._keep = keep
        self._lately: dict[K, Row] = {}
        self._written = False

    def get(self, key: K) -> Row | None:
        """The row of a key."""
        row = self._lately.get(key)
        if row is None and self._written:
            with self._naming():
                row = self._db.execute(self._find, (key,)).fetchone()
            if row is not None:
                self.put(key, row)
        return row

    def put(self, key: K, row: Row) -> None:
        """Keep a row, in place of the one before."""
        if len(self._lately) >= REMEMBERED and key not in self._lately:
            with self._naming():
                self._db.executemany(self._keep, [(key, *row) for key, row in self._lately.items()])
            self._lately.clear()
            self._written = True
        self._lately[key] = row


class Index:
    """The index of one run, for one thread. It is built in memory-sized steps on the disk of the run."""

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
        """Find a certificate by its SHA-256."""
        row = self._certs.get(digest)
        return Place(*row) if row else None

    def host(self, key: str) -> tuple[float, Place] | None:
        """Find the last line of a host, with the time of its examination as a POSIX timestamp."""
        row = self._hosts.get(key)
        return (row[0], Place(*row[1:])) if row else None

    def put_cert(self, digest: bytes, place: Place) -> None:
        """Remember a certificate's line."""
        self._certs.put(digest, place)

    def put_host(self, key: str, observed: datetime, place: Place) -> None:
        """Remember a host's line, in place of the one before."""
        self._hosts.put(key, (observed.timestamp(), *place))

    def load(self, hosts: Path, certs: Path) -> None:
        """Read what the line files have, without parsing their lines.

        Raises:
            StoreError: a file cannot be read, or a line is none of its kind.
        """
        with self._naming():
            for start, key, line in keyed_lines(certs):
                self.put_cert(bytes.fromhex(key), Place(start, len(line)))
            for start, key, line in keyed_lines(hosts):
                self.put_host(key, _observed(line), Place(start, len(line)))

    def close(self) -> None:
        """Drop it."""
        self._db.close()

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error, ValueError) as error:
            raise StoreError(f"{self._path}: {error}") from error


def _observed(line: bytes) -> datetime:
    """The time of an examination, which stands near the end of its line."""
    start = line.rfind(_OBSERVED)
    if start < 0:
        raise codec.CodecError("the line is no host")
    start += len(_OBSERVED)
    return datetime.fromisoformat(line[start : line.find(b'"', start)].decode())
