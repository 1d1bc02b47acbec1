"""The spool beside ``LC_ALL=C sort -u`` on the same domains, and the memory of ten million domains.

Each runs in a process of its own. The two take turns, and the cheapest turn counts.
"""

import os
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.model import Row

DOMAINS = 1_000_000
MANY = 10_000_000
TURNS = 3
TARGET = 6.0
MEMORY = 300  # MB

SPOOL = """
import resource, sys
from pathlib import Path
from targets.lists import Lists, Reader
from targets.spool import Spool
Spool.make(Path(sys.argv[2]), Lists([sys.argv[1]]).blocks(), Reader())
usage = resource.getrusage(resource.RUSAGE_SELF)
peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]  # ru_maxrss has the parent's in it
print(usage.ru_utime + usage.ru_stime, peak)
"""
_ENDINGS = ("com", "de", "nl", "org", "co.uk", "com.br", "cz", "se")
_WORDS = ("mail", "shop", "blog", "the", "my", "web", "data", "green")


def rows() -> list[Row]:
    """Measure the spool; ten million lines take about a minute."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as place:
        path = Path(place)
        domains = write_domains(path / "domains", DOMAINS)
        ours = min(_spooled(domains, path)[0] for _ in range(TURNS))
        sort = min(_sorted(domains, path) for _ in range(TURNS))
        many = write_domains(path / "many", MANY)
        seconds, memory = _spooled(many, path)
    return [
        Row(f"spool of {DOMAINS:,} domains", f"{ours:.2f} s CPU"),
        Row("LC_ALL=C sort -u of the same", f"{sort:.2f} s CPU"),
        Row("ratio", f"{ours / sort:.1f}", f"at most {TARGET:.0f}", ours / sort <= TARGET),
        Row(f"spool of {MANY:,} domains", f"{seconds:.0f} s CPU"),
        Row("its memory", f"{memory:.0f} MB", f"at most {MEMORY} MB", memory <= MEMORY),
    ]


def write_domains(path: Path, count: int, seed: int = 1) -> Path:
    """Write a list of invented domains in random order, with a few duplicates."""
    chance = random.Random(seed)
    with path.open("w") as file:
        for number in range(count):
            name = f"{_WORDS[number % 7]}-{chance.randrange(4 * count):x}{'example'[: number % 8]}"
            file.write(f"{name}.{_ENDINGS[chance.randrange(8)]}\n")
    return path


def _spooled(domains: Path, place: Path) -> tuple[float, float]:
    """Return processor time in seconds and memory in MB."""
    argv = [sys.executable, "-c", SPOOL, str(domains), str(place / "spool")]
    out = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    return float(out[0]), int(out[1]) / 1024


def _sorted(domains: Path, place: Path) -> float:
    before = _children()
    argv = ["sort", "-u", "-o", str(place / "sorted"), str(domains)]
    subprocess.run(argv, env=os.environ | {"LC_ALL": "C"}, check=True)
    return _children() - before


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
