"""Help and version load none of the rooms and none of the large libraries."""

import subprocess
import sys

import pytest

HEAVY = {"results", "duckdb", "jinja2", "altair", "cryptography", "trio", "dns", "orjson", "msgspec"}


@pytest.mark.parametrize(
    "command", [["--version"], ["--help"], ["scan", "--help"], ["diff", "--help"], ["report", "-h"]]
)
def test_help_and_version_load_nothing_heavy(command: list[str]) -> None:
    importing = [sys.executable, "-X", "importtime", "-m", "scanner", *command]
    done = subprocess.run(importing, capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert "rich_click" in loaded
    assert loaded & HEAVY == set()
