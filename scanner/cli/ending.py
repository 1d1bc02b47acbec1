"""The early ends of a scan: by a signal, by ``--max-time``, and by ``--give-up-after``."""

import signal
from contextlib import suppress
from dataclasses import dataclass

import trio
from rich.console import Console

from results.render.words import duration
from scanner.run import pipeline
from scanner.run.stats import Stats

GIVE_UP = 900.0
"""Default of ``--give-up-after`` in seconds until the scan has reached a mail server; then, the default is no limit."""

FINISHING = f"finishing the probes in flight (at most {pipeline.DRAIN:.0f} s); interrupt again to stop at once"
"""Message printed when the first interrupt (SIGINT, SIGTERM) ends a scan."""

_WATCH_EVERY = 0.25  # time in seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits in seconds of the whole scan, and of a pause after the loss of the network; None means no limit."""

    max_time: float | None = None
    give_up_after: float | None = None

    def pause(self, stats: Stats) -> float | None:
        """Return the maximum duration in seconds of a pause after the loss of the network; None means no limit."""
        if self.give_up_after is None and not stats.reached:
            return GIVE_UP
        return self.give_up_after


async def watch_signals(stop: pipeline.Stop, stats: Stats, console: Console) -> None:
    """Finish the probes in flight after the first interrupt; stop the scan at once after the second interrupt.

    During a pause after the loss of the network, the first interrupt stops the scan at once.

    SIGHUP is treated as an interrupt if ``scanner.cli.hangup`` has set SIGHUP to end the scan.
    """
    ends = signal.getsignal(signal.SIGHUP) is signal.default_int_handler
    numbers = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if ends else ()))
    with trio.open_signal_receiver(*numbers) as signals:
        async for _ in signals:
            if stop.draining or stats.outages:
                stop.now()
            else:
                with suppress(OSError):
                    console.print(FINISHING)
                stop.drain()


async def watch_limits(stop: pipeline.Stop, stats: Stats, limits: Limits) -> None:
    """End the scan when one of the time limits in ``limits`` has passed."""
    began = trio.current_time()
    paused_at: float | None = None
    while not stop.draining:
        now = trio.current_time()
        if not stats.outages:
            paused_at = None
        elif paused_at is None:
            paused_at = now
        pause = limits.pause(stats)
        if limits.max_time is not None and now - began >= limits.max_time:
            stop.end(f"the scan took longer than --max-time {limits.max_time:g}", at_once=bool(stats.outages))
        elif paused_at is not None and pause is not None and now - paused_at >= pause:
            stop.end(f"{_cause(stats)} for {duration(pause)} (--give-up-after)", at_once=True)
        await trio.sleep(_WATCH_EVERY)


def _cause(stats: Stats) -> str:
    """Return the causes of the present pause: the beginnings of the messages about outages of network and DNS."""
    return "; ".join(text.partition(":")[0] for text in stats.outages.values())
