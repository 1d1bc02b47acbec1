"""``finger --json --all`` and ``scan`` give every domain of the lab the same verdict.

``finger`` asks a server for one certificate only, so domains with a mismatch of the other certificate are left out.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab.scenarios import SCENARIOS
from tests.lab.use import Lab
from tests.sweep import Scan

pytestmark = pytest.mark.lab

AT_ONCE = 8  # most of them wait
OTHER_CERTIFICATE = 3  # domains of the lab with a mismatch of the other certificate
PATIENCE = ("-t", "5", "-T", "8")  # longer than in the scan, because eight processes run at once


def verdict(line: dict[str, Any]) -> dict[str, Any]:
    """Return the members that must be equal: all but the text, which quotes the peer or the system."""
    return {key: value for key, value in line["verdict"].items() if key != "text"}


def test_finger_gives_the_verdicts_of_scan(lab: Lab, scan: Scan, tmp_path: Path) -> None:
    domains = [scenario.domain for scenario in SCENARIOS]
    flags = ("--json", "--all", "-l", "dane", "-F", str(lab.root_pem), *PATIENCE)
    command = (sys.executable, "-m", "tests.cli.fingers", str(tmp_path), str(AT_ONCE), *domains, "--", *flags)
    done = lab.run(*command)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr, done.stderr  # warnings about TLSA records are those of posttls-finger
    scanned = scan.domains()
    same = [domain for domain in domains if "other-certificate-mismatch" not in scanned[domain]["verdict"]["reasons"]]
    assert len(domains) - len(same) == OTHER_CERTIFICATE
    wrong = {}
    for domain in same:
        line = json.loads((tmp_path / domain).read_text())
        if verdict(line) != verdict(scanned[domain]):
            wrong[domain] = (verdict(line), verdict(scanned[domain]))
    assert wrong == {}
