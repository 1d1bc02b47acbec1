"""Errors of the user and of the environment: each is one line on stderr and an exit code."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command but ``finger``, which has those of posttls-finger."""

    DONE = 0
    INTERNAL = 1  # done, with internal errors
    USAGE = 2  # bad usage or input
    UNFIT = 3  # this machine or its surroundings cannot do it
    MATCHED = 4  # --fail-on was met
    CHANGED = 5  # a replayed session has other lines
    INTERRUPTED = 130


class CliError(Exception):
    """An error that ends the command; its text is the line that the user sees."""

    def __init__(self, text: str, code: Exit = Exit.USAGE) -> None:
        super().__init__(text)
        self.code = code
