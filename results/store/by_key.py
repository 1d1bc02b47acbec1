"""A line file read by key, where lines are wanted in an order that is not theirs.

Memory is some 150 octets for each key, and ``KEPT`` decoded records.
"""

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

from results.store import codec
from results.store.files import StoreError, naming
from results.store.reader import Run, lines_path
from scanner.facts import CertFacts
from scanner.model import HostReport

KEPT = 4096  # records at hand: those that most domains share are asked for again and again

_T = TypeVar("_T")


class Lookup(Generic[_T]):
    """Records of one line file by key; of a key that was written twice, the last."""

    def __init__(self, path: Path, kind: type[_T]) -> None:
        """Find where each line is.

        Raises:
            StoreError: the file cannot be read, or has a line without key; ``get`` raises it too.
        """
        self._path = path
        self._kind = kind
        self._start: dict[str, int] = {}
        self._read = lru_cache(maxsize=KEPT)(self._read_line)
        if path.exists():
            self._survey()

    def get(self, key: str) -> _T | None:
        """Give the record of a key, None if there is none."""
        return self._read(key)

    def _survey(self) -> None:
        start = 0
        with naming(self._path), self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._start[self._key(line)] = start
                start += len(line)

    def _key(self, line: bytes) -> str:
        try:
            return codec.key_of(line)
        except codec.CodecError as error:
            raise StoreError(f"{self._path}: {error}") from error

    def _read_line(self, key: str) -> _T | None:
        start = self._start.get(key)
        if start is None:
            return None
        with naming(self._path), self._path.open("rb") as file:
            file.seek(start)
            line = file.readline()
        try:
            return codec.decode(self._kind, line)
        except codec.CodecError as error:
            raise StoreError(f"{self._path}: {error}") from error


def find(run: Run, name: str, kind: type[_T], keys: Collection[str]) -> dict[str, _T]:
    """Give the records of a file that have one of these keys: what ``each`` gives, all at once."""
    return dict(each(run, name, kind, keys))


def each(run: Run, name: str, kind: type[_T], keys: Collection[str]) -> Iterator[tuple[str, _T]]:
    """Give the records of a file that have one of these keys, the last line of each.

    Args:
        run: the run.
        name: a key of ``LINE_FILES``.
        kind: the record that its lines hold.
        keys: what to look for; whatever is not there is left out.

    Returns:
        Key and record, one after the other, so that only the lines are in memory at once.

    Raises:
        StoreError: the file cannot be read, or a line that was looked for is no record.
    """
    path = lines_path(run.path, name)
    wanted = set(keys)
    found: dict[str, bytes] = {}
    if not wanted or not path.exists():
        return
    try:
        with naming(path), path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n") and (key := codec.key_of(line)) in wanted:
                    found[key] = line
        for key, line in found.items():
            yield key, codec.decode(kind, line)
    except codec.CodecError as error:
        raise StoreError(f"{path}: {error}") from error


def certs_of(run: Run, reports: Iterable[HostReport]) -> dict[str, CertFacts]:
    """Give the certificates that hosts showed, by SHA-256."""
    digests = {
        digest
        for report in reports
        for endpoint in report.endpoints
        for probe in endpoint.probes
        if probe.handshake
        for digest in probe.handshake.chain
    }
    return find(run, "certs", CertFacts, digests)
