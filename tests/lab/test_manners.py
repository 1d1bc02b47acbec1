"""What the lab's servers see of caps and rates, and what a scan makes of a network that goes away: by their own log."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from scanner.net.gates import LATE, network_of
from tests.lab import control
from tests.lab.compare import difference
from tests.lab.layout import Layout
from tests.lab.manners import Visit, burst, least_gap
from tests.lab.scenarios import SCENARIOS
from tests.lab.use import Lab
from tests.sweep import MXSWEEP, Scan, trusting

pytestmark = pytest.mark.lab

RATE, SPACING = 15, 3.0
BUSY = 1.0  # seconds that a process may be late on a busy machine between its turn and the packet
NAME = f"manners-{os.getpid()}.lab.test"  # test processes may be at it at the same time


@pytest.fixture(scope="module")
def polite(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the server logged of a scan of hosts that are well, with tight caps; the lab may have other visitors."""
    directory = tmp_path_factory.mktemp("manners")
    well = [each.domain for each in SCENARIOS if each.expect.outcome == "ok"][:60]
    (directory / "domains").write_text("".join(f"{domain}\n" for domain in well))
    flags = ("--rate", str(RATE), "--per-network", "1", "--per-provider", "1", "--ehlo", NAME, "--quiet")
    mark = lab.mark()
    argv = ("scan", str(directory / "domains"), "-o", str(directory / "run"), *trusting(lab), *flags)
    done = lab.run(*MXSWEEP, *argv, "--spacing", str(SPACING))
    assert done.returncode == 0, done.stderr
    events = lab.events(mark)
    hellos = [event for event in events if event["event"] == "ehlo" and event["line"] == f"EHLO {NAME}"]
    ours = {event["connection"] for event in hellos}
    return [event for event in events if event.get("connection") in ours]


def test_connections_come_no_faster_than_the_rate(polite: list[dict[str, Any]]) -> None:
    times = [event["began"] for event in polite if event["event"] == "connect"]
    assert len(times) > 3 * RATE
    assert burst(times, RATE) <= (LATE + BUSY) * RATE < len(times) / 3


def test_two_connections_to_one_address_begin_with_time_between_them(polite: list[dict[str, Any]]) -> None:
    began = [Visit(event["address"], "", event["began"], 0) for event in polite if event["event"] == "connect"]
    gap = least_gap(began, lambda visit: visit.address)
    assert SPACING - BUSY / 4 <= gap < SPACING + BUSY, "some address has two, and they come as soon as they may"


@pytest.mark.parametrize("key", ["address", "network", "host"])
def test_one_at_a_time_where_one_is_the_cap(polite: list[dict[str, Any]], key: str) -> None:
    """Each host of the lab is a provider of its own."""
    inside: Counter[str] = Counter()
    peak: Counter[str] = Counter()
    for event in polite:
        where = network_of(event["address"]) if key == "network" else event[key]
        if event["event"] in ("connect", "close"):
            inside[where] += 1 if event["event"] == "connect" else -1
            peak |= inside
    assert len(peak) > 30
    assert set(peak.values()) == {1}


# --- a network that goes away ---------------------------------------------------------------------------------

AWAY = 8.0  # seconds; several times what a connection is waited for


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab for one test, to be cut."""
    layout = Layout(tmp_path / "lab")
    record = control.up(layout)
    yield Lab(layout, record)
    control.down(layout)


def state_of(run: Path) -> str:
    return str(json.loads((run / "run.json").read_text())["state"])


def test_a_cut_link_marks_nobody_unreachable_who_was_up(own_lab: Lab, tmp_path: Path) -> None:
    domains, run, status = tmp_path / "domains", tmp_path / "run", tmp_path / "status"
    domains.write_text("".join(f"{scenario.domain}\n" for scenario in SCENARIOS))
    flags = (*trusting(own_lab), "--rate", "40", "--retries", "2")
    watched = ("--status-file", str(status), "--status-every", "0.3")
    argv = ("scan", str(domains), "-o", str(run), *flags, *watched, "--retry-after", "3", "--ehlo", NAME, "--quiet")
    process = own_lab.popen(*MXSWEEP, *argv, stderr=-1, text=True)
    try:
        until = time.monotonic() + 60
        while sum(event["event"] == "ehlo" for event in own_lab.events()) < 60:  # in the midst of it
            assert time.monotonic() < until
            time.sleep(0.1)
        own_lab.cut()
        time.sleep(AWAY)
        paused = state_of(run)
        own_lab.mend()
        err = process.communicate(timeout=150)[1]
    finally:
        process.send_signal(signal.SIGKILL)
    assert process.returncode == 0, err
    assert "paused until it works again" in err
    lines = Scan(process, run, []).domains()  # type: ignore[arg-type] # a process that is over, too
    assert (paused, state_of(run)) == ("paused", "complete")
    told = [json.loads(line) for line in status.read_text().splitlines()]
    assert [state for state, _ in groupby(line["state"] for line in told)] == [
        "running", "paused", "running", "complete",
    ]  # fmt: skip
    assert all("paused until it works again" in line["waiting"] for line in told if line["state"] == "paused")
    assert [wrong for each in SCENARIOS if (wrong := difference(each, lines[each.domain]))] == []
