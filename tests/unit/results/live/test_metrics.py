"""The metrics of a running scan."""

from dataclasses import replace
from pathlib import Path

from results.live.status import MetricsFile
from scanner.vocabulary import DomainDane
from scanner.worker_status import WorkerStatus
from tests.unit.results.export.test_metrics import samples
from tests.unit.results.live.test_status import FULL


def test_metrics_have_the_same_numbers(tmp_path: Path) -> None:
    MetricsFile(tmp_path / "mxsweep.prom")(FULL)
    assert [path.name for path in tmp_path.iterdir()] == ["mxsweep.prom"]
    found = samples((tmp_path / "mxsweep.prom").read_text())
    alone = {name.removeprefix("mxsweep_scan_"): value for (name, labels), value in found.items() if not labels}
    assert alone == {
        "status_timestamp_seconds": FULL.at.timestamp(),
        "elapsed_seconds": 12.5,
        "domains": 9,
        "domains_done": 4,
        "domains_per_second": 1.5,
        "left_seconds": 8,
        "waiting": 1,
        "retries_waiting": 2,
        "rejects": 1,
        "endpoints_probed": 2,
        "endpoints_shared": 6,
        "endpoints_shared_ratio": 0.75,
        "breakers_open": 3,
        "resident_memory_bytes": 5_000_000,
        "internal_errors": 0,
    }
    states = {labels[0][1]: value for (name, labels), value in found.items() if name.endswith("_state")}
    assert states == {"running": 0, "paused": 1, "complete": 0, "interrupted": 0}
    assert found["mxsweep_scan_in_flight", (("stage", "connect"),)] == 7
    assert found["mxsweep_scan_domains_by_dane", (("verdict", "none"),)] == 4
    assert sum(name == "mxsweep_scan_domains_by_dane" for name, _ in found) == len(DomainDane)
    assert "example.com" not in str(found)


def test_each_job_of_a_scan_in_many_processes_has_metrics(tmp_path: Path) -> None:
    row = WorkerStatus("tcp://192.0.2.1:9", "part 3", 50, 20, 4, 30, 1000)
    MetricsFile(tmp_path / "mxsweep.prom")(replace(FULL, workers=(row,)))
    found = samples((tmp_path / "mxsweep.prom").read_text())
    of_the_job = {name: value for (name, labels), value in found.items() if ("job", "part 3") in labels}
    assert of_the_job == {
        "mxsweep_scan_worker_done": 20,
        "mxsweep_scan_worker_in_flight": 4,
        "mxsweep_scan_worker_endpoints_probed": 30,
        "mxsweep_scan_worker_rss_bytes": 1000,
    }
