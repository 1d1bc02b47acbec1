"""The input of a scan: all lists are read completely before the scan, into a spool (the directory of destinations)."""

import json
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from results.render.escape import safe
from results.store import codec
from results.store.files import naming, read_regular, replace_file
from results.store.pending import pending_domains, spoiled_domains
from results.store.reader import inconclusive, keys, lines_path
from results.store.writer import Store
from scanner import __version__
from scanner.cli.errors import CliError
from scanner.model import RunHeader
from scanner.vocabulary import RunState
from targets.lists import ListError, Lists, PlainNames, Reader, Reject, Target
from targets.partition import Sampling
from targets.spool import Entry, Spool, SpoolError

ANONYMOUS_TARGETS = 1000
"""Maximum number of targets without ``--ehlo``: the source of a larger scan must be identifiable."""

REJECTS_SHOWN = 10
"""Maximum number of rejected lines printed on stderr if no line can be scanned."""

PROGRESS_SECONDS = 2.0
"""Seconds between two reports of the number of lines read."""

_SPOOL, _FLAGS = "spool", "flags.json"


@dataclass(frozen=True, slots=True)
class Input:
    """The input of a scan: destinations of the command line, lists, and lists to scan first (``--first``).

    ``head`` is the number of destinations after which the reading of the input ends. ``named`` is True if the user gave
    an EHLO name. ``max_rejects`` is the percentage of rejected lines above which a warning is printed.
    """

    reader: Reader
    given: tuple[Target, ...] = ()
    lists: Lists | None = None
    first: Lists | None = None
    named: bool = True
    head: int | None = None
    sampling: Sampling | None = None
    max_rejects: float = 100.0

    def spool(self, place: Path, seen: Callable[[int], None]) -> Spool:
        """Write the input to a spool.

        Args:
            place: directory for the spool.
            seen: function that is called after each item of the input with the number of lines read so far.

        Raises:
            CliError: there are too many targets for a scan without an EHLO name.
            ListError: a list can no longer be opened.
        """
        limit = _Limit(self.head, anonymous=not self.named)
        lists = [each for each in (self.first, self.lists) if each is not None]
        first = limit.passed(chain[Entry](self.first.blocks() if self.first else ()), seen)
        rest = limit.passed(chain[Entry](self.given, self.lists.blocks() if self.lists else ()), seen)
        return Spool.make(
            place,
            rest,
            self.reader,
            first=first,
            sampling=self.sampling,
            cut=lambda: [text for each in lists for text in each.cut],
        )

    def notes(self, spool: Spool) -> list[str]:
        """Return warnings about the lists, which are printed even with ``--quiet`` and stored in run.json."""
        lists = [each for each in (self.first, self.lists) if each is not None]
        return [*spool.cut, *(note for each in lists for note in each.notes), *too_many(spool, self.max_rejects)]


class _Limit:
    """The limits on the number of different destinations: ``--head``, and the limit without an EHLO name."""

    def __init__(self, head: int | None, *, anonymous: bool) -> None:
        self._head = head
        self._anonymous = anonymous
        self._keys: set[bytes] = set()

    def passed(self, entries: Iterator[Entry], seen: Callable[[int], None]) -> Iterator[Entry]:
        """Yield the items of the input up to the last destination that ``--head`` permits.

        Raises:
            CliError: there are too many destinations for a scan without an EHLO name.
        """
        for entry in entries:
            if self._full:
                return
            seen(len(entry.names) if isinstance(entry, PlainNames) else 1)
            if self._head is None and not self._anonymous:
                yield entry
            elif isinstance(entry, PlainNames):
                yield entry._replace(names=list(self._names(entry.names)))
            else:
                if isinstance(entry, Target):
                    self._add(entry.destination.key.encode())
                yield entry

    @property
    def _full(self) -> bool:
        return self._head is not None and len(self._keys) >= self._head

    def _names(self, names: list[bytes]) -> Iterator[bytes]:
        for name in names:
            self._add(name)
            yield name
            if self._full:
                return

    def _add(self, key: bytes) -> None:
        self._keys.add(key)
        if self._anonymous and len(self._keys) > ANONYMOUS_TARGETS:
            raise CliError(
                f"more than {ANONYMOUS_TARGETS} targets require an EHLO name: --ehlo NAME"
                " (a name that resolves to this machine's address and back)"
            )


def too_many(spool: Spool, percent: float) -> list[str]:
    """Return a warning if more than ``percent`` of the lines are rejected, not counting opt-outs and duplicates.

    The reject entry for the unreadable end of a list is not counted, because another warning reports the unreadable
    end.
    """
    rejects, lines = spool.rejects - len(spool.cut), spool.lines - len(spool.cut)
    if rejects <= 0 or 100 * rejects <= percent * lines:
        return []
    often = next((each for each in spool.reasons if not any(cut.endswith(f": {each}") for cut in spool.cut)), "")
    share = 100 * rejects / lines
    count = f"{rejects} of {lines} lines are rejected ({share:.1f} %, more than --max-rejects {percent:g})"
    return [f"{count}; most often: {often}"]


# --- reading ----------------------------------------------------------------------------------------------------


@contextmanager
def spooled(given: Input, output: str | None, say: Callable[[str], None], *, quiet: bool) -> Iterator[Spool]:
    """Read the lists to their ends, into a temporary spool beside the run directory.

    Args:
        given: the input of the scan.
        output: the run directory, or None for a scan without a run directory.
        say: function that writes a line to stderr.
        quiet: true to report no progress.

    Raises:
        CliError: a list can no longer be read, or no destination is left to scan.
        StoreError: the spool cannot be written, for example because the disk is full.
    """
    with ExitStack() as stack:
        place = Path(stack.enter_context(_temporary(output))) / _SPOOL
        with naming(place), _interruptible():
            try:
                spool = given.spool(place, _Reading(quiet=quiet))
            except ListError as error:
                raise CliError(str(error)) from None
        notes = given.notes(spool)
        if not spool.total:
            for reject in islice(spool.items(), REJECTS_SHOWN if spool.rejects > len(spool.cut) else 0):
                say(f"{reject.file}:{reject.line}: {safe(reject.raw)}: {safe(reject.reason)}")  # type: ignore[union-attr]
            raise CliError(_nothing(spool, notes))
        for note in notes:
            say(safe(note, len(note)))
        yield spool


def _nothing(spool: Spool, notes: list[str]) -> str:
    """Return the reason why no destination can be scanned, with advice for the user."""
    if not spool.lines:
        return f"nothing to scan: the input contains no line except blank lines, comments and headers{_after(notes)}"
    if spool.cut and spool.rejects == len(spool.cut):
        cut = "; ".join(safe(each, len(each)) for each in spool.cut)
        return f"nothing to scan: {cut}{'' if 'unpack' in cut else '; make a new copy of the list'}"
    reason, count = next(iter(spool.reasons.items()))
    lines = "its only line is" if spool.lines == 1 else f"all {spool.lines} lines are"
    often = "" if count == spool.lines else f", most often ({count})"
    return (
        f"nothing to scan: {lines} rejected{often}: {safe(reason)}; one domain per line was expected,"
        " or a table (--column NAME), a zone file (--format zone), URLs or addresses (--accept urls,emails)"
    )


def _after(notes: list[str]) -> str:
    return f" ({'; '.join(safe(note, len(note)) for note in notes)})" if notes else ""


@contextmanager
def _temporary(output: str | None) -> Iterator[str]:
    """Provide a temporary directory on the file system of the run directory ``output``.

    Without ``output``, use the system's directory for temporary files.
    """
    near = None
    if output not in (None, "-"):
        near = next((each for each in Path(str(output)).absolute().parents if each.is_dir()), None)
    try:
        found = tempfile.TemporaryDirectory(prefix=".mxsweep-", dir=near)
    except OSError:
        found = tempfile.TemporaryDirectory(prefix=".mxsweep-")
    with found as path:
        yield path


class _Reading:
    """A reporter of the number of lines read, on stderr at intervals."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._lines = 0
        self._due = time.monotonic() + PROGRESS_SECONDS

    def __call__(self, lines: int) -> None:
        self._lines += lines
        if not self._quiet and time.monotonic() >= self._due:
            self._due = time.monotonic() + PROGRESS_SECONDS
            with suppress(OSError):
                sys.stderr.write(f"mxsweep: reading the lists: {self._lines:,} lines\n")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Handle SIGTERM as an interrupt while lists are read, so that temporary files are removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


# --- work -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Work:
    """The destinations that this process examines, and the state of the run before this process.

    ``done`` of ``total`` destinations were examined before this process started. ``others`` is the number of
    destinations of the run that a retry of inconclusive destinations does not examine again. ``rejects`` is the number
    of rejected lines that the run already contains.
    """

    items: Iterator[Target | Reject]
    total: int
    spool: Spool
    done: int = 0
    rejects: int = 0
    others: int = 0
    before: dict[str, int] = field(default_factory=dict)


def new_work(spool: Spool, store: Store | None, flags: dict[str, Any]) -> Work:
    """Return all destinations of a new run, and store the spool and the options in the run for ``--resume``.

    Raises:
        StoreError: a file cannot be written, for example because the disk is full.
    """
    if store:
        place = store.path / _SPOOL
        with naming(place):
            spool.move(place)
        kept = {"flags": flags, "input": codec.plain(store.header.input)}
        replace_file(place / _FLAGS, json.dumps(kept, indent=1).encode())
    return Work(spool.items(), spool.total, spool)


def rest_of(store: Store, reader: Reader, *, retry: bool) -> Work:
    """Return the destinations of a run that have no result yet; with ``retry``, return the inconclusive destinations.

    Raises:
        CliError: the spool is damaged.
    """
    try:
        spool = Spool.open(store.path / _SPOOL, reader)
    except SpoolError as error:
        raise CliError(str(error)) from None
    before = Counter(store.header.totals)
    rejects = sum(1 for _ in keys(lines_path(store.path, "rejects")))
    waiting = set() if retry else waiting_for_a_pass(store)
    if not retry:
        spoiled = spoiled_domains(store.path, bugs=_bugs_again(store.header))
        before["internal_errors"] -= min(sum(spoiled.values()), before["internal_errors"])
        waiting |= spoiled.keys()
    written = (key for key in keys(lines_path(store.path, "domains")) if key not in waiting)
    done = spool.leave_out(written, rejects)
    if not retry:
        return Work(spool.items(), spool.total, spool, done, min(rejects, spool.rejects), before=before)
    again = spool.only(inconclusive(store.path))
    return Work(spool.items(), again, spool, rejects=rejects, others=done - again, before=before)


def _bugs_again(header: RunHeader) -> bool:
    """Return whether ``--resume`` scans the domains with an internal error again.

    If the run was interrupted, the domains are scanned again only if another version of mxsweep resumes the run,
    because the same version would have the same error again.
    """
    return header.state is RunState.COMPLETE or (header.versions or (header.version,))[-1] != __version__


def waiting_for_a_pass(store: Store) -> set[str]:
    """Return the domains of an interrupted run that wait for a retry pass.

    ``--resume`` scans the returned domains with the stored reports of their hosts, and then makes the retry passes.
    """
    if store.header.state is RunState.COMPLETE:
        return set()
    return pending_domains(store.path)


def kept_flags(run: Path) -> dict[str, Any]:
    """Return the options that a run was started with, including its input.

    Raises:
        CliError: the file with the options of the run cannot be read.
    """
    path = run / _SPOOL / _FLAGS
    try:
        kept: Any = json.loads(read_regular(path))
    except FileNotFoundError:
        raise CliError(f"{run}: the input was not read to its end; begin a new run in another directory") from None
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise CliError(f"{path}: {error}") from None
    if not isinstance(kept, dict) or not isinstance(kept.get("flags"), dict) or not isinstance(kept.get("input"), list):
        raise CliError(f"{path}: the flags and the input of a run were expected")
    flags: dict[str, Any] = kept
    return flags


def flag_files(run: Path) -> tuple[Path, Path]:
    """Return the paths whose owners control the stored options of a run: the file of the options and its directory."""
    return run / _SPOOL, run / _SPOOL / _FLAGS
