"""Files with the status of a running scan: JSON lines, and metrics for node_exporter's textfile collector.

Only the JSON lines contain the names of providers in back-off, as each label value of a metric would become a permanent
series. A write error of a status file is reported once, and the scan continues.
"""

from collections.abc import Callable
from pathlib import Path

from results.live.metrics import status_metrics
from results.render.openmetrics import END
from results.store import codec
from results.store.files import StoreError, naming, open_append, reopen_append, replace_file
from scanner.model import Status


class StatusFile:
    """A file to which each status is appended as a JSON line; the existing content of the file is kept.

    Raises:
        StoreError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with naming(path):
            self._file = open_append(path)

    def reopen(self) -> None:
        """Open the status file at the same path again, because a rotation of logs may have moved the open file away.

        Raises:
            StoreError: the file cannot be opened.
        """
        reopen_append(self._path, self._file)

    def __call__(self, status: Status) -> None:
        """Append a status with one ``write`` call, so that concurrent readers of the file get whole lines.

        Raises:
            StoreError: the file cannot be written.
        """
        with naming(self._path):
            self._file.write(codec.encode(status))


class MetricsFile:
    """A file that contains the metrics of the latest status.

    Raises:
        StoreError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        replace_file(path, END.encode())

    def __call__(self, status: Status) -> None:
        """Replace the file with the metrics of a status.

        Raises:
            StoreError: the file cannot be written.
        """
        replace_file(self._path, status_metrics(status).encode())


class PeriodicWriter:
    """Writer of the first and the last status of a scan, and of a status every ``every`` seconds during the scan.

    Args:
        write: function that writes a status or raises ``StoreError``.
        every: minimum interval between two writes in seconds.
        report: function that receives a message for the user at the first of several consecutive write errors.
    """

    def __init__(self, write: Callable[[Status], None], every: float, report: Callable[[str], None]) -> None:
        self._write = write
        self._every = every
        self._report = report
        self._last: float | None = None
        self._failed = False

    def show(self, status: Status) -> None:
        """Write a status if ``every`` seconds have passed since the last status was written."""
        if self._last is None or status.elapsed - self._last >= self._every:
            self._last = status.elapsed
            self.end(status)

    def end(self, status: Status) -> None:
        """Write the last status of the scan."""
        try:
            self._write(status)
        except StoreError as error:
            if not self._failed:
                self._report(f"{error}; the scan continues")
            self._failed = True
        else:
            self._failed = False
