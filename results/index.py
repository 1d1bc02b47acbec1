"""Where the lines of hosts and certificates stand in a run that is being written: what is there is not written again.

It is kept in a file of its own, so that memory does not grow with the run: some 60 octets of disk for a certificate,
100 for a host, ``CACHE`` in memory. It is made anew from the line files when a run is taken up again, and it has no
name: nothing is left of it when the process ends, however that happens.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from results import codec
from results.files import StoreError
from results.run import whole_lines

CACHE = 16 * 1024 * 1024
"""Octets of the index held in memory: the hosts and certificates that most domains have."""

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED = 20_000
"""Hosts and certificates that are found without asking the database, some 11 MB; with more, all are forgotten."""

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


class _Lately(Generic[K, V]):
    """What was put or found lately; all that was ever put while it is ``whole``."""

    def __init__(self) -> None:
        self.whole = True
        self._known: dict[K, V] = {}
        self.get = self._known.get

    def put(self, key: K, value: V) -> V:
        """Remember; gives the value back."""
        if len(self._known) >= REMEMBERED and key not in self._known:
            self._known.clear()
            self.whole = False
        self._known[key] = value
        return value


class Index:
    """The index of one run, for one thread. It is built in memory-sized steps on the disk of the run."""

    def __init__(self, run: Path) -> None:
        self._path = run / _NAME
        self._certs: _Lately[bytes, Place] = _Lately()
        self._hosts: _Lately[str, tuple[float, Place]] = _Lately()
        with self._naming():
            self._path.unlink(missing_ok=True)
            self._db = sqlite3.connect(self._path)
            self._db.executescript(_TABLES % (CACHE // 1024))
            self._path.unlink()

    def cert(self, digest: bytes) -> Place | None:
        """Find a certificate by its SHA-256."""
        known = self._certs.get(digest)
        if known is not None or self._certs.whole:
            return known
        found = self._one("select start, octets from certs where digest = ?", digest)
        return self._certs.put(digest, Place(*found)) if found else None

    def host(self, key: str) -> tuple[float, Place] | None:
        """Find the last line of a host, with the time of its examination as a POSIX timestamp."""
        known = self._hosts.get(key)
        if known is not None or self._hosts.whole:
            return known
        found = self._one("select observed, start, octets from hosts where key = ?", key)
        return self._hosts.put(key, (found[0], Place(*found[1:]))) if found else None

    def put_cert(self, digest: bytes, place: Place) -> None:
        """Remember a certificate's line."""
        self._put("insert or replace into certs values (?, ?, ?)", digest, *place)
        self._certs.put(digest, place)

    def put_host(self, key: str, observed: datetime, place: Place) -> None:
        """Remember a host's line, in place of the one before."""
        at = observed.timestamp()
        self._put("insert or replace into hosts values (?, ?, ?, ?)", key, at, *place)
        self._hosts.put(key, (at, place))

    def load(self, hosts: Path, certs: Path) -> None:
        """Read what the line files have, without parsing their lines.

        Raises:
            StoreError: a file cannot be read, or a line is none of its kind.
        """
        with self._naming():
            for start, line in whole_lines(certs):
                self.put_cert(bytes.fromhex(codec.key_of(line)), Place(start, len(line)))
            for start, line in whole_lines(hosts):
                self.put_host(codec.key_of(line), _observed(line), Place(start, len(line)))

    def close(self) -> None:
        """Drop it."""
        self._db.close()

    def _one(self, query: str, key: object) -> tuple[Any, ...] | None:
        try:
            row: tuple[Any, ...] | None = self._db.execute(query, (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._named(error) from error
        return row

    def _put(self, query: str, *values: object) -> None:
        try:
            self._db.execute(query, values)
        except sqlite3.Error as error:
            raise self._named(error) from error

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error, ValueError) as error:
            raise self._named(error) from error

    def _named(self, error: Exception) -> StoreError:
        return StoreError(f"{self._path}: {error}")


def _observed(line: bytes) -> datetime:
    """The time of an examination, which stands near the end of its line."""
    start = line.rfind(_OBSERVED)
    if start < 0:
        raise codec.CodecError("the line is no host")
    start += len(_OBSERVED)
    return datetime.fromisoformat(line[start : line.find(b'"', start)].decode())
