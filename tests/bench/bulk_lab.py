"""The bulk lab for the time of a benchmark, and scans of it."""

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.bench.runs import Scans
from tests.lab import bulk, control
from tests.lab.layout import Layout
from tests.lab.use import RESOLVER, Lab
from tests.sweep import MXSWEEP

FLAGS = (
    *("--quiet", "--resolver", RESOLVER, "--allow-private", "--ehlo", "client.lab.test"),
    *("--dns-rate", "1000000", "--spacing", "0", "--rate", "1000000"),
)
"""Flags of every scan in the lab; rates and spacing are switched off unless the benchmark measures them."""


@contextmanager
def bulk_lab(scale: int, *, crowded: bool = False) -> Iterator[tuple[Lab, Path]]:
    """Start the lab with that many domains; yield it with a directory for lists and runs."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as temporary:
        place = Path(temporary)
        place.chmod(0o755)  # posttls-finger gives up its rights and reads the lab's files
        layout = Layout(place / "lab")
        try:
            yield Lab(layout, control.up(layout, scale, crowded=crowded)), place
        finally:
            control.down(layout)


def write_list(path: Path, domains: int) -> Path:
    """Write a list of the lab's first domains."""
    path.write_text("".join(f"{bulk.domain(number)}\n" for number in range(domains)))
    return path


def scans_in(lab: Lab, listed: Path, *flags: str) -> Scans:
    """Return how to scan a list as a client in the lab; ``flags`` win over ``FLAGS``."""
    return Scans(partial(_start, lab), listed, (*FLAGS, *flags))


def _start(lab: Lab, argv: Sequence[str]) -> subprocess.Popen[bytes]:
    process: subprocess.Popen[bytes] = lab.popen(*MXSWEEP, *argv, stderr=subprocess.PIPE)
    return process
