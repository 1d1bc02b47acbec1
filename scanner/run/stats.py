"""Running counts of a scan, for the progress display and the run's totals. Mutable, one a scan."""

from collections import Counter
from dataclasses import dataclass, field

import trio

from scanner.model import DomainRecord, DomainVerdict
from scanner.reasons import Reason


@dataclass(slots=True)
class Stats:
    """What has been done so far. ``total`` is None until the input has been read to its end.

    ``breakers`` are the providers and networks that are held back now, ``retrying`` the domains that wait for a later
    pass.
    """

    total: int | None = None
    done: int = 0
    read: int = 0
    rejects: int = 0
    endpoints_probed: int = 0
    endpoints_shared: int = 0
    in_flight: int = 0
    internal_errors: int = 0
    breakers: int = 0
    retrying: int = 0
    waiting: str = ""
    started: float = field(default_factory=trio.current_time)
    tallies: Counter[str] = field(default_factory=Counter)

    def domain(self, record: DomainRecord, before: DomainVerdict | None = None) -> None:
        """Count a judged domain, in the place of what an earlier pass said of it."""
        if before is None:
            self.done += 1
        else:
            self._tally(before, -1)
        self._tally(record.verdict, 1)
        if Reason.INTERNAL in record.verdict.reasons:
            self.internal_errors += 1

    def _tally(self, verdict: DomainVerdict, count: int) -> None:
        for key in (f"dane {verdict.dane}", f"outcome {verdict.outcome}"):
            self.tallies[key] += count
            if not self.tallies[key]:
                del self.tallies[key]
