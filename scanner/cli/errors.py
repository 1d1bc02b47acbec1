"""Usage errors and errors of the environment, reported as one line on stderr and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of all commands except ``finger``, which has the exit codes of posttls-finger."""

    DONE = 0
    INTERNAL = 1  # the command ended after internal errors
    USAGE = 2  # bad usage or input
    UNFIT = 3  # this machine or its network is not suitable for the command
    MATCHED = 4  # a condition of --fail-on was met
    CHANGED = 5  # the lines of a replayed session differ from the saved lines
    INTERRUPTED = 130


PLUGIN_UNKNOWN = 3
"""Exit code of ``mxsweep check`` after any error.

``scanner.cli.check`` contains the other exit codes of ``mxsweep check``.
"""


class CliError(Exception):
    """An error that ends the command; the text of the error is the line printed on stderr."""

    def __init__(self, text: str, code: Exit = Exit.USAGE) -> None:
        super().__init__(text)
        self.code = code


@contextmanager
def as_cli_error(*kinds: type[Exception], code: Exit = Exit.USAGE) -> Iterator[None]:
    """Convert errors of the given kinds in the ``with`` block to a ``CliError`` with the same text."""
    try:
        yield
    except kinds as error:
        raise CliError(str(error), code) from None
