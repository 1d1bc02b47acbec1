"""Domains a second and processor time a domain, DNS included, beside ``xargs -P 32 -n 1 posttls-finger``.

Both scan the same domains of the bulk lab, first some that have a mail host each, then ten for each host. The client is
kept on one core, the lab's servers, resolver included, on the other. The resolver has every answer in its cache, as a
first scan that does not count has asked for them. Processor time is that of the client's processes, their start
included. The three take turns, and a scan that asks for a second certificate of each host.
"""

import os
import resource
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bulk_lab import FLAGS, bulk_lab, write_list
from tests.bench.loopback import pinned
from tests.bench.model import Row
from tests.lab import bulk
from tests.lab.use import Lab
from tests.sweep import MXSWEEP

SCALE = 30_000
AT_ONCE = 32
MEASURED_XARGS = 400  # posttls-finger costs the same each time, so that fewer domains tell as much
TURNS = 3
DISTINCT, SHARED, RATE = 5.0, 20.0, 15.0
BOTH = 1.7  # a server with one certificate answers the second connection with an alert
ONE = ("--cert-algs", "off")  # posttls-finger gets one certificate
LIMIT = 300.0  # seconds for one turn


@dataclass(frozen=True, slots=True)
class Spent:
    """Times of one turn for each domain, in seconds."""

    cpu: float
    wall: float

    @property
    def text(self) -> str:
        """Return the text for the table."""
        return f"{self.cpu * 1000:.2f} ms of processor time a domain, {1 / self.wall:,.0f} domains/s"


def rows() -> list[Row]:
    """Start a bulk lab and measure both programs with both lists."""
    with pinned() as other, bulk_lab(SCALE) as (lab, place):
        for pid in lab.record.namespaces.inhabitants():
            os.sched_setaffinity(pid, other)
        return _measure(lab, place)


def _measure(lab: Lab, place: Path) -> list[Row]:
    distinct, shared = SCALE // bulk.DOMAINS_A_HOST, SCALE
    sweep(lab, place, shared)  # fills the resolver's cache
    turns = [
        (
            _xargs(lab, place, MEASURED_XARGS),
            sweep(lab, place, distinct, *ONE),
            sweep(lab, place, shared, *ONE),
            sweep(lab, place, distinct),
        )
        for _ in range(TURNS)
    ]
    xargs, alone, many, both = map(best, zip(*turns, strict=True))
    return [
        Row("xargs posttls-finger", xargs.text),
        Row("mxsweep, a host each", alone.text),
        Row(f"mxsweep, {bulk.DOMAINS_A_HOST} domains a host", many.text),
        _row("a host each: processor time, theirs to ours", xargs.cpu / alone.cpu, DISTINCT),
        _row("10 domains a host: processor time, theirs to ours", xargs.cpu / many.cpu, SHARED),
        _row("10 domains a host: domains/s, ours to theirs", xargs.wall / many.wall, RATE),
        _most("a host each: processor time with --cert-algs auto to off", both.cpu / alone.cpu, BOTH),
    ]


def _row(name: str, factor: float, target: float) -> Row:
    return Row(name, f"{factor:.1f}", f"at least {target:.0f}", factor >= target)


def _most(name: str, factor: float, target: float) -> Row:
    return Row(name, f"{factor:.2f}", f"at most {target:.1f}", factor <= target)


def best(turns: Iterable[Spent]) -> Spent:
    """Return the cheapest turn, because other work on the machine only adds time."""
    turns = tuple(turns)
    return Spent(min(spent.cpu for spent in turns), min(spent.wall for spent in turns))


# --- one turn ---------------------------------------------------------------------------------------------------


def _xargs(lab: Lab, place: Path, domains: int) -> Spent:
    listed = write_list(place / "domains.txt", domains)
    command = ("xargs", "-a", str(listed), "-P", str(AT_ONCE), "-n", "1", "posttls-finger", "-c", "-l", "dane")
    return _spent(lab, command, domains)


def sweep(lab: Lab, place: Path, domains: int, *flags: str) -> Spent:
    """Scan the first domains with further options, and return the times."""
    listed = write_list(place / "domains.txt", domains)
    with tempfile.TemporaryDirectory(dir=place) as temporary:
        run = Path(temporary) / "run"
        command = (*MXSWEEP, "scan", str(listed), "-o", str(run), *FLAGS, "--per-provider", "1000", *flags)
        ours = _spent(lab, command, domains)
        done = sum(1 for _ in (run / "domains.jsonl").open())
    if done != domains:
        raise RuntimeError(f"{done} records of {domains} domains")
    return ours


def _spent(lab: Lab, command: Sequence[str], domains: int) -> Spent:
    before, begun = _children(), time.perf_counter()
    done = lab.run(*command, timeout=LIMIT)
    wall = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-500:]}")
    return Spent((_children() - before) / domains, wall / domains)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    for row in rows():
        print(*row, sep=" | ")  # noqa: T201 - what it was started for
