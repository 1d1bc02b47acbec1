"""The status of a scan: how the picture is made, and what files say of it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prometheus_client.openmetrics import parser as openmetrics

from results.live.metrics import status_metrics
from results.live.status import MetricsFile, PeriodicWriter, StatusFile
from results.schema.schema import schema
from results.store.files import StoreError
from scanner.model import HeldBack, Status
from scanner.vocabulary import RunState
from tests.unit import records
from tests.unit.results.export.test_metrics import samples

# --- files ----------------------------------------------------------------------------------------------------


def _untold(text: str) -> None:
    raise AssertionError(text)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lines_come_at_the_start_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "status"
    path.write_text('{"elapsed":-1}\n')  # of the process before
    kept = PeriodicWriter(StatusFile(path), 10, _untold)
    for second in range(25):
        kept.show(records.status(elapsed=float(second)))
    kept.end(records.status(elapsed=24.5, state=RunState.COMPLETE))
    assert [line["elapsed"] for line in lines(path)] == [-1, 0, 10, 20, 24.5]
    assert lines(path)[-1]["state"] == "complete"
    for line in lines(path)[1:]:
        jsonschema.validate(line, schema("status"))


def test_a_file_that_fails_is_told_once_and_the_scan_goes_on() -> None:
    failing, reported = [False], list[str]()

    def write(_: Status) -> None:
        if failing[0]:
            raise StoreError("F: disk full")

    kept = PeriodicWriter(write, 1, reported.append)
    for second in range(9):
        failing[0] = second in {0, 1, 4, 5, 6}
        kept.show(records.status(elapsed=float(second)))
    assert reported == ["F: disk full; the scan continues"] * 2


def test_a_file_that_cannot_be_written_at_all_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        StatusFile(tmp_path / "nowhere" / "status")
    with pytest.raises(StoreError, match="nowhere"):
        MetricsFile(tmp_path / "nowhere" / "prom")


FULL = records.status(
    elapsed=12.5,
    state=RunState.PAUSED,
    total=9,
    done=4,
    rate=1.5,
    eta=8.0,
    in_flight={"dns": 1, "connect": 7},
    endpoints_probed=2,
    endpoints_shared=6,
    shared_ratio=0.75,
    breakers=3,
    held_back=(HeldBack("example.com", 3, 150.0),),
    retrying=2,
    waiting="all is down",
    rss=5_000_000,
    rejects=1,
    internal_errors=0,
    outcome={"ok": 4},
    dane={"none": 4},
)


def test_what_is_unknown_is_no_sample() -> None:
    names = {name for name, _ in samples(status_metrics(replace(FULL, total=None, eta=None, shared_ratio=None)))}
    gone = {"mxsweep_scan_domains", "mxsweep_scan_left_seconds", "mxsweep_scan_endpoints_shared_ratio"}
    assert not names & gone


def test_names_end_in_their_unit() -> None:
    parse: Any = openmetrics.text_string_to_metric_families
    for family in parse(status_metrics(FULL)):
        assert not family.unit or family.name.endswith(f"_{family.unit}")


def test_no_link_is_followed_in_a_directory_of_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / "victim").write_text("kept")
    for name in ("status", "metrics", "metrics.new"):
        (tmp_path / name).symlink_to(tmp_path / "victim")
    with pytest.raises(StoreError, match="status: a symbolic link in a directory that others can write to"):
        StatusFile(tmp_path / "status")
    MetricsFile(tmp_path / "metrics")(records.status())
    assert (tmp_path / "victim").read_text() == "kept"
    assert not (tmp_path / "metrics").is_symlink()
