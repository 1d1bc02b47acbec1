"""The log file of a scan, ``--log-file``."""

import logging
from pathlib import Path

from results.store.files import open_append, reopen_append
from scanner.cli.console import say
from scanner.cli.errors import CliError


class LogFile(logging.Handler):
    """A log handler that appends a line to the log file for each log record.

    The first write error is printed on stderr, and the scan continues.

    Raises:
        CliError: the file cannot be opened.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._failed = False
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        try:
            self._file = open_append(Path(path))
        except OSError as error:
            raise CliError(f"{path}: cannot write the log: {error.strerror}") from None

    def emit(self, record: logging.LogRecord) -> None:
        """Append a line."""
        line = f"{self.format(record)}\n".encode(errors="backslashreplace")
        try:
            self._file.write(line)
        except OSError as error:
            if not self._failed:
                say(f"{self._path}: cannot write the log: {error.strerror}; the scan continues")
            self._failed = True

    def reopen(self) -> None:
        """Open the file at the same path again, because a rotation of logs may have moved the open file away.

        Raises:
            StoreError: the file cannot be opened.
        """
        reopen_append(Path(self._path), self._file)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
