"""The execution of a scan's jobs by Dask workers: limited submission, repeated attempts, retry passes, and early end.

At most twice as many jobs are submitted as all workers do at the same time. The state of a scan is only in the files of
the scan, so that a failed job can be submitted again, and a job may run twice without harm.
"""

import heapq
import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import trio

from results.store import codec
from scanner.scale.cluster import ClusterError, DaskWorkers, WorkerLostError
from scanner.scale.job import Job, JobResult
from scanner.vocabulary import RunState
from scanner.worker_status import ScanWorker

ATTEMPTS = 5
"""Maximum number of attempts of a job."""

PAUSE = 1.0
"""Seconds before another attempt of a failed job."""

POLL = 0.2
"""Seconds between two checks whether jobs have ended."""

TESTS = 60.0
"""Seconds to wait for the fitness tests of the workers that are present at the start of the scan."""

WITHOUT_WORKERS = 60.0
"""Seconds without a worker that gets jobs, after which the scan ends with an error."""

Following = Callable[[Job, JobResult], tuple[float, Job] | None]
"""A function of a job and its result that returns the wait in seconds and the following job; None if no job follows."""


@dataclass(slots=True)
class StageProgress:
    """The counters of the jobs of a stage for the display; ``running`` contains the submitted jobs by name."""

    stage: str = ""
    total: int = 0
    done: int = 0
    waiting: int = 0
    running: dict[str, Job] = field(default_factory=dict)


class Executor:
    """The executor of the jobs of a scan, one stage at a time.

    Args:
        workers: the workers that do the jobs.
        run: the run directory, for the advice in error messages.
        say: function that gets messages for the user.
    """

    def __init__(self, workers: DaskWorkers, run: str, say: Callable[[str], None]) -> None:
        self._workers = workers
        self._run = run
        self._say = say
        self._queue: deque[Job] = deque()
        self._delayed: list[tuple[float, int, Job]] = []
        self._failures = Counter[str]()
        self._keys: dict[str, Job] = {}
        self._serial = 0
        self._own = secrets.token_hex(4)  # other scans may use the same scheduler
        self._empty_since: float | None = None
        self.progress = StageProgress()
        self.stopping = False
        self.machines: dict[str, ScanWorker] = {}  # the tested machines by their identification

    async def require(self, job: Job) -> None:
        """Test each worker with the job ``job`` before any other job, unless the workers are processes of this machine.

        Wait for the fitness tests of the present workers, at most ``TESTS`` seconds.

        Raises:
            ClusterError: no worker is fit for jobs.
        """
        self._workers.require(codec.encode(job))
        until = trio.current_time() + TESTS
        while self._workers.testing() and not self.stopping and trio.current_time() < until:
            self._workers.finished()
            await trio.sleep(POLL)
        self._check_workers()

    async def run(
        self, stage: str, jobs: Iterable[Job], follow: Following = lambda _job, _result: None, *, after: float = 0.0
    ) -> list[JobResult]:
        """Do all jobs of a stage and the jobs that ``follow`` returns, and return the results of the complete jobs.

        Args:
            stage: name of the stage for the display.
            jobs: the jobs of the stage.
            follow: function that returns the job that follows a complete job, such as a retry pass.
            after: seconds to wait before the first job.

        Raises:
            ClusterError: a job failed too often, no worker can run jobs, or the scheduler does not answer.
        """
        self._queue = deque(jobs)
        self.progress = StageProgress(stage, len(self._queue))
        while after > 0 and self._queue:
            self._later(after, self._queue.popleft())
        results: list[JobResult] = []
        while self._keys or ((self._queue or self._delayed) and not self.stopping):
            if self._workers.lost():
                raise ClusterError(f"the scheduler is lost; resume with --resume {self._run}")
            if not self.stopping:
                self._submit()
            for key, outcome, worker in self._workers.finished():
                result = self._ended(self._keys.pop(key), outcome, worker, follow)
                if result is not None:
                    results.append(result)
            self.progress.waiting = len(self._delayed)
            self.progress.running = {job.name: job for job in self._keys.values()}
            await trio.sleep(POLL)
        return results

    def _submit(self) -> None:
        while self._delayed and self._delayed[0][0] <= trio.current_time():
            self._queue.append(heapq.heappop(self._delayed)[2])
        room = 2 * self._workers.count() - len(self._keys)
        self._check_workers()
        share = min(self._workers.on_one_machine(), max(1, self.progress.total))
        while self._queue and room > 0:
            job = replace(self._queue.popleft(), share=share)
            self._serial += 1
            key = f"mxsweep {job.name} ({self._own} {self._serial})"
            self._keys[key] = job
            self._workers.submit(codec.encode(job), key)
            room -= 1

    def _check_workers(self) -> None:
        """Report failed fitness tests; raise an error if no worker is fit for jobs, or if no worker is left.

        The error for a lack of workers is raised after ``WITHOUT_WORKERS`` seconds, because Dask restarts a lost
        worker process of this machine.
        """
        refusals = [text for result in self._workers.tested() for text in self._tested(result)]
        if refusals and not self._workers.count() and not self._workers.testing():
            raise ClusterError(refusals[-1])
        for text in refusals:
            self._say(f"{text}; it gets no work")
        if self._workers.count() or self._workers.testing():
            self._empty_since = None
        elif self._empty_since is None:
            self._empty_since = trio.current_time()
        elif trio.current_time() - self._empty_since > WITHOUT_WORKERS:
            raise ClusterError(f"no worker is left; resume with --resume {self._run}")

    def _ended(self, job: Job, outcome: bytes | Exception, worker: str, follow: Following) -> JobResult | None:
        """Handle the end of a job; return the result of a complete job, None for a job that has to be repeated."""
        if isinstance(outcome, WorkerLostError):
            self._later(0, job)
            return None
        if isinstance(outcome, Exception):
            self._failed(job, f"{type(outcome).__name__}: {outcome}")
            return None
        result = codec.decode(JobResult, outcome)
        if result.unfit:
            self._refused(job, result, worker)
            return None
        if result.state is not RunState.COMPLETE:
            if not self.stopping:
                self._failed(job, result.error or "the job ended early")
            return None
        following = follow(job, result)
        if following is None:
            self.progress.done += 1
        else:
            self._later(*following)
        return result

    def _failed(self, job: Job, text: str) -> None:
        self._failures[job.name] += 1
        if self._failures[job.name] >= ATTEMPTS and not self.stopping:
            raise ClusterError(f"{job.name} failed {ATTEMPTS} times: {text}; resume with --resume {self._run}")
        self._later(PAUSE, job)

    def _tested(self, result: JobResult) -> Iterator[str]:
        """Record the machine of a worker that is fit for jobs; yield the reason if a worker is not fit."""
        if result.fitness is None:
            yield _refusal(result)
        elif result.fitness.machine not in self.machines:
            self.machines[result.fitness.machine] = result.fitness.worker
            for note in result.fitness.notes:
                self._say(f"worker {result.host}: {note}")

    def _refused(self, job: Job, result: JobResult, worker: str) -> None:
        """Exclude a worker that is no longer fit for jobs, and submit its job again for another worker."""
        text = _refusal(result)
        self._workers.exclude(worker)
        if not self._workers.count() and not self._workers.testing():
            raise ClusterError(text)
        self._say(f"{text}; it gets no more work")
        self._later(PAUSE, job)

    def _later(self, seconds: float, job: Job) -> None:
        self._serial += 1
        heapq.heappush(self._delayed, (trio.current_time() + seconds, self._serial, job))


def _refusal(result: JobResult) -> str:
    return result.error if result.error.startswith("worker ") else f"worker {result.host}: {result.error}"
