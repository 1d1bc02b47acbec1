"""Operations on a directory of runs: headers of the runs, choice of the runs to keep, and the link ``latest``.

A directory of runs contains one run directory for each scan. Other files and directories in a directory of runs are
ignored.
"""

import fcntl
import os
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from results.store import packed
from results.store.files import Lock, StoreError, naming
from results.store.last_lines import last_records
from results.store.partial import Lean
from results.store.reader import HEADER_FILE, LINE_FILES, LOCK_FILE, Run, lines_path, own_path, read_header
from scanner.model import RunHeader
from scanner.vocabulary import DomainDane, RunState

LATEST = "latest"
"""Name of the symbolic link to the latest complete run of a directory."""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run in a directory of runs; ``locked`` is true if a process writes to the run."""

    path: Path
    header: RunHeader
    locked: bool

    @property
    def order(self) -> tuple[float, str]:
        """The key by which runs are sorted from old to new."""
        return self.header.started.timestamp(), self.path.name

    @property
    def state(self) -> RunState:
        """The state of the run.

        A run that is running or paused according to its header is interrupted if no process writes to the run.
        """
        active = self.header.state in (RunState.RUNNING, RunState.PAUSED)
        return RunState.INTERRUPTED if active and not self.locked else self.header.state

    @property
    def finished(self) -> bool:
        """True if the run is complete and no process writes to it."""
        return self.header.state is RunState.COMPLETE and not self.locked


@dataclass(frozen=True, slots=True)
class Retention:
    """The rule for the runs to keep: the last ``keep`` runs, and the last run of each of the last ``weeks`` weeks."""

    keep: int
    weeks: int


def runs_in(directory: Path) -> tuple[list[StoredRun], list[str]]:
    """Return the runs of a directory from old to new, and a message for each run that cannot be read.

    Raises:
        StoreError: the directory cannot be read.
    """
    found: list[StoredRun] = []
    messages: list[str] = []
    with naming(directory):
        paths = sorted(path for path in directory.iterdir() if not path.is_symlink() and (path / HEADER_FILE).exists())
    for path in paths:
        try:
            found.append(stored_run(path))
        except StoreError as error:
            messages.append(str(error))
    return sorted(found, key=lambda run: run.order), messages


def stored_run(path: Path) -> StoredRun:
    """Return the header and the state of a run.

    Raises:
        StoreError: the directory does not contain a run, or its header or its lock cannot be read.
    """
    return StoredRun(path, read_header(path), _is_locked(path))


def _is_locked(path: Path) -> bool:
    """Return whether a process holds the lock of a run."""
    file = path / LOCK_FILE
    if not file.exists():
        return False
    with naming(file):
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
    return False


# --- figures --------------------------------------------------------------------------------------------------


class _DaneOnly(Lean, frozen=True):
    dane: str


class _VerdictOnly(Lean, frozen=True):
    verdict: _DaneOnly


@dataclass(frozen=True, slots=True)
class DomainCounts:
    """The number of domains of a run, and the number of domains whose DANE verdict is ``broken``."""

    domains: int
    broken: int


def figures(run: Run) -> DomainCounts:
    """Count the domains of a run and the domains whose DANE verdict is ``broken``.

    Raises:
        StoreError: the file of the domains cannot be read.
    """
    decode = msgspec.json.Decoder(_VerdictOnly).decode
    domains = broken = 0
    for record in last_records(lines_path(run.path, "domains"), decode, run.corrupt):
        domains += 1
        broken += record.verdict.dane == DomainDane.BROKEN
    return DomainCounts(domains, broken)


# --- clean-up -------------------------------------------------------------------------------------------------


def removable(runs: Iterable[StoredRun], rule: Retention, latest: Path | None) -> list[StoredRun]:
    """Return the runs that a clean-up rule does not keep, from old to new.

    The clean-up rule is applied separately to each group of runs with the same ``--label``. A run that is not finished
    and the run to which the link ``latest`` leads are always kept.
    """
    by_label: defaultdict[str, list[StoredRun]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.order):
        if run.finished:
            by_label[run.header.label].append(run)
    gone = [run for group in by_label.values() for run in _not_kept(group, rule) if run.path.resolve() != latest]
    return sorted(gone, key=lambda run: run.order)


def _not_kept(group: list[StoredRun], rule: Retention) -> list[StoredRun]:
    weeks: dict[tuple[int, int], StoredRun] = {}
    for run in reversed(group):
        weeks.setdefault(run.header.started.isocalendar()[:2], run)
    kept = {id(run) for run in [*group[-rule.keep :], *list(weeks.values())[: rule.weeks]]}
    return [run for run in group if id(run) not in kept]


def compressible(runs: Iterable[StoredRun], gone: Collection[StoredRun], latest: Path | None) -> list[StoredRun]:
    """Return the kept runs to compress: finished runs, except the last run of each label and the run ``latest``."""
    last = {run.header.label: run.path for run in sorted(runs, key=lambda run: run.order) if run.finished}
    return [
        run
        for run in runs
        if run.finished
        and run not in gone
        and run.path != last[run.header.label]
        and run.path.resolve() != latest
        and any(own_path(run.path, name).exists() for name in LINE_FILES)
    ]


def remove(run: StoredRun) -> None:
    """Remove a run directory with all files in it.

    The header run.json is removed last, so that after a crash the next clean-up still recognises the run and removes
    the rest.

    Raises:
        StoreError: a process writes to the run, or a file cannot be removed.
    """
    lock = Lock(run.path / LOCK_FILE)
    try:
        with naming(run.path):
            for each in run.path.iterdir():
                if each.name == HEADER_FILE:
                    continue
                shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
            (run.path / HEADER_FILE).unlink()
            run.path.rmdir()
    finally:
        lock.release()


def compress(run: StoredRun) -> None:
    """Compress the line files of a run.

    Raises:
        StoreError: a process writes to the run, or a file cannot be written.
    """
    lock = Lock(run.path / LOCK_FILE)
    try:
        for name in LINE_FILES:
            if own_path(run.path, name).exists():
                packed.compress(own_path(run.path, name))
    finally:
        lock.release()


# --- the latest run -------------------------------------------------------------------------------------------


def latest_of(directory: Path) -> Path | None:
    """Return the directory to which the link ``latest`` leads, or None."""
    link = directory / LATEST
    return link.resolve() if link.is_symlink() else None


def link_latest(run: Path) -> None:
    """Make the link ``latest`` beside a run lead to the run; an existing link is replaced atomically.

    Raises:
        StoreError: the link cannot be written, or a file that is not a link has the name ``latest``.
    """
    link, fresh = run.absolute().parent / LATEST, run.absolute().parent / f".{LATEST}.new"
    with naming(link):
        if link.exists() and not link.is_symlink():
            raise StoreError(f"{link}: not a symbolic link")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(run.absolute().name)
        fresh.replace(link)
