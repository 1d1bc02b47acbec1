"""The targets of the retry passes of a scan, and the wait before each retry pass."""

from dataclasses import dataclass, field
from datetime import timedelta

import trio

from scanner.model import DomainVerdict
from scanner.run.examine import DomainResult
from scanner.run.ports import now
from scanner.run.stats import Stats
from targets.lists import Target


@dataclass(slots=True)
class RetryPasses:
    """The targets of the current and the next retry pass by key, each target with its last verdict.

    ``left`` is the number of remaining retry passes; if ``left`` is 0, no target is kept for another pass. Only targets
    with an inconclusive result are kept; a target takes about a kilobyte of memory.
    """

    stats: Stats
    left: int
    next: dict[str, tuple[Target, DomainVerdict]] = field(default_factory=dict)
    current: dict[str, tuple[Target, DomainVerdict]] = field(default_factory=dict)

    def note(self, target: Target, result: DomainResult) -> None:
        """Keep a target for the next retry pass if another examination may change the target's result."""
        if self.current:
            self.current.pop(target.destination.key, None)
        if result.retry and self.left:
            self.next[result.record.key] = target, result.record.verdict
        self.stats.retrying = len(self.next) + len(self.current)

    def earlier_verdict(self, target: Target) -> DomainVerdict | None:
        """Return the verdict of the previous pass on a target of the current pass, or None."""
        known = self.current.get(target.destination.key) if self.current else None
        return known and known[1]

    def begin(self) -> list[Target]:
        """Begin the next retry pass and return its targets."""
        self.left -= 1
        self.current, self.next = self.next, {}
        return [target for target, _ in self.current.values()]


async def wait(seconds: float, count: int, stats: Stats, skip: trio.Event) -> bool:
    """Wait for the next retry pass, with a message in ``stats``; return False if ``skip`` is set."""
    at = (now() + timedelta(seconds=seconds)).astimezone()
    stats.waiting = f"{count:,} domains are inconclusive and are tried again at {at:%H:%M:%S}"
    with trio.move_on_after(seconds):
        await skip.wait()
    stats.waiting = ""
    return not skip.is_set()
