"""The time of records, and the modules that the interfaces load."""

import subprocess
import sys
from datetime import UTC, timedelta

from scanner.run.ports import now


def test_the_time_of_a_record_is_utc() -> None:
    assert now().tzinfo is UTC
    assert timedelta(0) <= -(now() - now()) < timedelta(seconds=60)


def test_a_scan_without_mta_sts_does_not_load_http() -> None:
    code = "import sys, scanner.run.examine, scanner.cli.scan; sys.exit('h11' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
