"""A scan that is killed again and again finds what an undisturbed one finds; and a million domains in little memory.

The scan is of private addresses, which are told as skipped: no network, so that nothing but the scan can differ, and
work for the reader, the writer and the disk all the time. A process is killed (``kill -9``) at a random moment and the
next one goes on, ``KILLS`` times; then one is left to end. Domain records are compared as readers see them, sorted,
without times and durations.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from results.run import Run
from scanner.vocabulary import RunState
from tests.bench import memory
from tests.bench.model import Row

DOMAINS = 20_000
KILLS = 50
MILLION = 1_000_000
SHORTEST, LONGEST = 0.2, 3.0  # seconds until the kill; starting takes about one, so some kills hit the start

_SCAN = (sys.executable, "-m", "scanner", "scan")
_FLAGS = ("--resolver", "192.0.2.53", "--unvalidated", "--ehlo", "soak.example", "--quiet")
_CHANGING = {"observed_at", "started", "ms"}


def rows() -> list[Row]:
    """Kill and resume, then scan a million made-up domains."""
    return [*killed(DOMAINS, KILLS), *memory.measured(MILLION)]


def killed(domains: int, kills: int, seed: int = 1) -> list[Row]:
    """Scan with kills and without, and compare."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-soak-") as temporary:
        place = Path(temporary)
        (place / "list").write_text("".join(_line(number) for number in range(domains)))
        _end(place, "list", "-o", "whole", *_FLAGS)
        landed = _disturbed(place, kills, random.Random(seed))
        same = _records(place / "run") == _records(place / "whole")
        complete = Run.open(place / "run").header.state is RunState.COMPLETE
    return [
        Row(f"kills of a scan of {domains:,} domains, that hit it at work", f"{landed} of {kills}"),
        Row("records equal those of an undisturbed scan", "yes" if same else "no", "yes", same and complete),
    ]


def _line(number: int) -> str:
    """An address that is skipped (private), with further columns that travel along."""
    return f"[10.{number >> 16}.{number >> 8 & 255}.{number & 255}],{number}\n"


def _disturbed(place: Path, kills: int, chance: random.Random) -> int:
    """Kill and go on; how many kills hit a process before it was done."""
    landed = 0
    for _ in range(kills):
        process = subprocess.Popen([*_SCAN, *_next(place)], cwd=place, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(SHORTEST, LONGEST))
        landed += process.poll() is None
        process.kill()
        process.wait()
    _end(place, *_next(place))
    return landed


def _next(place: Path) -> tuple[str, ...]:
    """How to go on: a run whose input had not been read to its end begins anew, as its user would."""
    run = place / "run"
    if (run / "spool" / "flags.json").exists():
        return "--resume", "run", "--quiet"
    if run.exists():
        run.rename(place / f"unfinished-{time.monotonic_ns()}")
    return "list", "-o", "run", *_FLAGS


def _end(place: Path, *argv: str) -> None:
    subprocess.run([*_SCAN, *argv], cwd=place, check=True, stderr=subprocess.DEVNULL)


def _records(run: Path) -> list[str]:
    return sorted(json.dumps(_plain(record)) for record in Run.open(run).dicts("domains"))


def _plain(value: Any) -> Any:
    """A record without what differs from one scan to the next."""
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items() if key not in _CHANGING}
    return [_plain(member) for member in value] if isinstance(value, list) else value
