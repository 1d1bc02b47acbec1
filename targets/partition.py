"""The partition of a long input: lines in buckets by a hash of their keys, and a random choice of keys.

A line begins with its key, which ends before the first tab.
"""

import zlib
from collections import defaultdict
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

BUCKETS = 256
"""Buckets of a long input: of ten million lines, each bucket has about forty thousand."""

WAITING = 100_000
"""Lines held before they are appended to the files of their buckets: about 15 MB, hundreds of lines for each file."""


class Sampling(NamedTuple):
    """A random choice of ``size`` destinations: the same for the same destinations and ``seed``, in any order."""

    size: int
    seed: int

    def place(self, key: bytes) -> int:
        """Return the place of a destination in the random order; the first ``size`` are chosen."""
        return int.from_bytes(blake2b(key, digest_size=8, key=str(self.seed).encode()[:64]).digest())


def octets_of(key: str) -> bytes:
    """Return the form of a key in a spool: tabs and line feeds, which a path may have, are escaped."""
    return key.encode("unicode_escape")


def key_of(line: bytes) -> bytes:
    """Return the key of a line."""
    return line.partition(b"\t")[0]


def bucket_name(group: str, bucket: int) -> str:
    """Return the name of the file of a bucket."""
    return f"{group}-{bucket:03}"


class Buckets:
    """A buffer of lines by bucket; ``flush`` appends them to the file of each bucket, one open file at a time."""

    def __init__(self, place: Path, buckets: int) -> None:
        self._place = place
        self._buckets = buckets
        self._lines: defaultdict[str, list[list[bytes]]] = defaultdict(lambda: [[] for _ in range(buckets)])
        self._room = WAITING

    def put(self, group: str, lines: list[bytes]) -> None:
        """Buffer lines, each of which begins with its key."""
        parts = self._lines[group]
        if self._buckets == 1:
            parts[0] += lines
        else:
            for line in lines:
                parts[zlib.crc32(key_of(line)) % BUCKETS].append(line)
        self._room -= len(lines)
        if self._room <= 0:
            self.flush()

    def flush(self) -> None:
        """Append the buffered lines to the files."""
        for group, parts in self._lines.items():
            for bucket, lines in enumerate(parts):
                if lines:
                    with (self._place / bucket_name(group, bucket)).open("ab") as file:
                        file.write(b"\n".join(lines) + b"\n")
        self._lines.clear()
        self._room = WAITING


def unique(lines: list[bytes], seen: set[bytes]) -> list[bytes]:
    """Return the first line of each key that is not in ``seen``, and add the keys to it."""
    firsts = {line.partition(b"\t")[0]: line for line in reversed(lines)}
    if not seen:
        seen.update(firsts)
        return list(firsts.values())
    fresh = [line for key, line in firsts.items() if key not in seen]
    seen.update(firsts)
    return fresh
