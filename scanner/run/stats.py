"""Running counts of a scan, for the progress display and the run's totals. Mutable, one a scan."""

from collections import Counter
from dataclasses import dataclass, field

import trio

from scanner.model import DomainRecord
from scanner.vocabulary import Reason


@dataclass(slots=True)
class Stats:
    """What has been done so far. ``total`` is None until the input has been read to its end."""

    total: int | None = None
    done: int = 0
    read: int = 0
    rejects: int = 0
    endpoints_probed: int = 0
    endpoints_shared: int = 0
    in_flight: int = 0
    internal_errors: int = 0
    waiting: str = ""
    started: float = field(default_factory=trio.current_time)
    tallies: Counter[str] = field(default_factory=Counter)

    def domain(self, record: DomainRecord) -> None:
        """Count a judged domain."""
        self.done += 1
        self.tallies[f"dane {record.verdict.dane}"] += 1
        self.tallies[f"outcome {record.verdict.outcome}"] += 1
        if Reason.INTERNAL in record.verdict.reasons:
            self.internal_errors += 1
