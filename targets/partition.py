"""Partition of a long input into buckets by a hash of each line's key, and random sampling of keys.

The key of an input line is the text before the first tab.
"""

import zlib
from collections import defaultdict
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

BUCKETS = 256
"""Number of buckets of a long input; with ten million lines, a bucket contains about forty thousand lines."""

WAITING = 100_000
"""Maximum number of buffered lines (about 15 MB) before the buffer is appended to the bucket files."""


class Sampling(NamedTuple):
    """A random sample of ``size`` destinations, determined by ``seed`` and the set of destinations."""

    size: int
    seed: int

    def place(self, key: bytes) -> int:
        """Return the hash of ``seed`` and the key of a destination, by which the destinations are put in random order.

        The sample consists of the ``size`` destinations with the lowest hashes.
        """
        return int.from_bytes(blake2b(key, digest_size=8, key=str(self.seed).encode()[:64]).digest())


def octets_of(key: str) -> bytes:
    """Return the key of a destination as octets, with tabs and line feeds (possible in a socket path) escaped."""
    return key.encode("unicode_escape")


def sort_key(line: bytes) -> bytes:
    """Return the key of an input line."""
    return line.partition(b"\t")[0]


def bucket_name(group: str, bucket: int) -> str:
    """Return the file name of a bucket, such as ``rest-017``: the name of a group of buckets and the bucket number."""
    return f"{group}-{bucket:03}"


class Buckets:
    """Buffer of lines by bucket; ``flush`` appends the lines to the bucket files, with one open file at a time."""

    def __init__(self, place: Path, buckets: int) -> None:
        self._place = place
        self._buckets = buckets
        self._lines: defaultdict[str, list[list[bytes]]] = defaultdict(lambda: [[] for _ in range(buckets)])
        self._room = WAITING

    def put(self, group: str, lines: list[bytes]) -> None:
        """Add lines, which begin with their keys, to the buffer; the bucket files are named ``GROUP-NNN``."""
        parts = self._lines[group]
        if self._buckets == 1:
            parts[0] += lines
        else:
            for line in lines:
                parts[zlib.crc32(sort_key(line)) % BUCKETS].append(line)
        self._room -= len(lines)
        if self._room <= 0:
            self.flush()

    def flush(self) -> None:
        """Append the buffered lines to the files of their buckets."""
        for group, parts in self._lines.items():
            for bucket, lines in enumerate(parts):
                if lines:
                    with (self._place / bucket_name(group, bucket)).open("ab") as file:
                        file.write(b"\n".join(lines) + b"\n")
        self._lines.clear()
        self._room = WAITING


def unique(lines: list[bytes], seen: set[bytes]) -> list[bytes]:
    """Return the first line of each key that is not in ``seen``, and add the new keys to ``seen``."""
    firsts = {line.partition(b"\t")[0]: line for line in reversed(lines)}
    if not seen:
        seen.update(firsts)
        return list(firsts.values())
    fresh = [line for key, line in firsts.items() if key not in seen]
    seen.update(firsts)
    return fresh
