"""Disturbed scans of real servers: their records are those of an undisturbed scan.

A scan of the bulk lab is killed (``kill -9``) many times and resumed each time; its disk fills up; its resolver is
killed and started again; the link to all servers is cut. Its domain records are then those of an undisturbed scan,
byte for byte, but for times, durations, TTLs and counts of attempts, which differ from one scan to the next.
"""

import json
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.bench.bulk_lab import bulk_lab, scans_in, write_list
from tests.bench.model import Row
from tests.bench.runs import Scans, same
from tests.lab.use import PATIENCE, Lab
from tests.lines import dicts

DOMAINS = 20_000
KILLS = 50
RATE = 50  # connections a second: a scan takes 40 seconds, in which something can happen to it
SETTLED = 8.0  # seconds after the start: a fifth of a scan is done
RESOLVER_GONE = 25.0  # seconds: more than a question is asked again and again for
LINK_GONE = 30.0  # seconds
SMALL, LARGE = "6m", "200m"  # a run takes some 30 MB
DISK_FULL = 3  # the exit status of a scan whose environment became unfit

_FLAGS = ("--per-provider", "1000", "--retries", "2", "--retry-after", "3", *PATIENCE)


def rows() -> list[Row]:
    """Start the lab, scan it without a disturbance, then scan it with each disturbance and compare."""
    with small_disk() as disk, bulk_lab(DOMAINS) as (lab, place):
        listed = write_list(place / "domains.txt", DOMAINS)
        fast = scans_in(lab, listed, *_FLAGS)
        slow = scans_in(lab, listed, *_FLAGS, "--rate", str(RATE))
        whole = place / "whole"
        fast.complete(fast.anew(whole))
        no_resolver, no_link = partial(_without_resolver, lab), partial(_without_link, lab)
        return [
            _undisturbed(whole),
            *_killed(slow, place / "killed", whole),
            *_disk_full(fast, disk / "run", whole),
            *_paused("resolver killed and started again", no_resolver, slow, place / "resolver", whole),
            *_paused(f"link cut for {LINK_GONE:.0f} s", no_link, slow, place / "link", whole),
        ]


@contextmanager
def small_disk(size: str = SMALL) -> Iterator[Path]:
    """Mount a small disk before the lab starts, so that the lab's processes see it."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as temporary:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", temporary]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} (needs root): {done.stderr.strip()}")
        try:
            yield Path(temporary)
        finally:
            subprocess.run(["umount", temporary], check=True)


def _undisturbed(whole: Path) -> Row:
    """Scan without a disturbance; fail unless every domain is protected."""
    found = Counter(record["verdict"]["dane"] for record in dicts(whole, "domains"))
    return Row(
        "undisturbed scan, DANE verdicts", f"{dict(found)}", f"{DOMAINS:,} protected", found == {"protected": DOMAINS}
    )


def _equal(run: Path, whole: Path) -> Row:
    equal = same(run, whole)
    return Row("records equal those of the undisturbed scan", "yes" if equal else "no", "yes", equal)


# --- what happens to them -----------------------------------------------------------------------------------------


def _killed(scans: Scans, run: Path, whole: Path) -> list[Row]:
    landed = scans.killed(run, KILLS, random.Random(1))
    name = f"kill -9 of a scan of {DOMAINS:,} domains, before its end"
    return [Row(name, f"{landed} of {KILLS}", f"{KILLS} of {KILLS}", landed == KILLS), _equal(run, whole)]


def _disk_full(scans: Scans, run: Path, whole: Path) -> list[Row]:
    """Fill the disk during a scan, make room, and resume."""
    status, said = scans.end(scans.anew(run))
    written = sum(1 for _ in dicts(run, "domains"))
    told = status == DISK_FULL and "No space left on device" in said
    subprocess.run(["mount", "-o", f"remount,size={LARGE}", str(run.parent)], check=True)
    scans.complete(scans.go_on(run))
    return [
        Row(f"disk full after {written:,} domains", f"exit status {status}: {said}", f"{DISK_FULL}, in words", told),
        _equal(run, whole),
    ]


def _paused(name: str, disturb: Callable[[], None], scans: Scans, run: Path, whole: Path) -> list[Row]:
    """Take a resource away for some seconds during a scan, which has to pause."""
    status = run.with_name(f"{run.name}.status")
    process = scans.start((*scans.anew(run), "--status-file", str(status), "--status-every", "0.5"))
    time.sleep(SETTLED)
    disturb()
    ended, said = scans.finish(process)
    if ended:
        raise RuntimeError(f"{name}: exit status {ended}: {said}")
    states = [json.loads(line)["state"] for line in status.read_text().splitlines()]
    seconds = states.count("paused") * 0.5
    return [Row(f"{name}: scan paused", f"{seconds:.0f} s", "some", seconds > 0), _equal(run, whole)]


def _without_resolver(lab: Lab) -> None:
    lab.end_resolver()
    time.sleep(RESOLVER_GONE)
    lab.start_resolver()


def _without_link(lab: Lab) -> None:
    """Cut the link with an empty resolver cache, so that DNS fails too."""
    lab.end_resolver()
    lab.start_resolver()
    lab.cut()
    time.sleep(LINK_GONE)
    lab.mend()
