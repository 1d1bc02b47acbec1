"""The stages of a scan in many processes, from the input lists to the complete run; each stage can be resumed."""

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import trio

from results.store import codec
from results.store.files import naming, replace_file
from results.store.writer import MAX_RAW, Store
from scanner.model import RejectRecord, RunHeader
from scanner.scale import join, late, part_run, plan, policy_stage
from scanner.scale.executor import Executor
from scanner.scale.grouping import group_domains, remove_groups
from scanner.scale.job import Job, JobResult, KnownResolver, Stage
from scanner.scale.plan_files import INDEX, PROOF, PlanIndex, PlanPlace, read_lines
from scanner.settings import Settings
from scanner.vocabulary import RunState
from scanner.worker_status import ScanWorker
from targets.spool import Spool

AGAIN = 3
"""Number of the last round of jobs, for hosts with contradictory reports and hosts found after the plan was made."""


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """The values that all jobs of a scan share: options, settings, resolver, and the minimum number of parts."""

    flags: dict[str, Any]
    settings: Settings
    resolver: KnownResolver | None
    parts: int


class ScaleDriver:
    """The driver of a scan in many processes.

    Args:
        store: the run, whose lock is held by this process.
        spool: the stored input of the run.
        facts: the values that are the same for all jobs of the scan.
        executor: the executor of the jobs.
    """

    def __init__(self, store: Store, spool: Spool, facts: ScanFacts, executor: Executor) -> None:
        self._store = store
        self._spool = spool
        self._facts = facts
        self._executor = executor
        self._place = PlanPlace(store.path)
        self._proof = secrets.token_hex(16)
        self._internal_errors = 0  # those of the lookups before the plan
        self.matched = 0
        self.why = ""  # the reason of an early end that the user did not request
        self.totals: dict[str, int] = {}
        self._settled: set[tuple[Stage, int]] = set()  # files without a failed lookup

    async def run(self) -> bool:
        """Run all stages of the scan; return False if the scan was ended early and can be resumed.

        Raises:
            ClusterError: a job failed too often, no worker can run jobs, or the scheduler does not answer.
            StoreError: a file cannot be read or written.
        """
        await trio.to_thread.run_sync(self._open)
        await self._executor.require(self._job(Stage.FITNESS, 0))
        index = self._place.index() or await self._make_plan()
        if index is None or not await self._examine(index):
            return False
        await trio.to_thread.run_sync(join.join_hosts, self._place, index, self._store)
        await trio.to_thread.run_sync(self._join_certificates, index)
        await trio.to_thread.run_sync(self._store.sync)
        return await self._judge(index)

    def _join_certificates(self, index: PlanIndex) -> None:
        """Write the certificates of the MTA-STS policy hosts to the run."""
        for bucket in range(index.routes if self._facts.settings.sts else 0):
            for cert in policy_stage.certificates(self._place.file(Stage.RECORDS, bucket)):
                self._store.copy_cert(codec.encode(cert))

    def stop(self, *, now: bool) -> None:
        """End the scan: let the running jobs finish their probes, or with ``now`` stop the jobs at once."""
        self._executor.stopping = True
        replace_file(self._place.stop, b"now" if now else b"drain")

    @property
    def stopping(self) -> bool:
        """True after the end of the scan has been requested."""
        return self._executor.stopping

    def _open(self) -> None:
        with naming(self._place.path):
            self._place.path.mkdir(exist_ok=True)
            self._place.part(0).parent.mkdir(exist_ok=True)
            self._place.stop.unlink(missing_ok=True)
            for unfinished in self._place.path.glob("part-*.new"):  # of a killed process; only this process writes them
                unfinished.unlink(missing_ok=True)
        replace_file(self._place.path / PROOF, self._proof.encode("ascii"))

    def _job(self, stage: Stage, number: int, groups: int = 1, addresses: int = 1) -> Job:
        return Job(
            stage,
            number,
            str(self._store.path.absolute()),
            self._facts.flags,
            self._proof,
            groups=groups,
            addresses=addresses,
            resolver=self._facts.resolver,
        )

    # --- plan -------------------------------------------------------------------------------------------------

    async def _make_plan(self) -> PlanIndex | None:
        """Look up the routes and addresses, and make and return the plan; return None if the scan was ended early."""
        routes = min(plan.buckets_for(self._spool.total, plan.BUCKET_DOMAINS), self._spool.buckets)
        await self._lookups("looking up MX records", Stage.ROUTES, routes)
        if self._facts.settings.sts and not self.stopping:
            await self._lookups("looking up MTA-STS records", Stage.RECORDS, routes)
        if self.stopping:
            return None
        hosts = await trio.to_thread.run_sync(plan.write_hosts, self._place, routes)
        addresses = plan.buckets_for(hosts, plan.BUCKET_HOSTS)
        await self._lookups("looking up addresses", Stage.ADDRESSES, addresses)
        if self.stopping:
            return None
        size = plan.PlanSize(self._spool.total, routes, addresses, self._facts.parts)
        return await trio.to_thread.run_sync(plan.make_plan, self._place, self._facts.settings, size)

    async def _lookups(self, name: str, stage: Stage, groups: int) -> None:
        numbers = [number for number in range(groups) if not self._place.file(stage, number).exists()]
        jobs = (self._job(stage, number, groups) for number in numbers)
        results = await self._executor.run(name, jobs, self._note_failed)
        self._internal_errors += _internal_errors(results)

    # --- failed lookups ---------------------------------------------------------------------------------------

    def _note_failed(self, job: Job, result: JobResult) -> None:
        """Record the file of a lookup job without a failed lookup, so that retry passes skip the file."""
        if not result.pending:
            self._settled.add((job.stage, job.number))

    async def _repeat_lookups(self, index: PlanIndex) -> None:
        """Repeat the failed lookups in up to ``--retries`` retry passes, ``--retry-after`` seconds apart."""
        retries = self._facts.settings.retries
        after = retries.after - (time.time() - (self._place.path / INDEX).stat().st_mtime)
        for again in range(1, retries.times + 1):
            waited = await self._lookups_again(Stage.ROUTES, again, index.routes, index.routes, after)
            if self.stopping:
                return
            if await trio.to_thread.run_sync(late.write_late_hosts, self._place, index):
                self._settled.discard((Stage.ADDRESSES, index.addresses))
            files = late.address_files(self._place, index)
            await self._lookups_again(Stage.ADDRESSES, again, files, index.addresses, 0 if waited else after)
            after = retries.after

    async def _lookups_again(self, stage: Stage, again: int, files: int, groups: int, after: float) -> bool:
        """Repeat the failed lookups of a stage; return False if no file has a failed lookup."""
        numbers = [number for number in range(files) if (stage, number) not in self._settled]
        jobs = [replace(self._job(stage, number, groups), again=again) for number in numbers]
        name = f"repeating failed lookups ({stage})"
        await self._executor.run(name, jobs, self._note_failed, after=min(after, self._facts.settings.retries.after))
        return bool(jobs)

    # --- parts ------------------------------------------------------------------------------------------------

    async def _examine(self, index: PlanIndex) -> bool:
        """Examine the MX hosts of all parts in rounds of jobs; return False if the scan was ended early."""
        for number in (1, 2):
            more = [self._job(Stage.POLICIES, 0, index.routes)] if number == 1 and self._facts.settings.sts else []
            await self._round(number, [entry.number for entry in index.round(number)], more)
            if self.stopping:
                return False
        again = join.AGAIN_PART
        if not self._place.file("part", again).exists():
            await self._repeat_lookups(index)
            if self.stopping:
                return False
            found = await trio.to_thread.run_sync(late.late_lines, self._place, index, self._facts.settings)
            await trio.to_thread.run_sync(join.write_again, self._place, index, found)
        if self._place.file("part", again).stat().st_size:
            await self._round(AGAIN, [again])
        return not self.stopping

    async def _round(self, number: int, parts: Iterable[int], more: Sequence[Job] = ()) -> None:
        times, after = self._facts.settings.retries.times, self._facts.settings.retries.after

        def follow(job: Job, result: JobResult) -> tuple[float, Job] | None:
            if job.last or not result.pending:
                return None
            again = job.again + 1
            return after, replace(job, again=again, last=again >= times)

        jobs = (replace(self._job(Stage.PART, part), last=not times) for part in parts)
        left = [replace(job, again=again, last=again >= times) for job in jobs for again in self._next_pass(job, times)]
        more = [replace(job, last=not times) for job in more]
        await self._executor.run(f"examining MX hosts, round {number}", [*more, *left], follow)

    def _next_pass(self, job: Job, times: int) -> list[int]:
        """Return a list with the number of the next pass over a part of the scan; empty if no pass is left."""
        header = part_run.header_if_begun(self._place.part(job.number))
        made = -1 if header is None else header.totals.get("pass", -1)
        if header is None or header.state is not RunState.COMPLETE:
            return [made + 1]
        return [made + 1] if made < times and header.totals.get("pending") else []

    def _headers(self) -> Iterator[RunHeader]:
        """Yield the run header of each part of the scan that was begun."""
        index = self._place.index()
        for number in (*(entry.number for entry in index.parts), join.AGAIN_PART) if index else ():
            header = part_run.header_if_begun(self._place.part(number))
            if header is not None:
                yield header

    def machines(self) -> tuple[ScanWorker, ...]:
        """Return the machines of the scan; machines used before the scan was resumed are first.

        Raises:
            StoreError: a file cannot be read.
        """
        before = [worker for header in self._headers() for worker in header.workers]
        return part_run.merged_workers([*before, *self._executor.machines.values()])

    def _count_endpoints(self) -> None:
        """Add up, over all parts and passes, the number of probed endpoints and of reused endpoint results."""
        headers = list(self._headers())
        for name in ("endpoints_probed", "endpoints_shared"):
            self.totals[name] = sum(header.totals.get(name, 0) for header in headers)

    # --- judgement --------------------------------------------------------------------------------------------

    async def _judge(self, index: PlanIndex) -> bool:
        """Judge all domains and write their records to the run; return False if the scan was ended early."""
        files = late.address_files(self._place, index)
        sts = self._facts.settings.sts
        await trio.to_thread.run_sync(partial(group_domains, self._place, index.routes, self._spool, sts=sts))
        jobs = (self._job(Stage.JUDGE, bucket, index.routes, files) for bucket in range(index.routes))
        results = await self._executor.run("judging domains", jobs)
        if self.stopping:
            return False
        self._count_endpoints()
        self.matched = sum(result.matched for result in results)
        self.totals["domains"] = sum(result.totals.get("done", 0) for result in results)
        self.totals["internal_errors"] = self._internal_errors + _internal_errors(results)
        await trio.to_thread.run_sync(self._put_in_place, index)
        return True

    def _put_in_place(self, index: PlanIndex) -> None:
        rejects = 0

        def counted(lines: Iterator[bytes]) -> Iterator[bytes]:
            nonlocal rejects
            for line in lines:
                rejects += 1
                yield line

        self._store.replace_lines("rejects", counted(self._rejects(index)))
        self._store.replace_lines("domains", _octets(self._place.file("judged", n) for n in range(index.routes)))
        self.totals["rejects"] = rejects
        remove_groups(self._place, index.routes)

    def _rejects(self, index: PlanIndex) -> Iterator[bytes]:
        for item in self._spool.rejected():
            where = f"{item.file}:{item.line}"
            yield codec.encode(RejectRecord(where, item.file, item.line, item.raw[:MAX_RAW], item.reason))
        for bucket in range(index.routes):
            yield from map(codec.encode, read_lines(self._place.file("refused", bucket), RejectRecord))


def _internal_errors(results: Iterable[JobResult]) -> int:
    return sum(result.totals.get("internal_errors", 0) for result in results)


def _octets(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        with naming(path), path.open("rb") as file:
            yield from file
