"""A job: the work of one child process of a scan in many processes, and the messages of the child process.

The parent process (a worker) sends a job as one line of JSON to the standard input of the child process. The standard
input stays open until the parent process ends. The child process writes messages as lines of JSON to its standard
output, and all other text to its standard error.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from scanner.model import Status
from scanner.vocabulary import RunState
from scanner.worker_status import ScanWorker


class Stage(StrEnum):
    """The stages of a scan that child processes do; ``fitness`` tests whether a worker can do jobs."""

    FITNESS = "fitness"
    ROUTES = "routes"
    RECORDS = "records"
    POLICIES = "policies"
    ADDRESSES = "addresses"
    PART = "part"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class KnownResolver:
    """The resolver of one machine, tested by one process of the machine for all its child processes."""

    servers: tuple[tuple[str, int], ...]
    validated: bool
    label: str


@dataclass(frozen=True, slots=True)
class Job:
    """The work of one child process.

    ``number`` is the number of the bucket (set of destinations or MX hosts) or part of the scan, ``groups`` the number
    of buckets of the stage, ``addresses`` the number of files of addresses for the stage ``judge``. ``again`` is 0 for
    the first pass and otherwise the number of the retry pass; ``last`` is true for the last pass. ``share`` is the
    number of child processes on the machine, which share the connection limits and rates of the machine. ``flags``
    contains all options of the scan, ``proof`` the text of the file by which a worker proves that it sees the run
    directory.
    """

    stage: Stage
    number: int
    run: str
    flags: dict[str, Any]
    proof: str = ""
    groups: int = 1
    addresses: int = 1
    again: int = 0
    last: bool = True
    share: int = 1
    resolver: KnownResolver | None = None

    @property
    def name(self) -> str:
        """The name of the job for the user, such as ``part 17`` or ``part 17, retry pass 1``."""
        return f"{self.stage} {self.number}" + (f", retry pass {self.again}" if self.again else "")


@dataclass(frozen=True, slots=True)
class Fitness:
    """The properties of a worker that is fit for jobs.

    ``machine`` identifies the machine by its boot id and its network namespace. ``worker`` is the entry of the machine
    for run.json, ``notes`` are remarks for the user.
    """

    machine: str
    worker: ScanWorker
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobResult:
    """The result of a job.

    ``pending`` is the number of targets for the next retry pass. ``error`` is empty, or one line for the user;
    ``unfit`` is true if another attempt on the same machine would fail in the same way. ``fitness`` is the result of a
    passed fitness test, None for other jobs.
    """

    state: RunState
    pending: int = 0
    matched: int = 0
    host: str = ""
    error: str = ""
    unfit: bool = False
    totals: dict[str, int] = field(default_factory=dict)
    fitness: Fitness | None = None


@dataclass(frozen=True, slots=True)
class ChildMessage:
    """A message of a child process: the status of its job every two seconds, or the result of the job at the end."""

    status: Status | None = None
    result: JobResult | None = None
