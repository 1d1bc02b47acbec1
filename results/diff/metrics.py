"""Writer of the counts of a comparison as metrics for the textfile collector of Prometheus' node_exporter."""

from pathlib import Path

from results.diff.compare import Comparison
from results.render.openmetrics import END, gauge
from results.store.files import replace_file


def write_metrics(found: Comparison, path: Path) -> None:
    """Write the metrics of a comparison to a file, which is replaced atomically.

    Raises:
        StoreError: the file cannot be written.
    """
    replace_file(path, metrics(found).encode())


def metrics(found: Comparison) -> str:
    """Return the counts of a comparison as OpenMetrics text."""
    lists = {"added": len(found.added), "removed": len(found.removed), "not-scanned": found.not_scanned}
    domains = {kind: count.domains for kind, count in found.counts.items()} | lists
    hosts = {kind: count.hosts for kind, count in found.counts.items()}
    started = found.runs[-1].started.timestamp()
    return "".join(
        (
            gauge("mxsweep_diff_started_timestamp_seconds", "Start of the newest run.", [({}, started)], "seconds"),
            gauge("mxsweep_diff_compared_domains", "Domains that also an earlier run has.", [({}, found.compared)]),
            gauge("mxsweep_diff_domains", "Domains by change.", [({"change": name}, n) for name, n in domains.items()]),
            gauge("mxsweep_diff_hosts", "MX hosts by change.", [({"change": name}, n) for name, n in hosts.items()]),
            END,
        )
    )
