"""``mxsweep scan --dask``: the scan in many processes, from the request to the complete run."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import trio
from rich.console import Console

from results.store.collection import link_latest
from results.store.files import StoreError, naming
from results.store.writer import Store
from scanner import __version__
from scanner.cli import code_of
from scanner.cli import console as consoles
from scanner.cli import resume as resuming
from scanner.cli.console import say
from scanner.cli.ending import FINISHING
from scanner.cli.errors import CliError, Exit, as_cli_error
from scanner.cli.progress import progress_loop
from scanner.cli.progress_request import ProgressRequest
from scanner.cli.request import Request
from scanner.cli.resolver import Resolved
from scanner.cli.wiring import fit_resolver
from scanner.cli.work import new_work
from scanner.net.error_groups import first_error
from scanner.run.ports import now
from scanner.scale.cluster import ClusterChoice, ClusterError, check_installed, cluster, parse_choice
from scanner.scale.driver import ScaleDriver, ScanFacts
from scanner.scale.executor import Executor
from scanner.scale.fleet import Fleet
from scanner.scale.job import KnownResolver
from scanner.scale.plan_files import PLAN
from scanner.vocabulary import RunState
from targets.spool import Spool, SpoolError

_ONE_PROCESS = {
    "first": ("--first", "all domains of a scan with --dask are complete at its end"),
    "log_file": ("--log-file", "a scan with --dask has no log; its records contain the same"),
    "retry_inconclusive": ("--retry-inconclusive", "use it without --dask: it examines few domains"),
}
"""Options that a scan with ``--dask`` does not support, each with the reason."""

_LEFT_OUT = ("max_time", "exclusive", "status_file", "metrics_file", "config", "dask", "dask_security")
"""Names of the options that concern the scan as a whole, and that its jobs do not get."""


def choice_of(flags: dict[str, Any]) -> ClusterChoice | None:
    """Return the cluster of a scan, or None for a scan in one process.

    If a run that was begun with ``--dask`` is resumed without ``--dask``, the cluster is ``local``.

    Raises:
        CliError: the value of ``--dask`` or another option is wrong.
    """
    text = flags["dask"]
    if text is None and flags["resume"] and (Path(flags["resume"]) / PLAN).is_dir():
        text = "local"
    if text is None:
        if flags["dask_security"]:
            raise CliError("--dask-security: it requires --dask")
        return None
    for name, (flag, why) in _ONE_PROCESS.items():
        if flags[name]:
            raise CliError(f"{flag}: {why}")
    if not (flags["resume"] or flags["dry_run"]) and flags["output"] in (None, "-"):
        raise CliError("--dask: it requires -o RUN")
    if flags["resume"] and not (Path(flags["resume"]) / PLAN).is_dir():
        raise CliError(f"{flags['resume']}: this run was begun without --dask, and continues without --dask")
    with as_cli_error(ClusterError):
        check_installed()
        return parse_choice(text)


@dataclass(frozen=True, slots=True)
class ScaleRequest:
    """A scan in many processes.

    ``request`` contains the settings that are stored in the run. ``used`` contains the settings with the connection
    limits that this machine's limit of open files permits. ``spool`` contains the destinations; None continues an
    existing run.
    """

    request: Request
    used: Request
    choice: ClusterChoice
    progress: ProgressRequest
    spool: Spool | None


def run(scale: ScaleRequest) -> int:
    """Run a scan in many processes and return the exit code.

    Raises:
        CliError: the Dask cluster cannot be used, or a job of the scan failed too often.
        StoreError: a file of the run cannot be read or written.
    """
    fleet = Fleet(str(Path(str(scale.request.output)).absolute()))
    try:
        return trio.run(_run, scale, fleet)
    except (ClusterError, BaseExceptionGroup) as group:
        error = first_error(group)
        if not isinstance(error, ClusterError):
            raise
        raise CliError(str(error), Exit.USAGE if error.usage else Exit.UNFIT) from None


async def _run(scale: ScaleRequest, fleet: Fleet) -> int:
    """Open the resolver, the cluster and the run in this order, and run the scan.

    The run is opened last, so that a run directory is made only if the resolver and the cluster can be used.
    """
    async with _resolver(scale) as resolved:
        workers_of = cluster(scale.choice, scale.request.flags["dask_security"], fleet.event)
        with workers_of as workers, _store(scale, resolved) as store:
            spool = _spool(scale, store)
            executor = Executor(workers, str(store.path), say)
            fleet.watch(lambda: executor.progress, spool.total)
            facts = ScanFacts(_flags(scale), scale.used.settings, _known(scale, resolved), workers.count())
            return await _drive(scale, ScaleDriver(store, spool, facts, executor), store, spool, fleet)


async def _drive(scale: ScaleRequest, driver: ScaleDriver, store: Store, spool: Spool, fleet: Fleet) -> int:
    """Run the stages of the scan with a display of the progress, write the final state, and return the exit code."""
    began = trio.current_time()
    console, flags = consoles.stderr(), scale.request.flags
    with progress_loop(fleet, scale.progress, console, None, say) as shown:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_watch_signals, driver, console)
            nursery.start_soon(_watch_time, driver, flags["max_time"])
            nursery.start_soon(shown.run)
            complete = await driver.run()
            nursery.cancel_scope.cancel()
        state = shown.ended = RunState.COMPLETE if complete else RunState.INTERRUPTED
        seconds = round(trio.current_time() - began) + store.header.totals.get("seconds", 0)
        whole = {"lines": spool.lines, "duplicates": spool.duplicates, **driver.totals, "seconds": seconds}
        store.header = replace(store.header, workers=driver.machines())
        store.finish(state, whole, now())
    if not complete:
        say(f"mxsweep scan --resume {store.path} continues the run")
        return Exit.UNFIT if driver.why else Exit.INTERRUPTED
    if flags["latest"]:
        link_latest(store.path)
    return _exit_code(driver, spool)


def _exit_code(driver: ScaleDriver, spool: Spool) -> Exit:
    if driver.totals.get("internal_errors"):
        found = f"{driver.totals['internal_errors']} internal errors at domains or MX hosts"
        say(f"{found} (reason internal, or text internal error): please report it")
        return Exit.INTERNAL
    if driver.matched:
        return Exit.MATCHED
    return Exit.USAGE if spool.cut else Exit.DONE


# --- what the jobs need -----------------------------------------------------------------------------------------


@asynccontextmanager
async def _resolver(scale: ScaleRequest) -> AsyncIterator[Resolved]:
    """Choose the resolver of the local workers; the machines of a cluster choose their own resolvers."""
    if scale.choice.local is None:
        yield Resolved(scale.used.settings.dns, (), validated=True, label="of each worker")
    else:
        async with fit_resolver(scale.used.settings, scale.used.choice, say) as resolved:
            yield resolved


def _known(scale: ScaleRequest, resolved: Resolved) -> KnownResolver | None:
    if scale.choice.local is None:
        return None
    return KnownResolver(resolved.dns.servers, resolved.validated, resolved.label)


def _store(scale: ScaleRequest, resolved: Resolved) -> Store:
    path = Path(str(scale.request.output))
    with as_cli_error(StoreError):
        if scale.spool is None:
            resuming.check_settings(path, scale.request.settings)
            store = Store.resume(path)
            store.begin(__version__)
            return store
        header = code_of("scanner.cli.scan:header_of")(scale.request, resolved, scale.spool)
        return Store.create(path, header)


def _spool(scale: ScaleRequest, store: Store) -> Spool:
    if scale.spool is not None:
        with naming(store.path / PLAN):
            (store.path / PLAN).mkdir()
        return new_work(scale.spool, store, resuming.to_keep(scale.request.flags, scale.request.settings)).spool
    with as_cli_error(SpoolError):
        return Spool.open(store.path / "spool", scale.request.input.reader)


def _flags(scale: ScaleRequest) -> dict[str, Any]:
    """Return the options for the jobs: the options of the scan with absolute paths.

    The options that name the input of the scan and the options in ``_LEFT_OUT`` are empty.
    """
    flags = dict(scale.request.flags)
    output = str(Path(str(scale.request.output)).absolute())
    for name in ("ca_file", "ca_path", "trust_anchor", "root_hints"):
        if flags[name]:
            flags[name] = str(Path(flags[name]).absolute())
    flags["exclude"] = [str(Path(name).absolute()) for name in flags["exclude"]]
    flags |= dict.fromkeys(_LEFT_OUT) | {"lists": [], "domains": [], "first": [], "latest": False, "quiet": True}
    return flags | {
        "resume": output,
        "output": output,
        "sts": scale.request.settings.sts,
        "ehlo": scale.request.settings.ehlo,
    }


# --- early end --------------------------------------------------------------------------------------------------


async def _watch_signals(driver: ScaleDriver, console: Console) -> None:
    """Stop the scan after interrupts (SIGINT, SIGTERM).

    After the first interrupt, all workers finish their probes in flight; after the second interrupt, all workers stop
    at once.
    """
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            with suppress(OSError):
                console.print("stopping all workers" if driver.stopping else FINISHING)
            driver.stop(now=driver.stopping)


async def _watch_time(driver: ScaleDriver, limit: float | None) -> None:
    if limit is not None:
        await trio.sleep(limit)
        driver.why = f"the scan took longer than --max-time {limit:g}"
        say(driver.why)
        driver.stop(now=False)
