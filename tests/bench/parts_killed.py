"""A scan in two worker processes that is disturbed at random moments: kills, a full disk, a killed resolver.

The processes of the jobs and the workers are killed (``kill -9``) while the scan goes on; the scan and the scheduler
are killed, and the scan is resumed. The records are then those of an undisturbed scan in one process.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bulk_lab import bulk_lab, scans_in, write_list
from tests.bench.disturbed import DISK_FULL, LARGE, RESOLVER_GONE, SETTLED, small_disk
from tests.bench.model import Row
from tests.bench.runs import Scans, same
from tests.lab.use import PATIENCE, Lab

DOMAINS = 3000
RATE = 10  # connections a second: the 300 hosts take half a minute
KILLS, ENDINGS = 20, 10
"""Numbers of kills of a process that is replaced, and of a process with which the scan ends."""

SHORTEST, LONGEST = 1.5, 5.0  # seconds between two kills
STARTED = 60.0  # seconds in which the workers start
GONE = 30.0  # seconds in which the workers of a lost scheduler end
ROOM = "1m"  # a run takes some 8 MB
LOCAL = ("--dask", "local:2")
JOB, WORKER, SCAN, SCHEDULER = b"scanner.cli.scale_child", b"spawn_main", b"scanner\0scan", b"dask_scheduler"
"""Parts of the command lines of the processes."""


@dataclass(frozen=True, slots=True)
class _Disturbance:
    """How scans are started, the random moments, and the records that are expected."""

    lab: Lab
    scans: Scans
    whole: Path
    chance: random.Random

    def row(self, what: str, *, equal: bool) -> Row:
        """Return the row of a disturbance."""
        return Row(f"{what}: records of an undisturbed scan", f"{equal}", "True", equal)

    def equals(self, run: Path) -> bool:
        """Return whether a run is complete with the expected records."""
        return same(run, self.whole)


def rows() -> list[Row]:
    """Scan without a disturbance, then with each disturbance, and compare."""
    with small_disk(ROOM) as disk, bulk_lab(DOMAINS) as (lab, place):
        listed = write_list(place / "list", DOMAINS)
        slow = scans_in(lab, listed, "--rate", str(RATE), "--retries", "2", "--retry-after", "3", *PATIENCE)
        fast = scans_in(lab, listed, "--retries", "2", "--retry-after", "3", *PATIENCE)
        fast.complete(fast.anew(place / "whole"))
        each = _Disturbance(lab, slow, place / "whole", random.Random(1))
        return [
            _replaced(each, place, "process of a job", JOB),
            _replaced(each, place, "worker", WORKER),
            _client(each, place / "client"),
            _scheduler(each, place / "scheduler"),
            *_full(each, fast, disk / "run"),
            _resolver(each, place / "resolver"),
        ]


# --- kills ------------------------------------------------------------------------------------------------------


def _replaced(each: _Disturbance, place: Path, what: str, kind: bytes) -> Row:
    """Kill processes that are replaced, in as many scans as necessary for the number of kills."""
    landed, number, equal = 0, 0, True
    while landed < KILLS and equal:
        run = place / f"{kind.decode()}-{number}"
        process = each.scans.start((*each.scans.anew(run), *LOCAL))
        _wait_until_begun(process, run)
        while landed < KILLS and process.poll() is None:
            time.sleep(each.chance.uniform(SHORTEST, LONGEST))
            landed += _kill(process.pid, kind, each.chance)
        if each.scans.finish(process)[0]:
            each.scans.complete(each.scans.go_on(run))
        equal = each.equals(run)
        number += 1
    return each.row(f"{what} killed {landed} times in {number} scans", equal=equal)


def _client(each: _Disturbance, run: Path) -> Row:
    """Kill the scan, whose process is also the scheduler, and resume it each time."""
    landed = 0
    for _ in range(ENDINGS):
        process = each.scans.start(_continued(each.scans, run, LOCAL))
        time.sleep(each.chance.uniform(SHORTEST, 2 * LONGEST))
        landed += process.poll() is None
        _kill(process.pid, SCAN, each.chance)
        process.kill()
        process.communicate()
    each.scans.complete(_continued(each.scans, run, LOCAL))
    return each.row(f"whole scan killed {landed} times", equal=each.equals(run))


def _scheduler(each: _Disturbance, run: Path) -> Row:
    """Kill a scheduler of its own; the scan and the workers end, and the scan is resumed with a new scheduler."""
    landed, ended = 0, True
    for turn in range(ENDINGS + 1):
        file = run.with_name(f"scheduler-{turn}.json")
        with _cluster(each.lab, file) as processes:
            scan = each.scans.start(_continued(each.scans, run, ("--dask", str(file))))
            if turn == ENDINGS:
                each.scans.finish(scan)
                break
            time.sleep(each.chance.uniform(SHORTEST, 2 * LONGEST))
            landed += scan.poll() is None
            _kill(processes[0].pid, SCHEDULER, each.chance)
            each.scans.finish(scan)
            ended = all(_ends(worker) for worker in processes[1:]) and ended
    name = f"scheduler killed {landed} times, workers ended: {ended}"
    return each.row(name, equal=ended and each.equals(run))


@contextmanager
def _cluster(lab: Lab, file: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start a scheduler and two workers, and end them if they are still there."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    python = (sys.executable, "-m")
    address = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    processes = [lab.popen(*python, "distributed.cli.dask_scheduler", "--scheduler-file", str(file), *address, **quiet)]
    until = time.monotonic() + STARTED
    while not file.exists() and time.monotonic() < until:
        time.sleep(0.2)
    worker = ("distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny")
    processes += [lab.popen(*python, *worker, "--no-dashboard", **quiet) for _ in range(2)]
    try:
        yield processes
    finally:
        for process in processes:
            for pid in [*_descendants(process.pid)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()


def _ends(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(GONE)
    except subprocess.TimeoutExpired:
        return False
    return True


def _continued(scans: Scans, run: Path, workers: tuple[str, ...]) -> tuple[str, ...]:
    return (*scans.go_on(run), *workers)


def _wait_until_begun(process: subprocess.Popen[bytes], run: Path) -> None:
    until = time.monotonic() + STARTED
    while not (run / "plan" / "proof").exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.2)


def _kill(root: int, kind: bytes, chance: random.Random) -> bool:
    """Kill a random process of one kind among the descendants of a process."""
    found = [pid for pid in _descendants(root) if kind in _command(pid)]
    with suppress(ProcessLookupError):
        if found:
            os.kill(chance.choice(found), signal.SIGKILL)
            return True
    return False


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _descendants(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _descendants(int(child))


# --- other disturbances -----------------------------------------------------------------------------------------


def _full(each: _Disturbance, fast: Scans, run: Path) -> list[Row]:
    """Fill the disk during a scan, make room, and resume."""
    status, said = fast.end((*fast.anew(run), *LOCAL))
    named = status == DISK_FULL and "No space left on device" in said
    subprocess.run(["mount", "-o", f"remount,size={LARGE}", str(run.parent)], check=True)
    fast.complete(_continued(fast, run, LOCAL))
    return [
        Row("disk full", f"exit status {status}: {said}", f"{DISK_FULL}, in words", named),
        each.row("disk full, then resumed", equal=each.equals(run)),
    ]


def _resolver(each: _Disturbance, run: Path) -> Row:
    """Kill the resolver for some time during a scan, and start it again."""
    process = each.scans.start((*each.scans.anew(run), *LOCAL))
    _wait_until_begun(process, run)
    time.sleep(SETTLED)
    each.lab.end_resolver()
    time.sleep(RESOLVER_GONE)
    each.lab.start_resolver()
    status, said = each.scans.finish(process)
    if status:
        raise RuntimeError(f"exit status {status}: {said}")
    return each.row(f"resolver killed for {RESOLVER_GONE:.0f} s", equal=each.equals(run))
