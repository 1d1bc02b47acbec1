"""One scan of the whole lab, made once in a test process and used by many tests."""

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
NAME = f"scan-{os.getpid()}.lab.test"  # each test process makes a scan of its own
UNHURRIED = ("--spacing", "0.3", "--retries", "0")  # the server needs the time to log the end of a connection


@dataclass(frozen=True)
class Scan:
    """A finished scan: its process, its run directory, and the events of the scripted server."""

    done: subprocess.CompletedProcess[str]
    run: Path
    events: list[dict[str, Any]]

    def visits(self) -> list[dict[str, Any]]:
        """Return the first EHLO of each connection; other tests use the lab under other names."""
        return [e for e in self.events if e["event"] == "ehlo" and not e["tls"] and e["line"] == f"EHLO {NAME}"]

    def domains(self) -> dict[str, dict[str, Any]]:
        """Return the domain lines; the last line of a domain counts."""
        lines = map(json.loads, (self.run / "domains.jsonl").read_text().splitlines())
        return {line["target"]["raw"]: line for line in lines}

    def hosts(self) -> dict[str, dict[str, Any]]:
        """Return the host lines by key."""
        return {line["key"]: line for line in map(json.loads, (self.run / "hosts.jsonl").read_text().splitlines())}


def trusting(lab: Lab) -> tuple[str, ...]:
    """Return the options of every scan in the lab."""
    return ("--allow-private", "--ca-file", str(lab.root_pem), *PATIENCE, *UNHURRIED)


def sweep(lab: Lab, directory: Path, *flags: str) -> Scan:
    """Scan every domain of the lab, and one line that is not a domain."""
    domains = directory / "domains"
    domains.write_text("".join(f"{scenario.domain}\n" for scenario in SCENARIOS) + "bad domain\n")
    run = directory / "run"
    mark = lab.mark()
    done = lab.run(*MXSWEEP, "scan", str(domains), "-o", str(run), "--quiet", "--ehlo", NAME, *trusting(lab), *flags)
    return Scan(done, run, lab.events(mark))
