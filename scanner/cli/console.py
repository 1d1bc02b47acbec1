"""The consoles of the command line, and errors in writing standard output."""

import errno
import os
import sys
from contextlib import suppress

from rich.console import Console

from scanner.cli.errors import CliError, Exit

_UNWRITABLE = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


class RaisingConsole(Console):
    """A console that raises BrokenPipeError for a closed pipe; rich's default console ends the process."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError again; rich calls this method in its handler of that error."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def stdout() -> Console:
    """Return a console for results."""
    return RaisingConsole()


def stderr() -> Console:
    """Return a console for progress and messages."""
    return RaisingConsole(stderr=True)


def say(text: str) -> None:
    """Write a message to stderr; ignore write errors, so that the command continues."""
    with suppress(OSError):
        sys.stderr.write(f"mxsweep: {text}\n")


def unwritable(error: OSError) -> Exception:
    """Return the exception to raise for an error in writing standard output.

    A closed pipe (``| head``) becomes an error without a message, a full disk an error with a message. Any other error
    does not come from standard output and is returned unchanged.
    """
    if error.errno not in _UNWRITABLE:
        return error
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter's last flush fails again
    text = "" if isinstance(error, BrokenPipeError) else f"standard output: {error.strerror}"
    return CliError(text, Exit.UNFIT)
