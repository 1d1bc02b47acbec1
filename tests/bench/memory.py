"""Memory of a whole scan with spool and run directory; the network is simulated in the same process.

Ten domains share a host, and every host has its own address; all show one chain. Memory is what the process has
resident after the first tenth of the domains and at the end; ``python -m tests.bench.memory COUNT`` is that process.
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import trio

from results.store.writer import Store
from scanner.core.pkix import TrustStore
from scanner.facts import Answer, CertFacts, Endpoint
from scanner.model import DomainRecord, HostReport, RunHeader
from scanner.net.probe import ProbeResult
from scanner.run import pipeline
from scanner.run.ports import Ports
from scanner.run.stats import Stats
from scanner.settings import Caps, Settings
from scanner.vocabulary import Outcome, RunState, Security
from targets.lists import Lists, Reader
from targets.scope import Scope
from targets.spool import Spool
from tests.bench.model import Row
from tests.unit import fakes

DOMAINS = 100_000
PER_HOST = 10
LIMIT = 300  # MB
FLAT = 1.15  # the end to the first tenth: allocators keep some of what is freed
FULL = 500_000  # domains of which the first tenth fills what is remembered; before, memory has to grow
PAGE = resource.getpagesize()


def rows() -> list[Row]:
    """Measure 100,000 domains; ``soak`` measures a million in some ten minutes."""
    return measured(DOMAINS)


def measured(count: int) -> list[Row]:
    """Scan simulated domains in a process of its own."""
    argv = [sys.executable, "-m", "tests.bench.memory", str(count)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    early, late = map(float, done.stdout.split())
    growth = late / early
    flat = Row("growth", f"{growth:.2f}")
    if count >= FULL:
        flat = Row("growth", f"{growth:.2f}", f"at most {FLAT}", growth <= FLAT)
    return [
        Row(f"scan of {count:,} domains, first tenth", f"{early:.0f} MB"),
        Row("its end", f"{late:.0f} MB", f"at most {LIMIT} MB", late <= LIMIT),
        flat,
    ]


class _Watching:
    """A sink that passes everything on and measures the memory after the first tenth."""

    def __init__(self, store: Store, count: int) -> None:
        self._store = store
        self._tenth = count // 10
        self.early = 0.0

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        self._store.put_domain(record, reports, certs)
        self._tenth -= 1
        if self._tenth == 0:
            self.early = resident()

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        self._store.put_reject(file, line, raw, reason)

    def sync(self) -> None:
        self._store.sync()


def resident() -> float:
    """Return the resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1024 / 1024


async def lookup(name: str, rtype: str, *, fresh: bool = False) -> Answer:
    """Return DNS answers for ``dN.example`` with ``mxM.example`` at an address of its own, without TLSA."""
    del fresh
    await trio.lowlevel.checkpoint()
    number = int("".join(filter(str.isdigit, name.split(".")[-2])))
    if rtype == "MX":
        return _data(name, rtype, f"10 mx{number // PER_HOST}.example")
    if rtype == "A":
        return _data(name, rtype, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    return Answer(name, rtype, Outcome.NODATA, Security.SECURE, (), rname=name)


def _data(name: str, rtype: str, record: str) -> Answer:
    return Answer(name, rtype, Outcome.DATA, Security.SECURE, (record,), rname=name)


async def probe(endpoint: Endpoint, host: str) -> ProbeResult:
    """Return a probe with a handshake for any endpoint."""
    del host
    await trio.lowlevel.checkpoint()
    sighting = fakes.shakes()(endpoint)
    transcript = tuple(f"< 250-{endpoint.address} extension {number}" for number in range(16))
    return replace(sighting, probe=replace(sighting.probe, transcript=transcript))


def names(count: int) -> Iterator[bytes]:
    """Return the lines of a list."""
    return (b"d%d.example\n" % number for number in range(count))


def _write(path: Path, lines: Iterable[bytes]) -> Path:
    with path.open("wb") as file:
        file.writelines(lines)
    return path


async def scan(place: Path, count: int) -> tuple[float, float]:
    """Scan; return the memory after the first tenth and at the end, in MB."""
    spool = Spool.make(place / "spool", Lists([_write(place / "list", names(count))]).blocks(), Reader())
    settings = Settings(caps=Caps(total=64))
    header = RunHeader("bench", datetime.now(UTC), RunState.RUNNING)
    with Store.create(place / "run", header) as store:
        sink = _Watching(store, count)
        scope = Scope(allow_private=True)
        tools = Ports(settings, lookup, probe, TrustStore.from_pem(), scope, Stats(), lambda _: True)
        await pipeline.scan(spool.items(), tools, sink, pipeline.Stop(), store.find_host)
        if tools.stats.done != count or tools.stats.internal_errors:
            raise RuntimeError(f"{tools.stats.done} of {count} domains, {tools.stats.internal_errors} errors")
        return sink.early, resident()


def main(count: int) -> None:
    """Print both figures."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as place:
        print(*trio.run(scan, Path(place), count))  # noqa: T201 - what the other process reads


if __name__ == "__main__":
    main(int(sys.argv[1]))
