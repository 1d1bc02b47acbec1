"""A large scan with ``--dask local:2`` of a made-up network: memory of every process, and processor time of the join.

``python -m tests.bench.parts_large COUNT`` scans that many domains and prints the rows.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from results.store.reader import Run
from scanner.scale.plan_files import PlanPlace
from scanner.vocabulary import RunState
from tests.bench import made_up
from tests.bench.model import Row
from tests.bench.reference import slower
from tests.sweep import MXSWEEP

MILLION = 1_000_000
MEMORY = 300.0
"""Maximum memory of each process in MB."""

JOIN = 150.0
"""Maximum processor time of the join in microseconds for each domain, at the speed of the reference machine."""

_FLAGS = (
    *("--resolver", "192.0.2.53", "--unvalidated", "--ehlo", "bench.example", "--quiet", "--allow-private"),
    *("--rate", "1000000", "--dns-rate", "1000000", "--dask", "local:2"),
)
_EVERY = 0.5  # seconds between two looks at the memory of the processes
_TICK = 100.0  # clock ticks a second in /proc/PID/stat


def rows() -> list[Row]:
    """Scan a million made-up domains."""
    return measured(MILLION)


@dataclass(slots=True)
class _Watch:
    """The largest memory of client and workers by process, and the processor time of the client by time."""

    root: int
    peaks: dict[str, float] = field(default_factory=dict)
    client: list[tuple[float, float]] = field(default_factory=list)
    ended: Event = field(default_factory=Event)

    def run(self) -> None:
        """Look at the processes until the end of the scan."""
        while not self.ended.wait(_EVERY):
            self.client.append((time.time(), _seconds(self.root)))
            for pid in _family(self.root):
                kind = "client and scheduler" if pid == self.root else _kind(pid)
                self.peaks[kind] = max(self.peaks.get(kind, 0.0), made_up.peak_of(pid))

    def since(self, at: float) -> float:
        """Return the processor time of the client since a time."""
        before = [used for when, used in self.client if when <= at]
        return self.client[-1][1] - (before[-1] if before else 0.0)


def _kind(pid: int) -> str:
    with suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"scale_child" in command:
            return "process of a job"
        if b"spawn_main" in command:
            return "worker"
    return "other"


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _seconds(pid: int) -> float:
    with suppress(OSError):
        cells = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(cells[11]) + int(cells[12])) / _TICK
    return 0.0


def measured(count: int) -> list[Row]:
    """Scan made-up domains in two workers, and return the rows."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as directory:
        place = Path(directory)
        environment = made_up.prepare(place / "made-up")
        with (place / "list").open("wb") as file:
            file.writelines(made_up.names(count))
        argv = (*MXSWEEP, "scan", str(place / "list"), "-o", str(place / "run"), *_FLAGS)
        with subprocess.Popen(argv, env=environment) as process:
            watch = _Watch(process.pid)
            watching = Thread(target=watch.run)
            watching.start()
            code = process.wait()
            watch.ended.set()
            watching.join()
        if code:
            raise RuntimeError(f"exit status {code}")
        return _rows(place, count, watch)


def _rows(place: Path, count: int, watch: _Watch) -> list[Row]:
    run = Run.open(place / "run")
    index = PlanPlace(place / "run").index()
    if index is None or run.header.state is not RunState.COMPLETE or run.header.totals["domains"] != count:
        raise RuntimeError(f"the run is not complete: {run.header.totals}")
    joined = max(path.stat().st_mtime for path in (place / "run" / "parts").glob("*/run.json"))
    used = made_up.figures(place / "made-up")
    judges = [each for each in used if each.began >= joined]
    client = watch.since(joined)
    join = (client + sum(each.seconds for each in judges)) / count * 1e6
    there = join / slower()
    wall = (place / "run" / "domains.jsonl").stat().st_mtime - joined
    watch.peaks["process of a job"] = max(each.peak for each in used)
    begun = (place / "run" / "spool" / "index.json").stat().st_mtime
    total = time.time() - begun
    return [
        Row(
            f"{count:,} domains in {len(index.parts)} parts: hosts, in several parts",
            f"{index.hosts:,}, {index.split:,}",
        ),
        Row("processor time of all jobs", f"{sum(each.seconds for each in used) / count * 1e6:.0f} us a domain"),
        Row("time of the whole scan", f"{total:.0f} s"),
        *(
            Row(f"memory of {kind}", f"{peak:.0f} MB", f"at most {MEMORY:.0f} MB", peak <= MEMORY)
            for kind, peak in sorted(watch.peaks.items())
        ),
        Row(
            "join: hosts, then domains",
            f"{there:.0f} us CPU a domain at the speed of the reference machine "
            f"({join:.0f} us here: {client:.1f} s client, {len(judges)} jobs), {wall:.0f} s",
            f"at most {JOIN:.0f}",
            there <= JOIN,
        ),
    ]


def main(argv: Sequence[str]) -> None:
    """Print the rows."""
    for row in measured(int(argv[0])):
        print(*row, sep=" | ")  # noqa: T201 - what it was started for


if __name__ == "__main__":
    main(sys.argv[1:])
