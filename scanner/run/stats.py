"""Running counts of a scan, for its progress and the run's totals. Mutable, one a scan."""

from collections import Counter
from dataclasses import dataclass, field

from scanner.model import DomainRecord, DomainVerdict
from scanner.net.breakers import Breakers
from scanner.reasons import Reason


@dataclass(slots=True)
class Stats:
    """What has been done so far. ``total`` is None until the input has been read to its end.

    ``judged`` counts a domain each time that it is judged, ``done`` once. ``retrying`` are the domains that wait for a
    later pass, and ``waiting`` says so while all wait for it. ``wanted`` are the probes that somebody waits for,
    ``in_flight`` those that have a connection, ``stages`` counts them by phase, and DNS look-ups as ``dns``.
    ``outages`` has what fails on our side, and what is said of it.
    """

    total: int | None = None
    done: int = 0
    judged: int = 0
    read: int = 0
    rejects: int = 0
    endpoints_probed: int = 0
    endpoints_shared: int = 0
    wanted: int = 0
    in_flight: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    internal_errors: int = 0
    breakers: Breakers | None = None
    retrying: int = 0
    waiting: str = ""
    outages: dict[str, str] = field(default_factory=dict)
    tallies: Counter[str] = field(default_factory=Counter)

    def outage(self, what: str, text: str) -> None:
        """Note that something fails on our side, in words; without words, that it works again."""
        self.outages.pop(what, None)
        if text:
            self.outages[what] = text

    def domain(self, record: DomainRecord, before: DomainVerdict | None = None) -> None:
        """Count a judged domain, in the place of what an earlier pass said of it."""
        self.judged += 1
        if before is None:
            self.done += 1
        else:
            self._tally(before, -1)
        self._tally(record.verdict, 1)
        if Reason.INTERNAL in record.verdict.reasons:
            self.internal_errors += 1

    def tally(self, kind: str) -> dict[str, int]:
        """Domains by verdict of a kind, ``dane`` or ``outcome``."""
        return {key.removeprefix(f"{kind} "): n for key, n in self.tallies.items() if key.startswith(f"{kind} ")}

    def _tally(self, verdict: DomainVerdict, count: int) -> None:
        for key in (f"dane {verdict.dane}", f"outcome {verdict.outcome}"):
            self.tallies[key] += count
            if not self.tallies[key]:
                del self.tallies[key]
