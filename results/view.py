"""A scan as it goes on, on standard error: a live display on a terminal, a line now and then elsewhere.

Neither has a thread or a timer of its own: whoever runs the scan calls ``refresh``, some four times a second. A
display that cannot be written (the terminal went away) goes quiet; the scan goes on.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from results.layout import quote
from results.words import duration, share

WINDOW = 60.0  # seconds over which the speed is taken: slow hosts even out, and a change is still seen
SAMPLE = 1.0  # seconds between two samples; with WINDOW it bounds their number
LINE_EVERY = 10.0  # seconds between two lines in a log

_KINDS = ("dane", "outcome")


class Stats(Protocol):
    """Running counts of a scan. ``tallies`` has ``dane WORD`` and ``outcome WORD``, each with its domains."""

    @property
    def total(self) -> int | None:
        """Domains to scan; None while the input is still being read."""

    @property
    def done(self) -> int:
        """Domains judged."""

    @property
    def endpoints_probed(self) -> int:
        """Endpoints probed."""

    @property
    def endpoints_shared(self) -> int:
        """Probes that were spared, as another domain shared the endpoint."""

    @property
    def in_flight(self) -> int:
        """Domains, or probes, under way."""

    @property
    def tallies(self) -> Mapping[str, int]:
        """Domains by verdict."""

    @property
    def rejects(self) -> int:
        """Input lines that are not scanned."""

    @property
    def breakers(self) -> int:
        """Providers and networks that turned us away and are left alone for now."""

    @property
    def waiting(self) -> str:
        """What the scan waits for, in words; empty when nothing holds it up."""


class Progress(Protocol):
    """A display of a scan, used in a ``with`` statement."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(self, *_: object) -> None:
        """Show the last state and end."""

    def refresh(self) -> None:
        """Show the state of now, if it is time to."""


class Speed:
    """Domains a second over the last ``WINDOW`` seconds."""

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


def _sparing(console: Console) -> Console:
    """Have a console report a broken pipe instead of ending the process.

    Rich's own answer is to exit and to point standard output, which may carry records, at /dev/null.
    """

    def on_broken_pipe() -> None:
        raise BrokenPipeError

    console.on_broken_pipe = on_broken_pipe  # type: ignore[method-assign]  # the console is made elsewhere
    return console


class RichProgress:
    """A live display at the foot of a terminal."""

    def __init__(self, stats: Stats, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._stats = stats
        self._console = _sparing(console)
        self._clock = clock
        self._began = clock()
        self._speed = Speed()
        # Standard output is left alone: it may carry records.
        self._live = Live(console=console, auto_refresh=False, redirect_stdout=False)
        self._quiet = False

    def __enter__(self) -> Self:
        self._guarded(self._live.start)
        self.refresh()
        return self

    def __exit__(self, *_: object) -> None:
        self.refresh()
        self._guarded(self._live.stop)

    def refresh(self) -> None:
        """Draw the state of now."""
        now = self._clock()
        self._speed.add(now, self._stats.done)
        picture = Group(self._bar(), Text(_pace(self._stats, self._speed, now, self._began)), self._details())
        self._guarded(lambda: self._live.update(picture, refresh=True))

    def _guarded(self, draw: Callable[[], None]) -> None:
        if self._quiet:
            return
        try:
            draw()
        except OSError:
            self._quiet = True

    def _bar(self) -> Table:
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(ratio=1)
        table.add_column(justify="right", no_wrap=True)
        total = self._stats.total
        bar = ProgressBar(total, self._stats.done) if total else Text("reading the list", "dim")
        table.add_row(bar, Text(_done(self._stats), "bold"))
        return table

    def _details(self) -> Text:
        lines = [_probes(self._stats), *(_tally(self._stats, kind) for kind in _KINDS)]
        text = Text("\n".join(line for line in lines if line), "dim")
        if self._stats.waiting:
            text.append("\n").append_text(quote(self._console, f"waiting: {self._stats.waiting}", "yellow"))
        return text


class PlainProgress:
    """A line every ``every`` seconds, for logs and files."""

    def __init__(
        self,
        stats: Stats,
        console: Console,
        every: float = LINE_EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stats = stats
        self._console = _sparing(console)
        self._every = every
        self._clock = clock
        self._began = self._last = clock()
        self._speed = Speed()
        self._quiet = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._write(self._clock())

    def refresh(self) -> None:
        """Write a line if the last one is old enough."""
        now = self._clock()
        self._speed.add(now, self._stats.done)
        if now - self._last >= self._every:
            self._last = now
            self._write(now)

    def _write(self, now: float) -> None:
        if self._quiet:
            return
        parts = (
            _done(self._stats),
            _pace(self._stats, self._speed, now, self._began),
            _probes(self._stats),
            *(_tally(self._stats, kind) for kind in _KINDS),
            self._stats.waiting and f"waiting: {self._stats.waiting}",
        )
        line = quote(self._console, "; ".join(part for part in parts if part), limit=1000)
        try:
            self._console.print(line, soft_wrap=True)
        except OSError:
            self._quiet = True


class NoProgress:
    """No display, for ``--quiet``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Show nothing."""

    def refresh(self) -> None:
        """Show nothing."""


def progress_for(stats: Stats, console: Console, *, quiet: bool = False) -> Progress:
    """Choose the display that fits where the console leads to."""
    if quiet:
        return NoProgress()
    return RichProgress(stats, console) if console.is_terminal else PlainProgress(stats, console)


def _done(stats: Stats) -> str:
    if not stats.total:
        return f"{stats.done:,} domains"
    return f"{stats.done:,} of {stats.total:,} domains ({share(stats.done, stats.total)})"


def _pace(stats: Stats, speed: Speed, now: float, began: float) -> str:
    rate = speed.rate(now, stats.done)
    parts = [f"{rate:,.1f}/s", f"{duration(now - began)} so far"]
    if stats.total is not None and rate > 0:
        parts.append(f"{duration(max(stats.total - stats.done, 0) / rate)} to go")
    return ", ".join(parts)


def _probes(stats: Stats) -> str:
    parts = [
        f"{stats.in_flight:,} under way",
        f"{stats.endpoints_probed:,} endpoints probed",
        f"{stats.endpoints_shared:,} shared",
    ]
    if stats.breakers:
        parts.append(f"{stats.breakers:,} providers or networks left alone for now")
    if stats.rejects:
        parts.append(f"{stats.rejects:,} lines rejected")
    return ", ".join(parts)


def _tally(stats: Stats, kind: str) -> str:
    """Give the domains by verdict of a kind, most frequent first: ``dane: protected 12, none 3``."""
    found = {key.removeprefix(f"{kind} "): n for key, n in stats.tallies.items() if key.startswith(f"{kind} ")}
    ranked = sorted(found.items(), key=lambda row: (-row[1], row[0]))
    return f"{kind}: " + ", ".join(f"{word} {count:,}" for word, count in ranked) if ranked else ""
