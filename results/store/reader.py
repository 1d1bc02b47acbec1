"""Reading a run directory, finished or not: the header, and each line file as a stream.

A key may have been written more than once: the last line counts. A last line without an end is being written,
or was torn by a crash: it is left out. Memory grows with the lines that were written twice, and four octets with each.
"""

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

from results.store import codec
from results.store.files import StoreError, naming
from scanner.facts import CertFacts
from scanner.model import DomainRecord, HostReport, RejectRecord, RunHeader

HEADER_FILE = "run.json"

LINE_FILES: dict[str, type] = {
    "certs": CertFacts,
    "hosts": HostReport,
    "domains": DomainRecord,
    "rejects": RejectRecord,
}
"""The line files, in the order in which they are written, and the record that a line holds."""

_FILTER_BITS = 1 << 27  # 16 MiB: of ten million keys one in thirteen is looked at again without need

_BLOCK = 256 * 1024  # octets read at once: a line of 2 KiB costs a third of what it does with the 8 KiB of default

_INCONCLUSIVE = b'"verdict":{"outcome":"inconclusive"'  # with the quotes, so no text of a record can look like it

_T = TypeVar("_T")


def lines_path(run: Path, name: str) -> Path:
    """Say where a line file is."""
    return run / f"{name}.jsonl"


class Run:
    """A run that is read; make one with ``open``."""

    def __init__(self, path: Path, header: RunHeader) -> None:
        self.path = path
        self.header = header

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a run directory.

        Raises:
            StoreError: there is no run, or its header cannot be read.
        """
        file = path / HEADER_FILE
        if not file.exists():
            raise StoreError(f"{path}: no run here ({HEADER_FILE} is missing)")
        with naming(file):
            content = file.read_bytes()
        return cls(path, decoded(file, RunHeader, content))

    def domains(self) -> Iterator[DomainRecord]:
        """Give the domains, each once, in the order of the lines that count.

        Raises:
            StoreError: the file cannot be read, or a line is no record; so do the next three.
        """
        return self._records("domains", DomainRecord)

    def hosts(self) -> Iterator[HostReport]:
        """Give the MX hosts, each once."""
        return self._records("hosts", HostReport)

    def certs(self) -> Iterator[CertFacts]:
        """Give the certificates, each once."""
        return self._records("certs", CertFacts)

    def rejects(self) -> Iterator[RejectRecord]:
        """Give the input lines that were not scanned."""
        return self._records("rejects", RejectRecord)

    def dicts(self, name: str) -> Iterator[dict[str, Any]]:
        """Give the lines of a file (a key of ``LINE_FILES``) as JSON objects, whoever wrote them."""
        path = lines_path(self.path, name)
        for line in last_lines(path):
            try:
                yield codec.decode_dict(line)
            except codec.CodecError as error:
                raise StoreError(f"{path}: {error}") from error

    def _records(self, name: str, kind: type[_T]) -> Iterator[_T]:
        path = lines_path(self.path, name)
        for line in last_lines(path):
            yield decoded(path, kind, line)


def last_lines(path: Path) -> Iterator[bytes]:
    """Give the last line of each key of a file, in their order; a file that is missing has none.

    What is appended after the first line was asked for is not seen.

    Raises:
        StoreError: the file cannot be read, or has a line without key.
    """
    slots, last = _survey(path)
    if not slots:
        return
    suspect = {_slot(key) for key in last}
    with naming(path), path.open("rb", _BLOCK) as file:
        for number, (slot, line) in enumerate(zip(slots, file, strict=False)):
            if slot not in suspect or last.get(_key(path, line), number) == number:
                yield line


def keys(path: Path) -> Iterator[str]:
    """Give the key of each line, as often as it was written, without parsing lines; a file that is missing has none.

    Raises:
        StoreError: as ``last_lines`` does.
    """
    for _, line in whole_lines(path):
        yield _key(path, line)


def inconclusive(run: Path) -> Iterator[str]:
    """Give the domains of a run of which the last word is that it could not be told, without parsing lines."""
    path = lines_path(run, "domains")
    return (_key(path, line) for line in last_lines(path) if _INCONCLUSIVE in line)


def _survey(path: Path) -> tuple["array[int]", dict[str, int]]:
    """Give the slot of each line's key, and the keys that may stand on several lines, each with its last line's number.

    A bit says that the slot was seen. Two keys that share one cost an entry, never an error.
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


def whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Give each line that has an end, with where it begins; none of a missing file."""
    start = 0
    if not path.exists():
        return
    with naming(path), path.open("rb", _BLOCK) as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield start, line
            start += len(line)


def _key(path: Path, line: bytes) -> str:
    try:
        return codec.key_of(line)
    except codec.CodecError as error:
        raise StoreError(f"{path}: {error}") from error


def decoded(path: Path, kind: type[_T], line: bytes) -> _T:
    """Read a line of a file.

    Raises:
        StoreError: the line is no such record.
    """
    try:
        return codec.decode(kind, line)
    except codec.CodecError as error:
        raise StoreError(f"{path}: {error}") from error
