"""The second part of ``mxsweep scan``, after the choice of the resolver: open the output, run and report the scan."""

import math
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import trio

from results.store.collection import link_latest
from results.store.files import StoreError
from results.store.line_sink import LineSink
from results.store.writer import Store
from scanner import __version__
from scanner.cli import console as consoles
from scanner.cli import resume as resuming
from scanner.cli.console import say
from scanner.cli.ending import Limits, watch_limits, watch_signals
from scanner.cli.errors import CliError, Exit, as_cli_error
from scanner.cli.progress import progress_loop
from scanner.cli.progress_request import ProgressRequest
from scanner.cli.request import Request
from scanner.cli.resolver import Resolved
from scanner.cli.sinks import ReportingSink, WordsSink
from scanner.cli.tools import wired
from scanner.cli.wiring import load_late
from scanner.cli.work import Work, new_work, rest_of
from scanner.model import RunHeader
from scanner.net.client_hello import offered_groups
from scanner.run import pipeline
from scanner.run.ports import Ports, now
from scanner.run.stats import Stats
from scanner.run.status import StatusSource
from scanner.settings import AUTHENTICATED, OPPORTUNISTIC
from scanner.vocabulary import RunState
from scanner.worker_status import Vantage
from targets.spool import Spool

REASONS_KEPT = 20
"""Maximum number of different reject reasons that run.json counts."""


async def scan(
    request: Request, used: Request, resolved: Resolved, spool: Spool | None, progress: ProgressRequest
) -> int:
    """Open the output, run the scan, and return the exit code.

    Args:
        request: the request, whose settings are stored in the run.
        used: the request with the settings that this process uses; the limit of open files may lower these settings.
        resolved: the chosen resolver.
        spool: the input, None to continue a run.
        progress: the requested outputs of the progress.
    """
    with _open_sink(request, resolved, spool) as sink:
        return await execute(used, resolved, sink, _open_work(request, sink, spool), progress)


# --- output and input -----------------------------------------------------------------------------------------


def _open_sink(request: Request, resolved: Resolved, spool: Spool | None) -> AbstractContextManager[Any]:
    """Return the sink for the records: a run directory, domain lines on stdout, or verdicts as text without ``-o``."""
    if request.output is None:
        return WordsSink(consoles.stdout())
    if request.output == "-":
        return LineSink(consoles.json_stream())
    path = Path(request.output)
    with as_cli_error(StoreError):
        if request.resume or request.retry:
            resuming.check_settings(path, request.settings)
            return Store.resume(path, anew=request.retry)
        return Store.create(path, header_of(request, resolved, spool))


def _open_work(request: Request, sink: Any, spool: Spool | None) -> Work:
    """Return the destinations to scan: the whole input, or the rest of a continued run."""
    store: Store | None = sink if isinstance(sink, Store) else None
    if spool is not None:
        return new_work(spool, store, resuming.to_keep(request.flags, request.settings))
    if store is None:
        raise CliError("a run is continued in its own directory")
    for name in resuming.changed_lists(store.header):
        say(f"{name} has changed since; the run continues with the domains that it had read")
    work = rest_of(store, request.input.reader, retry=request.retry)
    store.begin(__version__)
    return work


def header_of(request: Request, resolved: Resolved, spool: Spool | None) -> RunHeader:
    """Return the header of a new run."""
    settings = asdict(request.settings)
    return RunHeader(
        version=__version__,
        versions=(__version__,),
        started=now(),
        state=RunState.RUNNING,
        settings=settings,
        resolver=resolved.label,
        ehlo=request.settings.ehlo,
        vantage=Vantage(hostname=socket.gethostname()),
        input=tuple(resuming.input_source(name) for name in request.sources),
        preflight=resolved.record(request.choice),
        label=request.flags["label"] or "",
        reject_reasons=dict(islice(spool.reasons.items(), REASONS_KEPT)) if spool else {},
        notes=tuple(request.input.notes(spool)) if spool else (),
        groups=offered_groups(AUTHENTICATED if request.settings.level.must_match else OPPORTUNISTIC),
    )


# --- the run --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OnePass:
    """One pass over the MX hosts of one part of a scan in many processes.

    ``number`` is 0 for the first pass, and 1 or more for a retry pass. ``adapt`` replaces the lookup function in
    ``Ports`` by a function that returns the answers of the lookup stages. ``watch`` ends the pass early if the scan is
    to stop or the worker that started this process has ended.
    """

    number: int
    adapt: Callable[[Ports], Ports]
    watch: Callable[[pipeline.Stop], Awaitable[None]]


async def execute(
    request: Request, resolved: Resolved, sink: Any, work: Work, progress: ProgressRequest, one: OnePass | None = None
) -> int:
    """Run the scan with a display of the progress, close the sink with the final state, and return the exit code.

    With ``one``, run only the pass ``one.number``, and store in the totals of the run the number of the last complete
    pass and the number of targets for the next retry pass.

    Raises:
        StoreError: a record cannot be written.
    """
    stats = Stats(total=work.total, done=work.done, read=work.done, rejects=work.rejects)
    stop = pipeline.Stop()
    limits = Limits(request.flags["max_time"], request.flags["give_up_after"])
    console = consoles.stderr()
    reporting = ReportingSink(sink, console, request.fail_on, rejects=request.output in (None, "-"))
    store = sink if isinstance(sink, Store) else None
    began = trio.current_time()
    with progress_loop(StatusSource(stats, request.settings.retries.after), progress, console, store, say) as shown:
        ports = wired(
            request.settings, request.reach.trust, request.reach.scope, resolved, stats, say, patience=math.inf
        )
        async with ports as tools, trio.open_nursery() as nursery:
            nursery.start_soon(watch_signals, stop, stats, console)
            nursery.start_soon(watch_limits, stop, stats, limits)
            nursery.start_soon(shown.run)
            nursery.start_soon(load_late)
            if one:
                nursery.start_soon(one.watch, stop)
            used, only = (one.adapt(tools), one.number) if one else (tools, None)
            await pipeline.scan(work.items, used, reporting, stop, store.find_host if store else None, only_pass=only)
            nursery.cancel_scope.cancel()
        state = RunState.INTERRUPTED if stop.draining else RunState.COMPLETE
        totals = _totals(stats, work, trio.current_time() - began) | _pass_totals(stats, one, state)
        sink.finish(state, totals, now())
        shown.ended = state
    if store is not None and request.flags["latest"] and state is RunState.COMPLETE:
        link_latest(store.path)
    _say_how_it_ended(request, stats, stop, work)
    return _exit_code(stats, stop, reporting, work)


def _say_how_it_ended(request: Request, stats: Stats, stop: pipeline.Stop, work: Work) -> None:
    if stop.why:
        say(f"{stop.why}; {_advice(request)}")
    if stats.internal_errors:
        say(f"{stats.internal_errors} domains have an internal error (reason internal): please report it")
    if work.total and not stop.draining and not (stats.done or work.others):
        say(f"all {work.total} destinations are opted out (--exclude): nothing was contacted")


def _advice(request: Request) -> str:
    if request.output in (None, "-"):
        return "the domains that are not done are missing in the output"
    return f"mxsweep scan --resume {request.output} continues the run"


def _totals(stats: Stats, work: Work, seconds: float) -> dict[str, int]:
    """Return the totals of the run (counts, duration) over earlier processes and this one, which took ``seconds``."""
    return {
        "domains": stats.done + work.others,
        "rejects": stats.rejects,
        "lines": work.spool.lines,
        "duplicates": work.spool.duplicates,
        "endpoints_probed": stats.endpoints_probed + work.before.get("endpoints_probed", 0),
        "endpoints_shared": stats.endpoints_shared + work.before.get("endpoints_shared", 0),
        "internal_errors": stats.internal_errors + work.before.get("internal_errors", 0),
        "seconds": round(seconds) + work.before.get("seconds", 0),
    }


def _pass_totals(stats: Stats, one: OnePass | None, state: RunState) -> dict[str, int]:
    """Return the number of a part's last complete pass, and the number of targets for the next pass over the part."""
    if one is None:
        return {}
    return {"pass": one.number if state is RunState.COMPLETE else one.number - 1, "pending": stats.retrying}


def _exit_code(stats: Stats, stop: pipeline.Stop, reporting: ReportingSink, work: Work) -> Exit:
    if stop.draining:
        return Exit.UNFIT if stop.why else Exit.INTERRUPTED
    if stats.internal_errors:
        return Exit.INTERNAL
    if reporting.matched:
        return Exit.MATCHED
    return Exit.USAGE if work.spool.cut else Exit.DONE
