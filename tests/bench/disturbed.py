"""What may happen to a scan of real servers changes nothing in what it finds.

A scan of the bulk lab is killed (``kill -9``) again and again and taken up each time; its disk fills up; its resolver
is killed and comes back; the link to all servers is cut. Its domain records are then those of an undisturbed scan,
byte for byte, but for times, durations, TTLs and counts of attempts, which differ from one scan to the next.
"""

import json
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from results.run import Run
from tests.bench.model import Row
from tests.bench.runs import Scans, same
from tests.lab import bulk, control
from tests.lab.layout import Layout
from tests.lab.use import PATIENCE, RESOLVER, Lab
from tests.sweep import MXSWEEP

DOMAINS = 20_000
KILLS = 50
RATE = 50  # connections a second: a scan takes 40 seconds, in which something can happen to it
SETTLED = 8.0  # seconds after the start: a fifth of a scan is done
RESOLVER_GONE = 25.0  # seconds: more than a question is asked again and again for
LINK_GONE = 30.0  # seconds
SMALL, LARGE = "6m", "200m"  # a run takes some 30 MB
DISK_FULL = 3  # the exit status of a scan whose environment became unfit

_FLAGS = (
    *("--quiet", "--resolver", RESOLVER, "--allow-private", "--ehlo", "client.lab.test"),
    *("--dns-rate", "1000000", "--spacing", "0", "--per-provider", "1000", "--retries", "2", "--retry-after", "3"),
    *PATIENCE,
)


def rows() -> list[Row]:
    """Start the lab, scan it undisturbed, then disturb other scans of it and compare."""
    with _lab() as (lab, place):
        listed = place / "domains.txt"
        listed.write_text("".join(f"{bulk.domain(number)}\n" for number in range(DOMAINS)))
        start = partial(_start, lab)
        fast = Scans(start, listed, (*_FLAGS, "--rate", "1000000"))
        whole = place / "whole"
        fast.complete(fast.anew(whole))
        scans = Scans(start, listed, (*_FLAGS, "--rate", str(RATE)))
        return [
            _undisturbed(whole),
            *_killed(scans, place / "killed", whole),
            *_disk_full(fast, place / "disk" / "run", whole),
            *_paused("resolver killed and started again", _without_resolver(lab), scans, place / "resolver", whole),
            *_paused(f"link cut for {LINK_GONE:.0f} s", _without_link(lab), scans, place / "link", whole),
        ]


@contextmanager
def _lab() -> Iterator[tuple[Lab, Path]]:
    """The lab, and a place for runs with a small disk in it, which the lab's processes see too."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-soak-") as temporary:
        place = Path(temporary)
        place.chmod(0o755)
        (place / "disk").mkdir()
        _mount(place / "disk", f"size={SMALL}")
        layout = Layout(place / "lab")
        try:
            yield Lab(layout, control.up(layout, DOMAINS)), place
        finally:
            control.down(layout)
            subprocess.run(["umount", str(place / "disk")], check=True)


def _mount(disk: Path, options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} (needs root): {done.stderr.strip()}")


def _start(lab: Lab, argv: Sequence[str]) -> subprocess.Popen[bytes]:
    process: subprocess.Popen[bytes] = lab.popen(*MXSWEEP, *argv, stderr=subprocess.PIPE)
    return process


def _undisturbed(whole: Path) -> Row:
    """What the others are compared with: of no use if it had found nothing."""
    found = Counter(record["verdict"]["dane"] for record in Run.open(whole).dicts("domains"))
    return Row(
        "undisturbed scan, DANE verdicts", f"{dict(found)}", f"{DOMAINS:,} protected", found == {"protected": DOMAINS}
    )


def _equal(run: Path, whole: Path) -> Row:
    equal = same(run, whole)
    return Row("records equal those of the undisturbed scan", "yes" if equal else "no", "yes", equal)


# --- what happens to them -----------------------------------------------------------------------------------------


def _killed(scans: Scans, run: Path, whole: Path) -> list[Row]:
    landed = scans.killed(run, KILLS, random.Random(1))
    text = f"{landed} of {KILLS}"
    return [Row(f"kill -9 of a scan of {DOMAINS:,} domains, at work", text, text, landed == KILLS), _equal(run, whole)]


def _disk_full(scans: Scans, run: Path, whole: Path) -> list[Row]:
    """The disk fills up; the user makes room and goes on."""
    status, said = scans.end(scans.anew(run))
    written = sum(1 for _ in Run.open(run).dicts("domains"))
    told = status == DISK_FULL and "No space left on device" in said
    subprocess.run(["mount", "-o", f"remount,size={LARGE}", str(run.parent)], check=True)
    scans.complete(scans.go_on(run))
    return [
        Row(f"disk full after {written:,} domains", f"exit status {status}: {said}", f"{DISK_FULL}, in words", told),
        _equal(run, whole),
    ]


def _paused(name: str, disturb: Callable[[], None], scans: Scans, run: Path, whole: Path) -> list[Row]:
    """Something is gone for a while in the middle of a scan, which waits for it."""
    status = run.with_name(f"{run.name}.status")
    process = scans.start((*scans.anew(run), "--status-file", str(status), "--status-every", "0.5"))
    time.sleep(SETTLED)
    disturb()
    _, said = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{name}: exit status {process.returncode}: {said.decode()[-500:]}")
    states = [json.loads(line)["state"] for line in status.read_text().splitlines()]
    seconds = states.count("paused") * 0.5
    return [Row(f"{name}: scan paused", f"{seconds:.0f} s", "some", seconds > 0), _equal(run, whole)]


def _without_resolver(lab: Lab) -> Callable[[], None]:
    def disturb() -> None:
        lab.end_resolver()
        time.sleep(RESOLVER_GONE)
        lab.start_resolver()

    return disturb


def _without_link(lab: Lab) -> Callable[[], None]:
    """The resolver has an empty cache, so that the DNS is gone too."""

    def disturb() -> None:
        lab.cut()
        time.sleep(LINK_GONE)
        lab.mend()

    return disturb
