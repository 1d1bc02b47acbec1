"""Scans that are interrupted and resumed, and the comparison of their runs."""

import json
import random
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results.store.reader import Run
from scanner.vocabulary import RunState
from tests.lines import dicts

SHORTEST, LONGEST = 0.2, 3.0  # seconds until a kill; starting takes about one, so some kills hit the start
LIMIT = 600.0  # seconds for one scan

_CHANGING = {"observed_at", "started", "ms", "ttl", "vantages"}


@dataclass(frozen=True, slots=True)
class Scans:
    """How to start ``mxsweep scan`` with a list.

    ``start`` takes the arguments after the program's name; the process has a pipe for its standard error.
    """

    start: Callable[[Sequence[str]], subprocess.Popen[bytes]]
    listed: Path
    flags: tuple[str, ...]

    def anew(self, run: Path) -> tuple[str, ...]:
        """Return the arguments of a new scan."""
        return "scan", str(self.listed), "-o", str(run), *self.flags

    def go_on(self, run: Path) -> tuple[str, ...]:
        """Return the arguments that resume a run, or begin it anew if its input was not read to its end."""
        if (run / "spool" / "flags.json").exists():
            return "scan", "--resume", str(run), "--quiet"
        if run.exists():
            run.rename(run.with_name(f"unfinished-{time.monotonic_ns()}"))
        return self.anew(run)

    def end(self, argv: Sequence[str]) -> tuple[int, str]:
        """Run a scan to its end; return its exit status and the last line of its output."""
        return self.finish(self.start(argv))

    def finish(self, process: subprocess.Popen[bytes]) -> tuple[int, str]:
        """Wait for a started scan; return its exit status and last line. One that does not end is killed."""
        try:
            _, said = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
        return process.returncode, (said.decode().splitlines() or [""])[-1]

    def complete(self, argv: Sequence[str]) -> None:
        """Run a scan to its end; raise an error unless it succeeds."""
        status, said = self.end(argv)
        if status:
            raise RuntimeError(f"mxsweep {' '.join(argv)}: exit status {status}: {said}")

    def killed(self, run: Path, kills: int, chance: random.Random) -> int:
        """Kill and resume a scan at random moments, then let it end; return how many kills came before its end."""
        landed = 0
        for _ in range(kills):
            process = self.start(self.go_on(run))
            time.sleep(chance.uniform(SHORTEST, LONGEST))
            landed += process.poll() is None
            process.kill()
            process.communicate()
        self.complete(self.go_on(run))
        return landed


def same(run: Path, whole: Path) -> bool:
    """Return whether a run is complete with the domain records of another run, once each."""
    return Run.open(run).header.state is RunState.COMPLETE and records(run) == records(whole)


def records(run: Path, name: str = "domains") -> list[str]:
    """Return the records of a run, by default of its domains, sorted, without times, durations, TTLs and machines."""
    return sorted(json.dumps(_plain(record)) for record in dicts(run, name))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items() if key not in _CHANGING}
    return [_plain(member) for member in value] if isinstance(value, list) else value
