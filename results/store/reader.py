"""Reader of a run directory, finished or not: the header, and each line file as a stream of records.

The reader uses only the last line of each key, see ``results.store.last_lines``.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from results.store import codec, line_keys, packed
from results.store.corrupt import CorruptLines, handle
from results.store.files import StoreError, naming, read_regular
from results.store.last_lines import keyed_lines, last_lines, last_places, last_records, line_number
from scanner.facts import CertFacts
from scanner.model import SCHEMA, DomainRecord, HostReport, RejectRecord, RunHeader
from scanner.vocabulary import RunState

HEADER_FILE = "run.json"
LOCK_FILE = "run.lock"

LINE_FILES: dict[str, type] = {
    "certs": CertFacts,
    "hosts": HostReport,
    "domains": DomainRecord,
    "rejects": RejectRecord,
}
"""The record class of each line file, in the order in which a scan writes the files."""

_INCONCLUSIVE = b'"verdict":{"outcome":"inconclusive"'  # cannot occur in a JSON string, where quotes are escaped

_T = TypeVar("_T")


def lines_path(run: Path, name: str) -> Path:
    """Return the path of a line file or of its temporary unpacked copy; ``name`` is a key of ``LINE_FILES``.

    Raises:
        StoreError: the file is compressed and cannot be unpacked.
    """
    return packed.readable(own_path(run, name))


def own_path(run: Path, name: str) -> Path:
    """Return the path of a line file in the run directory, to which a scan appends."""
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
            corrupt: counter of corrupt lines, which the methods skip; None makes a corrupt line an error.

        Raises:
            StoreError: the directory does not contain a run, its header cannot be read, its schema is newer than
                ``SCHEMA``, or a file of a complete run is missing.
        """
        header = read_header(path)
        if header.state is RunState.COMPLETE:
            _check_files(path, header)
        return cls(path, header, corrupt)

    def domains(self) -> Iterator[DomainRecord]:
        """Yield the last record of each domain, in the order of the file.

        Raises:
            StoreError: the file cannot be read, or a line is not a record of the class of its file; ``hosts``,
                ``certs`` and ``rejects`` raise the same error.
        """
        return self._records("domains", DomainRecord)

    def hosts(self) -> Iterator[HostReport]:
        """Yield the report of each MX host of the run once."""
        return self._records("hosts", HostReport)

    def certs(self) -> Iterator[CertFacts]:
        """Yield each certificate of the run once."""
        return self._records("certs", CertFacts)

    def rejects(self) -> Iterator[RejectRecord]:
        """Yield the input lines of the scan that were not scanned."""
        return self._records("rejects", RejectRecord)

    def skip(self, name: str, key: str, error: Exception) -> None:
        """Count a line that was decoded, but whose record has an incorrect value, as a corrupt line.

        Args:
            name: the line file, a key of ``LINE_FILES``.
            key: the key of the line.
            error: the description of the fault of the line.

        Raises:
            StoreError: the run was opened in strict mode, in which a corrupt line is an error.
        """
        path = lines_path(self.path, name)
        start = last_places(path, {key}, self.corrupt).get(key, 0)
        handle(path, line_number(path, start), error, self.corrupt)

    def _records(self, name: str, kind: type[_T]) -> Iterator[_T]:
        return last_records(lines_path(self.path, name), partial(codec.decode, kind), self.corrupt)


def read_header(path: Path) -> RunHeader:
    """Return the header of a run, without a check of the other files of the run.

    Raises:
        StoreError: the directory does not contain a run, or the header cannot be read or has a newer schema.
    """
    file = path / HEADER_FILE
    if not file.exists():
        raise StoreError(f"{path}: no run here ({HEADER_FILE} is missing)")
    with naming(file):
        content = read_regular(file)
    _check_schema(file, content)
    return decoded(file, RunHeader, content)


class _Origin(msgspec.Struct):
    """The members of run.json that are the same in every version of the schema."""

    schema: int = 0
    version: str = ""


def _check_schema(file: Path, content: bytes) -> None:
    """Raise ``StoreError`` if the schema of a run is newer than ``SCHEMA``.

    A run with a newer schema may contain values and follow rules that this version does not know.
    """
    try:
        origin = msgspec.json.decode(content, type=_Origin)
    except codec.UNREADABLE:
        return  # the caller's decoder reports the fault of the header
    if origin.schema > SCHEMA:
        raise StoreError(
            f"{file}: schema {origin.schema}, written by mxsweep {origin.version};"
            f" this version reads schemas up to {SCHEMA}: install a newer mxsweep"
        )


def _check_files(path: Path, header: RunHeader) -> None:
    """Check that a complete run contains all line files, and that domains.jsonl is not empty if the run has domains."""
    for name in ("certs", "hosts", "domains"):
        file = own_path(path, name)
        if not file.exists() and packed.packed_path(file) is None:
            raise StoreError(f"{file}: missing, although the run is complete")
    domains = own_path(path, "domains")
    with naming(domains):
        empty = domains.exists() and not domains.stat().st_size
    if empty and header.totals.get("domains", 0):
        raise StoreError(f"{domains}: empty, although the run is complete with {header.totals['domains']} domains")


def keys(path: Path) -> Iterator[str]:
    """Yield the key of each complete line of a file; a key that is on several lines is yielded several times.

    Raises:
        StoreError: the file cannot be read, or contains a line without a key.
    """
    return (key for _, key, _ in keyed_lines(path))


def inconclusive(run: Path) -> Iterator[str]:
    """Yield the keys of the domains with an inconclusive outcome, without parsing whole lines.

    Raises:
        StoreError: the file cannot be read, or contains a line without a key.
    """
    return (line_keys.key_of(line) for line in last_lines(lines_path(run, "domains")) if _INCONCLUSIVE in line)


def decoded(path: Path, kind: type[_T], line: bytes) -> _T:
    """Decode a line of a line file.

    Raises:
        StoreError: the line is not a record of the type that the file contains, such as a domain or an MX host.
    """
    try:
        return codec.decode(kind, line)
    except codec.CodecError as error:
        raise StoreError(f"{path}: {error}") from error
