"""Concurrency, rate and spacing of a client, computed from the times at which connections began and ended."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

TICK = 0.01
"""Seconds by which a connection may seem to begin early: the kernel counts in ticks of a 250th or a 100th."""


class Visit(NamedTuple):
    """A connection: address, MX host (empty if none was named), begin and end in seconds."""

    address: str
    name: str
    began: float
    ended: float


Key = Callable[[Visit], str]


def visits(log: Path) -> list[Visit]:
    """Read the log of ``bulk_server``; a connection without an end lasts for ever."""
    addresses: dict[str, tuple[str, float]] = {}
    names: dict[str, str] = {}
    ends: dict[str, float] = {}
    for line in log.read_text().splitlines():
        at, number, event, *more = line.split()
        if event == "open":
            addresses[number] = more[0], float(at)
        elif event == "name":
            names[number] = more[0]
        else:
            ends[number] = float(at)
    return [
        Visit(address, names.get(number, ""), began, ends.get(number, float("inf")))
        for number, (address, began) in addresses.items()
    ]


def most_at_once(seen: Iterable[Visit], key: Key) -> int:
    """Return the most simultaneous connections of one key; one that ends makes room for one that begins then."""
    turns = [(at, step, key(visit)) for visit in seen for at, step in ((visit.began, 1), (visit.ended - TICK, -1))]
    inside: Counter[str] = Counter()
    most = 0
    for _, step, where in sorted(turns):
        inside[where] += step
        most = max(most, inside[where])
    return most


def least_gap(seen: Iterable[Visit], key: Key) -> float:
    """Return the least number of seconds between two begins of one key; infinite where no key has two."""
    began = defaultdict(list)
    for visit in seen:
        began[key(visit)].append(visit.began)
    gaps = (later - at for times in began.values() for at, later in pairwise(sorted(times)))
    return min(gaps, default=float("inf"))


def burst(times: Sequence[float], rate: float) -> float:
    """Return by how many connections the rate was exceeded in any interval, its first connection not counted.

    Zero or less for a client that keeps the pace exactly.
    """
    worst = 0.0
    ahead = float("-inf")  # of the rate, by the best stretch that ends at the time before
    for before, at in pairwise(sorted(times)):
        ahead = max(ahead, 0.0) + 1 - (at - before) * rate
        worst = max(worst, ahead)
    return worst
