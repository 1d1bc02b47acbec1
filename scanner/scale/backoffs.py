"""The providers and networks in back-off, which a pass over one part of a scan records for later passes over all parts.

A provider or network that has rejected this scanner gets one connection at a time from each later pass, and the next
back-off of the provider or network is longer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from scanner.net.breakers import KNOWN, Breakers
from scanner.run.ports import now
from scanner.scale.plan_files import PlanPlace, read_lines, write_lines

_FILE = "backoff"


@dataclass(frozen=True, slots=True)
class BackoffLine:
    """A provider or network, the number of its back-offs so far, and the end of the last back-off."""

    name: str
    count: int
    until: datetime


def known(place: PlanPlace) -> dict[str, BackoffLine]:
    """Return the back-offs that all passes so far have recorded, by provider or network, at most ``KNOWN`` entries.

    Raises:
        StoreError: a file cannot be read.
    """
    lines = (line for path in sorted(place.path.glob(f"{_FILE}-*.jsonl")) for line in read_lines(path, BackoffLine))
    found: dict[str, BackoffLine] = {}
    for line in islice(lines, KNOWN):
        if line.name not in found or found[line.name].count < line.count:
            found[line.name] = line
    return found


class BackoffHandover:
    """The back-offs that a pass over a part of a scan reads from earlier passes and writes for later passes.

    Args:
        place: the directory of the plan of the scan, which contains the files of back-offs.
        part: the number of the part of the scan that the job examines.
        clock: function that returns the time in seconds of the clock that the circuit breakers use.

    Raises:
        StoreError: a file cannot be read.
    """

    def __init__(self, place: PlanPlace, part: int, clock: Callable[[], float]) -> None:
        self._path = place.file(_FILE, part)
        self._clock = clock
        self._before = known(place)
        self._breakers: Breakers | None = None

    def begin(self, breakers: Breakers | None) -> None:
        """Continue the back-offs of earlier passes in the circuit breakers of this process."""
        self._breakers = breakers
        if breakers is None:
            return
        for line in self._before.values():
            breakers.restore(line.name, line.count, (line.until - now()).total_seconds(), self._clock())

    def end(self) -> None:
        """Write the back-offs that began in this pass, with the back-offs of the earlier passes over the part.

        Raises:
            StoreError: the file cannot be read or written.
        """
        own = {line.name: line for line in read_lines(self._path, BackoffLine)} if self._path.exists() else {}
        for name, backoff in self._breakers.openings().items() if self._breakers else ():
            if name not in self._before or self._before[name].count < backoff.count:
                left = timedelta(seconds=max(0.0, backoff.until - self._clock()))
                own[name] = BackoffLine(name, backoff.count, now() + left)
        if own:
            write_lines(self._path, own.values())
