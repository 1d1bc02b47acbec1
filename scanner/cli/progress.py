"""Where a scan is shown as it goes on: display, status file, metrics file and run.json, all from one picture."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import trio
from rich.console import Console

from results.live.progress import progress_for
from results.live.status import Kept, MetricsFile, StatusFile
from results.store.files import StoreError
from results.store.writer import Store
from scanner.cli.errors import CliError, Exit
from scanner.model import Status
from scanner.run.status import StatusSource
from scanner.vocabulary import RunState

REFRESH = 0.25
"""Seconds between two looks at the counters: fluent to the eye, free to the processor."""


@dataclass(frozen=True, slots=True)
class Showing:
    """Where to show a scan: the display, and files with the seconds between two writings of each."""

    quiet: bool
    files: tuple[Callable[[Status], None], ...]
    every: float


def showing_of(flags: dict[str, Any]) -> Showing:
    """Where the flags want it shown.

    Raises:
        CliError: a file cannot be written.
    """
    kinds = (("status_file", StatusFile), ("metrics_file", MetricsFile))
    try:
        files = tuple(kind(Path(flags[name])) for name, kind in kinds if flags[name])
    except StoreError as error:
        raise CliError(str(error), Exit.USAGE) from None
    return Showing(flags["quiet"] or flags["output"] is None, files, flags["status_every"])


class Face(Protocol):
    """Something that shows a scan."""

    def show(self, status: Status) -> None:
        """Show it, if it is time to."""

    def end(self, status: Status) -> None:
        """Show the last of it."""


@dataclass(slots=True)
class Watching:
    """Shows a scan; ``ended`` is set when it is known how it ended."""

    watch: StatusSource
    faces: tuple[Face, ...]
    store: Store | None
    ended: RunState | None = field(default=None, init=False)

    async def go_on(self) -> None:
        """Show the scan until cancelled.

        Raises:
            StoreError: run.json cannot be written.
        """
        while True:
            self.look()
            await trio.sleep(REFRESH)

    def look(self) -> None:
        """Show the state of now; run.json says whether the run is paused."""
        if self.store is not None and self.store.header.state is not self.watch.state:
            self.store.mark(self.watch.state)
        status = self.watch.status()
        for face in self.faces:
            face.show(status)

    def end(self) -> None:
        """Show the last state."""
        status = self.watch.status(self.ended or RunState.INTERRUPTED)
        for face in self.faces:
            face.end(status)


@contextmanager
def watching(
    watch: StatusSource, showing: Showing, console: Console, store: Store | None, tell: Callable[[str], None]
) -> Iterator[Watching]:
    """Show a scan from here to the end of the block; ``go_on`` is to be run meanwhile.

    Args:
        watch: makes the picture.
        showing: where.
        console: where the display goes.
        store: the run whose state is kept, if there is a run.
        tell: takes what the user should hear.
    """
    files = (Kept(write, showing.every, tell) for write in showing.files)
    with progress_for(console, quiet=showing.quiet) as progress:
        found = Watching(watch, (progress, *files), store)
        found.look()
        try:
            yield found
        finally:
            found.end()
