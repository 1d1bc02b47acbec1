"""Where the command line prints, and what it means when that takes no more."""

import errno
import os
import sys

from rich.console import Console

from scanner.cli.errors import CliError, Exit

_UNWRITABLE = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


class PlainSpoken(Console):
    """A console that raises BrokenPipeError; rich's own ends the process from wherever it was."""

    def on_broken_pipe(self) -> None:
        """Called by rich while it handles the error."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def stdout() -> Console:
    """What the user asked for."""
    return PlainSpoken()


def stderr() -> Console:
    """Progress, and what is to be told beside the results."""
    return PlainSpoken(stderr=True)


def unwritable(error: OSError) -> Exception:
    """What is to be raised when standard output takes no more; any other error is our bug and stays what it is.

    Where whoever read it has gone (``| head``) there is nothing to say.
    """
    if error.errno not in _UNWRITABLE:
        return error
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter's last flush fails again
    text = "" if isinstance(error, BrokenPipeError) else f"standard output: {error.strerror}"
    return CliError(text, Exit.UNFIT)
