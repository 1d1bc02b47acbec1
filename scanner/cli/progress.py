"""The outputs of the progress of a scan: display, status file, metrics file and run.json show the same status."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

import trio
from rich.console import Console

from results.live.progress import progress_for
from results.live.status import PeriodicWriter
from results.store.files import StoreError
from results.store.writer import Store
from scanner.cli.progress_request import ProgressRequest
from scanner.model import Status
from scanner.vocabulary import RunState

REFRESH = 0.25
"""Seconds between two updates of the status: short enough for a smooth display."""


class Statuses(Protocol):
    """A source of the status of a scan: one process, or all workers of a scan with ``--dask``."""

    @property
    def state(self) -> RunState:
        """The state of the running scan, ``running`` or ``paused``."""

    def status(self, state: RunState | None = None) -> Status:
        """Return the status at this moment; ``state`` is the final state of an ended scan, None before its end."""


class StatusView(Protocol):
    """The interface of a display or file that shows the status of a scan."""

    def show(self, status: Status) -> None:
        """Display a status, unless the previous status was displayed too recently."""

    def end(self, status: Status) -> None:
        """Display the last status of the scan."""


@dataclass(slots=True)
class ProgressLoop:
    """The periodic update of all displays and files; ``ended`` is the final state of the scan, None before the end."""

    source: Statuses
    views: tuple[StatusView, ...]
    store: Store | None
    ended: RunState | None = field(default=None, init=False)

    async def run(self) -> None:
        """Show the status every ``REFRESH`` seconds until cancelled."""
        while True:
            self.show()
            await trio.sleep(REFRESH)

    def show(self) -> None:
        """Show the current status, and write a changed state to run.json; the next call repeats a failed write."""
        if self.store is not None and self.store.header.state is not self.source.state:
            with suppress(StoreError):
                self.store.mark(self.source.state)
        status = self.source.status()
        for view in self.views:
            view.show(status)

    def end(self) -> None:
        """Show the final status of the scan."""
        status = self.source.status(self.ended or RunState.INTERRUPTED)
        for view in self.views:
            view.end(status)


@contextmanager
def progress_loop(
    source: Statuses, request: ProgressRequest, console: Console, store: Store | None, say: Callable[[str], None]
) -> Iterator[ProgressLoop]:
    """Open the progress display and the status and metrics files for the ``with`` block.

    The caller runs ``ProgressLoop.run`` in the ``with`` block.

    Args:
        source: source of the status.
        request: the requested display and files.
        console: console of the display.
        store: the run whose state is written to run.json, None without a run directory.
        say: function that gets messages about files that cannot be written.
    """
    files = (PeriodicWriter(write, request.every, say) for write in request.files)
    with progress_for(console, quiet=request.quiet) as progress:
        found = ProgressLoop(source, (progress, *files), store)
        found.show()
        try:
            yield found
        finally:
            found.end()
