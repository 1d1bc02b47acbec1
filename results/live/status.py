"""The numbers of a scan that goes on, for programs: JSON lines, and metrics for node_exporter's textfile collector.

The metrics are gauges with few labels: who is held back is named in the lines only, or each provider that ever turned
us away would be a series for ever. A file that cannot be written any more is told of once; the scan goes on.
"""

from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

from results.render.openmetrics import END, by_word, gauge
from results.store import codec
from results.store.files import StoreError, naming, replace_file
from scanner.model import Status
from scanner.vocabulary import DomainDane, DomainOutcome, RunState


class StatusFile:
    """Appends the status to a file as a JSON line; a file that is there already is kept.

    Raises:
        StoreError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with naming(path):
            self._file = FileIO(path, "ab")

    def __call__(self, status: Status) -> None:
        """Write a line, whole for whoever follows the file.

        Raises:
            StoreError: it cannot be written.
        """
        with naming(self._path):
            self._file.write(codec.encode(status))


class MetricsFile:
    """Replaces a file by the metrics of the status.

    Raises:
        StoreError: nothing can be written there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        replace_file(path, END.encode())

    def __call__(self, status: Status) -> None:
        """Write the file.

        Raises:
            StoreError: it cannot be written.
        """
        replace_file(self._path, status_metrics(status).encode())


class Kept:
    """Has a status written now and then, the first one and the last one always.

    Args:
        write: takes a status, or raises ``StoreError``.
        every: seconds between two.
        tell: takes what went wrong, in words.
    """

    def __init__(self, write: Callable[[Status], None], every: float, tell: Callable[[str], None]) -> None:
        self._write = write
        self._every = every
        self._tell = tell
        self._last: float | None = None
        self._failed = False

    def show(self, status: Status) -> None:
        """Write it if the last one is old enough."""
        if self._last is None or status.elapsed - self._last >= self._every:
            self._last = status.elapsed
            self.end(status)

    def end(self, status: Status) -> None:
        """Write it."""
        try:
            self._write(status)
        except StoreError as error:
            if not self._failed:
                self._tell(f"{error}; the scan goes on")
            self._failed = True
        else:
            self._failed = False


def status_metrics(status: Status) -> str:
    """Give a status as OpenMetrics text."""
    return "".join((*_progress(status), *_work(status), END))


def _progress(status: Status) -> Iterator[str]:
    states = [({"state": str(state)}, int(state is status.state)) for state in RunState]
    yield gauge("mxsweep_scan_state", "1 for the state that the scan is in.", states)
    at, elapsed = status.at.timestamp(), status.elapsed
    yield gauge("mxsweep_scan_status_timestamp_seconds", "When these numbers were taken.", [({}, at)], "seconds")
    yield gauge("mxsweep_scan_elapsed_seconds", "Since this process began to scan.", [({}, elapsed)], "seconds")
    yield gauge("mxsweep_scan_domains", "Domains to scan; absent until the input is read.", _known(status.total))
    yield gauge("mxsweep_scan_domains_done", "Domains judged.", [({}, status.done)])
    yield gauge("mxsweep_scan_domains_per_second", "Domains judged a second, of late.", [({}, status.rate)])
    yield gauge("mxsweep_scan_left_seconds", "Until the end; absent when unknown.", _known(status.eta), "seconds")
    yield gauge("mxsweep_scan_waiting", "1 while something holds all work up.", [({}, int(bool(status.waiting)))])
    yield gauge("mxsweep_scan_retries_waiting", "Domains that wait for a later pass.", [({}, status.retrying)])
    for name, table, words in (("outcome", status.outcome, DomainOutcome), ("dane", status.dane, DomainDane)):
        yield gauge(f"mxsweep_scan_domains_by_{name}", f"Domains by verdict {name}.", by_word("verdict", table, words))
    yield gauge("mxsweep_scan_rejects", "Input lines not scanned.", [({}, status.rejects)])


def _work(status: Status) -> Iterator[str]:
    stages = [({"stage": stage}, count) for stage, count in status.in_flight.items()]
    yield gauge("mxsweep_scan_in_flight", "DNS look-ups and probes under way, by stage.", stages)
    yield gauge("mxsweep_scan_endpoints_probed", "Endpoints probed.", [({}, status.endpoints_probed)])
    yield gauge("mxsweep_scan_endpoints_shared", "Probes spared by sharing.", [({}, status.endpoints_shared)])
    share = _known(status.shared_ratio)
    yield gauge("mxsweep_scan_endpoints_shared_ratio", "Share of visits that needed no probe.", share, "ratio")
    yield gauge("mxsweep_scan_breakers_open", "Providers and networks left alone for now.", [({}, status.breakers)])
    yield gauge("mxsweep_scan_resident_memory_bytes", "Memory of the process.", [({}, status.rss)], "bytes")
    yield gauge("mxsweep_scan_internal_errors", "Domains that met a bug of mxsweep.", [({}, status.internal_errors)])


def _known(value: float | None) -> list[tuple[dict[str, str], float]]:
    return [] if value is None else [({}, value)]
