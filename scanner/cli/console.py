"""Where the command line prints: rich consoles that let the program decide what a closed pipe means."""

from rich.console import Console


class PlainSpoken(Console):
    """A console that raises BrokenPipeError; rich's own ends the process from wherever it was."""

    def on_broken_pipe(self) -> None:
        """Called by rich while it handles the error."""
        raise BrokenPipeError


def stdout() -> Console:
    """What the user asked for."""
    return PlainSpoken()


def stderr() -> Console:
    """Progress, and what is to be told beside the results."""
    return PlainSpoken(stderr=True)
