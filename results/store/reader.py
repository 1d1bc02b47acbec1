"""Reader of a run directory, finished or not: the header, and each line file as a stream of records.

Only the last line of each key is read, see ``last_lines``.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from results.store import codec, line_keys
from results.store.corrupt import CorruptLines, handle
from results.store.files import StoreError, naming, read_regular
from results.store.last_lines import keyed_lines, last_lines, last_places, last_records, line_number
from scanner.facts import CertFacts
from scanner.model import DomainRecord, HostReport, RejectRecord, RunHeader

HEADER_FILE = "run.json"

LINE_FILES: dict[str, type] = {
    "certs": CertFacts,
    "hosts": HostReport,
    "domains": DomainRecord,
    "rejects": RejectRecord,
}
"""The record class of each line file, in the order in which the files are written."""

_INCONCLUSIVE = b'"verdict":{"outcome":"inconclusive"'  # cannot occur in a text, where quotes are escaped

_T = TypeVar("_T")


def lines_path(run: Path, name: str) -> Path:
    """Return the path of a line file; ``name`` is a key of ``LINE_FILES``."""
    return run / f"{name}.jsonl"


class Run:
    """A run directory opened for reading with ``open``."""

    def __init__(self, path: Path, header: RunHeader, corrupt: CorruptLines | None = None) -> None:
        self.path = path
        self.header = header
        self.corrupt = corrupt

    @classmethod
    def open(cls, path: Path, corrupt: CorruptLines | None = None) -> Self:
        """Open a run directory.

        Args:
            path: the directory.
            corrupt: counts corrupt lines, which are then skipped; without it they are errors.

        Raises:
            StoreError: the directory does not contain a run, or the header cannot be read.
        """
        file = path / HEADER_FILE
        if not file.exists():
            raise StoreError(f"{path}: no run here ({HEADER_FILE} is missing)")
        with naming(file):
            content = read_regular(file)
        return cls(path, decoded(file, RunHeader, content), corrupt)

    def domains(self) -> Iterator[DomainRecord]:
        """Yield the domains, each once, in the order of the last lines of their keys.

        Raises:
            StoreError: the file cannot be read, or a line is not a valid record; ``hosts``, ``certs`` and ``rejects``
                raise it too.
        """
        return self._records("domains", DomainRecord)

    def hosts(self) -> Iterator[HostReport]:
        """Yield the reports of the MX hosts, each host once."""
        return self._records("hosts", HostReport)

    def certs(self) -> Iterator[CertFacts]:
        """Yield the certificates, each once."""
        return self._records("certs", CertFacts)

    def rejects(self) -> Iterator[RejectRecord]:
        """Yield the input lines that were not scanned."""
        return self._records("rejects", RejectRecord)

    def skip(self, name: str, key: str, error: Exception) -> None:
        """Handle a line that proved corrupt after it had been read.

        Args:
            name: the line file, a key of ``LINE_FILES``.
            key: the key of the line.
            error: what is wrong with it.

        Raises:
            StoreError: corrupt lines are not skipped.
        """
        path = lines_path(self.path, name)
        start = last_places(path, {key}, self.corrupt).get(key, 0)
        handle(path, line_number(path, start), error, self.corrupt)

    def _records(self, name: str, kind: type[_T]) -> Iterator[_T]:
        return last_records(lines_path(self.path, name), partial(codec.decode, kind), self.corrupt)


def keys(path: Path) -> Iterator[str]:
    """Yield the key of each complete line, repeated keys included.

    Raises:
        StoreError: the file cannot be read, or contains a line without a key.
    """
    return (key for _, key, _ in keyed_lines(path))


def inconclusive(run: Path) -> Iterator[str]:
    """Yield the keys of the domains whose outcome is inconclusive, without parsing lines.

    Raises:
        StoreError: the file cannot be read, or contains a line without a key.
    """
    return (line_keys.key_of(line) for line in last_lines(lines_path(run, "domains")) if _INCONCLUSIVE in line)


def decoded(path: Path, kind: type[_T], line: bytes) -> _T:
    """Decode a line of a file.

    Raises:
        StoreError: the line is not a record of this class.
    """
    try:
        return codec.decode(kind, line)
    except codec.CodecError as error:
        raise StoreError(f"{path}: {error}") from error
