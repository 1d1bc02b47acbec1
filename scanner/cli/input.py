"""The input of a scan: all lists are read completely before the scan, into a spool (the directory of destinations)."""

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from results.store.files import naming
from scanner.cli import code_of
from scanner.cli.errors import CliError, as_cli_error
from targets.partition import Sampling
from targets.reader import PlainNames, Reader, Target
from targets.spool import Entry, Spool
from targets.streams import ListError

if TYPE_CHECKING:
    from targets.lists import Lists

ANONYMOUS_TARGETS = 1000
"""Maximum number of targets without ``--ehlo``: the source of a larger scan must be identifiable."""

REJECTS_SHOWN = 10
"""Maximum number of rejected lines printed on stderr if no line of the input can be scanned."""

PROGRESS_SECONDS = 2.0
"""Seconds between two reports of the number of lines read."""

_SPOOL = "spool"


@dataclass(frozen=True, slots=True)
class Input:
    """The input of a scan: destinations of the command line, lists, and lists to scan first (``--first``).

    ``head`` is the number of destinations after which the reading of the input ends. ``named`` is True if the user gave
    an EHLO name. ``max_rejects`` is the percentage of rejected lines above which a warning is printed.
    """

    reader: Reader
    given: tuple[Target, ...] = ()
    lists: "Lists | None" = None
    first: "Lists | None" = None
    named: bool = True
    head: int | None = None
    sampling: Sampling | None = None
    max_rejects: float = 100.0

    def spool(self, place: Path, seen: Callable[[int], None]) -> Spool:
        """Write the input to a spool (directory of destinations).

        Args:
            place: directory for the spool.
            seen: function that is called for each entry or block of the input with the number of its lines.

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
        """Return warnings about the input lists, which are printed even with ``--quiet`` and stored in run.json."""
        lists = [each for each in (self.first, self.lists) if each is not None]
        return [*spool.cut, *(note for each in lists for note in each.notes), *too_many(spool, self.max_rejects)]


class _Limit:
    """The limits on the number of different destinations: ``--head``, and the limit without an EHLO name."""

    def __init__(self, head: int | None, *, anonymous: bool) -> None:
        self._head = head
        self._anonymous = anonymous
        self._keys: set[bytes] = set()

    def passed(self, entries: Iterator[Entry], seen: Callable[[int], None]) -> Iterator[Entry]:
        """Yield the entries (lines or blocks) of the input up to the last destination that ``--head`` permits.

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
    """Read the lists to their ends, into a temporary spool (directory of destinations) beside the run directory.

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
        with naming(place), _interruptible(), as_cli_error(ListError):
            spool = given.spool(place, _Reading(quiet=quiet))
        notes = given.notes(spool)
        if not spool.total:
            for reject in islice(spool.items(), REJECTS_SHOWN if spool.rejects > len(spool.cut) else 0):
                say(f"{reject.file}:{reject.line}: {_safe(reject.raw)}: {_safe(reject.reason)}")  # type: ignore[union-attr]
            raise CliError(_nothing(spool, notes))
        for note in notes:
            say(_safe(note, len(note)))
        yield spool


def _nothing(spool: Spool, notes: list[str]) -> str:
    """Return the reason why no destination can be scanned, with advice for the user."""
    if not spool.lines:
        return f"nothing to scan: the input contains no line except blank lines, comments and headers{_after(notes)}"
    if spool.cut and spool.rejects == len(spool.cut):
        cut = "; ".join(_safe(each, len(each)) for each in spool.cut)
        return f"nothing to scan: {cut}{'' if 'unpack' in cut else '; make a new copy of the list'}"
    reason, count = next(iter(spool.reasons.items()))
    lines = "its only line is" if spool.lines == 1 else f"all {spool.lines} lines are"
    often = "" if count == spool.lines else f", most often ({count})"
    return (
        f"nothing to scan: {lines} rejected{often}: {_safe(reason)}; one domain per line was expected,"
        " or a table (--column NAME), a zone file (--format zone), URLs or addresses (--accept urls,emails)"
    )


def _safe(text: str, *limit: int) -> str:
    """Return a text of an input list with escaped control characters, cut after ``limit`` characters."""
    shown: str = code_of("results.render.escape:safe")(text, *limit)
    return shown


def _after(notes: list[str]) -> str:
    return f" ({'; '.join(_safe(note, len(note)) for note in notes)})" if notes else ""


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
