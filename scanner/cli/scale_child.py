"""The child process of a scan in many processes: one job, read from standard input (see ``scanner.scale.job``).

A worker of Dask starts this module as a program for each job, because a scan needs its own signal handlers, its own
event loop, and memory that is freed when the process ends. The job ends early if standard input is closed, because the
worker has ended, or if the file ``RUN/plan/stop`` appears.
"""

import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from results.store import codec
from results.store.collection import stored_run
from results.store.files import StoreError
from results.store.pending import pending_domains
from results.store.writer import Store
from scanner import __version__
from scanner.cli import console as consoles
from scanner.cli import resume as resuming
from scanner.cli.console import one_line, say
from scanner.cli.errors import CliError, Exit
from scanner.cli.progress import progress_loop
from scanner.cli.progress_request import ProgressRequest
from scanner.cli.request import Request
from scanner.cli.resolver import Resolved
from scanner.cli.scale_resolver import machine, machine_resolver, request_of, resolved_by
from scanner.cli.scan import OnePass, execute, header_of
from scanner.cli.start import collect_seldom, raise_file_limit, within_file_limit
from scanner.cli.tools import wired
from scanner.cli.wiring import load_codecs
from scanner.cli.work import Work, new_work, rest_of
from scanner.model import RejectRecord, RunHeader, Status
from scanner.net.error_groups import first_error
from scanner.net.routes import source_addresses
from scanner.net.unbound import UnboundError
from scanner.run.pipeline import Stop, within_scope
from scanner.run.policies import PolicyExaminer
from scanner.run.ports import Ports
from scanner.run.stats import Stats
from scanner.run.status import StatusSource
from scanner.scale import grouping, lookup_stage, part_run, plan, policy_stage
from scanner.scale.backoffs import BackoffHandover
from scanner.scale.job import ChildMessage, Fitness, Job, JobResult, Stage
from scanner.scale.judge import JudgedGroup, no_probe
from scanner.scale.part_run import merged_workers
from scanner.scale.plan_files import PlanPlace, write_lines
from scanner.scale.planned_lookup import PlannedLookup, no_lookup
from scanner.settings import Settings
from scanner.vocabulary import RunState
from scanner.worker_status import ScanWorker, Vantage
from targets.lists import Reject, Target
from targets.spool import Spool

STATUS_EVERY = 2.0
"""Seconds between two status messages."""

_LOOK_EVERY = 1.0  # seconds between two looks for the file that ends the scan early
_RAW = 1000  # characters kept of a rejected line


def main() -> int:
    """Do the job that standard input contains, write its messages to standard output, and return the exit code."""
    logging.getLogger("mxsweep").addHandler(logging.NullHandler())
    job = codec.decode(Job, sys.stdin.buffer.readline())
    load_codecs()
    collect_seldom()
    _send(ChildMessage(result=result_of(job)))
    return Exit.DONE


def result_of(job: Job) -> JobResult:
    """Do a job and return its result.

    The result contains the text of a ``CliError``, ``StoreError`` or ``UnboundError``; other errors are raised.
    """
    host = socket.gethostname()
    try:
        return replace(_done(job), host=host)
    except (CliError, StoreError, UnboundError, BaseExceptionGroup) as error:
        cause = first_error(error)
        if not isinstance(cause, CliError | StoreError | UnboundError):
            raise
        unfit = job.stage is Stage.FITNESS or (isinstance(cause, CliError) and cause.code is Exit.UNFIT)
        return JobResult(RunState.INTERRUPTED, host=host, error=one_line(str(cause)), unfit=unfit)


def _send(message: ChildMessage) -> None:
    os.write(1, codec.encode(message))


def _send_status(status: Status) -> None:
    _send(ChildMessage(status=status))


_PROGRESS = ProgressRequest(quiet=True, files=(_send_status,), every=STATUS_EVERY)


def _done(job: Job) -> JobResult:
    """Execute the stage of the scan that the job names, and return the result of the job."""
    request = request_of(job)
    settings = within_file_limit(shared(request.settings, job), raise_file_limit())
    request = replace(request, settings=settings, sources=())
    place = PlanPlace(Path(job.run))
    stages = {
        Stage.FITNESS: _fitness,
        Stage.ROUTES: _routes,
        Stage.RECORDS: _records,
        Stage.POLICIES: _policies,
        Stage.ADDRESSES: _addresses,
        Stage.PART: _part,
        Stage.JUDGE: _judge,
    }
    return trio.run(stages[job.stage], job, request, place)


def shared(settings: Settings, job: Job) -> Settings:
    """Return the settings of one child process of a machine.

    Each of the ``job.share`` processes gets an equal share of the connection and query limits.
    """
    caps, dns, retries = settings.caps, settings.dns, settings.retries
    return replace(
        settings,
        caps=replace(caps, total=max(1, caps.total // job.share), rate=caps.rate / job.share),
        dns=replace(dns, rate=dns.rate / job.share, in_flight=max(1, dns.in_flight // job.share)),
        retries=replace(retries, times=0 if job.last else max(1, retries.times - job.again)),
    )


@asynccontextmanager
async def _resolver(job: Job, request: Request) -> AsyncIterator[Resolved]:
    """Provide the resolver that the job names, or else the resolver that all processes of this machine share."""
    if job.resolver is None:
        async with machine_resolver(job, request) as (resolved, _):
            yield resolved
    else:
        yield resolved_by(job.resolver, request)


# --- the machine ------------------------------------------------------------------------------------------------


async def _fitness(job: Job, request: Request, place: PlanPlace) -> JobResult:
    """Test whether this machine can do jobs of the scan: access to the run directory, and the resolver.

    ``_done`` has tested the options and the limit of open files before this call.
    """
    if not all(os.access(path, os.W_OK) for path in (place.path, place.part(0).parent)):
        raise CliError(f"{job.run}: this user cannot write to it", Exit.UNFIT)
    if not stored_run(place.run).locked:
        raise CliError(f"{job.run}: its lock has no effect on this machine: the file system needs flock", Exit.UNFIT)
    async with machine_resolver(job, request) as (resolved, answer):
        fitness = Fitness(machine(), _this_worker(job, request, resolved), answer.notes)
    return JobResult(RunState.COMPLETE, fitness=fitness)


def _this_worker(job: Job, request: Request, resolved: Resolved) -> ScanWorker:
    bind = request.settings.bind
    addresses = (bind,) if bind else source_addresses()
    parts = (job.number,) if job.stage is Stage.PART else ()
    return ScanWorker(socket.gethostname(), addresses, resolved.label, parts)


# --- early end --------------------------------------------------------------------------------------------------


async def _watch(place: PlanPlace, stop: Stop, *, drains: bool) -> None:
    """End the job early if the worker that started this process ends or the file ``RUN/plan/stop`` appears.

    If ``drains`` is true, the file ``RUN/plan/stop`` lets the job finish its probes in flight, unless the file contains
    "now".
    """
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_watch_parent, stop)
        while True:
            if place.stop.exists():
                if not drains or _says_now(place):
                    stop.now()
                elif not stop.draining:
                    stop.drain()
            await trio.sleep(_LOOK_EVERY)


def _says_now(place: PlanPlace) -> bool:
    try:
        return place.stop.read_bytes() == b"now"
    except OSError:
        return False


async def _watch_parent(stop: Stop) -> None:
    await trio.to_thread.run_sync(os.read, 0, 1, abandon_on_cancel=True)
    stop.now()


async def _guarded(request: Request, place: PlanPlace, stats: Stats, work: Callable[[], Awaitable[None]]) -> JobResult:
    """Do the work of a job and send status messages; the result has the state ``interrupted`` after an early end."""
    stop, done = Stop(), False
    source = StatusSource(stats, request.settings.retries.after)
    with progress_loop(source, _PROGRESS, consoles.stderr(), None, say) as shown:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(shown.run)
            nursery.start_soon(lambda: _watch(place, stop, drains=False))
            with stop.working:
                await work()
                done = True
            nursery.cancel_scope.cancel()
    state = RunState.COMPLETE if done else RunState.INTERRUPTED
    return JobResult(state, totals={"done": stats.done, "internal_errors": stats.internal_errors})


# --- lookups ----------------------------------------------------------------------------------------------------

LookUp = Callable[[Path, Ports], Awaitable[int]]
"""A function that makes DNS lookups, writes the answers to a file, and returns the number of failed lookups."""


async def _lookups(job: Job, request: Request, place: PlanPlace, work: LookUp) -> JobResult:
    """Make the DNS lookups of a job; if the file of their answers exists, a retry pass repeats failed lookups only."""
    path, stats = place.file(job.stage, job.number), Stats()
    failed = lookup_stage.failed_lookups(job.stage, path) if path.exists() else 0
    if path.exists() and not (job.again and failed):
        return JobResult(RunState.COMPLETE, pending=failed)

    async def look_up() -> None:
        nonlocal failed
        failed = await work(path, ports)

    async with (
        _resolver(job, request) as resolved,
        wired(request.settings, request.reach.trust, request.reach.scope, resolved, stats, say) as ports,
    ):
        result = await _guarded(request, place, stats, look_up)
    return replace(result, pending=failed)


async def _routes(job: Job, request: Request, place: PlanPlace) -> JobResult:
    spool = Spool.open(place.run / "spool", request.input.reader)
    items = [within_scope(target, request.reach.scope) for target in _targets(spool, job)]

    async def work(path: Path, ports: Ports) -> int:
        targets = (item for item in items if isinstance(item, Target))
        if job.again:
            return await lookup_stage.repeat_routes(path, targets, job.again, ports)
        refused = (_reject(item) for item in items if isinstance(item, Reject))
        write_lines(place.file("refused", job.number), refused)
        ports.stats.total = len(items)
        return await lookup_stage.find_routes(path, targets, ports)

    return await _lookups(job, request, place, work)


def _targets(spool: Spool, job: Job) -> Iterator[Target]:
    return spool.targets(plan.share_of(job.number, job.groups, spool.buckets))


def _reject(item: Reject) -> RejectRecord:
    return RejectRecord(f"{item.file}:{item.line}", item.file, item.line, item.raw[:_RAW], item.reason)


async def _addresses(job: Job, request: Request, place: PlanPlace) -> JobResult:
    async def work(path: Path, ports: Ports) -> int:
        if job.again:
            return await lookup_stage.repeat_addresses(path, job.again, ports)
        hosts = list(plan.hosts_of(place, plan.share_of(job.number, job.groups)))
        ports.stats.total = len(hosts)
        return await lookup_stage.find_host_addresses(path, iter(hosts), ports)

    return await _lookups(job, request, place, work)


# --- policies ---------------------------------------------------------------------------------------------------


async def _records(job: Job, request: Request, place: PlanPlace) -> JobResult:
    spool = Spool.open(place.run / "spool", request.input.reader)

    async def work(path: Path, ports: Ports) -> int:
        await policy_stage.write_records(path, place.file(Stage.ROUTES, job.number), _targets(spool, job), ports)
        return 0

    if place.file(job.stage, job.number).exists():
        return JobResult(RunState.COMPLETE)
    return await _lookups(job, request, place, work)


async def _policies(job: Job, request: Request, place: PlanPlace) -> JobResult:
    """Request the MTA-STS policies of the domains, in the first pass or a retry pass."""
    files = [place.file(Stage.RECORDS, number) for number in range(job.groups)]
    stats, passes = Stats(), request.settings.retries.times + job.again

    async def request_all() -> None:
        if ports.fetch is None:
            raise RuntimeError("the scan does not examine MTA-STS")
        examiner = PolicyExaminer(ports, ports.fetch)
        for path in files:
            await policy_stage.request_policies(path, job.again, examiner, ports)

    async with (
        _resolver(job, request) as resolved,
        wired(request.settings, request.reach.trust, request.reach.scope, resolved, stats, say) as ports,
    ):
        result = await _guarded(request, place, stats, request_all)
    return replace(result, pending=sum(policy_stage.pending(path, passes) for path in files))


# --- parts ------------------------------------------------------------------------------------------------------


async def _part(job: Job, request: Request, place: PlanPlace) -> JobResult:
    """Make the first pass or a retry pass over the MX hosts of a part of the scan, unless the pass is complete."""
    request = replace(request, settings=replace(request.settings, sts=False))  # a host has no policy
    run, file = place.part(job.number), place.file("part", job.number)
    header = part_run.header_if_begun(run)
    if part_run.is_done(header, job.again):
        return _part_result(run)
    answers = part_run.planned_answers(file)
    backoffs = BackoffHandover(place, job.number, trio.current_time)

    def adapt(ports: Ports) -> Ports:
        backoffs.begin(ports.stats.breakers)
        return replace(ports, lookup=PlannedLookup(answers, ports.lookup), together=None, vantages=vantages)

    async with _resolver(job, request) as resolved:
        own = _this_worker(job, request, resolved)
        vantages = (Vantage(own.hostname, own.addresses),)
        one = OnePass(job.again, adapt, lambda stop: _watch(place, stop, drains=True))
        with TemporaryDirectory(dir=place.path, prefix="spool-") as temporary:
            if header is None:
                store, work = _begin(request, resolved, run, file, Path(temporary) / "spool")
            else:
                store, work = _continue(job, request, run)
            with store:
                store.header = replace(store.header, workers=merged_workers([*store.header.workers, own]))
                store.begin(__version__)
                asked = replace(request, output=str(run), fail_on=())
                code = await execute(asked, resolved, store, work, _PROGRESS, one)
    backoffs.end()
    if code == Exit.UNFIT:
        raise CliError("the network does not work (--give-up-after)", Exit.UNFIT)
    return _part_result(run)


def _begin(request: Request, resolved: Resolved, run: Path, file: Path, temporary: Path) -> tuple[Store, Work]:
    reader = part_run.HostReader(lmtp=request.settings.mode.lmtp)
    part_run.clear(run)
    spool = Spool.make(temporary, part_run.host_targets(file, reader), reader)
    store = Store.create(run, header_of(request, resolved, spool))
    return store, new_work(spool, store, resuming.to_keep(request.flags, request.settings))


def _continue(job: Job, request: Request, run: Path) -> tuple[Store, Work]:
    reader = part_run.HostReader(lmtp=request.settings.mode.lmtp)
    store = part_run.resume(run)
    if job.again:
        spool = Spool.open(run / "spool", reader)
        count = spool.only(pending_domains(run))
        work = Work(spool.items(), count, spool, others=spool.total - count, before=dict(store.header.totals))
    else:
        work = rest_of(store, reader, retry=False)
    return store, work


def _part_result(run: Path) -> JobResult:
    header: RunHeader | None = part_run.header_if_begun(run)
    if header is None:
        return JobResult(RunState.INTERRUPTED)
    return JobResult(header.state, pending=header.totals.get("pending", 0), totals=header.totals)


# --- judgement --------------------------------------------------------------------------------------------------


async def _judge(job: Job, request: Request, place: PlanPlace) -> JobResult:
    """Determine and write the verdicts of one group of domains (see ``scanner.scale.grouping``)."""
    spool = Spool.open(place.run / "spool", request.input.reader)
    group = JudgedGroup(place, job.number, job.addresses, request.settings)
    stats, matched = Stats(), 0
    ports = Ports(request.settings, no_lookup, no_probe, request.reach.trust, request.reach.scope, stats)

    async def work() -> None:
        nonlocal matched
        matched = await group.write(grouping.targets(place, job.number, spool), ports, request.fail_on)

    result = await _guarded(request, place, stats, work)
    return replace(result, matched=matched)


if __name__ == "__main__":
    sys.exit(main())
