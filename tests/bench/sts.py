"""The processor time of ``--sts`` for a domain without MTA-STS, which costs two DNS questions and the record of both.

Scans with and without the option take turns on the bulk lab, ten domains for each mail host, with the client on one
core and the servers on the other. A first scan that does not count fills the resolver's cache. The least processor time
of each kind of turn counts, because other work on the machine only adds time.
"""

import os
from pathlib import Path

from tests.bench.bulk_lab import bulk_lab
from tests.bench.loopback import pinned
from tests.bench.model import Row
from tests.bench.reference import slower
from tests.bench.throughput import best, sweep
from tests.lab.use import Lab

SCALE = 20_000
TURNS = 4
TARGET = 0.12  # milliseconds a domain, at the speed of the reference machine


def rows() -> list[Row]:
    """Start a bulk lab and measure both kinds of scan."""
    with pinned() as other, bulk_lab(SCALE) as (lab, place):
        for pid in lab.record.namespaces.inhabitants():
            os.sched_setaffinity(pid, other)
        return measured(lab, place)


def measured(lab: Lab, place: Path, domains: int = SCALE, turns: int = TURNS) -> list[Row]:
    """Measure both kinds of scan in a running lab."""
    sweep(lab, place, domains, "--sts")
    pairs = [(sweep(lab, place, domains, "--no-sts"), sweep(lab, place, domains, "--sts")) for _ in range(turns)]
    without, examined = map(best, zip(*pairs, strict=True))
    more = (examined.cpu - without.cpu) * 1000
    there = more / slower()
    return [
        Row("--no-sts", without.text),
        Row("--sts", examined.text),
        Row("difference", f"{more:.3f} ms a domain"),
        Row("difference at reference speed", f"{there:.3f} ms a domain", f"at most {TARGET} ms", there <= TARGET),
    ]
