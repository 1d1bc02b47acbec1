"""Reporting on a run of a million domains: memory, and processor time beside parsing the same lines with orjson.

Each is measured in a process of its own, and the cheaper of two turns counts. Memory of the other commands that read a
run is measured in one turn.
"""

import json
import shutil
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
peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]  # ru_maxrss has the parent's in it
print(json.dumps([used.ru_utime + used.ru_stime, int(peak) / 1000]))
"""
PARSE = """
import orjson
for name in ("certs", "hosts", "domains"):
    with (place / f"{name}.jsonl").open("rb") as file:
        for line in file:
            orjson.loads(line)
"""
_COMMAND = """
from scanner.cli.commands import main
main({arguments})
"""
_REPORT = ("report", "{run}", "--format", "json", "-o", "{run}/report.json")
RATIOS = {"rejudge": (1, 12.0), "diff": (2, 2.5)}
"""For a command: number of runs that it reads, and maximum ratio of its time to ``orjson.loads`` of all their lines."""

_OTHERS = {
    "explain": ("explain", "{run}", "d1-x.example"),
    "paper": ("report", "{run}", "--paper", "-o", "{run}/paper"),
    "rejudge": ("report", "{run}", "--rejudge"),
    "export": ("export", "{run}", "-o", "{run}/tables"),
    "diff": ("diff", "{run}", "{run}-later"),
}


def rows() -> list[Row]:
    """Measure parsing alone, the report, and the other commands."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory) / "run"
        make_run(place, DOMAINS, HOSTS)
        parsing = measured(PARSE, place)
        reporting = measured(_of(_REPORT, place), place)
        shutil.copytree(place, place.with_name("run-later"))  # nothing changed: what did would be in memory
        others = {name: measured(_of(words, place), place, turns=1) for name, words in _OTHERS.items()}
    factor = reporting[0] / parsing[0]
    return [
        Row("orjson.loads of every line, processor time", f"{parsing[0]:.1f} s"),
        Row("mxsweep report, processor time", f"{reporting[0]:.1f} s"),
        Row("report to orjson", f"{factor:.2f}", f"at most {FACTOR}", factor <= FACTOR),
        Row("peak memory", f"{reporting[1]:.0f} MB", f"below {MEMORY} MB", reporting[1] < MEMORY),
        *(_row(name, *figures) for name, figures in others.items()),
        *(_ratio(name, others[name][0] / parsing[0]) for name in RATIOS),
    ]


def _of(words: tuple[str, ...], place: Path) -> str:
    return command(*(word.replace("{run}", str(place)) for word in words))


def command(*arguments: str) -> str:
    """Return a Python program that runs a command line of mxsweep."""
    return _COMMAND.replace("{arguments}", repr(arguments))


def _row(name: str, seconds: float, megabytes: float) -> Row:
    return Row(
        f"{name}: peak memory ({seconds:.0f} s)", f"{megabytes:.0f} MB", f"below {MEMORY} MB", megabytes < MEMORY
    )


def _ratio(name: str, times: float) -> Row:
    """Return the row of a command whose time is ``times`` the time to parse the lines of one run."""
    runs, most = RATIOS[name]
    found = times / runs
    return Row(f"{name} to orjson.loads of all lines that it reads", f"{found:.1f}", f"at most {most}", found <= most)


def measured(body: str, place: Path, turns: int = TURNS) -> tuple[float, float]:
    """Run a program some times; return the least processor time in seconds and the peak memory in MB."""
    program = _MEASURED.replace("{body}", body)
    taken = []
    for _ in range(turns):
        done = subprocess.run([sys.executable, "-c", program, str(place)], capture_output=True, text=True, check=True)
        taken.append(json.loads(done.stdout.splitlines()[-1]))
    return min(turn[0] for turn in taken), min(turn[1] for turn in taken)
