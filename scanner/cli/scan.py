"""``mxsweep scan``: build the request, wire the rooms together, run, and say how it ended."""

import gc
import hashlib
import logging
import resource
import signal
import socket
import sys
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import trio
from rich.console import Console

from results.store.files import StoreError
from results.store.writer import LineSink, Store
from scanner import __version__
from scanner.cli import console as consoles
from scanner.cli import request as requests
from scanner.cli import resume as resuming
from scanner.cli.errors import CliError, Exit
from scanner.cli.input import Work, new_work, rest_of
from scanner.cli.progress import Showing, showing_of, watching
from scanner.cli.request import Request
from scanner.cli.resolver import Resolved
from scanner.cli.sinks import Announcing, Collected
from scanner.cli.wiring import fit_resolver, say, wired
from scanner.model import InputSource, RunHeader, Vantage
from scanner.net.single_flight import leaf
from scanner.net.unbound import UnboundError
from scanner.run import pipeline
from scanner.run.ports import now
from scanner.run.stats import Stats
from scanner.run.status import StatusSource
from scanner.vocabulary import RunState

log = logging.getLogger("mxsweep")

_FINISHING = f"finishing what is in flight ({pipeline.DRAIN:.0f} s at most); again to stop at once"

COLLECT = (1_000_000, 20, 20)
"""Objects made and kept between two looks for cycles, and how many such looks between those at older ones.

More than all that a scan remembers (some 130 for a host): probes make no cycles, whatever goes wrong in them, and to
look through what is remembered took a twentieth of a scan's processor time. Cycles would take some 100 MB.
"""


def run(flags: dict[str, Any], given: AbstractSet[str]) -> int:
    """Run ``mxsweep scan`` with the flags as click gives them, and those the user gave; the result is the exit code."""
    _open_log(flags["log_file"])
    if flags["resume"] or flags["retry_inconclusive"]:
        flags = resuming.resumed(flags, given)
    request = requests.build(flags)
    for warning in request.warnings:
        say(warning)
    _raise_file_limit()
    collect_seldom()
    work = partial(_scan, request, showing_of(flags))
    if flags["dry_run"]:
        from scanner.cli.dry_run import dry_run  # noqa: PLC0415 - seldom asked for

        work = partial(dry_run, request)
    try:
        return trio.run(work)
    except (StoreError, UnboundError, BaseExceptionGroup) as error:
        raise _told(leaf(error)) from None


async def _scan(request: Request, showing: Showing) -> int:
    """Nothing is written or contacted before there is a resolver that will do."""
    async with fit_resolver(request) as resolved:
        with _open_sink(request, resolved) as sink, _open_work(request, sink) as work:
            return await execute(request, resolved, sink, work, showing)


def _told(error: BaseException) -> BaseException:
    """What the user is to hear."""
    if isinstance(error, UnboundError):
        return CliError(str(error), Exit.UNFIT)
    if not isinstance(error, StoreError):
        return error
    if isinstance(error.__cause__, BrokenPipeError):
        return error.__cause__
    return CliError(str(error), Exit.UNFIT)


def _open_log(path: str | None) -> None:
    """Log to a file or not at all: stderr has the progress, and what matters is said there anyway."""
    if path:
        file = requests.open_log(path)
        logging.basicConfig(filename=file, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    else:
        log.addHandler(logging.NullHandler())


def _raise_file_limit() -> None:
    """Lift the soft limit of open files to the hard one: each connection in flight is a file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def collect_seldom() -> None:
    """Look for cycles less often, and never among what was imported: that took a twelfth of a scan's processor time."""
    gc.freeze()
    gc.set_threshold(*COLLECT)


# --- where records go -----------------------------------------------------------------------------------------


def _open_sink(request: Request, resolved: Resolved) -> AbstractContextManager[Any]:
    """The run directory, the stream of domain lines, or, with ``--domain`` alone, verdicts in words."""
    if request.output is None:
        return Collected(consoles.stdout())
    if request.output == "-":
        return LineSink(sys.stdout.buffer)
    path = Path(request.output)
    try:
        if request.resume or request.retry:
            resuming.check_settings(path, request.settings)
            return Store.resume(path, anew=request.retry)
        return Store.create(path, _header(request, resolved))
    except StoreError as error:
        raise CliError(str(error)) from None


def _open_work(request: Request, sink: Any) -> AbstractContextManager[Work]:
    """The input on disk: anew, or what is left of a run that goes on."""
    store = sink if isinstance(sink, Store) else None
    if store is None or not (request.resume or request.retry):
        return new_work(request.input, store, resuming.to_keep(request.flags, request.settings))
    for name in resuming.changed_lists(store.header):
        say(f"{name} has changed since; the run goes on with what it had read")
    work = rest_of(store, request.input.reader, retry=request.retry)
    store.begin()
    return nullcontext(work)


def _header(request: Request, resolved: Resolved) -> RunHeader:
    settings = asdict(request.settings)
    return RunHeader(
        version=__version__,
        started=now(),
        state=RunState.RUNNING,
        settings=settings,
        resolver=resolved.label,
        ehlo=request.settings.ehlo,
        vantage=Vantage(hostname=socket.gethostname()),
        input=tuple(_source(name) for name in request.sources),
        preflight=resolved.record(request.choice),
    )


def _source(name: str) -> InputSource:
    """A list with its digest; what cannot be read twice has none."""
    path = Path(name)
    if not path.is_file():
        return InputSource(name)
    with path.open("rb") as file:
        return InputSource(name, hashlib.file_digest(file, "sha256").hexdigest())


# --- the run --------------------------------------------------------------------------------------------------


async def execute(request: Request, resolved: Resolved, sink: Any, work: Work, showing: Showing) -> int:
    """Scan, and show how it goes on; the sink is told how it ended.

    Raises:
        StoreError: records cannot be written any more.
    """
    stats = Stats(total=work.total, done=work.done, read=work.done, rejects=work.rejects)
    stop = pipeline.Stop()
    console = consoles.stderr()
    announcing = Announcing(sink, console, request.fail_on, rejects=request.output in (None, "-"))
    store = sink if isinstance(sink, Store) else None
    with watching(StatusSource(stats, request.settings.retries.after), showing, console, store, say) as shown:
        async with wired(request, resolved, stats) as tools, trio.open_nursery() as nursery:
            nursery.start_soon(_watch_signals, stop, console)
            nursery.start_soon(shown.go_on)
            await pipeline.scan(work.items, tools, announcing, stop, store.find_host if store else None)
            nursery.cancel_scope.cancel()
        state = RunState.INTERRUPTED if stop.draining else RunState.COMPLETE
        sink.finish(state, _totals(stats, work), now())
        shown.ended = state
    if stats.internal_errors:
        say(f"{stats.internal_errors} domains met an internal error (reason internal): please report it")
    return _exit_code(stats, stop, announcing)


async def _watch_signals(stop: pipeline.Stop, console: Console) -> None:
    """The first interrupt drains, the second ends at once."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            if stop.draining:
                stop.now()
            else:
                with suppress(OSError):
                    console.print(_FINISHING)
                stop.drain()


def _totals(stats: Stats, work: Work) -> dict[str, int]:
    """The run's totals, with those of the processes that worked on it before."""
    return {
        "domains": stats.done + work.others,
        "rejects": stats.rejects,
        "endpoints_probed": stats.endpoints_probed + work.before.get("endpoints_probed", 0),
        "endpoints_shared": stats.endpoints_shared + work.before.get("endpoints_shared", 0),
        "internal_errors": stats.internal_errors + work.before.get("internal_errors", 0),
    }


def _exit_code(stats: Stats, stop: pipeline.Stop, announcing: Announcing) -> Exit:
    if stop.draining:
        return Exit.INTERRUPTED
    if stats.internal_errors:
        return Exit.INTERNAL
    return Exit.MATCHED if announcing.matched else Exit.DONE
