"""Printing to stdout and stderr for all commands, and the handling of errors in writing standard output."""

import errno
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.cli import code_of
from scanner.cli.errors import CliError, Exit

if TYPE_CHECKING:
    from rich.console import Console

MESSAGE = 2000
"""Maximum number of characters of a message for the user."""

_CONSOLE = "scanner.cli.raising_console:RaisingConsole"  # help, version and a start load no terminal library
_UNWRITABLE = {errno.EBADF, errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def stdout() -> "Console":
    """Return a console of the library Rich that prints results to stdout."""
    console: Console = code_of(_CONSOLE)()
    return console


def stderr() -> "Console":
    """Return a console of the library Rich that prints progress and messages to stderr."""
    console: Console = code_of(_CONSOLE)(stderr=True)
    return console


class _TerminalStream:
    """Standard output to a terminal; JSON escapes replace characters that control the terminal."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.flush = stream.flush

    def write(self, document: bytes) -> None:
        """Write JSON lines."""
        self._stream.write(code_of("results.render.escape:json_text")(bytes(document)))


def json_stream() -> Any:
    """Return standard output for JSON lines.

    JSON lines are written unchanged, except to a terminal, for which ``_TerminalStream`` escapes control characters.
    """
    return _TerminalStream(sys.stdout.buffer) if sys.stdout.isatty() else sys.stdout.buffer


def say(text: str) -> None:
    """Write a message to stderr; ignore write errors, so that the command continues."""
    with suppress(OSError):
        sys.stderr.write(f"mxsweep: {one_line(text)}\n")


def one_line(text: str) -> str:
    """Return a message on one line, without characters that control a terminal."""
    line: str = code_of("results.render.escape:safe")(" ".join(text.split()), MESSAGE)  # a message is rare
    return line


def plugin_text(text: str) -> str:
    """Return a text for the line of a monitoring plugin, without the character ``|`` that begins performance data."""
    return one_line(text).replace("|", "/")


def unwritable(error: OSError) -> Exception:
    """Return the exception to raise for an error in writing standard output.

    For a closed pipe (``| head``), the exception has no message; for a full disk or a closed stream (``>&-``), the
    exception has a message. An error that does not come from standard output is returned unchanged.
    """
    if error.errno not in _UNWRITABLE:
        return error
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # otherwise the interpreter's last flush fails again
    text = "" if isinstance(error, BrokenPipeError) else f"standard output: {error.strerror}"
    return CliError(text, Exit.UNFIT)


def output_failed(error: OSError, code: int) -> int:
    """Write the message for an error of standard output and return the exit code.

    Args:
        error: the error in writing standard output.
        code: the exit code of a command that had already failed and written a message, else 0; an exit code other than
            0 is returned without a further message.

    Raises:
        OSError: the error does not come from standard output.
    """
    reason = unwritable(error)
    if not isinstance(reason, CliError):
        raise reason
    if code:
        return code
    if str(reason):
        say(str(reason))
    return reason.code
