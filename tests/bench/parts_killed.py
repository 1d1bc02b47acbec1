"""A scan in two worker processes whose processes are killed (``kill -9``) at random moments.

The processes of the jobs and the workers are killed while the scan goes on, and the scan itself is killed and resumed.
The records are then those of an undisturbed scan in one process.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.bench.bulk_lab import bulk_lab, scans_in, write_list
from tests.bench.model import Row
from tests.bench.runs import Scans, same

DOMAINS = 3000
KILLS = 20
SHORTEST, LONGEST = 1.5, 5.0  # seconds between two kills
STARTED = 30.0  # seconds in which the workers start
JOB, WORKER, SCAN = b"scanner.cli.scale_child", b"spawn_main", b"scanner\0scan"
"""Parts of the command lines of the processes."""


def rows() -> list[Row]:
    """Scan without a disturbance, then kill each kind of process and compare."""
    chance = random.Random(1)
    with bulk_lab(DOMAINS) as (lab, place):
        scans = scans_in(lab, write_list(place / "list", DOMAINS), "--rate", "100")
        whole = place / "whole"
        scans.complete(scans.anew(whole))
        return [
            _row("process of a job", *_disturbed(scans, place / "job", JOB, chance), place / "job", whole),
            _row("worker", *_disturbed(scans, place / "worker", WORKER, chance), place / "worker", whole),
            _row("whole scan", *_resumed(scans, place / "scan", chance), place / "scan", whole),
        ]


def _row(what: str, landed: int, status: int, run: Path, whole: Path) -> Row:
    equal = status == 0 and same(run, whole)
    return Row(f"{what} killed {landed} times: records of an undisturbed scan", f"{equal}", "True", equal)


def _disturbed(scans: Scans, run: Path, kind: bytes, chance: random.Random) -> tuple[int, int]:
    """Kill processes of one kind during a scan; return the number of kills and the exit status."""
    process = scans.start((*scans.anew(run), "--dask", "local:2"))
    until = time.monotonic() + STARTED
    while not (run / "plan" / "proof").exists() and time.monotonic() < until:
        time.sleep(0.2)
    landed = 0
    while landed < KILLS and process.poll() is None:
        time.sleep(chance.uniform(SHORTEST, LONGEST))
        landed += _kill(process, kind, chance)
    return landed, scans.finish(process)[0]


def _resumed(scans: Scans, run: Path, chance: random.Random) -> tuple[int, int]:
    """Kill and resume a scan; return the number of kills and the exit status of the last resumption."""
    landed = 0
    for _ in range(KILLS // 2):
        process = scans.start(_continued(scans, run))
        time.sleep(chance.uniform(SHORTEST, 3 * LONGEST))
        landed += process.poll() is None
        _kill(process, SCAN, chance)
        process.kill()
        process.communicate()
    return landed, scans.end(_continued(scans, run))[0]


def _continued(scans: Scans, run: Path) -> tuple[str, ...]:
    argv = scans.go_on(run)
    return argv if "--resume" in argv else (*argv, "--dask", "local:2")


def _kill(process: subprocess.Popen[bytes], kind: bytes, chance: random.Random) -> bool:
    """Kill a random process of one kind among the descendants of a process."""
    found = [pid for pid in _descendants(process.pid) if kind in _command(pid)]
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
