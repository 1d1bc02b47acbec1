"""The input of a scan on disk: each destination once, shuffled, counted; of any length in little memory.

Destinations are partitioned by a hash of their key into buckets, which are small enough to be held one at a time. A
bucket is then rid of duplicates (the first line wins) and shuffled, always in the same way for the same input: the
domains of one provider, which often stand together in a list, do not come in a row. A small list is one bucket.

    SPOOL/index.json    what is there; written last, so that a spool without it is known to be unfinished
    SPOOL/rejects       lines that are not scanned, as JSON
    SPOOL/first-NNN     the destinations that are served before all others
    SPOOL/rest-NNN      the others

A line is ``key TAB source TAB line``, with a fourth cell in JSON (raw text, rank, fields) where that is not all there
is to say. What has been done already is left out bucket by bucket too (``leave_out``, ``only``).

Not here: what is done with a destination, and who knows what has been done.
"""

import json
import os
import random
import shutil
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

from targets.lists import PlainNames, Reader, Reject, Target

SMALL = 50_000
"""Lines that are one bucket: some 10 MB while they are sorted out."""

BUCKETS = 256
"""Ten million lines make buckets of forty thousand, a hundred million still fit into memory one at a time."""

WAITING = 100_000
"""Lines held before they are appended to their buckets: some 15 MB, and hundreds of lines for each file opened."""

_INDEX, _REJECTS, _MARKS = "index.json", "rejects", "marks"
_FIRST, _REST = "first", "rest"

Entry = Target | Reject | PlainNames
"""What a list holds: a line, or plain lines in a row."""


class SpoolError(Exception):
    """A spool cannot be used; the message is one line for the user."""


@dataclass(frozen=True, slots=True)
class _Index:
    """What a spool holds."""

    buckets: int = 1
    total: int = 0
    rejects: int = 0
    duplicates: int = 0
    sources: list[str] = field(default_factory=list)
    octets: dict[str, int] = field(default_factory=dict)  # of every file, by name


class Spool:
    """A finished spool; make one with ``make`` or ``open``."""

    def __init__(self, place: Path, index: _Index, reader: Reader) -> None:
        self._place = place
        self._index = index
        self._reader = reader
        self._marked: bool | None = None  # True: only what is marked is served; False: all but that
        self._rejects_done = 0

    @classmethod
    def make(cls, place: Path, entries: Iterable[Entry], reader: Reader, *, first: Iterable[Entry] = ()) -> "Spool":
        """Read lists to their ends.

        Args:
            place: a directory, which is made; an unfinished spool in it is thrown away.
            entries: what the lists hold, such as ``Lists.blocks`` gives.
            reader: how their destinations are read.
            first: the same, to be served before the others.

        Raises:
            OSError: the directory cannot be written.
            ListError: a list cannot be read any more.
        """
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        maker = _Maker(place)
        maker.take(_FIRST, first)
        maker.take(_REST, entries)
        return cls(place, maker.finish(), reader)

    @classmethod
    def open(cls, place: Path, reader: Reader) -> "Spool":
        """Open a spool that was made before.

        Raises:
            SpoolError: it is not finished or not whole.
        """
        try:
            index = _Index(**json.loads((place / _INDEX).read_bytes()))
        except FileNotFoundError:
            raise SpoolError(f"{place}: the input had not been read to its end; start anew") from None
        except (OSError, ValueError, TypeError) as error:
            raise SpoolError(f"{place / _INDEX}: {error}") from None
        for name, octets in index.octets.items():
            path = place / name
            if not path.is_file() or path.stat().st_size != octets:
                raise SpoolError(f"{path}: missing or not as it was written; the run cannot be taken up again")
        shutil.rmtree(place / _MARKS, ignore_errors=True)
        return cls(place, index, reader)

    @property
    def total(self) -> int:
        """Destinations, each once."""
        return self._index.total

    @property
    def rejects(self) -> int:
        """Lines that are not scanned."""
        return self._index.rejects

    @property
    def duplicates(self) -> int:
        """Lines passed over because an earlier one named the same destination."""
        return self._index.duplicates

    @property
    def sources(self) -> tuple[str, ...]:
        """The lists that were read."""
        return tuple(self._index.sources)

    def leave_out(self, keys: Iterable[str], rejects: int) -> int:
        """Serve only what is not among these keys, and no rejects but those after the first ``rejects``.

        Returns:
            How many destinations of the spool are left out.
        """
        self._rejects_done = rejects
        return self._mark(keys, only=False)

    def only(self, keys: Iterable[str]) -> int:
        """Serve only these keys, and no rejects.

        Returns:
            How many destinations will be served.
        """
        self._rejects_done = self.rejects
        return self._mark(keys, only=True)

    def items(self) -> Iterator[Target | Reject]:
        """What is to be scanned, after what is not; in the same order each time."""
        yield from self._rejected()
        for group in (_FIRST, _REST):
            for bucket in range(self._index.buckets):
                if _name(group, bucket) in self._index.octets:
                    yield from self._bucket(group, bucket)

    def _mark(self, keys: Iterable[str], *, only: bool) -> int:
        """Keep keys on disk by bucket, in memory one bucket at a time; count those that the spool knows."""
        self._marked = only
        place = self._place / _MARKS
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        parts = _Parts(place, self._index.buckets)
        for key in keys:
            parts.put("", [octets_of(key)])
        parts.flush()
        return sum(self._known(bucket) for bucket in range(self._index.buckets))

    def _known(self, bucket: int) -> int:
        marked = self._marks(bucket)
        names = [_name(group, bucket) for group in (_FIRST, _REST)]
        return sum(_key(line) in marked for name in names for line in self._lines(name)) if marked else 0

    def _marks(self, bucket: int) -> set[bytes]:
        path = self._place / _MARKS / _name("", bucket)
        return set(path.read_bytes().split(b"\n")[:-1]) if path.exists() else set()

    def _lines(self, name: str) -> Iterator[bytes]:
        if name in self._index.octets:
            with (self._place / name).open("rb") as file:
                yield from file

    def _bucket(self, group: str, bucket: int) -> Iterator[Target]:
        lines = self._lines(_name(group, bucket))
        if self._marked is not None:
            marked, wanted = self._marks(bucket), self._marked
            lines = (line for line in lines if (_key(line) in marked) is wanted)
        return map(self._target, lines)

    def _target(self, line: bytes) -> Target:
        key, source, number, *more = line.rstrip(b"\n").decode("ascii").split("\t")
        where = self._index.sources[int(source)], int(number)
        if not more:
            return Target(self._reader.plain(key), key, *where)
        raw, read, rank, fields = json.loads(more[0])
        return Target(self._reader.destination(read), raw, *where, rank, fields)

    def _rejected(self) -> Iterator[Reject]:
        for line in islice(self._lines(_REJECTS), self._rejects_done, None):
            yield Reject(*json.loads(line))


def octets_of(key: str) -> bytes:
    """A key as it stands in a spool: without tabs and line feeds, which paths may have."""
    return key.encode("unicode_escape")


def _key(line: bytes) -> bytes:
    return line.partition(b"\t")[0]


def _name(group: str, bucket: int) -> str:
    return f"{group}-{bucket:03}"


class _Parts:
    """Lines on their way to the file of their bucket: appended to all files now and then, few are open at a time."""

    def __init__(self, place: Path, buckets: int) -> None:
        self._place = place
        self._buckets = buckets
        self._lines: defaultdict[str, list[list[bytes]]] = defaultdict(lambda: [[] for _ in range(buckets)])
        self._room = WAITING

    def put(self, group: str, lines: list[bytes]) -> None:
        """Take lines, each of which begins with its key."""
        parts = self._lines[group]
        if self._buckets == 1:
            parts[0] += lines
        else:
            for line in lines:
                parts[zlib.crc32(_key(line)) % BUCKETS].append(line)
        self._room -= len(lines)
        if self._room <= 0:
            self.flush()

    def flush(self) -> None:
        """Append what waits to the files."""
        for group, parts in self._lines.items():
            for bucket, lines in enumerate(parts):
                if lines:
                    with (self._place / _name(group, bucket)).open("ab") as file:
                        file.write(b"\n".join(lines) + b"\n")
        self._lines.clear()
        self._room = WAITING


class _Maker:
    """Builds a spool: partition first, then each bucket on its own."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._small: dict[str, list[bytes]] = {_FIRST: [], _REST: []}
        self._parts: _Parts | None = None
        self._sources: dict[str, int] = {}
        self._lines = 0
        self._rejects = 0

    def take(self, group: str, entries: Iterable[Entry]) -> None:
        """Read all lines of a group."""
        with (self._place / _REJECTS).open("ab") as rejects:
            for entry in entries:
                if isinstance(entry, PlainNames):
                    end = b"\t%d\t" % self._source(entry.source)
                    lines = [name + end + b"%d" % number for number, name in enumerate(entry.names, entry.line)]
                    self._put(group, lines)
                elif isinstance(entry, Target):
                    self._put(group, [self._line(entry)])
                else:
                    self._rejects += 1
                    rejects.write(_json([entry.file, entry.line, entry.raw, entry.reason]) + b"\n")

    def finish(self) -> _Index:
        """Rid each bucket of duplicates and shuffle it."""
        if self._parts is not None:
            self._parts.flush()
        buckets = 1 if self._parts is None else BUCKETS
        octets: dict[str, int] = {}
        total = 0
        for bucket in range(buckets):
            seen: set[bytes] = set()
            for group in (_FIRST, _REST):
                lines = _unique(self._bucket(group, bucket), seen)
                total += len(lines)
                if lines:
                    name = _name(group, bucket)
                    octets[name] = _write(self._place / name, lines, bucket)
        octets[_REJECTS] = (self._place / _REJECTS).stat().st_size
        index = _Index(buckets, total, self._rejects, self._lines - total, list(self._sources), octets)
        self._seal(index)
        return index

    def _put(self, group: str, lines: list[bytes]) -> None:
        self._lines += len(lines)
        if self._parts is not None:
            self._parts.put(group, lines)
            return
        self._small[group] += lines
        if self._lines > SMALL:
            self._parts = _Parts(self._place, BUCKETS)
            for each, waiting in self._small.items():
                self._parts.put(each, waiting)
            self._small = {}

    def _bucket(self, group: str, bucket: int) -> list[bytes]:
        if self._parts is None:
            return self._small.pop(group)
        path = self._place / _name(group, bucket)
        return path.read_bytes().split(b"\n")[:-1] if path.exists() else []

    def _source(self, name: str) -> int:
        return self._sources.setdefault(name, len(self._sources))

    def _line(self, target: Target) -> bytes:
        key = octets_of(target.destination.key)
        more = _json([target.raw, target.destination.raw, target.rank, target.fields])
        return b"%b\t%d\t%d\t%b" % (key, self._source(target.source), target.line, more)

    def _seal(self, index: _Index) -> None:
        """Have all of it on the disk before the index says that it is there."""
        for name in index.octets:
            _sync(self._place / name)
        fresh = self._place / f"{_INDEX}.new"
        fresh.write_bytes(_json(asdict(index)))
        _sync(fresh)
        fresh.replace(self._place / _INDEX)
        _sync(self._place)


def _unique(lines: list[bytes], seen: set[bytes]) -> list[bytes]:
    """The first line of each key that was not seen before."""
    firsts = {line.partition(b"\t")[0]: line for line in reversed(lines)}
    if not seen:
        seen.update(firsts)
        return list(firsts.values())
    fresh = [line for key, line in firsts.items() if key not in seen]
    seen.update(firsts)
    return fresh


def _write(path: Path, lines: list[bytes], seed: int) -> int:
    """Write a bucket shuffled, always in the same way; give its size."""
    random.Random(seed + len(lines)).shuffle(lines)  # noqa: S311 - an order to go by, no secret
    return path.write_bytes(b"\n".join(lines) + b"\n")


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
