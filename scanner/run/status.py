"""The status of a scan at one moment, from which progress displays and status files take all numbers."""

import resource
from collections import deque
from collections.abc import Callable
from pathlib import Path

import trio

from scanner.model import Status
from scanner.run.ports import now
from scanner.run.stats import Stats
from scanner.vocabulary import Phase, RunState

WINDOW = 60.0  # length in seconds of the time over which the speed is averaged
SAMPLE = 1.0  # seconds between two samples of the speed; WINDOW / SAMPLE samples are kept

NAMED = 10
"""Maximum number of providers and networks in back-off that a status contains."""

STAGES = (
    *(Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.HANDSHAKE),
    *(Phase.EHLO_TLS, Phase.QUIT),
)
"""The phases of a connection in order, which a status shows between the stages ``gates`` and ``closing``.

Probes in the stage ``gates`` wait for the limits on connections; probes in the stage ``closing`` have ended their
dialogue.
"""

_PAGE = resource.getpagesize()
_STATM = Path("/proc/self/statm")


class Speed:
    """The speed of a scan in domains per second over the last ``WINDOW`` seconds, or since the first sample."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque(maxlen=int(WINDOW / SAMPLE) + 1)

    def add(self, now: float, done: int) -> None:
        """Add a sample: the number of domains done at a time of a monotonic clock."""
        if not self._samples or now - self._samples[-1][0] >= SAMPLE:
            self._samples.append((now, done))

    def rate(self, now: float, done: int) -> float:
        """Return the domains per second; 0 without an earlier sample."""
        while len(self._samples) > 1 and now - self._samples[0][0] > WINDOW:
            self._samples.popleft()
        if not self._samples or now <= self._samples[0][0]:
            return 0.0
        began, before = self._samples[0]
        return (done - before) / (now - began)


class StatusSource:
    """The source of the status of a scan, computed from counters.

    The elapsed time of the scan is counted from the creation of the ``StatusSource``.

    Args:
        stats: counters of the scan.
        between: seconds of the wait before a retry pass.
        clock: function that returns a monotonic time in seconds.
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
        """The state of the scan: ``paused`` during an outage, otherwise ``running``."""
        return RunState.PAUSED if self._stats.outages else RunState.RUNNING

    def status(self, state: RunState | None = None) -> Status:
        """Return the present status; ``state`` is the final state after the end of the scan, None before the end."""
        stats, at = self._stats, self._clock()
        if stats.waiting:
            self._speed = Speed()  # retry passes are slow: their speed is measured separately
        self._speed.add(at, stats.judged)
        rate = self._speed.rate(at, stats.judged)
        held_back = stats.breakers.open(at) if stats.breakers else []
        probed = stats.endpoints_probed + stats.endpoints_shared
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
            shared_ratio=round(stats.endpoints_shared / probed, 4) if probed else None,
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
        """Return the seconds to the end of the scan at the speed ``rate``, including the wait for the next retry pass.

        Return None if the speed, the number of targets or the end of an outage is not known.
        """
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
    """Return the number of DNS lookups and of probes in each stage, including stages without probes."""
    stages = {stage.value: stats.stages[stage] for stage in STAGES}
    return {
        "dns": stats.stages[Phase.DNS],
        "gates": max(stats.wanted - stats.in_flight, 0),
        **stages,
        "closing": max(stats.in_flight - sum(stages.values()), 0),
    }


def rss() -> int:
    """Return the resident memory of this process in octets.

    If no file descriptor is free, return the maximum resident memory so far.
    """
    try:
        return int(_STATM.read_text("ascii").split()[1]) * _PAGE
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
