"""A scan of the bulk lab in two worker processes, compared with a scan in one process.

The records are the same, and no address of the crowded lab gets more connections. Processor time is that of all
processes of a scan, the workers and the scheduler included.
"""

import resource
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from scanner.core.providers import provider_of
from scanner.net.gates import network_of
from tests.bench.bulk_lab import bulk_lab, scans_in, write_list
from tests.bench.caps import ADDRESS, CAPS, DOMAINS, NETWORK, PROVIDER, SPACING
from tests.bench.model import Row
from tests.bench.reference import slower
from tests.bench.runs import Scans, records, same
from tests.lab import manners
from tests.lab.manners import Visit
from tests.lab.use import Lab

SCALE = 20_000
WORKERS = ("--dask", "local:2")
RATIO, FIXED = 1.15, 6.0
"""Maximum processor time of two workers: this multiple of the time of one process, and these seconds for the starts of
the workers and of the processes of all parts, on the reference machine."""


PACED = (*CAPS, "--spacing", str(SPACING))


def rows() -> list[Row]:
    """Scan a lab with a provider for each host, and a crowded lab, both in one and in two processes."""
    with bulk_lab(SCALE) as (lab, place):
        found = _compared(scans_in(lab, write_list(place / "list", SCALE)), place)
    with bulk_lab(DOMAINS, crowded=True) as (lab, place):
        return [*found, *_caps(lab, place)]


def _compared(scans: Scans, place: Path) -> list[Row]:
    one, two = place / "one", place / "two"
    alone = _cpu(scans, scans.anew(one))
    together = _cpu(scans, (*scans.anew(two), *WORKERS))
    limit = RATIO * alone + FIXED * slower()
    equal = same(two, one)
    hosts = records(two, "hosts") == records(one, "hosts")
    return [
        Row(f"one process, {SCALE:,} domains", f"{alone:.1f} s CPU"),
        Row("two workers", f"{together:.1f} s CPU", f"at most {limit:.1f}", together <= limit),
        Row("processor time, two workers to one process", f"{together / alone:.2f}"),
        Row("domain records equal to those of one process", f"{equal}", "True", equal),
        Row("host records equal to those of one process", f"{hosts}", "True", hosts),
    ]


def _cpu(scans: Scans, argv: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    scans.complete(argv)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _caps(lab: Lab, place: Path) -> list[Row]:
    scans = scans_in(lab, write_list(place / "crowded", DOMAINS), *PACED)
    alone = _visits(lab, scans, scans.anew(place / "one"))
    seen = _visits(lab, scans, (*scans.anew(place / "two"), *WORKERS))
    equal = Counter(visit.name for visit in seen) == Counter(visit.name for visit in alone)
    addresses = Counter(visit.address for visit in seen) == Counter(visit.address for visit in alone)
    gap = manners.least_gap(seen, lambda visit: visit.address)
    return [
        Row("connections of two workers as often to each address as of one process", f"{addresses}", "True", addresses),
        Row("connections of two workers as often to each host as of one process", f"{equal}", "True", equal),
        Row("two workers, seconds between two to one address", f"{gap:.2f}", *_at_least(gap)),
        _most("address", ADDRESS, manners.most_at_once(seen, lambda visit: visit.address)),
        _most("network", NETWORK, manners.most_at_once(seen, lambda visit: network_of(visit.address))),
        _most("provider", PROVIDER, manners.most_at_once(seen, lambda visit: provider_of(visit.name))),
    ]


def _at_least(gap: float) -> tuple[str, bool]:
    return f"at least {SPACING}", gap >= SPACING - manners.TICK


def _visits(lab: Lab, scans: Scans, argv: Sequence[str]) -> list[Visit]:
    log = lab.layout.bulk / "connections"
    before = len(manners.visits(log))
    scans.complete(argv)
    return manners.visits(log)[before:]


def _most(where: str, cap: int, most: int) -> Row:
    return Row(f"two workers, connections at once to one {where}", f"{most}", f"at most {cap}", most <= cap)
