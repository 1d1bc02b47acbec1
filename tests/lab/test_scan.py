"""A scan of the whole lab: every domain gets the verdict that the table expects, and every address one visit."""

import pytest

from tests.lab.compare import difference
from tests.lab.scenarios import SCENARIOS
from tests.sweep import Scan

pytestmark = pytest.mark.lab


def test_every_verdict_is_as_expected(scan: Scan) -> None:
    assert scan.done.returncode == 0, scan.done.stderr
    lines = scan.domains()
    assert set(lines) == {scenario.domain for scenario in SCENARIOS}
    assert [wrong for scenario in SCENARIOS if (wrong := difference(scenario, lines[scenario.domain]))] == []


def test_a_shared_host_is_visited_once(scan: Scan) -> None:
    """Eleven domains have mx.shared.test; each of its two addresses is connected to once."""
    visits = [visit for visit in scan.visits() if visit["host"] == "mx.shared.test"]
    assert len(visits) == len({visit["address"] for visit in visits}) == 2


def test_no_address_sees_two_connections_at_once(scan: Scan) -> None:
    ours = {visit["connection"] for visit in scan.visits()}
    open_to: set[str] = set()
    crowded = set()
    for event in scan.events:
        mine = event["connection"] in ours
        if event["event"] == "connect" and mine:
            crowded |= {event["address"]} & open_to
            open_to.add(event["address"])
        if event["event"] == "close" and mine:
            open_to.discard(event["address"])
    assert len(ours) > len(SCENARIOS) / 2
    assert crowded == set()
