"""The counters of a scan, for its progress and the totals of the run; each scan has one mutable ``Stats``."""

from collections import Counter
from dataclasses import dataclass, field

from scanner.model import DomainRecord, DomainVerdict
from scanner.net.breakers import Breakers
from scanner.reasons import Reason


@dataclass(slots=True)
class Stats:
    """The counters of one scan. ``total``, the number of targets, is None until the input has been read completely.

    ``judged`` counts every judgement of a domain, ``done`` counts every domain once. ``retrying`` is the number of
    domains that the current and the next retry pass have to examine, and ``waiting`` is a message during the wait
    before a retry pass. ``wanted`` is the number of unfinished probes, ``in_flight`` the number of probes with a
    connection. ``stages`` counts the probes in progress by phase, and the DNS lookups in progress as ``dns``.
    ``outages`` contains a message for each active outage, by what has failed (such as the DNS resolver). ``reached`` is
    true after a mail server has accepted a connection for the first time.
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
    reached: bool = False
    tallies: Counter[str] = field(default_factory=Counter)

    def outage(self, what: str, text: str) -> None:
        """Record the message of an outage that begins; an empty text records the end of the outage."""
        self.outages.pop(what, None)
        if text:
            self.outages[what] = text

    def domain(self, record: DomainRecord, before: DomainVerdict | None = None) -> None:
        """Count a judged domain by its verdicts.

        ``before`` is the domain's verdict in an earlier pass, which the method subtracts from the counts.
        """
        self.judged += 1
        if before is None:
            self.done += 1
        else:
            self._tally(before, -1)
        self._tally(record.verdict, 1)
        if Reason.INTERNAL in record.verdict.reasons:
            self.internal_errors += 1

    def tally(self, kind: str) -> dict[str, int]:
        """Return the number of domains by verdict; ``kind`` is ``dane`` or ``outcome``."""
        return {key.removeprefix(f"{kind} "): n for key, n in self.tallies.items() if key.startswith(f"{kind} ")}

    def _tally(self, verdict: DomainVerdict, count: int) -> None:
        for key in (f"dane {verdict.dane}", f"outcome {verdict.outcome}"):
            self.tallies[key] += count
            if not self.tallies[key]:
                del self.tallies[key]
