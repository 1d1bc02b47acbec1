"""A scan that is killed many times writes the records of an undisturbed scan; a million domains in bounded memory.

The list holds private addresses, which a scan records as skipped: without a network nothing but the scan can differ,
and reader, writer and disk always have work. A process is killed (``kill -9``) at a random moment and resumed,
``KILLS`` times; then one runs to its end. ``disturbed`` does the same with real servers.
"""

import random
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench import memory
from tests.bench.model import Row
from tests.bench.runs import Scans, same
from tests.sweep import MXSWEEP

DOMAINS = 150_000  # enough for a minute without a network, so that no kill comes too late
KILLS = 50
MILLION = 1_000_000

_FLAGS = ("--resolver", "192.0.2.53", "--unvalidated", "--ehlo", "soak.example", "--quiet")


def rows() -> list[Row]:
    """Kill and resume a scan; then scan a million simulated domains."""
    return [*killed(DOMAINS, KILLS), *memory.measured(MILLION)]


def killed(domains: int, kills: int, seed: int = 1) -> list[Row]:
    """Scan with kills and without, and compare."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-soak-") as temporary:
        place = Path(temporary)
        (place / "list").write_text("".join(_line(number) for number in range(domains)))
        scans = Scans(_start, place / "list", _FLAGS)
        scans.complete(scans.anew(place / "whole"))
        landed = scans.killed(place / "run", kills, random.Random(seed))
        equal = same(place / "run", place / "whole")
    return [
        Row(f"kills of a scan of {domains:,} domains, before its end", f"{landed} of {kills}", "all", landed == kills),
        Row("records equal those of an undisturbed scan", "yes" if equal else "no", "yes", equal),
    ]


def _line(number: int) -> str:
    """Return a line with a private address, which is skipped, and further columns."""
    return f"[10.{number >> 16}.{number >> 8 & 255}.{number & 255}],{number}\n"


def _start(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*MXSWEEP, *argv], stderr=subprocess.PIPE)
