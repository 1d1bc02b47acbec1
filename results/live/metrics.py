"""The metrics of a running scan (``mxsweep_scan_*``) for node_exporter's textfile collector.

All metrics of a running scan are gauges with few labels. Names of providers in back-off are not labels, as each name
would become a permanent series.
"""

from collections.abc import Iterator

from results.render.openmetrics import END, by_word, gauge
from scanner.model import Status
from scanner.vocabulary import DomainDane, DomainOutcome, RunState

_WORKER_GAUGES = (
    ("done", "Targets of the job that are done.", ""),
    ("in_flight", "DNS lookups and probes in flight of the job.", ""),
    ("endpoints_probed", "Endpoints that the job probed.", ""),
    ("rss", "Resident memory of the process of the job.", "bytes"),
)
"""The gauges of each job of a scan in many processes: a member of ``WorkerStatus``, help text and unit."""


def status_metrics(status: Status) -> str:
    """Return the status of a scan as OpenMetrics text."""
    return "".join((*_progress(status), *_work(status), END))


def _progress(status: Status) -> Iterator[str]:
    states = [({"state": str(state)}, int(state is status.state)) for state in RunState]
    yield gauge("mxsweep_scan_state", "1 for the current state of the scan.", states)
    at, elapsed = status.at.timestamp(), status.elapsed
    yield gauge("mxsweep_scan_status_timestamp_seconds", "Time of this status.", [({}, at)], "seconds")
    yield gauge("mxsweep_scan_elapsed_seconds", "Time since this process began to scan.", [({}, elapsed)], "seconds")
    yield gauge("mxsweep_scan_domains", "Domains to scan; absent until the input is read.", _known(status.total))
    yield gauge("mxsweep_scan_domains_done", "Domains judged.", [({}, status.done)])
    yield gauge("mxsweep_scan_domains_per_second", "Domains judged per second in the last minute.", [({}, status.rate)])
    yield gauge(
        "mxsweep_scan_left_seconds", "Estimated time to the end; absent while unknown.", _known(status.eta), "seconds"
    )
    yield gauge("mxsweep_scan_waiting", "1 while the whole scan waits.", [({}, int(bool(status.waiting)))])
    yield gauge("mxsweep_scan_retries_waiting", "Domains that wait for a retry pass.", [({}, status.retrying)])
    for name, table, words in (("outcome", status.outcome, DomainOutcome), ("dane", status.dane, DomainDane)):
        yield gauge(f"mxsweep_scan_domains_by_{name}", f"Domains by verdict {name}.", by_word("verdict", table, words))
    yield gauge("mxsweep_scan_rejects", "Input lines not scanned.", [({}, status.rejects)])


def _work(status: Status) -> Iterator[str]:
    stages = [({"stage": stage}, count) for stage, count in status.in_flight.items()]
    yield gauge("mxsweep_scan_in_flight", "DNS lookups and probes in flight by stage.", stages)
    yield gauge("mxsweep_scan_endpoints_probed", "Endpoints probed.", [({}, status.endpoints_probed)])
    yield gauge(
        "mxsweep_scan_endpoints_shared",
        "Endpoints that needed no probe, as another domain shares the endpoint.",
        [({}, status.endpoints_shared)],
    )
    share = _known(status.shared_ratio)
    yield gauge(
        "mxsweep_scan_endpoints_shared_ratio", "Share of the requested endpoints that needed no probe.", share, "ratio"
    )
    yield gauge("mxsweep_scan_breakers_open", "Providers and networks in back-off.", [({}, status.breakers)])
    yield gauge("mxsweep_scan_resident_memory_bytes", "Resident memory of the process.", [({}, status.rss)], "bytes")
    for name, help_, unit in _WORKER_GAUGES if status.workers else ():
        rows = [({"job": each.job, "worker": each.worker}, float(getattr(each, name))) for each in status.workers]
        suffix = f"_{unit}" if unit else ""
        yield gauge(f"mxsweep_scan_worker_{name}{suffix}", help_, rows, unit)
    yield gauge(
        "mxsweep_scan_internal_errors", "Domains with an internal error of mxsweep.", [({}, status.internal_errors)]
    )


def _known(value: float | None) -> list[tuple[dict[str, str], float]]:
    return [] if value is None else [({}, value)]
