"""The execution of jobs: back-pressure, waits, attempts, workers that are not fit, and the loss of the scheduler."""

from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from results.store import codec
from scanner.scale.cluster import ClusterError, DaskWorkers, WorkerLostError
from scanner.scale.executor import ATTEMPTS, TESTS, WITHOUT_WORKERS, Executor
from scanner.scale.job import Fitness, Job, JobResult, Stage
from scanner.vocabulary import RunState
from scanner.worker_status import ScanWorker

COMPLETE = JobResult(RunState.COMPLETE, host="one")
Outcome = Callable[[Job], JobResult | Exception]


class ScriptedWorkers(DaskWorkers):
    """Two workers; ``outcome`` makes the result of each job, which ends at the next look."""

    def __init__(self, outcome: Outcome, count: int = 2) -> None:
        self.submitted: list[str] = []
        self.most = 0
        self.is_lost = False
        self.present = count
        self.tests: list[JobResult] = []
        self.looks = 0  # number of looks at which a test is in progress
        self._outcome = outcome
        self._ended: list[tuple[str, bytes | Exception, str]] = []

    def require(self, line: bytes) -> None:
        self.submitted.append(f"test by {codec.decode(Job, line).name}")

    def tested(self) -> list[JobResult]:
        tested, self.tests = self.tests, []
        return tested

    def testing(self) -> bool:
        self.looks -= 1
        return self.looks >= 0

    def count(self) -> int:
        return self.present

    def on_one_machine(self) -> int:
        return self.present

    def submit(self, line: bytes, key: str) -> None:
        job = codec.decode(Job, line)
        self.submitted.append(f"{job.name}/{job.share}")
        found = self._outcome(job)
        self._ended.append((key, found if isinstance(found, Exception) else codec.encode(found), f"w{job.number}"))
        self.most = max(self.most, len(self._ended))

    def finished(self) -> list[tuple[str, bytes | Exception, str]]:
        ended, self._ended = self._ended, []
        return ended

    def exclude(self, worker: str) -> None:
        self.present -= 1
        self.submitted.append(f"without {worker}")

    def lost(self) -> bool:
        return self.is_lost


def jobs(count: int) -> list[Job]:
    return [Job(Stage.PART, number, "RUN", {}) for number in range(count)]


def executor(workers: ScriptedWorkers) -> tuple[Executor, list[str]]:
    said: list[str] = []
    return Executor(workers, "RUN", said.append), said


async def test_at_most_twice_as_many_jobs_as_workers_are_submitted(autojump_clock: MockClock) -> None:
    workers = ScriptedWorkers(lambda _: COMPLETE)
    found, _ = executor(workers)
    assert len(await found.run("stage", jobs(9))) == 9
    assert workers.most == 4
    assert (found.progress.stage, found.progress.total, found.progress.done) == ("stage", 9, 9)


async def test_rates_are_shared_by_the_jobs_of_a_machine_but_not_by_fewer_jobs(autojump_clock: MockClock) -> None:
    for count, share in ((1, 1), (5, 2)):
        workers = ScriptedWorkers(lambda _: COMPLETE)
        await executor(workers)[0].run("stage", jobs(count))
        assert {name.rpartition("/")[2] for name in workers.submitted} == {str(share)}


async def test_a_job_follows_after_a_wait(autojump_clock: MockClock) -> None:
    workers = ScriptedWorkers(lambda _: COMPLETE)
    began = trio.current_time()
    follow = [(300.0, Job(Stage.PART, 0, "RUN", {}, again=1))]
    await executor(workers)[0].run("stage", jobs(1), lambda _job, _result: follow.pop() if follow else None)
    assert workers.submitted == ["part 0/1", "part 0, retry pass 1/1"]
    assert trio.current_time() - began >= 300


@pytest.mark.parametrize("bad", [OSError("lost"), JobResult(RunState.INTERRUPTED, error="OSError: lost")])
async def test_a_job_has_some_attempts(bad: JobResult | Exception, autojump_clock: MockClock) -> None:
    workers = ScriptedWorkers(lambda _: bad)
    text = f"part 0 failed {ATTEMPTS} times: OSError: lost; resume with --resume RUN"
    with pytest.raises(ClusterError, match=text):
        await executor(workers)[0].run("stage", jobs(1))
    assert len(workers.submitted) == ATTEMPTS


async def test_a_worker_that_is_not_fit_is_named_and_gets_no_more_jobs(autojump_clock: MockClock) -> None:
    results = [JobResult(RunState.INTERRUPTED, host="two", error="no resolver validates DNSSEC", unfit=True)]
    workers = ScriptedWorkers(lambda _: results.pop() if results else COMPLETE)
    found, said = executor(workers)
    await found.run("stage", jobs(1))
    assert said == ["worker two: no resolver validates DNSSEC; it gets no more work"]
    assert workers.submitted == ["part 0/1", "without w0", "part 0/1"]


async def test_the_last_worker_that_is_not_fit_ends_the_scan(autojump_clock: MockClock) -> None:
    text = "worker two cannot see RUN: all machines need a shared directory"
    workers = ScriptedWorkers(lambda _: JobResult(RunState.INTERRUPTED, error=text, unfit=True), count=1)
    with pytest.raises(ClusterError, match=text):
        await executor(workers)[0].run("stage", jobs(1))


FIT = JobResult(
    RunState.COMPLETE,
    host="one",
    fitness=Fitness("boot net:[1]", ScanWorker("one", ("192.0.2.1",), "unbound"), ("slow",)),
)
UNFIT = JobResult(RunState.INTERRUPTED, host="two", error="no resolver validates DNSSEC")


async def test_workers_are_tested_before_the_first_job(autojump_clock: MockClock) -> None:
    """Two workers of a machine are one machine, whose remarks are said once; a refused worker is named."""
    workers = ScriptedWorkers(lambda _: COMPLETE)
    workers.tests, workers.looks = [FIT, UNFIT, FIT], 3
    found, said = executor(workers)
    await found.require(Job(Stage.FITNESS, 0, "RUN", {}))
    assert workers.submitted == ["test by fitness 0"]
    assert workers.looks == -1
    assert said == ["worker one: slow", "worker two: no resolver validates DNSSEC; it gets no work"]
    assert list(found.machines.values()) == [ScanWorker("one", ("192.0.2.1",), "unbound")]


async def test_a_scan_without_a_fit_worker_ends_at_once(autojump_clock: MockClock) -> None:
    workers = ScriptedWorkers(lambda _: COMPLETE, count=0)
    workers.tests = [UNFIT]
    with pytest.raises(ClusterError, match="worker two: no resolver validates DNSSEC"):
        await executor(workers)[0].require(Job(Stage.FITNESS, 0, "RUN", {}))


async def test_a_test_that_does_not_end_delays_the_scan_for_some_time(autojump_clock: MockClock) -> None:
    workers = ScriptedWorkers(lambda _: COMPLETE)
    workers.looks = 10**6
    began = trio.current_time()
    await executor(workers)[0].require(Job(Stage.FITNESS, 0, "RUN", {}))
    assert TESTS <= trio.current_time() - began < TESTS + 1


async def test_the_loss_of_all_workers_of_a_job_is_no_failure_of_the_job(autojump_clock: MockClock) -> None:
    losses = [WorkerLostError()] * (2 * ATTEMPTS)
    workers = ScriptedWorkers(lambda _: losses.pop() if losses else COMPLETE)
    assert len(await executor(workers)[0].run("stage", jobs(1))) == 1


async def test_a_scan_without_workers_ends_after_some_time(autojump_clock: MockClock) -> None:
    workers = ScriptedWorkers(lambda _: COMPLETE, count=0)
    began = trio.current_time()
    with pytest.raises(ClusterError, match="no worker is left; resume with --resume RUN"):
        await executor(workers)[0].run("stage", jobs(1))
    assert trio.current_time() - began >= WITHOUT_WORKERS


async def test_a_lost_scheduler_ends_the_scan(autojump_clock: MockClock) -> None:
    workers = ScriptedWorkers(lambda _: COMPLETE)
    workers.is_lost = True
    with pytest.raises(ClusterError, match="the scheduler is lost; resume with --resume RUN"):
        await executor(workers)[0].run("stage", jobs(1))


async def test_after_a_stop_no_job_is_submitted_and_an_early_end_is_no_failure(autojump_clock: MockClock) -> None:
    def outcome(_: Job) -> JobResult:
        found.stopping = True
        return JobResult(RunState.INTERRUPTED)

    workers = ScriptedWorkers(outcome)
    found, _ = executor(workers)
    assert await found.run("stage", jobs(9)) == []
    assert len(workers.submitted) == 4
