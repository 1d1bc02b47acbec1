"""The last line of each key in a line file, which is the line that readers use.

A scan only appends lines to a file, so that a retry pass appends a second line for the same key. A final line without a
line feed is incomplete and is ignored. A missing file is read as an empty file. The keys of lines are extracted without
parsing whole lines.

``last_lines`` reads a whole file in order; its memory use grows with the number of lines and repeated keys.
``last_places`` returns the offsets of the lines of given keys, or of all keys; its memory use grows with the number of
the keys.
"""

from array import array
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TypeVar

from results.store import codec, line_keys
from results.store.corrupt import CorruptLines, handle
from results.store.files import naming, open_regular

_FILTER_BITS = 1 << 27  # a table of 16 MiB: with ten million keys, one key in thirteen shares its bit with another key

_CORRUPT = _FILTER_BITS  # the slot number of a line without a key

_BLOCK = 256 * 1024  # number of octets read at once, which takes a third of the time of blocks of 8 KiB

_T = TypeVar("_T")


def last_lines(path: Path, corrupt: CorruptLines | None = None) -> Iterator[bytes]:
    """Yield the last line of each key of a file, in the order of the file; ``last_records`` also decodes these lines.

    Lines that are appended after the first line was yielded are not read. The memory needed is four octets for each
    line, and an entry for each key that is on more than one line.

    Raises:
        StoreError: the file cannot be read, or contains a line without a key while ``corrupt`` is None.
    """
    return (line for _, line in _last_numbered(path, corrupt))


def last_records(path: Path, decode: Callable[[bytes], _T], corrupt: CorruptLines | None = None) -> Iterator[_T]:
    """Yield the records of the lines that ``last_lines`` yields.

    Args:
        path: the file.
        decode: function that returns the record of a line, or raises one of ``codec.UNREADABLE`` or ``CodecError``.
        corrupt: counter of corrupt lines, which the function skips; None makes a corrupt line an error.

    Raises:
        StoreError: the file cannot be read, contains a corrupt line while ``corrupt`` is None, or has too many of them.
    """
    for number, line in _last_numbered(path, corrupt):
        try:
            record = decode(line)
        except (*codec.UNREADABLE, codec.CodecError) as error:
            handle(path, number, error, corrupt)
        else:
            yield record


def _last_numbered(path: Path, corrupt: CorruptLines | None) -> Iterator[tuple[int, bytes]]:
    slots, last = _survey(path, corrupt)
    if not slots:
        return
    suspect = {_slot(key) for key in last} | {_CORRUPT}
    with naming(path), open_regular(path, _BLOCK) as file:
        for number, (slot, line) in enumerate(zip(slots, file, strict=False), 1):
            if slot not in suspect or (slot != _CORRUPT and last.get(line_keys.key_of(line), number) == number):
                yield number, line


def last_places(
    path: Path, wanted: Collection[str] | None = None, corrupt: CorruptLines | None = None
) -> dict[str, int]:
    """Return the offset in octets at which the last line of each key begins.

    Args:
        path: the file.
        wanted: the requested keys, by default all keys; a key that is not in the file is left out of the result.
        corrupt: counter of lines without a key, which the function skips; None makes a line without a key an error.

    Raises:
        StoreError: the file cannot be read, or contains a line without a key while ``corrupt`` is None.
    """
    return {key: start for start, key, _ in keyed_lines(path, corrupt) if wanted is None or key in wanted}


def keyed_lines(path: Path, corrupt: CorruptLines | None = None) -> Iterator[tuple[int, str, bytes]]:
    """Yield every line of the file with its start offset and its key; a key that is on two lines is yielded twice.

    Raises:
        StoreError: the file cannot be read, or contains a line without a key while ``corrupt`` is None.
    """
    for number, (start, line) in enumerate(whole_lines(path), 1):
        key = _key(path, number, line, corrupt)
        if key is not None:
            yield start, key, line


def whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each line that ends in a line feed, with its offset in octets.

    Raises:
        StoreError: the file cannot be read.
    """
    start = 0
    if not path.exists():
        return
    with naming(path), open_regular(path, _BLOCK) as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield start, line
            start += len(line)


def line_number(path: Path, start: int) -> int:
    """Return the line number (from 1) of the line that begins at the given offset in octets."""
    return 1 + sum(begin < start for begin, _ in whole_lines(path))


def _survey(path: Path, corrupt: CorruptLines | None) -> tuple["array[int]", dict[str, int]]:
    """Return the hash of each line's key (see ``_slot``), and the last line number of each key on several lines.

    If two different keys have the same hash, the second part of the result also contains a key that is on one line
    only, which does not affect the choice of lines.
    """
    seen = bytearray(_FILTER_BITS // 8)
    slots = array("I")
    last: dict[str, int] = {}
    for number, (_, line) in enumerate(whole_lines(path), 1):
        key = _key(path, number, line, corrupt)
        if key is None:
            slots.append(_CORRUPT)
            continue
        slot = _slot(key)
        slots.append(slot)
        bit = 1 << (slot & 7)
        if seen[slot >> 3] & bit:
            last[key] = number
        else:
            seen[slot >> 3] |= bit
    return slots, last


def _slot(key: str) -> int:
    return hash(key) % _FILTER_BITS


def _key(path: Path, number: int, line: bytes, corrupt: CorruptLines | None) -> str | None:
    try:
        return line_keys.key_of(line)
    except codec.CodecError as error:
        handle(path, number, error, corrupt)
        return None
