"""Reporting on a run of a million domains: memory, and processor time beside parsing the same lines with orjson.

Each is measured in a process of its own, and of two turns the cheaper counts.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.model import Row
from tests.bench.synthetic import make_run

DOMAINS = 1_000_000
HOSTS = 100_000
TURNS = 2
MEMORY = 500  # MB
FACTOR = 3.0

_MEASURED = """
import json, resource, sys
from pathlib import Path
place = Path(sys.argv[1])
{body}
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1000]))
"""
_PARSE = """
import orjson
for name in ("certs", "hosts", "domains"):
    with (place / f"{name}.jsonl").open("rb") as file:
        for line in file:
            orjson.loads(line)
"""
_REPORT = """
from scanner.cli.commands import main
main(["report", str(place), "--format", "json", "-o", str(place / "report.json")])
"""


def rows() -> list[Row]:
    """Measure reading alone and reporting."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory) / "run"
        make_run(place, DOMAINS, HOSTS)
        parsing = _measured(_PARSE, place)
        reporting = _measured(_REPORT, place)
    factor = reporting[0] / parsing[0]
    return [
        Row("orjson.loads of every line, processor time", f"{parsing[0]:.1f} s"),
        Row("mxsweep report, processor time", f"{reporting[0]:.1f} s"),
        Row("report to orjson", f"{factor:.2f}", f"at most {FACTOR}", factor <= FACTOR),
        Row("peak memory", f"{reporting[1]:.0f} MB", f"below {MEMORY} MB", reporting[1] < MEMORY),
    ]


def _measured(body: str, place: Path) -> tuple[float, float]:
    """Seconds of processor time and peak megabytes of a Python process that does this; the best of some turns."""
    program = _MEASURED.replace("{body}", body)
    turns = []
    for _ in range(TURNS):
        done = subprocess.run([sys.executable, "-c", program, str(place)], capture_output=True, text=True, check=True)
        turns.append(json.loads(done.stdout.splitlines()[-1]))
    return min(turn[0] for turn in turns), min(turn[1] for turn in turns)
