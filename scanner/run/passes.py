"""Which targets another pass is for, and the wait before it."""

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
    """The targets that the next pass is for, by key, and those of this one, each with what was said of it last.

    ``passes`` are those that are still to come; after the last nothing waits any more.

    A target weighs about a kilobyte; only those that could not be told are kept.
    """

    stats: Stats
    passes: int
    next: dict[str, tuple[Target, DomainVerdict]] = field(default_factory=dict)
    current: dict[str, tuple[Target, DomainVerdict]] = field(default_factory=dict)

    def note(self, target: Target, finding: DomainResult) -> None:
        """Keep a target whose finding might come out better."""
        if self.current:
            self.current.pop(target.destination.key, None)
        if finding.again and self.passes:
            self.next[finding.record.key] = target, finding.record.verdict
        self.stats.retrying = len(self.next) + len(self.current)

    def before(self, target: Target) -> DomainVerdict | None:
        """What an earlier pass said of a target."""
        known = self.current.get(target.destination.key) if self.current else None
        return known and known[1]

    def turn(self) -> list[Target]:
        """The targets of the pass that begins."""
        self.passes -= 1
        self.current, self.next = self.next, {}
        return [target for target, _ in self.current.values()]


async def wait(seconds: float, count: int, stats: Stats, skip: trio.Event) -> bool:
    """Wait for the next pass and say so; False if it is not wanted any more."""
    at = (now() + timedelta(seconds=seconds)).astimezone()
    stats.waiting = f"{count:,} domains could not be told and are tried again at {at:%H:%M:%S}"
    with trio.move_on_after(seconds):
        await skip.wait()
    stats.waiting = ""
    return not skip.is_set()
