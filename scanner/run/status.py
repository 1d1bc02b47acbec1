"""The picture of a scan at one moment: the one place where the numbers come from that anybody is shown."""

import resource
from collections import deque
from collections.abc import Callable
from pathlib import Path

import trio

from scanner.model import Status
from scanner.run.ports import now
from scanner.run.stats import Stats
from scanner.vocabulary import Phase, RunState

WINDOW = 60.0  # seconds over which the speed is taken: slow hosts even out, and a change is still seen
SAMPLE = 1.0  # seconds between two samples; with WINDOW it bounds their number

NAMED = 10
"""Providers and networks held back that are named: a line stays a line in the worst of storms."""

STAGES = (
    *(Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.HANDSHAKE),
    *(Phase.EHLO_TLS, Phase.QUIT),
)
"""Those of a connection, as they follow each other. Before them are ``dns`` and ``gates``, after them ``closing``."""

_PAGE = resource.getpagesize()
_STATM = Path("/proc/self/statm")


class Speed:
    """Domains a second over the last ``WINDOW`` seconds, or since there were samples."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque(maxlen=int(WINDOW / SAMPLE) + 1)

    def add(self, now: float, done: int) -> None:
        """Note how many were done by a time of a monotonic clock."""
        if not self._samples or now - self._samples[-1][0] >= SAMPLE:
            self._samples.append((now, done))

    def rate(self, now: float, done: int) -> float:
        """Give domains a second; 0 while nothing can be said."""
        while len(self._samples) > 1 and now - self._samples[0][0] > WINDOW:
            self._samples.popleft()
        if not self._samples or now <= self._samples[0][0]:
            return 0.0
        began, before = self._samples[0]
        return (done - before) / (now - began)


class StatusSource:
    """Makes the picture; its clock starts with it.

    Args:
        stats: what is counted.
        between: seconds that all wait before a later pass.
        clock: monotonic.
    """

    def __init__(self, stats: Stats, between: float, clock: Callable[[], float] = trio.current_time) -> None:
        self._stats = stats
        self._between = between
        self._clock = clock
        self._began = clock()
        self._speed = Speed()
        self._speed.add(self._began, stats.judged)

    @property
    def state(self) -> RunState:
        """Paused in an outage, else running."""
        return RunState.PAUSED if self._stats.outages else RunState.RUNNING

    def status(self, state: RunState | None = None) -> Status:
        """The scan as it is now; ``state`` once it has ended."""
        stats, at = self._stats, self._clock()
        if stats.waiting:
            self._speed = Speed()  # a later pass is for the slow ones: the speed of this one says nothing of it
        self._speed.add(at, stats.judged)
        rate = self._speed.rate(at, stats.judged)
        held_back = stats.breakers.open(at) if stats.breakers else []
        visited = stats.endpoints_probed + stats.endpoints_shared
        return Status(
            at=now(),
            state=state or self.state,
            elapsed=round(at - self._began, 3),
            total=stats.total,
            done=stats.done,
            rate=round(rate, 3),
            eta=self._eta(rate),
            in_flight=in_flight(stats),
            endpoints_probed=stats.endpoints_probed,
            endpoints_shared=stats.endpoints_shared,
            shared_ratio=round(stats.endpoints_shared / visited, 4) if visited else None,
            breakers=len(held_back),
            held_back=tuple(held_back[:NAMED]),
            retrying=stats.retrying,
            waiting="; ".join(filter(None, (*stats.outages.values(), stats.waiting))),
            rss=rss(),
            rejects=stats.rejects,
            internal_errors=stats.internal_errors,
            outcome=stats.tally("outcome"),
            dane=stats.tally("dane"),
        )

    def _eta(self, rate: float) -> float | None:
        """Seconds to the end: what is left at this speed, later pass and the wait before it included."""
        stats = self._stats
        if stats.total is None or stats.outages:
            return None
        first = max(stats.total - stats.done, 0)
        if not first and not stats.retrying:
            return 0.0
        if rate <= 0:
            return None
        wait = self._between if first and stats.retrying else 0.0
        return round((first + stats.retrying) / rate + wait, 1)


def in_flight(stats: Stats) -> dict[str, int]:
    """What is under way by stage, every stage told: DNS look-ups, then probes."""
    stages = {stage.value: stats.stages[stage] for stage in STAGES}
    return {
        "dns": stats.stages[Phase.DNS],
        "gates": max(stats.wanted - stats.in_flight, 0),
        **stages,
        "closing": max(stats.in_flight - sum(stages.values()), 0),
    }


def rss() -> int:
    """Memory of this process that is resident, in octets."""
    return int(_STATM.read_text("ascii").split()[1]) * _PAGE
