"""The work of a scan: the destinations of a new run, or the rest of a run that is continued."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from results.store import codec
from results.store.files import naming, read_regular, replace_file
from results.store.pending import pending_domains, spoiled_domains
from results.store.reader import inconclusive, keys, lines_path
from results.store.writer import Store
from scanner import __version__
from scanner.cli.errors import CliError, as_cli_error
from scanner.model import RunHeader
from scanner.vocabulary import RunState
from targets.reader import Reader, Reject, Target
from targets.spool import Spool, SpoolError

_SPOOL, _FLAGS = "spool", "flags.json"


@dataclass(frozen=True, slots=True)
class Work:
    """The destinations that this process examines, and the state of the run before this process.

    Earlier processes examined ``done`` of ``total`` destinations. ``others`` is the number of destinations of the run
    that are not examined again. ``rejects`` is the number of rejected lines that the run already contains.
    """

    items: Iterator[Target | Reject]
    total: int
    spool: Spool
    done: int = 0
    rejects: int = 0
    others: int = 0
    before: dict[str, int] = field(default_factory=dict)


def new_work(spool: Spool, store: Store | None, flags: dict[str, Any]) -> Work:
    """Return all destinations of a new run; store the destinations and the options in the run, for ``--resume``.

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
    """Return the remaining destinations of a run, or with ``retry`` the inconclusive destinations.

    Raises:
        CliError: the spool is damaged.
    """
    with as_cli_error(SpoolError):
        spool = Spool.open(store.path / _SPOOL, reader)
    before = Counter(store.header.totals)
    rejects = sum(1 for _ in keys(lines_path(store.path, "rejects")))
    waiting: set[str] = set()
    if not retry:
        # an interrupted run: scan these domains with the stored reports of their hosts, then make the retry passes
        waiting = set() if store.header.state is RunState.COMPLETE else pending_domains(store.path)
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

    If the run was interrupted, domains with an internal error are scanned again only by another version of mxsweep,
    because the same version would have the same error again.
    """
    return header.state is RunState.COMPLETE or (header.versions or (header.version,))[-1] != __version__


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
