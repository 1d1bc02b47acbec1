"""``python -m tests.lab demo``: start the lab, scan it, show the report, stop the lab."""

import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from tests.lab import control
from tests.lab.layout import Layout
from tests.lab.public import CLIENT_NAME
from tests.lab.scenarios import SCENARIOS
from tests.lab.use import PATIENCE, Lab, running

MXSWEEP = (sys.executable, "-m", "scanner")
HURRY = ("--spacing", "0", "--retries", "1", "--retry-after", "1")


def demo(layout: Layout) -> int:
    """Scan the lab and show the report; return the exit code of the scan."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))  # ends as Ctrl-C does, with the lab down
    directory = control.ROOT / "runs" / f"demo-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    directory.mkdir(parents=True)
    domains, run = directory / "domains", directory / "run"
    domains.write_text("".join(f"{scenario.domain}\n" for scenario in SCENARIOS))
    try:
        _say(f"starting the lab: {len(SCENARIOS)} domains, each with a fault or a virtue of its own")
        with running(layout) as lab:
            code = _scan(lab, domains, run)
            _say("taking the lab down")
    except KeyboardInterrupt:
        return 130
    if (run / "run.json").exists():
        _command("report", run)
        _foreground(subprocess.Popen([*MXSWEEP, "report", str(run)]))
        _say(f"the run is in {run}")
    return code


def _scan(lab: Lab, domains: Path, run: Path) -> int:
    flags = ("--allow-private", "--ca-file", str(lab.root_pem), "--ehlo", CLIENT_NAME)
    argv = ("scan", str(domains), "-o", str(run), *flags, *PATIENCE, *HURRY)
    _command(*argv)
    return _foreground(lab.popen(*MXSWEEP, *argv))


def _foreground(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process that handles the terminal's Ctrl-C itself; return its exit code."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def _command(*words: object) -> None:
    print("\n$ mxsweep", *words, flush=True)  # noqa: T201 - a command's output


def _say(text: str) -> None:
    print(f"\n=== {text}", flush=True)  # noqa: T201 - a command's output
