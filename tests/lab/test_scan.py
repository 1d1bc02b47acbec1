"""A scan of the whole lab: every domain gets the verdict that the table expects, and every address one visit."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab.compare import difference
from tests.lab.scenarios import SCENARIOS
from tests.lab.use import Lab

pytestmark = pytest.mark.lab

MXSWEEP = (sys.executable, "-c", "import sys; from scanner.cli import main; sys.exit(main())")
NAME = f"scan-{os.getpid()}.lab.test"  # each test process makes its own scan
PATIENCE = ("--connect-timeout", "2", "--greeting-timeout", "5", "--command-timeout", "4", "--deadline", "15")


@dataclass(frozen=True)
class Scan:
    """A finished scan: its process, its run directory, and what the scripted server saw of it."""

    done: subprocess.CompletedProcess[str]
    run: Path
    events: list[dict[str, Any]]

    def visits(self) -> list[dict[str, Any]]:
        """The first EHLO of each connection; other tests may be in the lab too, under other names."""
        return [e for e in self.events if e["event"] == "ehlo" and not e["tls"] and e["line"] == f"EHLO {NAME}"]


@pytest.fixture(scope="module")
def scan(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Scan:
    directory = tmp_path_factory.mktemp("scan")
    domains = directory / "domains"
    domains.write_text("".join(f"{scenario.domain}\n" for scenario in SCENARIOS))
    run = directory / "run"
    mark = lab.mark()
    trust = ("--allow-private", "--ca-file", str(lab.root_pem))
    done = lab.run(*MXSWEEP, "scan", str(domains), "-o", str(run), "--quiet", "--ehlo", NAME, *trust, *PATIENCE)
    return Scan(done, run, lab.events(mark))


def test_every_verdict_is_as_expected(scan: Scan) -> None:
    assert scan.done.returncode == 0, scan.done.stderr
    # a domain may be written again after a later pass, and then the last line counts
    lines = {}
    for text in (scan.run / "domains.jsonl").read_text().splitlines():
        line = json.loads(text)
        lines[line["target"]["raw"]] = line
    assert set(lines) == {scenario.domain for scenario in SCENARIOS}
    assert [wrong for scenario in SCENARIOS if (wrong := difference(scenario, lines[scenario.domain]))] == []


def test_a_shared_host_is_visited_once(scan: Scan) -> None:
    """Eleven domains have mx.shared.test; each of its two addresses is connected to once."""
    visits = [visit for visit in scan.visits() if visit["host"] == "mx.shared.test"]
    assert len(visits) == len({visit["address"] for visit in visits}) == 2


def test_no_address_sees_two_connections_at_once(scan: Scan) -> None:
    ours = {visit["peer"] for visit in scan.visits()}
    open_to: set[str] = set()
    crowded = set()
    for event in scan.events:
        if event["event"] == "connect" and event["peer"] in ours:
            crowded |= {event["address"]} & open_to
            open_to.add(event["address"])
        if event["event"] == "close" and event["peer"] in ours:
            open_to.discard(event["address"])
    assert len(ours) > len(SCENARIOS) / 2
    assert crowded == set()
