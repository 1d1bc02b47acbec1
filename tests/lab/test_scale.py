"""A scan of the whole lab in several processes: the records of one process, each endpoint once, and all caps."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from results.store.reader import Run
from scanner.scale.plan_files import PlanPlace
from scanner.vocabulary import RunState
from tests.lab.compare import difference
from tests.lab.scenarios import SCENARIOS
from tests.lab.use import Lab
from tests.lines import dicts
from tests.sweep import Scan, sweep

pytestmark = pytest.mark.lab

CHANGING = {"observed_at", "started", "ms", "ttl", "transcript", "source", "file", "text"}
"""Members that may differ between two scans: times, the path of the list, and texts of a resolver with a warm cache."""


@pytest.fixture(scope="module")
def in_parts(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """A scan of the whole lab in two worker processes."""
    return sweep(lab, tmp_path_factory.mktemp("parts"), "--dask", "local:2")


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items() if key not in CHANGING}
    return [plain(member) for member in value] if isinstance(value, list) else value


def verdicts(run: Path) -> dict[str, Any]:
    return {line["key"]: plain({**line, "route": line["route"]["hosts"]}) for line in dicts(run, "domains")}


def test_every_verdict_is_as_expected(in_parts: Scan) -> None:
    assert in_parts.done.returncode == 0, in_parts.done.stderr
    lines = in_parts.domains()
    assert set(lines) == {scenario.domain for scenario in SCENARIOS}
    assert [wrong for scenario in SCENARIOS if (wrong := difference(scenario, lines[scenario.domain]))] == []


def test_the_records_are_those_of_one_process(in_parts: Scan, scan: Scan) -> None:
    ours, theirs = verdicts(in_parts.run), verdicts(scan.run)
    assert {key: (ours[key], theirs[key]) for key in theirs if ours[key] != theirs[key]} == {}
    assert in_parts.hosts().keys() == scan.hosts().keys()
    addresses = [
        {key: ([e["address"] for e in h["endpoints"]], h["skipped"], h["a"] and h["a"]["records"]) for key, h in each}
        for each in (in_parts.hosts().items(), scan.hosts().items())
    ]
    assert addresses[0] == addresses[1]
    rejects = [[(line["line"], line["reason"]) for line in dicts(each.run, "rejects")] for each in (in_parts, scan)]
    assert rejects[0] == rejects[1]
    assert Run.open(in_parts.run).header.state is RunState.COMPLETE


def test_the_hosts_are_in_several_parts(in_parts: Scan) -> None:
    index = PlanPlace(in_parts.run).index()
    assert index is not None
    assert len(index.parts) > 1
    assert sum(entry.hosts for entry in index.parts) >= index.hosts > 100


def test_each_endpoint_is_connected_to_as_often_as_by_one_process(in_parts: Scan, scan: Scan) -> None:
    ours, theirs = (Counter(visit["address"] for visit in each.visits()) for each in (in_parts, scan))
    assert ours == theirs
