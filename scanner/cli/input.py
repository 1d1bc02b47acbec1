"""The input of a scan, from its flags to what the scan reads: a spool in the run directory or in a temporary one."""

import json
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from results.store import codec
from results.store.files import naming, replace_file
from results.store.pending import pending_domains
from results.store.reader import inconclusive, keys, lines_path
from results.store.writer import Store
from scanner.cli.errors import CliError
from scanner.vocabulary import RunState
from targets.lists import ListError, Lists, Reader, Reject, Target
from targets.spool import Entry, Spool, SpoolError

ANONYMOUS_TARGETS = 1000
"""Above this many targets the EHLO name must be given: who scans widely says who he is."""

_SPOOL, _FLAGS = "spool", "flags.json"


@dataclass(frozen=True, slots=True)
class Input:
    """What is to be scanned. Targets of the command line, and lists short enough to be read ahead, are in ``head``."""

    reader: Reader
    head: tuple[Target | Reject, ...] = ()
    lists: Lists | None = None
    first_head: tuple[Target | Reject, ...] = ()
    first: Lists | None = None

    def lines(self) -> Iterator[Target | Reject]:
        """Everything in the order of the lists; once."""
        return chain(self.first_head, self.first or (), self.head, self.lists or ())

    def spool(self, place: Path) -> Spool:
        """Everything on disk; once instead."""
        first = chain[Entry](self.first_head, self.first.blocks() if self.first else ())
        rest = chain[Entry](self.head, self.lists.blocks() if self.lists else ())
        return Spool.make(place, rest, self.reader, first=first)


def read_ahead(reader: Reader, given: list[Target], lists: Lists, first: Lists, *, named: bool) -> Input:
    """Make sure that who scans many domains says who he is; without a name the lists are read to their ends.

    Raises:
        CliError: there are more targets than go without a name.
    """
    if named:
        return Input(reader, tuple(given), lists, first=first)
    urgent = tuple(islice(first, ANONYMOUS_TARGETS + 1))
    others = tuple(islice(chain(given, lists), ANONYMOUS_TARGETS + 1))
    if len(urgent) + len(others) > ANONYMOUS_TARGETS:
        raise CliError(
            f"more than {ANONYMOUS_TARGETS} targets: say who you are with --ehlo NAME"
            " (a name that resolves to this machine's address and back)"
        )
    return Input(reader, others, first_head=urgent)


@dataclass(frozen=True, slots=True)
class Work:
    """What this process has to do, and what the run had before: ``done`` of ``total``, and domains not in question."""

    items: Iterator[Target | Reject]
    total: int
    done: int = 0
    rejects: int = 0
    others: int = 0
    before: dict[str, int] = field(default_factory=dict)


@contextmanager
def new_work(given: Input, store: Store | None, flags: dict[str, Any]) -> Iterator[Work]:
    """Spool the input. With a run, the flags are kept beside it, so that it can be taken up again.

    Raises:
        CliError: a list cannot be read any more.
        StoreError: the disk takes no more.
    """
    with tempfile.TemporaryDirectory(prefix="mxsweep-") as temporary:
        place = (store.path if store else Path(temporary)) / _SPOOL
        with naming(place), _interruptible():
            try:
                spool = given.spool(place)
            except ListError as error:
                raise CliError(str(error)) from None
        if store:
            kept = {"flags": flags, "input": codec.plain(store.header.input)}
            replace_file(place / _FLAGS, json.dumps(kept, indent=1).encode())
        yield Work(spool.items(), spool.total)


@contextmanager
def _interruptible() -> Iterator[None]:
    """A request to end is an interrupt while lists are read: what is temporary is removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def rest_of(store: Store, reader: Reader, *, retry: bool) -> Work:
    """What is left of a run, or what it could not tell.

    Raises:
        CliError: the spool is not whole.
    """
    try:
        spool = Spool.open(store.path / _SPOOL, reader)
    except SpoolError as error:
        raise CliError(str(error)) from None
    before = dict(store.header.totals)
    rejects = sum(1 for _ in keys(lines_path(store.path, "rejects")))
    waiting = set() if retry else waiting_for_a_pass(store)
    told = (key for key in keys(lines_path(store.path, "domains")) if key not in waiting)
    done = spool.leave_out(told, rejects)
    if not retry:
        return Work(spool.items(), spool.total, done, min(rejects, spool.rejects), before=before)
    again = spool.only(inconclusive(store.path))
    return Work(spool.items(), again, rejects=rejects, others=done - again, before=before)


def waiting_for_a_pass(store: Store) -> set[str]:
    """The domains that a run which ended before its time owes a later pass.

    They are served once more: what is known of their hosts is taken from the run, and the later passes follow.
    """
    if store.header.state is RunState.COMPLETE:
        return set()
    return pending_domains(store.path)


def kept_flags(run: Path) -> dict[str, Any]:
    """The flags of a run and the input they named, as they were kept.

    Raises:
        CliError: they cannot be read.
    """
    path = run / _SPOOL / _FLAGS
    try:
        kept: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CliError(f"{run}: the input had not been read to its end; start anew in another directory") from None
    except (OSError, ValueError) as error:
        raise CliError(f"{path}: {error}") from None
    return kept
