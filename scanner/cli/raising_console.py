"""The console of the command line."""

import errno
import os

from rich.console import Console


class RaisingConsole(Console):
    """A console that raises BrokenPipeError for a closed pipe; rich's default console ends the process."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError again; rich calls this method in its handler of a BrokenPipeError."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
