"""Reader of single records of a line file by key, in any order.

The reader takes about 150 octets of memory for each requested key, and reads a record from the file when the record is
requested.
"""

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar
from weakref import finalize

from results.store import codec
from results.store.corrupt import CorruptLines, handle
from results.store.files import naming, open_regular
from results.store.last_lines import last_places, line_number
from results.store.reader import Run, lines_path
from scanner.facts import CertFacts
from scanner.model import HostReport

KEPT = 4096  # maximum number of decoded records in memory: records that many domains share are read repeatedly

_T = TypeVar("_T")


class Lookup(Generic[_T]):
    """Reader of the records of one line file by key.

    Args:
        path: the line file; a file that does not exist is read as a file without records.
        kind: the class of the records in the file.
        wanted: the keys that will be requested, by default all keys.
        corrupt: counter of corrupt lines, which ``Lookup`` skips; None makes a corrupt line an error.

    Raises:
        StoreError: the file cannot be read, or contains a line without a key while ``corrupt`` is None. ``get`` also
            raises StoreError for a line that is not a record of the class ``kind``.
    """

    def __init__(
        self,
        path: Path,
        kind: type[_T],
        wanted: Collection[str] | None = None,
        *,
        corrupt: CorruptLines | None = None,
    ) -> None:
        self._path = path
        self._kind = kind
        self._corrupt = corrupt
        self._start = last_places(path, wanted, corrupt)
        self._read = lru_cache(maxsize=KEPT)(self._read_record)
        self._file: BinaryIO | None = None

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._start)

    def get(self, key: str) -> _T | None:
        """Return the record of a key, or None if the file does not contain the key."""
        start = self._start.get(key)
        return None if start is None else self._read(start)

    def items(self) -> Iterator[tuple[str, _T]]:
        """Yield each key and the record of the key, in the order in which the keys first appear in the file."""
        if not self._start:
            return
        with naming(self._path), open_regular(self._path) as file:
            for key, start in self._start.items():
                record = self._record_at(file, start)
                if record is not None:
                    yield key, record

    def _read_record(self, start: int) -> _T | None:
        with naming(self._path):
            if self._file is None:
                self._file = open_regular(self._path)
                finalize(self, self._file.close)
            return self._record_at(self._file, start)

    def _record_at(self, file: BinaryIO, start: int) -> _T | None:
        file.seek(start)
        try:
            return codec.decode(self._kind, file.readline())
        except codec.CodecError as error:
            handle(self._path, line_number(self._path, start), error, self._corrupt)
            return None


def find(run: Run, name: str, kind: type[_T], keys: Collection[str]) -> dict[str, _T]:
    """Return the records with the given keys in a line file as a dictionary; see ``each``."""
    return dict(each(run, name, kind, keys))


def each(run: Run, name: str, kind: type[_T], keys: Collection[str]) -> Iterator[tuple[str, _T]]:
    """Yield key and record for each given key of a line file, with one record in memory at a time.

    Args:
        run: the run that contains the line file.
        name: a key of ``LINE_FILES``.
        kind: class of the records in the file.
        keys: the requested keys; a key that is not in the file is omitted from the result.

    Raises:
        StoreError: the file cannot be read, or a requested line is not a record of the class ``kind``.
    """
    if keys:
        yield from Lookup(lines_path(run.path, name), kind, frozenset(keys), corrupt=run.corrupt).items()


def certs_of(run: Run, reports: Iterable[HostReport]) -> dict[str, CertFacts]:
    """Return the certificates of all chains in the reports, by SHA-256 in hex."""
    digests = {
        digest
        for report in reports
        for endpoint in report.endpoints
        for probe in endpoint.all_probes
        if probe.handshake
        for digest in probe.handshake.chain
    }
    return find(run, "certs", CertFacts, digests)
