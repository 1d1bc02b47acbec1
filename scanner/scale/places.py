"""Sorted indexes on disk of the JSON lines of a run; all processes that judge domains read the same indexes.

For each line, an index contains the hash of the record's key and the offset of the line: 16 octets. The index is
memory-mapped: the kernel keeps the used pages in memory, so that no process needs memory for all keys.
"""

from array import array
from bisect import bisect_left, bisect_right
from functools import lru_cache
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Generic, TypeVar

from results.store import line_keys
from results.store.files import naming, open_regular
from results.store.last_lines import keyed_lines
from scanner.scale.partition import BUCKETS, digest
from scanner.scale.plan_files import decoded, whole_file

CELL = 8
"""Number of octets of a hash, and of an offset, in an index."""

_T = TypeVar("_T")


def write_places(lines: Path, path: Path) -> None:
    """Write the index of a file of JSON lines to ``path``; writing takes 16 octets of memory for each line.

    Raises:
        StoreError: a file cannot be read or written.
    """
    buckets = [array("Q") for _ in range(BUCKETS)]
    for start, key, _ in keyed_lines(lines):
        number = digest(key)
        buckets[number * BUCKETS >> CELL * 8].extend((number, start))
    for bucket, flat in enumerate(buckets):
        rows = sorted(zip(flat[0::2], flat[1::2], strict=True))
        buckets[bucket] = array("Q", [cell for row in rows for cell in row])
    with whole_file(path) as file:
        for column in range(2):
            for flat in buckets:
                file.write(flat[column::2].tobytes())


class PlacedLines(Generic[_T]):
    """Reader of the records of a file of JSON lines by key, with an index that ``write_places`` wrote.

    Args:
        lines: the file of JSON lines.
        path: the index of the file.
        kind: the class of the records.
        kept: maximum number of records in memory.

    Raises:
        StoreError: a file cannot be read.
    """

    def __init__(self, lines: Path, path: Path, kind: type[_T], kept: int = 0) -> None:
        self._path = lines
        self._kind = kind
        with naming(path), open_regular(path) as file:
            size = path.stat().st_size
            octets = mmap(file.fileno(), 0, access=ACCESS_READ) if size else b""
        cells = memoryview(octets).cast("Q")
        self._hashes, self._starts = cells[: len(cells) // 2], cells[len(cells) // 2 :]
        with naming(lines):
            self._file = open_regular(lines)
        self.get = lru_cache(kept)(self._get)

    def _get(self, key: str) -> _T | None:
        """Return the record in the last line with the key ``key``, or None if no line has this key."""
        found = None
        number = digest(key)
        first, end = bisect_left(self._hashes, number), bisect_right(self._hashes, number)
        for start in self._starts[first:end]:  # the lines whose key has this hash, in the order of the lines
            with naming(self._path):
                self._file.seek(start)
                line = self._file.readline()
            found = line if line_keys.key_of(line) == key else found
        return None if found is None else decoded(self._kind, found, self._path)
