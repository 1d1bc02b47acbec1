"""The valid lines of a line file: for each key, the last line with this key.

Lines are only appended, so a retry pass appends a second line for the same key. A final line without a line feed is
incomplete and is ignored. A missing file is an empty file. Keys are extracted without parsing whole lines.

``last_lines`` reads a whole file in order; its memory grows with the number of lines and repeated keys. ``last_places``
returns the offsets of the lines of given keys, or of all keys; its memory grows with the number of these keys.
"""

from array import array
from collections.abc import Collection, Iterator
from pathlib import Path

from results.store import codec, line_keys
from results.store.files import StoreError, naming

_FILTER_BITS = 1 << 27  # 16 MiB: with ten million keys, one in thirteen shares its bit with another key

_BLOCK = 256 * 1024  # octets read at once: reading takes a third of the time of the default of 8 KiB


def last_lines(path: Path) -> Iterator[bytes]:
    """Yield the last line of each key of a file, in the order of the file.

    Lines that are appended after the first line was yielded are not read. Memory is four octets for each line, and
    an entry for each key on more than one line.

    Raises:
        StoreError: the file cannot be read, or contains a line without a key.
    """
    slots, last = _survey(path)
    if not slots:
        return
    suspect = {_slot(key) for key in last}
    with naming(path), path.open("rb", _BLOCK) as file:
        for number, (slot, line) in enumerate(zip(slots, file, strict=False)):
            if slot not in suspect or last.get(_key(path, line), number) == number:
                yield line


def last_places(path: Path, wanted: Collection[str] | None = None) -> dict[str, int]:
    """Return the offset in octets of the last line of each key.

    Args:
        path: the file.
        wanted: the requested keys, all by default; a key that is not in the file is omitted from the result.

    Raises:
        StoreError: the file cannot be read, or contains a line without a key.
    """
    return {key: start for start, key, _ in keyed_lines(path) if wanted is None or key in wanted}


def keyed_lines(path: Path) -> Iterator[tuple[int, str, bytes]]:
    """Yield offset, key and octets of each complete line, repeated keys included.

    Raises:
        StoreError: the file cannot be read, or contains a line without a key.
    """
    for start, line in whole_lines(path):
        yield start, _key(path, line), line


def whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the offset in octets and the octets of each line that ends in a line feed.

    Raises:
        StoreError: the file cannot be read.
    """
    start = 0
    if not path.exists():
        return
    with naming(path), path.open("rb", _BLOCK) as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield start, line
            start += len(line)


def _survey(path: Path) -> tuple["array[int]", dict[str, int]]:
    """Return the hash slot of the key of each line, and the last line number of each key that may be repeated.

    Two different keys with the same slot add an unnecessary entry, but cause no error.
    """
    seen = bytearray(_FILTER_BITS // 8)
    slots = array("I")
    last: dict[str, int] = {}
    for number, (_, line) in enumerate(whole_lines(path)):
        key = _key(path, line)
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


def _key(path: Path, line: bytes) -> str:
    try:
        return line_keys.key_of(line)
    except codec.CodecError as error:
        raise StoreError(f"{path}: {error}") from error
