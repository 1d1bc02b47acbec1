"""The files of ``RUN/plan`` (plan of a scan with ``--dask``): their names and records, and functions to read and write.

* ``routes-NNN.jsonl``: the MX answer of each destination of a bucket (group of destinations).
* ``refused-NNN.jsonl``: the destinations of a bucket (group of destinations) that are out of scope: not scanned.
* ``records-NNN.jsonl``: the MTA-STS policies and TLSRPT records of a bucket of destinations, with ``--sts``.
* ``hosts-NNN``: the distinct MX hosts of a bucket (group of MX hosts), as ``host TAB port``.
* ``addresses-NNN.jsonl``: the A and AAAA answers of each MX host of a bucket of MX hosts.
* ``part-NNN.jsonl``: the MX hosts of a part of the scan, with the addresses that belong to the part.
* ``backoff-NNN.jsonl``: the back-offs of providers and networks that began in the passes over a part of the scan; later
  passes read the file.
* ``split.jsonl``: the MX hosts that lie in several parts of the scan.
* ``group-routes-NNN.jsonl``, ``group-targets-NNN.jsonl``, ``group-records-NNN.jsonl``: the MX answers, destinations and
  MTA-STS policies of a group of domains (the domains that one job judges), until the domains are judged.
* ``grouped``: present when the files of all groups of domains are complete.
* ``judged-NNN.jsonl``: the records of the judged domains of a group of domains.
* ``index.json``: the list of the parts of the scan, written after all files of the parts.
* ``proof``: a random text, which a Dask worker reads to prove that the worker sees the run directory.
* ``stop``: present while the scan ends early; the content is ``drain`` (finish the running probes) or ``now`` (stop the
  jobs at once).

Every file except ``stop``, ``hosts-NNN`` and the files of groups of domains is written under another name and then
renamed, so that the file is always complete.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from results.store import codec
from results.store.files import StoreError, naming, open_regular, read_regular, sync_directory
from scanner.facts import Answer
from scanner.model import Skipped

PLAN = "plan"
PARTS = "parts"
INDEX = "index.json"
STOP = "stop"
SPLIT = "split.jsonl"
PROOF = "proof"

BUFFER = 256 * 1024
"""Size in octets of the write buffer of a file of JSON lines; a large buffer saves system calls."""

NOT_YET = -1
"""The value of ``again`` (number of a retry pass) for a host or policy that has not been looked up."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RouteLine:
    """The MX answer of a destination, and its MX hosts with ports in the order of preference.

    ``error`` is the text of an internal error that prevented the MX lookup. ``again`` is the number of the retry pass
    that found the answer, or 0 for an answer that was found before the plan was made.
    """

    key: str
    observed_at: datetime
    mx: Answer | None
    hosts: tuple[tuple[str, int], ...]
    error: str = ""
    again: int = 0


@dataclass(frozen=True, slots=True)
class AddressLine:
    """The A and AAAA answers of an MX host (None for an address literal), and the addresses to probe.

    ``again`` is the number of the retry pass that found the answers, 0 for answers that were found before the plan was
    made, and ``NOT_YET`` for a host that a retry pass found and that has not been looked up.
    """

    host: str
    port: int
    a: Answer | None
    aaaa: Answer | None
    chosen: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    again: int = 0


@dataclass(frozen=True, slots=True)
class PartLine:
    """An MX host in a part of the scan; ``whole`` is false if other parts probe other addresses of the host."""

    key: str
    host: str
    port: int
    addresses: tuple[str, ...]
    a: Answer | None
    aaaa: Answer | None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class SplitLine:
    """An MX host in several parts of the scan, the numbers of the parts, and all answers and addresses of the host."""

    key: str
    parts: tuple[int, ...]
    line: AddressLine


@dataclass(frozen=True, slots=True)
class PartEntry:
    """A part of the scan in the index: its number, its round (1 or 2), and its numbers of MX hosts and addresses."""

    number: int
    round: int
    hosts: int
    addresses: int


@dataclass(frozen=True, slots=True)
class PlanIndex:
    """The index of the plan: the parts, the number of hosts in several parts, the caps, and the digest of the settings.

    ``caps`` are the connection limits. ``routes`` is the number of files of MX answers, ``addresses`` the number of
    files of address answers.
    """

    parts: tuple[PartEntry, ...]
    domains: int
    hosts: int
    split: int
    routes: int
    addresses: int
    caps: dict[str, Any]
    settings: str

    def round(self, number: int) -> tuple[PartEntry, ...]:
        """Return the parts of the scan that belong to round ``number`` (1 or 2)."""
        return tuple(part for part in self.parts if part.round == number)


class PlanPlace:
    """The directory of the plan of the run in the directory ``run``, and the paths of its files."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.path = run / PLAN

    def file(self, name: str, number: int) -> Path:
        """Return the path of the file of JSON lines ``name`` (such as ``routes``) of a bucket or part."""
        return self.path / f"{name}-{number:03}.jsonl"

    def part(self, number: int) -> Path:
        """Return the path of the run directory of a part of the scan."""
        return self.run / PARTS / f"{number:03}"

    def places(self, name: str) -> Path:
        """Return the path of the index of ``hosts.jsonl`` or ``certs.jsonl`` (see ``scanner.scale.places``)."""
        return self.path / f"{name}.places"

    @property
    def split(self) -> Path:
        """The path of the list of MX hosts that lie in several parts of the scan."""
        return self.path / SPLIT

    @property
    def stop(self) -> Path:
        """The path of a file whose existence requests the processes of the scan to end early."""
        return self.path / STOP

    def index(self) -> PlanIndex | None:
        """Return the index of the plan, or None if the plan is not complete.

        Raises:
            StoreError: the file cannot be read, or is not an index.
        """
        path = self.path / INDEX
        if not path.exists():
            return None
        with naming(path):
            return decoded(PlanIndex, read_regular(path), path)


@contextmanager
def whole_file(path: Path, buffering: int = BUFFER) -> Iterator[BinaryIO]:
    """Open a new file that replaces ``path`` at the end of the ``with`` block.

    If the ``with`` block raises an exception, the file ``path`` is unchanged.

    Raises:
        StoreError: the file cannot be written.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    with naming(path):
        fresh.unlink(missing_ok=True)  # of a killed process with the same id, which is usual in a container
        try:
            with fresh.open("xb", buffering=buffering) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
            sync_directory(path.parent)
        finally:
            fresh.unlink(missing_ok=True)


def write_lines(path: Path, records: Iterable[object]) -> int:
    """Write records as a complete file of JSON lines, and return the number of records.

    Raises:
        StoreError: the file cannot be written.
        CodecError: a record cannot be encoded.
    """
    count = 0
    with whole_file(path) as file:
        for record in records:
            file.write(codec.encode(record))
            count += 1
    return count


def read_lines(path: Path, kind: type[_T]) -> Iterator[_T]:
    """Yield the records of a file of JSON lines.

    Raises:
        StoreError: the file cannot be read, or a line is not a record of the class ``kind``.
    """
    with naming(path), open_regular(path) as file:
        for number, line in enumerate(file, 1):
            yield decoded(kind, line, f"{path}:{number}")


def decoded(kind: type[_T], octets: bytes, where: Path | str) -> _T:
    """Return the record in the JSON text ``octets``; error messages state its file (and line) as ``where``.

    Raises:
        StoreError: the octets are not a record of the class ``kind``.
    """
    try:
        return codec.decode(kind, octets)
    except codec.CodecError as error:
        raise StoreError(f"{where}: {error}") from None
