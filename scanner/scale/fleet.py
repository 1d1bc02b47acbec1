"""The status of a scan in many processes: the sum of the last statuses of all running jobs."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from results.store import codec
from scanner.model import Status
from scanner.run.ports import now
from scanner.run.status import NAMED, Speed, rss
from scanner.scale.executor import StageProgress
from scanner.scale.job import Stage
from scanner.vocabulary import RunState
from scanner.worker_status import WorkerStatus


class Fleet:
    """The source of the status of a scan in many processes.

    Args:
        run: absolute path of the run directory, by which the statuses of other scans with the same scheduler are
            ignored.
        clock: function that returns a monotonic time in seconds.
    """

    state = RunState.RUNNING
    """The state of the scan before its end."""

    def __init__(self, run: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._run = run
        self._progress: Callable[[], StageProgress] = StageProgress
        self._domains: int | None = None
        self._clock = clock
        self._began = clock()
        self._seen: dict[str, tuple[str, Status]] = {}  # worker and last status of each job, by the name of the job
        self._speed, self._stage = Speed(), ""

    def watch(self, progress: Callable[[], StageProgress], domains: int) -> None:
        """Set the source of the counters of stages, and the number of destinations of the scan.

        ``progress`` returns the counters of the stage in progress.
        """
        self._progress = progress
        self._domains = domains

    def event(self, event: dict[str, Any]) -> None:
        """Keep the job status that a worker reports; Dask calls this method in a thread.

        An event without a readable status is ignored.
        """
        if event.get("run") != self._run:
            return
        try:
            status = codec.decode(Status, str(event["status"]).encode())
            self._seen[str(event["job"])] = str(event["worker"]), status
        except (codec.CodecError, KeyError, TypeError):
            return

    def status(self, state: RunState | None = None) -> Status:
        """Return the status of the scan now; ``state`` is the final state after the end of the scan, None before."""
        progress, at = self._progress(), self._clock()
        running = {name: seen for name, seen in list(self._seen.items()) if name in progress.running}
        statuses = [status for _, status in running.values()]
        judging = any(job.stage is Stage.JUDGE for job in progress.running.values())
        done = sum(status.done for status in statuses)
        probed = sum(status.endpoints_probed for status in statuses)
        shared = sum(status.endpoints_shared for status in statuses)
        return Status(
            at=now(),
            state=state or self.state,
            elapsed=round(at - self._began, 3),
            total=self._domains,
            done=(self._domains or 0) if state is RunState.COMPLETE else done if judging else 0,
            rate=round(self._rate(progress.stage, at, done), 3),
            eta=0.0 if state is RunState.COMPLETE else None,
            in_flight=_tally(status.in_flight for status in statuses),
            endpoints_probed=probed,
            endpoints_shared=shared,
            shared_ratio=round(shared / (probed + shared), 4) if probed + shared else None,
            breakers=sum(status.breakers for status in statuses),
            held_back=tuple(each for status in statuses for each in status.held_back)[:NAMED],
            retrying=sum(status.retrying for status in statuses),
            waiting="; ".join(dict.fromkeys(status.waiting for status in statuses if status.waiting)),
            rss=rss() + sum(status.rss for status in statuses),
            rejects=0,
            internal_errors=sum(status.internal_errors for status in statuses),
            outcome=_tally(status.outcome for status in statuses) if judging else {},
            dane=_tally(status.dane for status in statuses) if judging else {},
            stage="" if state else _stage_text(progress),
            workers=tuple(_row(job, worker, last) for job, (worker, last) in sorted(running.items())),
        )

    def _rate(self, stage: str, at: float, done: int) -> float:
        if stage != self._stage:
            self._stage, self._speed = stage, Speed()
        self._speed.add(at, done)
        return max(0.0, self._speed.rate(at, done))


def _stage_text(progress: StageProgress) -> str:
    text = f"{progress.stage}: {progress.done} of {progress.total} jobs done, {len(progress.running)} submitted"
    return text + (f", {progress.waiting} wait for a retry" if progress.waiting else "") if progress.stage else ""


def _tally(tables: Iterable[dict[str, int]]) -> dict[str, int]:
    return dict(sum(map(Counter, tables), Counter[str]()))


def _row(job: str, worker: str, status: Status) -> WorkerStatus:
    return WorkerStatus(
        worker=worker,
        job=job,
        total=status.total,
        done=status.done,
        in_flight=sum(status.in_flight.values()),
        endpoints_probed=status.endpoints_probed,
        rss=status.rss,
    )
