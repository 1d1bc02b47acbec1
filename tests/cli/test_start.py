"""Commands load only what they need: help and version come at once, whatever else mxsweep can do."""

import subprocess
import sys

import pytest

HEAVY = {"results", "duckdb", "jinja2", "altair", "cryptography", "trio", "dns", "orjson", "msgspec"}


@pytest.mark.parametrize(
    "command", [["--version"], ["--help"], ["scan", "--help"], ["diff", "--help"], ["report", "-h"]]
)
def test_what_says_how_to_use_it_loads_nothing_heavy(command: list[str]) -> None:
    importing = [sys.executable, "-X", "importtime", "-m", "scanner", *command]
    done = subprocess.run(importing, capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert "rich_click" in loaded
    assert loaded & HEAVY == set()
