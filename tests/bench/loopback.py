"""The bulk lab's server on loopback, on a core of its own, and this process on another."""

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab import bulk
from tests.lab.pki import PKI

_CORES = os.sched_getaffinity(0)
"""The cores of this process at its start."""


@dataclass(frozen=True, slots=True)
class BulkServer:
    """A running server: its addresses (those with a fault first), their one port, and its files."""

    addresses: tuple[str, ...]
    port: int
    leaves: Path
    chain: Path


@contextmanager
def serving(count: int, odd: int = 0, manner: str = "silent") -> Iterator[BulkServer]:
    """Serve that many addresses of 127.0.0.0/8, each with its own /24, key and certificate; some have a fault."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as place, pinned() as other:
        directory = Path(place)
        port = _free_port()
        hosts = [
            bulk.BulkHost(f"mx{n}.bulk", f"127.{1 + n // 250}.{n % 250}.25", manner if n < odd else "serve", port)
            for n in range(count)
        ]
        bulk.configure(directory, hosts, PKI())
        with subprocess.Popen(bulk.command(directory), stdout=subprocess.PIPE) as server:
            try:
                os.sched_setaffinity(server.pid, other)
                assert server.stdout is not None
                if server.stdout.readline() != b"listening\n":
                    raise RuntimeError("the server did not start")
                addresses = tuple(host.address for host in hosts)
                yield BulkServer(addresses, port, directory / "leaves.pem", directory / "chain.pem")
            finally:
                server.terminate()


@contextmanager
def pinned() -> Iterator[set[int]]:
    """Keep this process on its first core; yield the other cores, or the same one where there is no other.

    Within another ``pinned`` block, the cores are the same as those of the other block.
    """
    before = os.sched_getaffinity(0)
    mine = min(before)
    os.sched_setaffinity(0, {mine})
    try:
        yield _CORES - {mine} or {mine}
    finally:
        os.sched_setaffinity(0, before)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
