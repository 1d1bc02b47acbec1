"""The input of a scan on disk: distinct destinations in random order, prepared with bounded memory.

The destinations of a spool (the stored input of a scan) are partitioned into buckets by a hash of their key. Only one
bucket at a time is in memory: duplicates in the bucket are removed (the first line is kept), and its lines are shuffled
with a fixed seed. The random order separates domains of the same provider, whose lines are often adjacent in a list. A
short list is stored as one bucket.

* ``SPOOL/index.json`` contains the counts and file names of the spool, and is written last, so that its presence marks
  a finished spool.
* ``SPOOL/rejects`` contains the lines that are not scanned, as JSON.
* ``SPOOL/first-NNN`` contains the destinations that are scanned first, ``SPOOL/rest-NNN`` all other destinations.

A line of a bucket file is ``key TAB source TAB line``, with a fourth cell in JSON (raw text, destination, rank, fields)
if the input contains more than a plain domain. ``leave_out`` and ``only`` select destinations by key, bucket by bucket.
"""

import heapq
import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice, product
from pathlib import Path

from targets.partition import BUCKETS, Buckets, Sampling, bucket_name, octets_of, sort_key, unique
from targets.reader import PlainNames, Reader, Reject, Target

SMALL = 50_000
"""Maximum number of lines of an input that is stored as one bucket (about 10 MB in memory)."""

REASONS = 200
"""Maximum number of distinct reject reasons that are counted separately; many reasons contain a part of the line."""

REJECTS_WAITING = 5_000
"""Maximum number of buffered rejected lines (about 5 MB) before the buffer is appended to the file ``rejects``."""

OTHER_REASONS = "other reasons"

_INDEX, _REJECTS, _MARKS = "index.json", "rejects", "marks"
_FIRST, _REST = "first", "rest"

Entry = Target | Reject | PlainNames
"""An item of a list: a target, a rejected line, or consecutive lines that contain a host name and nothing else."""


class SpoolError(Exception):
    """Error: a spool is unfinished or damaged; the message is one line for the user."""


@dataclass(frozen=True, slots=True)
class _Index:
    """The counts and file names of a spool."""

    buckets: int = 1
    lines: int = 0
    total: int = 0
    rejects: int = 0
    duplicates: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    octets: dict[str, int] = field(default_factory=dict)  # size of every file, by name


class Spool:
    """A finished spool; the methods ``make`` and ``open`` are its constructors."""

    def __init__(self, place: Path, index: _Index, reader: Reader) -> None:
        self._place = place
        self._index = index
        self._reader = reader
        self._marked: bool | None = None  # True: yield only marked keys; False: yield all other keys
        self._rejects_done = 0

    @classmethod
    def make(
        cls,
        place: Path,
        entries: Iterable[Entry],
        reader: Reader,
        *,
        first: Iterable[Entry] = (),
        sampling: Sampling | None = None,
        cut: Callable[[], list[str]] = list,
    ) -> "Spool":
        """Write the items of lists to a new spool, and return the spool.

        Args:
            place: the directory to create; an existing directory with this path is removed.
            entries: the items of lists, for example the items of ``Lists.blocks``.
            reader: the parser of destinations.
            first: items whose destinations are scanned before all others.
            sampling: the random sample of destinations; None selects all destinations.
            cut: function that returns the incompletely read lists; it is called after the last item.

        Raises:
            OSError: the directory cannot be written.
            ListError: a list can no longer be opened.
        """
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        maker = _Maker(place, sampling)
        maker.take(_FIRST, first)
        maker.take(_REST, entries)
        return cls(place, maker.finish(cut()), reader)

    @classmethod
    def open(cls, place: Path, reader: Reader) -> "Spool":
        """Open an existing spool.

        Raises:
            SpoolError: the spool is unfinished or damaged.
        """
        file = place / _INDEX
        if file.exists() and not file.is_file():
            raise SpoolError(f"{file}: not a regular file")
        try:
            index = _Index(**json.loads(file.read_bytes()))
        except FileNotFoundError:
            raise SpoolError(f"{place}: the input was not read to its end; begin a new run") from None
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise SpoolError(f"{file}: {error}") from None
        for name, octets in index.octets.items():
            path = place / name
            if not path.is_file() or path.stat().st_size != octets:
                raise SpoolError(f"{path}: missing or changed since it was written; the run cannot be resumed")
        shutil.rmtree(place / _MARKS, ignore_errors=True)
        return cls(place, index, reader)

    @property
    def total(self) -> int:
        """The number of distinct destinations in the spool."""
        return self._index.total

    @property
    def buckets(self) -> int:
        """The number of buckets of the spool."""
        return self._index.buckets

    @property
    def lines(self) -> int:
        """The number of lines of all lists, not counting blank lines, comments and headers."""
        return self._index.lines

    @property
    def rejects(self) -> int:
        """The number of rejected lines of all lists."""
        return self._index.rejects

    @property
    def duplicates(self) -> int:
        """The number of lines that repeat the destination of an earlier line."""
        return self._index.duplicates

    @property
    def reasons(self) -> dict[str, int]:
        """The number of rejected lines for each reason, the most frequent reason first."""
        return dict(sorted(self._index.reasons.items(), key=lambda item: -item[1]))

    @property
    def cut(self) -> list[str]:
        """The names of the lists that were read incompletely, each with the reason."""
        return self._index.cut

    def move(self, place: Path) -> None:
        """Move the spool to a directory that does not exist yet.

        Raises:
            OSError: the directory cannot be written.
        """
        shutil.move(self._place, place)
        self._place = place

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the lists from which the spool was made."""
        return tuple(self._index.sources)

    def leave_out(self, keys: Iterable[str], rejects: int) -> int:
        """Exclude the destinations with these keys, and the first ``rejects`` rejected lines, from ``items``.

        Returns:
            The number of excluded destinations.
        """
        self._rejects_done = rejects
        return self._mark(keys, only=False)

    def only(self, keys: Iterable[str]) -> int:
        """Restrict the result of ``items`` to the destinations with these keys, without rejected lines.

        Returns:
            The number of selected destinations.
        """
        self._rejects_done = self.rejects
        return self._mark(keys, only=True)

    def items(self) -> Iterator[Target | Reject]:
        """Yield the rejected lines, then the selected destinations, in a reproducible order."""
        yield from self.rejected()
        yield from self.targets(range(self._index.buckets))

    def targets(self, buckets: Iterable[int]) -> Iterator[Target]:
        """Yield the selected destinations of some buckets; the numbers of all buckets are ``range(self.buckets)``."""
        return map(self.target, self.target_lines(buckets))

    def target_lines(self, buckets: Iterable[int]) -> Iterator[bytes]:
        """Yield the stored line of each selected destination in some buckets; ``target`` parses the line."""
        for group, bucket in product((_FIRST, _REST), buckets):
            if bucket_name(group, bucket) in self._index.octets:
                yield from self._bucket(group, bucket)

    def rejected(self) -> Iterator[Reject]:
        """Yield the rejected lines, except those that ``leave_out`` or ``only`` excludes."""
        for line in islice(self._lines(_REJECTS), self._rejects_done, None):
            yield Reject(*json.loads(line))

    def _mark(self, keys: Iterable[str], *, only: bool) -> int:
        """Write destination keys to files by bucket; return the number of destinations in the spool with these keys."""
        self._marked = only
        place = self._place / _MARKS
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        parts = Buckets(place, self._index.buckets)
        for key in keys:
            parts.put("", [octets_of(key)])
        parts.flush()
        return sum(self._known(bucket) for bucket in range(self._index.buckets))

    def _known(self, bucket: int) -> int:
        marked = self._marks(bucket)
        names = [bucket_name(group, bucket) for group in (_FIRST, _REST)]
        return sum(sort_key(line) in marked for name in names for line in self._lines(name)) if marked else 0

    def _marks(self, bucket: int) -> set[bytes]:
        path = self._place / _MARKS / bucket_name("", bucket)
        return set(path.read_bytes().split(b"\n")[:-1]) if path.exists() else set()

    def _lines(self, name: str) -> Iterator[bytes]:
        if name in self._index.octets:
            with (self._place / name).open("rb") as file:
                yield from file

    def _bucket(self, group: str, bucket: int) -> Iterator[bytes]:
        lines = self._lines(bucket_name(group, bucket))
        if self._marked is not None:
            marked, wanted = self._marks(bucket), self._marked
            lines = (line for line in lines if (sort_key(line) in marked) is wanted)
        return lines

    def target(self, line: bytes) -> Target:
        """Return the destination of a line of the spool."""
        key, source, number, *more = line.rstrip(b"\n").decode("ascii").split("\t")
        where = self._index.sources[int(source)], int(number)
        if not more:
            return Target(self._reader.plain(key), key, *where)
        raw, read, rank, fields = json.loads(more[0])
        return Target(self._reader.destination(read), raw, *where, rank, fields)


class _Maker:
    """Builder of a spool: ``take`` partitions the lines into buckets, ``finish`` completes one bucket at a time."""

    def __init__(self, place: Path, sampling: Sampling | None) -> None:
        self._place = place
        self._sampling = sampling
        self._reasons: Counter[str] = Counter()
        self._rejected: list[bytes] = []
        self._small: dict[str, list[bytes]] = {_FIRST: [], _REST: []}
        self._parts: Buckets | None = None
        self._sources: dict[str, int] = {}
        self._lines = 0
        self._rejects = 0

    def take(self, group: str, entries: Iterable[Entry]) -> None:
        """Add destinations to the buckets of a group (``first`` or ``rest``); save the rejected lines."""
        for entry in entries:
            if isinstance(entry, PlainNames):
                end = b"\t%d\t" % self._source(entry.source)
                lines = [name + end + b"%d" % number for number, name in enumerate(entry.names, entry.line)]
                self._put(group, lines)
            elif isinstance(entry, Target):
                self._put(group, [self._line(entry)])
            else:
                self._reject(entry)

    def _reject(self, entry: Reject) -> None:
        self._rejects += 1
        known = entry.reason in self._reasons or len(self._reasons) < REASONS
        self._reasons[entry.reason if known else OTHER_REASONS] += 1
        self._rejected.append(_json([entry.file, entry.line, entry.raw, entry.reason]))
        if len(self._rejected) >= REJECTS_WAITING:
            self._write_rejects()

    def _write_rejects(self) -> None:
        with (self._place / _REJECTS).open("ab") as file:
            file.writelines(line + b"\n" for line in self._rejected)
        self._rejected.clear()

    def finish(self, cut: list[str]) -> _Index:
        """Remove the duplicates from each bucket, shuffle the bucket, and write the index."""
        self._write_rejects()
        if self._parts is not None:
            self._parts.flush()
        buckets = 1 if self._parts is None else BUCKETS
        octets: dict[str, int] = {}
        distinct = total = 0
        chosen = self._chosen(buckets)
        for bucket in range(buckets):
            seen: set[bytes] = set()
            for group in (_FIRST, _REST):
                lines = unique(self._bucket(group, bucket), seen)
                distinct += len(lines)
                lines = list(filter(chosen, lines))
                total += len(lines)
                if lines:
                    name = bucket_name(group, bucket)
                    octets[name] = _write(self._place / name, lines, bucket)
        octets[_REJECTS] = (self._place / _REJECTS).stat().st_size
        index = _Index(
            buckets=buckets,
            lines=self._lines + self._rejects,
            total=total,
            rejects=self._rejects,
            duplicates=self._lines - distinct,
            reasons=dict(self._reasons),
            cut=cut,
            sources=list(self._sources),
            octets=octets,
        )
        self._seal(index)
        return index

    def _chosen(self, buckets: int) -> Callable[[bytes], bool] | None:
        """Return a function that reports whether a line belongs to the sample; None without sampling."""
        if self._sampling is None:
            return None
        place = self._sampling.place
        last = max(heapq.nsmallest(self._sampling.size, map(place, self._keys(buckets))), default=0)
        return lambda line: place(sort_key(line)) <= last

    def _keys(self, buckets: int) -> Iterator[bytes]:
        for bucket in range(buckets):
            yield from {sort_key(line) for group in (_FIRST, _REST) for line in self._bucket(group, bucket)}

    def _put(self, group: str, lines: list[bytes]) -> None:
        self._lines += len(lines)
        if self._parts is not None:
            self._parts.put(group, lines)
            return
        self._small[group] += lines
        if self._lines > SMALL:
            self._parts = Buckets(self._place, BUCKETS)
            for each, waiting in self._small.items():
                self._parts.put(each, waiting)
            self._small = {}

    def _bucket(self, group: str, bucket: int) -> list[bytes]:
        if self._parts is None:
            return self._small[group]
        path = self._place / bucket_name(group, bucket)
        return path.read_bytes().split(b"\n")[:-1] if path.exists() else []

    def _source(self, name: str) -> int:
        return self._sources.setdefault(name, len(self._sources))

    def _line(self, target: Target) -> bytes:
        key = octets_of(target.destination.key)
        more = _json([target.raw, target.destination.raw, target.rank, target.fields])
        return b"%b\t%d\t%d\t%b" % (key, self._source(target.source), target.line, more)

    def _seal(self, index: _Index) -> None:
        """Sync all files of the spool to the disk, then write the index."""
        for name in index.octets:
            _sync(self._place / name)
        fresh = self._place / f"{_INDEX}.new"
        fresh.write_bytes(_json(asdict(index)))
        _sync(fresh)
        fresh.replace(self._place / _INDEX)
        _sync(self._place)


def _write(path: Path, lines: list[bytes], seed: int) -> int:
    """Write the lines of a bucket, shuffled with a fixed seed; return the file size in octets."""
    random.Random(seed + len(lines)).shuffle(lines)  # noqa: S311 - an order of work, not a secret
    return path.write_bytes(b"\n".join(lines) + b"\n")


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
