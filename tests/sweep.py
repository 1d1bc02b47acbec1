"""One scan of the whole lab, made once a test process and looked at by many tests."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.scenarios import SCENARIOS
from tests.lab.use import PATIENCE, Lab

MXSWEEP = (sys.executable, "-m", "scanner")
NAME = f"scan-{os.getpid()}.lab.test"  # each test process makes its own scan
UNHURRIED = ("--spacing", "0.3", "--retries", "0")  # long enough for the server to note that a connection has ended


@dataclass(frozen=True)
class Scan:
    """A finished scan: its process, its run directory, and what the scripted server saw of it."""

    done: subprocess.CompletedProcess[str]
    run: Path
    events: list[dict[str, Any]]

    def visits(self) -> list[dict[str, Any]]:
        """The first EHLO of each connection; other tests may be in the lab too, under other names."""
        return [e for e in self.events if e["event"] == "ehlo" and not e["tls"] and e["line"] == f"EHLO {NAME}"]

    def domains(self) -> dict[str, dict[str, Any]]:
        """Domain lines; a domain may be written again after a later pass, and then the last line counts."""
        lines = map(json.loads, (self.run / "domains.jsonl").read_text().splitlines())
        return {line["target"]["raw"]: line for line in lines}

    def hosts(self) -> dict[str, dict[str, Any]]:
        """Host lines by key."""
        return {line["key"]: line for line in map(json.loads, (self.run / "hosts.jsonl").read_text().splitlines())}


def trusting(lab: Lab) -> tuple[str, ...]:
    """The flags of every scan in the lab."""
    return ("--allow-private", "--ca-file", str(lab.root_pem), *PATIENCE, *UNHURRIED)


def sweep(lab: Lab, directory: Path) -> Scan:
    """Scan every domain of the lab; the list has one bad line more."""
    domains = directory / "domains"
    domains.write_text("".join(f"{scenario.domain}\n" for scenario in SCENARIOS) + "bad domain\n")
    run = directory / "run"
    mark = lab.mark()
    done = lab.run(*MXSWEEP, "scan", str(domains), "-o", str(run), "--quiet", "--ehlo", NAME, *trusting(lab))
    return Scan(done, run, lab.events(mark))
