"""The progress display of a running scan on standard error: live on a terminal, else a line every ten seconds.

The display needs no thread and no timer, as the scan calls ``show`` about four times a second. After a write error, for
example on a closed terminal, the progress display stops writing and the scan continues.
"""

from collections.abc import Callable
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from results.count.percent import share
from results.render.terminal import quote
from results.render.words import duration
from scanner.model import Status

LINE_EVERY = 10.0  # interval in seconds between progress lines in a log
NAMED = 3  # maximum number of names of providers and networks in back-off; the status file contains more
ROWS = 16  # maximum number of rows for the jobs of a scan in many processes

_KINDS = ("dane", "outcome")


class Progress(Protocol):
    """A progress display, used in a ``with`` statement."""

    def __enter__(self) -> Self:
        """Open the display."""

    def __exit__(self, *_: object) -> None:
        """Close the display."""

    def show(self, status: Status) -> None:
        """Display the status of a scan; ``PlainProgress`` ignores calls within ``every`` seconds of its last line."""

    def end(self, status: Status) -> None:
        """Display the last status of the scan."""


class _Guard:
    """Function object that calls drawing functions, and makes no further calls after the first ``OSError``."""

    def __init__(self) -> None:
        self._failed = False

    def __call__(self, draw: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            draw()
        except OSError:
            self._failed = True


class RichProgress:
    """A progress display that redraws the last lines of a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        # the library rich must not redirect standard output, which may contain records
        self._live = Live(console=console, auto_refresh=False, redirect_stdout=False)
        self._guarded = _Guard()

    def __enter__(self) -> Self:
        self._guarded(self._live.start)
        return self

    def __exit__(self, *_: object) -> None:
        self._guarded(self._live.stop)

    def show(self, status: Status) -> None:
        """Draw the status of a scan on the terminal."""
        picture = Group(_bar(status), Text(_pace(status)), self._details(status))
        self._guarded(lambda: self._live.update(picture, refresh=True))

    def end(self, status: Status) -> None:
        """Draw the last status of the scan on the terminal."""
        self.show(status)

    def _details(self, status: Status) -> Text:
        parts = (status.stage, _in_flight(status), _probes(status), *_tallies(status), *_workers(status))
        text = Text("\n".join(filter(None, parts)), "dim")
        for line in filter(None, (_back_off(status), _waiting(status))):
            text.append("\n").append_text(quote(self._console, line, "yellow"))
        return text


class PlainProgress:
    """A progress display for logs and files that prints a line every ``every`` seconds."""

    def __init__(self, console: Console, every: float = LINE_EVERY) -> None:
        self._console = console
        self._every = every
        self._last = 0.0
        self._guarded = _Guard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def show(self, status: Status) -> None:
        """Write a progress line if ``every`` seconds have passed since the last progress line."""
        if status.elapsed - self._last >= self._every:
            self._last = status.elapsed
            self.end(status)

    def end(self, status: Status) -> None:
        """Write the last progress line of the scan."""
        parts = (
            _done(status),
            _pace(status),
            status.stage,
            _in_flight(status),
            _probes(status),
            *_tallies(status),
            _back_off(status),
            _waiting(status),
        )
        line = quote(self._console, "; ".join(part for part in parts if part), limit=1000)
        self._guarded(lambda: self._console.print(line, soft_wrap=True))


class NoProgress:
    """The progress display of ``--quiet``, which prints nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def show(self, status: Status) -> None:
        """Show nothing."""

    def end(self, status: Status) -> None:
        """Show nothing."""


def progress_for(console: Console, *, quiet: bool = False) -> Progress:
    """Return the progress display for a console: redrawn lines on a terminal, else a line every ten seconds.

    Args:
        console: a console that raises ``OSError`` on a write error (rich's class ends the process on a closed pipe).
        quiet: true to return the display that prints nothing.
    """
    if quiet:
        return NoProgress()
    return RichProgress(console) if console.is_terminal else PlainProgress(console)


def _bar(status: Status) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    bar = ProgressBar(status.total, status.done) if status.total else Text("reading the list", "dim")
    table.add_row(bar, Text(_done(status), "bold"))
    return table


def _done(status: Status) -> str:
    if not status.total:
        return f"{status.done:,} domains"
    return f"{status.done:,} of {status.total:,} domains ({share(status.done, status.total)})"


def _pace(status: Status) -> str:
    parts = [f"{status.rate:,.1f}/s", f"{duration(status.elapsed)} so far"]
    if status.eta is not None:
        parts.append(f"{duration(status.eta)} to go")
    if status.retrying:
        parts.append(f"{status.retrying:,} to be retried")
    parts.append(f"{status.rss / 1e6:,.0f} MB")
    return ", ".join(parts)


def _in_flight(status: Status) -> str:
    """Return the numbers of lookups and probes in progress by stage, such as ``in flight: connect 12, handshake 3``."""
    busy = [f"{stage} {count:,}" for stage, count in status.in_flight.items() if count]
    return f"in flight: {', '.join(busy)}" if busy else ""


def _probes(status: Status) -> str:
    probed, shared = status.endpoints_probed, status.endpoints_shared
    parts = [f"{probed:,} endpoints probed", f"{shared:,} shared"]
    if shared:
        parts[-1] += f" ({share(shared, probed + shared)})"
    if status.rejects:
        parts.append(f"{status.rejects:,} lines rejected")
    if status.internal_errors:
        parts.append(f"{status.internal_errors:,} internal errors")
    return ", ".join(parts)


def _back_off(status: Status) -> str:
    if not status.breakers:
        return ""
    names = [f"{each.name} ({duration(each.seconds)})" for each in status.held_back[:NAMED]]
    if status.breakers > len(names):
        names.append(f"{status.breakers - len(names):,} more")
    return f"in back-off: {', '.join(names)}"


def _waiting(status: Status) -> str:
    return f"waiting: {status.waiting}" if status.waiting else ""


def _workers(status: Status) -> list[str]:
    """Return a row for each running job of a scan in many processes, at most ``ROWS``."""
    rows = [
        f"{each.job} at {each.worker}: {each.done:,} of {each.total or 0:,} done, {each.in_flight:,} in flight"
        for each in status.workers[:ROWS]
    ]
    more = len(status.workers) - len(rows)
    return [*rows, f"{more:,} more jobs"] if more else rows


def _tallies(status: Status) -> tuple[str, ...]:
    return tuple(_tally(kind, getattr(status, kind)) for kind in _KINDS)


def _tally(kind: str, found: dict[str, int]) -> str:
    """Return the number of domains by verdict value, most frequent first, such as ``dane: protected 12, none 3``."""
    ranked = sorted(found.items(), key=lambda row: (-row[1], row[0]))
    return f"{kind}: " + ", ".join(f"{word} {count:,}" for word, count in ranked) if ranked else ""
