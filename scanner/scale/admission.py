"""The choice of the Dask workers that get jobs: those that passed a test (run directory, resolver), unless excluded."""

from collections import Counter
from collections.abc import Mapping

from results.store import codec
from scanner.scale.job import Fitness, JobResult
from scanner.vocabulary import RunState


class Admission:
    """The workers of a Dask cluster by address, and the results of their fitness tests.

    If ``required`` is false, each worker is fit for jobs without a fitness test, because all workers are processes of
    this machine.
    """

    def __init__(self) -> None:
        self.required = False
        self._threads: dict[str, int] = {}
        self._tested: dict[str, Fitness] = {}
        self._testing: set[str] = set()
        self._excluded: set[str] = set()
        self._results: list[JobResult] = []

    def arrive(self, threads: Mapping[str, int]) -> list[str]:
        """Record the present workers and their numbers of threads; return the workers that need a fitness test."""
        self._threads = dict(threads)
        self._testing &= threads.keys()
        if not self.required:
            return []
        known = self._tested.keys() | self._testing | self._excluded
        new = [worker for worker in threads if worker not in known]
        self._testing.update(new)
        return new

    def tested(self, worker: str, outcome: bytes | Exception) -> None:
        """Record the outcome of a fitness test: the ``JobResult`` as a line of JSON, or the exception of the test."""
        if worker not in self._testing:  # the worker is lost
            return
        self._testing.discard(worker)
        if isinstance(outcome, Exception):
            result = JobResult(RunState.INTERRUPTED, host=machine_of(worker), error=f"{outcome}")
        else:
            result = codec.decode(JobResult, outcome)
        self._results.append(result)
        if result.fitness is None:
            self._excluded.add(worker)
        else:
            self._tested[worker] = result.fitness

    def exclude(self, worker: str) -> None:
        """Give no more jobs to a worker."""
        self._excluded.add(worker)

    def results(self) -> list[JobResult]:
        """Return the results of the fitness tests that have ended since the last call of this method."""
        results, self._results = self._results, []
        return results

    @property
    def testing(self) -> bool:
        """True while a worker is tested for its fitness to run jobs of the scan."""
        return bool(self._testing)

    @property
    def present(self) -> frozenset[str]:
        """The addresses of the present workers, with and without a passed fitness test."""
        return frozenset(self._threads)

    @property
    def fit(self) -> dict[str, int]:
        """The addresses of the present workers that get jobs, with their numbers of threads."""
        fit = (self._tested if self.required else self._threads).keys() - self._excluded
        return {worker: number for worker, number in self._threads.items() if worker in fit}

    def on_one_machine(self) -> int:
        """Return the largest number of jobs that the workers of one machine do at the same time."""
        machines = Counter[str]()
        for worker, threads in self.fit.items():
            known = self._tested.get(worker)
            machines[known.machine if known else machine_of(worker)] += threads
        return max(machines.values(), default=1)


def machine_of(worker: str) -> str:
    """Return the host in the address of a worker, such as ``192.0.2.1`` in ``tcp://192.0.2.1:4711``."""
    return worker.rpartition(":")[0].rpartition("//")[2]
