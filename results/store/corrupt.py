"""Corrupt lines of a run: lines that are not records of the class of their file.

A reader with an object ``CorruptLines`` skips and counts corrupt lines, and the caller of the reader prints the
messages of ``summaries``. For a reader without an object ``CorruptLines``, a corrupt line is an error that states file
and line number. A file with more than ``MAX_CORRUPT`` corrupt lines is an error for every reader.
"""

from pathlib import Path

from results.store.files import StoreError

MAX_CORRUPT = 1000
"""Maximum number of corrupt lines of one file that are skipped.

If more lines were skipped, the counted results would not represent the whole run.
"""


class CorruptLines:
    """The skipped corrupt lines of a run; a line is counted once even if its file is read several times."""

    def __init__(self) -> None:
        self._found: dict[Path, dict[int, str]] = {}

    def skip(self, path: Path, number: int, error: Exception) -> None:
        """Count one corrupt line of a file.

        Raises:
            StoreError: the file contains more than ``MAX_CORRUPT`` corrupt lines.
        """
        lines = self._found.setdefault(path, {})
        lines.setdefault(number, str(error))
        if len(lines) > MAX_CORRUPT:
            raise StoreError(f"{path}: more than {MAX_CORRUPT} corrupt lines, {_first(lines)}")

    def summaries(self) -> list[str]:
        """Return a message for each file of the run that has corrupt lines."""
        return [
            f"{path}: {len(lines)} corrupt {'line' if len(lines) == 1 else 'lines'} skipped, {_first(lines)}"
            for path, lines in self._found.items()
        ]


def handle(path: Path, number: int, error: Exception, corrupt: CorruptLines | None) -> None:
    """Count a corrupt line in ``corrupt``, so that the caller skips the line, or raise an error.

    Args:
        path: the line file that contains the line.
        number: the number of the line, from 1.
        error: the description of the fault of the line.
        corrupt: counter of skipped lines; None makes every corrupt line an error.

    Raises:
        StoreError: ``corrupt`` is None, or the file contains more than ``MAX_CORRUPT`` corrupt lines.
    """
    if corrupt is None:
        raise StoreError(f"{path}: line {number}: {error}") from error
    corrupt.skip(path, number, error)


def _first(lines: dict[int, str]) -> str:
    number = min(lines)
    return f"the first is line {number}: {lines[number]}"
