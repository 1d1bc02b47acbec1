"""Resume: keys read from a million domain lines, beside a bare loop that reads the same lines into a set."""

import gc
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from results.store import codec
from results.store.reader import keys, lines_path
from tests.bench.model import Row
from tests.unit import records

LINES = 1_000_000
TARGET = 3.0


def rows() -> list[Row]:
    """Measure both, one turn each, because the lines take gigabytes."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as place:
        path = _write(lines_path(Path(place), "domains"))
        bare = _seconds(lambda: _bare(path))
        ours = _seconds(lambda: set(keys(path)))
        size = path.stat().st_size / LINES
    return [
        Row(f"bare loop, {LINES:,} lines of {size:.0f} octets", f"{bare:.2f} s CPU"),
        Row("keys of the same lines", f"{ours:.2f} s CPU"),
        Row("ratio", f"{ours / bare:.1f}", f"at most {TARGET:.0f}", ours / bare <= TARGET),
    ]


def _write(path: Path) -> Path:
    line = codec.encode(records.domain(key="@domain@"))
    with path.open("wb") as file:
        for number in range(LINES):
            file.write(line.replace(b"@domain@", b"d%d.example" % number))
    return path


def _bare(path: Path) -> set[bytes]:
    lines = set()
    with path.open("rb") as file:
        for line in file:
            lines.add(line)
    return lines


def _seconds(work: Callable[[], set[str] | set[bytes]]) -> float:
    gc.collect()
    begun = time.process_time()
    found = len(work())
    if found != LINES:
        raise RuntimeError(f"{found} of {LINES} lines")
    return time.process_time() - begun
