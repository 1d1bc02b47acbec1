"""A meter of the event loop: the longest step of a task, during which no other task runs, and its processor time."""

import time
from pathlib import Path

import trio

LONGEST = 0.25
"""Maximum seconds of a step on a quiet machine."""


class Meter(trio.abc.Instrument):
    """An instrument for ``trio.run``.

    ``longest`` is the duration of the longest step in seconds and ``task`` the name of its task. ``busiest`` is the
    longest step by processor time of this thread, which does not depend on what else the machine does.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self.busiest = 0.0
        self.task = ""
        self._began = 0.0
        self._began_cpu = 0.0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002 - the name is trio's
        self._began, self._began_cpu = time.perf_counter(), time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.longest = max(self.longest, time.perf_counter() - self._began)
        if (busy := time.thread_time() - self._began_cpu) > self.busiest:
            self.busiest, self.task = busy, task.name


def peak() -> float:
    """Return the largest resident memory of this process so far, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
