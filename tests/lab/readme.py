"""The terminal output that README.md shows: made here from the lab, and compared with README.md by a test.

``python -m tests.lab.readme`` scans some domains of the lab and writes the output into README.md.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.lab import control
from tests.lab.public import CLIENT_NAME
from tests.lab.use import PATIENCE, Lab, running

README = control.ROOT / "README.md"
DOMAIN = "bad311.test"
LIST = ("good311.test", "bad311.test", "one-busy.test", "no-starttls-plain.test", "null-mx.test", "unsigned.test")
"""Domains of the report: protected, broken, partly busy, without STARTTLS, without mail, unsigned."""

LINES = 14
"""Number of the report's first lines that README.md shows; a line with dots follows."""

WIDTH = 100
"""Columns of a wide terminal; README.md shows text of that width without a scroll bar."""

_BLOCK = re.compile(r"(<!-- output:(\w+) -->\n)(?:```console\n.*?^```\n)?", re.MULTILINE | re.DOTALL)
_CHANGING = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d(?::\d\d)?|\b[0-9a-f]{16,}\b|\b\d+ (?:ms|s|days)\b|\b\d+\.\d+\b")


def outputs(lab: Lab) -> dict[str, str]:
    """Return each block by name: the command as a user types it, and what it prints."""
    with tempfile.TemporaryDirectory() as place:
        run, names = Path(place) / "RUN", Path(place) / "domains.txt"
        names.write_text("\n".join(LIST) + "\n")
        flags = ("--ehlo", CLIENT_NAME, "--allow-private", "--ca-file", str(lab.root_pem), *PATIENCE, "--spacing", "0")
        verdict = _mxsweep(lab, "scan", "--domain", DOMAIN, *flags)
        _mxsweep(lab, "scan", str(names), "-o", str(run), "--quiet", "--retries", "0", *flags)
        report = _mxsweep(lab, "report", str(run), "--top", "2")
    return {
        "domain": f"$ mxsweep scan --domain {DOMAIN}\n{verdict}",
        "report": f"$ mxsweep report RUN --top 2\n{_head(report.replace(str(run), 'RUN'))}...\n",
    }


def _head(text: str) -> str:
    return "".join(text.splitlines(keepends=True)[:LINES])


def comparable(text: str) -> str:
    """Return the text without what differs between two labs: times, dates, durations, digests."""
    return re.sub(r"[ \t]+", " ", _CHANGING.sub("#", text))


def shown(readme: str) -> dict[str, str]:
    """Return the blocks that README.md holds, by name."""
    found = re.finditer(r"<!-- output:(\w+) -->\n```console\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    return {match[1]: match[2] for match in found}


def write(readme: str, blocks: dict[str, str]) -> str:
    """Return README.md with the blocks in their places."""
    return _BLOCK.sub(lambda match: f"{match[1]}```console\n{blocks[match[2]].rstrip()}\n```\n", readme)


def _mxsweep(lab: Lab, *argv: str) -> str:
    command = ("env", f"COLUMNS={WIDTH}", sys.executable, "-m", "scanner", *argv)
    done: subprocess.CompletedProcess[str] = lab.run(*command)
    if done.returncode:
        raise control.LabError(f"mxsweep {argv[0]} ended with {done.returncode}: {done.stderr}")
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"


if __name__ == "__main__":
    with running() as started:
        README.write_text(write(README.read_text(), outputs(started)))
