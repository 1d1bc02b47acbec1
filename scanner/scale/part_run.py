"""The run directory of a part of a scan: an ordinary run whose destinations are the MX hosts of the part.

The state of the run directory determines whether a pass over the part is new, resumed or skipped, because a Dask task
may run twice, and may be interrupted at any moment. The lock of the run prevents two processes from working on the same
part.
"""

import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from results.store.files import Lock, StoreError, naming
from results.store.reader import HEADER_FILE, LOCK_FILE, read_header
from results.store.writer import Store
from scanner.core.names import is_address
from scanner.facts import Answer
from scanner.model import RunHeader
from scanner.scale.plan_files import PartLine, read_lines
from scanner.scale.planned_lookup import Question
from scanner.vocabulary import RunState
from scanner.worker_status import ScanWorker
from targets.destination import Destination, Kind
from targets.lists import Reader, Target

BUSY = 60.0
"""Seconds to wait until another process, such as the child of a lost worker, has ended its work on the part."""

_FLAGS = Path("spool") / "flags.json"


class HostReader(Reader):
    """A reader of the destinations of a part of a scan; the text of a destination is ``host TAB port``.

    The reader accepts each host name of an MX record, even a name that is not a valid destination in an input list.
    """

    def destination(self, text: str) -> Destination:
        """Return the destination of a host; ``host_targets`` made the text."""
        host, _, port = text.rpartition("\t")
        kind = Kind.ADDRESS if is_address(host) else Kind.HOST
        return Destination(text, host, host, kind, port, int(port), self.lmtp)


def host_targets(path: Path, reader: HostReader) -> Iterator[Target]:
    """Yield the MX hosts in the file of a part of a scan as targets.

    Raises:
        StoreError: the file cannot be read.
    """
    for number, line in enumerate(read_lines(path, PartLine), 1):
        yield Target(reader.destination(f"{line.host}\t{line.port}"), line.key, path.name, number)


def planned_answers(path: Path) -> dict[Question, Answer]:
    """Return the A and AAAA answers of the MX hosts of a part of a scan, with only the addresses that the part probes.

    Raises:
        StoreError: the file cannot be read.
    """
    found: dict[Question, Answer] = {}
    for line in read_lines(path, PartLine):
        found |= {(line.host.lower(), a.rtype): a for a in (line.a, line.aaaa) if a is not None}
    return found


def header_if_begun(run: Path) -> RunHeader | None:
    """Return the header (run.json) of the run of a part of a scan, or None if no run with complete input exists.

    Raises:
        StoreError: the header cannot be read.
    """
    if not (run / HEADER_FILE).exists() or not (run / _FLAGS).exists():
        return None
    return read_header(run)


def merged_workers(workers: Iterable[ScanWorker]) -> tuple[ScanWorker, ...]:
    """Return one entry for each machine and resolver, with the numbers of the parts of the scan examined there."""
    parts: dict[ScanWorker, set[int]] = {}
    for worker in workers:
        parts.setdefault(replace(worker, parts=()), set()).update(worker.parts)
    return tuple(replace(worker, parts=tuple(sorted(numbers))) for worker, numbers in parts.items())


def is_done(header: RunHeader | None, again: int) -> bool:
    """Return whether the pass ``again`` over a part of a scan is complete."""
    return header is not None and header.state is RunState.COMPLETE and header.totals.get("pass", -1) >= again


def clear(run: Path) -> None:
    """Remove a part's run directory whose input is incomplete, unless a process works in the directory.

    Raises:
        StoreError: another process writes to the run, or the directory cannot be removed.
    """
    if run.exists():
        lock = Lock(run / LOCK_FILE)
        try:
            if header_if_begun(run) is None:
                with naming(run):
                    shutil.rmtree(run)
        finally:
            lock.release()


def resume(run: Path) -> Store:
    """Open the run of a part of a scan; wait up to ``BUSY`` seconds for the lock of the run.

    Raises:
        StoreError: the run cannot be read or written, or another process still writes to the run.
    """
    until = time.monotonic() + BUSY
    while True:
        try:
            return Store.resume(run)
        except StoreError as error:
            if not isinstance(error.__cause__, BlockingIOError) or time.monotonic() >= until:
                raise
            time.sleep(1)
