"""Caps and rates, computed from the servers' own log of connections.

The bulk lab is crowded: its hosts share addresses, networks and providers, and greet late. It is scanned three times:
limited by the caps for address, network and provider, limited by the cap in all, and limited by the rate. Each cap is
reached, so a cap that did not hold would be exceeded.
"""

from collections.abc import Sequence
from pathlib import Path

from scanner.core.providers import provider_of
from scanner.net.gates import LATE, network_of
from tests.bench.bulk_lab import bulk_lab, scans_in, write_list
from tests.bench.model import Row
from tests.lab import manners
from tests.lab.manners import Visit
from tests.lab.use import Lab

DOMAINS = 5000
ADDRESS, NETWORK, PROVIDER, TOTAL = 1, 4, 8, 20
RATE, SPACING = 50, 1.0
BUSY = 0.25  # seconds that a process may be late on a busy machine between its turn and the packet
CAPS = ("--per-address", str(ADDRESS), "--per-network", str(NETWORK), "--per-provider", str(PROVIDER))
CAP = ("--per-address", "2", "--per-network", "100", "--per-provider", "100", "--concurrency", str(TOTAL))
PACE = ("--per-address", "2", "--spacing", str(SPACING), "--rate", str(RATE))


def rows() -> list[Row]:
    """Start a crowded lab and scan it three times."""
    with bulk_lab(DOMAINS, crowded=True) as (lab, place):
        return [
            *_capped(_scan(lab, place / "caps", CAPS)),
            _at_once(_scan(lab, place / "cap", CAP), "all", TOTAL, lambda _: ""),
            *_paced(_scan(lab, place / "pace", PACE)),
        ]


def _scan(lab: Lab, run: Path, flags: Sequence[str]) -> list[Visit]:
    """Scan all domains; return the connections in the servers' log."""
    log = lab.layout.bulk / "connections"
    before = len(manners.visits(log))
    once = scans_in(lab, write_list(run.with_suffix(".txt"), DOMAINS), *flags)
    once.complete(once.anew(run))
    return manners.visits(log)[before:]


def _capped(seen: Sequence[Visit]) -> list[Row]:
    return [
        _at_once(seen, "one address", ADDRESS, lambda visit: visit.address),
        _at_once(seen, "one network", NETWORK, lambda visit: network_of(visit.address)),
        _at_once(seen, "one provider", PROVIDER, lambda visit: provider_of(visit.name)),
    ]


def _at_once(seen: Sequence[Visit], where: str, cap: int, key: manners.Key) -> Row:
    most = manners.most_at_once(seen, key)
    return Row(f"{len(seen)} connections, at once to {where}", f"{most}", f"{cap}, and it is reached", most == cap)


def _paced(seen: Sequence[Visit]) -> list[Row]:
    """Measure the rate of new connections, and the spacing of those to one address."""
    times = sorted(visit.began for visit in seen)
    rate = (len(times) - 1) / (times[-1] - times[0])
    ahead, room = manners.burst(times, RATE), (LATE + BUSY) * RATE
    gap = manners.least_gap(seen, lambda visit: visit.address)
    slow = RATE * 0.8  # else it would not be the rate that is seen
    return [
        Row("connections a second, over all", f"{rate:.1f}", f"{slow:.0f} to {RATE}", slow <= rate <= RATE),
        Row("ahead of the rate, in any stretch of time", f"{ahead:.1f}", f"at most {room:.0f}", ahead <= room),
        Row("seconds between two to one address", f"{gap:.2f}", f"at least {SPACING}", gap >= SPACING - manners.TICK),
    ]
