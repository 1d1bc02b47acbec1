"""Corrupt lines of a run: the rule for what happens to a line that is no record of its file.

A reader that was given a ``CorruptLines`` skips such a line, and its caller shows ``summaries``. Without one, the line
is an error with file and line number. A file with more than ``MAX_CORRUPT`` of them is an error for every reader.
"""

from pathlib import Path

from results.store.files import StoreError

MAX_CORRUPT = 1000
"""Corrupt lines of one file that are skipped: with more, the figures would say little about the run."""


class CorruptLines:
    """The corrupt lines that were skipped, each counted once however often its file is read."""

    def __init__(self) -> None:
        self._found: dict[Path, dict[int, str]] = {}

    def skip(self, path: Path, number: int, error: Exception) -> None:
        """Count a line.

        Raises:
            StoreError: the file has too many of them.
        """
        lines = self._found.setdefault(path, {})
        lines.setdefault(number, str(error))
        if len(lines) > MAX_CORRUPT:
            raise StoreError(f"{path}: more than {MAX_CORRUPT} corrupt lines, {_first(lines)}")

    def summaries(self) -> list[str]:
        """Return a message for each file that has corrupt lines."""
        return [
            f"{path}: {len(lines)} corrupt {'line' if len(lines) == 1 else 'lines'} skipped, {_first(lines)}"
            for path, lines in self._found.items()
        ]


def handle(path: Path, number: int, error: Exception, corrupt: CorruptLines | None) -> None:
    """Skip a corrupt line where the reader does so.

    Args:
        path: the file.
        number: the number of the line, from 1.
        error: what is wrong with it.
        corrupt: counts the lines that are skipped; None makes every one an error.

    Raises:
        StoreError: the line is not skipped.
    """
    if corrupt is None:
        raise StoreError(f"{path}: line {number}: {error}") from error
    corrupt.skip(path, number, error)


def _first(lines: dict[int, str]) -> str:
    number = min(lines)
    return f"the first is line {number}: {lines[number]}"
