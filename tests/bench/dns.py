"""DNS: queries a second and processor time a query, beside ``dns.asyncresolver`` on the same event loop (trio).

Both ask the same unbound, which has every answer as local data, for the same names and types, with as many
questions in flight. Ours pass everything that a scan's questions pass, rate and outage detection included. The two
take turns, and the cheapest turn counts, because other work on the machine only adds time. Processor time is that of
this process, without the server's.
"""

import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import dns.asyncresolver
import dns.flags
import trio

from scanner.core.wire import query
from scanner.net.outage import Outage
from scanner.net.resolver import open_resolver
from scanner.run.lookups import Lookups
from scanner.run.stats import Stats
from scanner.settings import DNSSettings
from tests.bench.model import Row

HOSTS = 400
TURNS = 5
WORKERS = 64
TARGET = 0.3
READY = 10.0  # seconds for unbound to answer
UNLIMITED = 1e9  # queries a second

Ask = Callable[[str, str], Awaitable[object]]


def rows() -> list[Row]:
    """Measure both; without unbound, return a row that says so."""
    if shutil.which("unbound", path="/usr/sbin:/usr/bin:/sbin:/usr/local/sbin") is None:
        return [Row("unbound is not installed", "not measured")]
    with unbound() as port:
        ours, theirs = trio.run(_both, port)
    ratio = ours.cpu / theirs.cpu
    return [
        Row("dns.asyncresolver", theirs.text),
        Row("mxsweep", ours.text),
        Row("processor time, ours to theirs", f"{ratio:.2f}", f"at most {TARGET}", ratio <= TARGET),
    ]


class Turn:
    """One measured turn; turns are ordered by processor time."""

    def __init__(self, queries: int, wall: float, cpu: float) -> None:
        self.rate = queries / wall
        self.cpu = cpu / queries

    @property
    def text(self) -> str:
        """Return the text for the table."""
        return f"{self.rate:,.0f} queries/s, {self.cpu * 1000:.3f} ms of processor time each"


def questions() -> list[tuple[str, str]]:
    """Return the questions of a scan for each host: MX, A, AAAA (NODATA), TLSA."""
    asked = []
    for n in range(HOSTS):
        asked += [(f"d{n}.bench.test", "MX"), (f"mx{n}.bench.test", "A"), (f"mx{n}.bench.test", "AAAA")]
        asked.append((f"_25._tcp.mx{n}.bench.test", "TLSA"))
    random.Random(1).shuffle(asked)
    return asked


async def _both(port: int) -> tuple[Turn, Turn]:
    settings = DNSSettings(servers=(("127.0.0.1", port),), in_flight=WORKERS, rate=UNLIMITED)
    theirs = _dnspython(port)
    turns: list[tuple[Turn, Turn]] = []
    for _ in range(TURNS + 1):  # the first warms both up
        async with _scans(settings) as lookup:  # anew: with nothing in its cache
            ours = await _turn(lookup)
        turns.append((ours, await _turn(theirs)))
    pairs = list(zip(*turns[1:], strict=True))
    best = [min(side, key=lambda turn: turn.cpu) for side in pairs]
    return best[0], best[1]


@asynccontextmanager
async def _scans(settings: DNSSettings) -> AsyncIterator[Lookups]:
    """Yield the lookup function of a scan."""

    async def works(_peer: str) -> bool:
        raise AssertionError("the network is not watched here")

    network: Outage[str] = Outage(works, print, "the network")
    async with open_resolver(settings) as resolver:
        yield Lookups(resolver.lookup, resolver.lookup_together, network, print, Stats())


def _dnspython(port: int) -> Ask:
    """Return a dnspython resolver with DO and AD, a payload of 1232 octets, no search list and no cache."""
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = port
    resolver.use_edns(0, dns.flags.DO, 1232)
    resolver.flags = dns.flags.RD | dns.flags.AD

    async def ask(name: str, rtype: str) -> object:
        return await resolver.resolve(f"{name}.", rtype, raise_on_no_answer=False)

    return ask


async def _turn(ask: Ask) -> Turn:
    waiting = questions()
    count = len(waiting)

    async def worker() -> None:
        while waiting:
            await ask(*waiting.pop())

    wall, cpu = time.perf_counter(), time.process_time()
    async with trio.open_nursery() as nursery:
        for _ in range(WORKERS):
            nursery.start_soon(worker)
    return Turn(count, time.perf_counter() - wall, time.process_time() - cpu)


@contextmanager
def unbound() -> Iterator[int]:
    """Start an unbound on loopback with every answer as local data; yield its port."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as directory:
        port = _free_port()
        config = Path(directory) / "unbound.conf"
        config.write_text(_config(directory, port))
        server = subprocess.Popen(
            ["unbound", "-d", "-p", "-c", str(config)],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin"},
            stderr=subprocess.DEVNULL,
        )
        try:
            _await(port, server)
            yield port
        finally:
            server.terminate()
            server.wait()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _await(port: int, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + READY
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.05)
        sock.connect(("127.0.0.1", port))
        while time.monotonic() < until and server.poll() is None:
            try:
                sock.send(query("d0.bench.test", "MX", 1))
                if sock.recv(512):
                    return
            except OSError:
                time.sleep(0.02)
    raise RuntimeError("unbound did not start")


def _config(directory: str, port: int) -> str:
    lines = []
    for n in range(HOSTS):
        lines += [
            f"d{n}.bench.test. 60 IN MX 10 mx{n}.bench.test.",
            f"d{n}.bench.test. 60 IN MX 20 backup.mx{n}.bench.test.",
            f"mx{n}.bench.test. 60 IN A 192.0.2.{n % 250}",
            f"_25._tcp.mx{n}.bench.test. 60 IN TLSA 3 1 1 {n:064x}",
        ]
    data = "\n".join(f"    local-data: '{line}'" for line in lines)
    return f"""server:
    directory: "{directory}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    interface: 127.0.0.1@{port}
    num-threads: 1
    local-zone: "bench.test." static
{data}
remote-control:
    control-enable: no
"""


if __name__ == "__main__":
    for row in rows():
        print(*row, sep=" | ")  # noqa: T201 - what it was started for
