"""The lines of a line file that count: of the lines with the same key, the last one.

A file only grows, so a later pass writes the line of a key again. A last line without a line feed is still being
written, or was torn by a crash: it does not count. A file that does not exist has no lines. Keys are cut out of the
lines without parsing them.

``last_lines`` reads a whole file in order, with memory for the keys that were written twice. ``last_places`` finds the
lines of chosen keys, or of all keys, with memory for each of these.
"""

from array import array
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TypeVar

from results.store import codec, line_keys
from results.store.corrupt import CorruptLines, handle
from results.store.files import naming, open_regular

_FILTER_BITS = 1 << 27  # 16 MiB: of ten million keys one in thirteen is compared again without need

_CORRUPT = _FILTER_BITS  # the slot of a line without key

_BLOCK = 256 * 1024  # octets read at once: a line of 2 KiB costs a third of what it costs with the default of 8 KiB

_T = TypeVar("_T")


def last_lines(path: Path, corrupt: CorruptLines | None = None) -> Iterator[bytes]:
    """Yield the last line of each key of a file, in the order of the file; ``last_records`` decodes them too.

    What is appended after the first line was asked for is not seen. Memory is four octets for each line, and an entry
    for each key that was written more than once.

    Raises:
        StoreError: the file cannot be read, or has a line without key.
    """
    return (line for _, line in _last_numbered(path, corrupt))


def last_records(path: Path, decode: Callable[[bytes], _T], corrupt: CorruptLines | None = None) -> Iterator[_T]:
    """Yield the records of ``last_lines``.

    Args:
        path: the file.
        decode: returns the record of a line, or raises one of ``codec.UNREADABLE`` or ``CodecError``.
        corrupt: counts corrupt lines, which are then skipped.

    Raises:
        StoreError: the file cannot be read, or has a corrupt line that is not skipped.
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
    """Return where the last line of each key begins, in octets.

    Args:
        path: the file.
        wanted: the keys to look for, all by default; a key that is not in the file is left out.
        corrupt: counts lines without key, which are then skipped.

    Raises:
        StoreError: the file cannot be read, or has a line without key.
    """
    return {key: start for start, key, _ in keyed_lines(path, corrupt) if wanted is None or key in wanted}


def keyed_lines(path: Path, corrupt: CorruptLines | None = None) -> Iterator[tuple[int, str, bytes]]:
    """Yield each line with its start and its key, as often as the key was written.

    Raises:
        StoreError: the file cannot be read, or has a line without key.
    """
    for number, (start, line) in enumerate(whole_lines(path), 1):
        key = _key(path, number, line, corrupt)
        if key is not None:
            yield start, key, line


def whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each line that has an end, with its start in octets.

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
    """Return the number of the line that begins at an octet, from 1."""
    return 1 + sum(begin < start for begin, _ in whole_lines(path))


def _survey(path: Path, corrupt: CorruptLines | None) -> tuple["array[int]", dict[str, int]]:
    """Return the slot of each line's key, and the keys that may be on several lines, with the number of the last.

    A bit is set for each slot that was seen. Two keys with the same slot cost an entry, never an error.
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
