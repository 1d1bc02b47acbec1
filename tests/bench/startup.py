"""Start time of ``mxsweep finger``: from the start of the process to its first packet.

The packet is the SYN to a server of ours on loopback, named by address so that no DNS server takes part. It is
compared with a Python process that only imports the libraries that every probe needs. The two take turns, and the best
turn counts, because other work on the machine only adds time.
"""

import shutil
import socket
import subprocess
import sys
import time

from tests.bench.model import Row

ROUNDS = 12
LIMIT = 1.3
IMPORTS = "import trio, dns.message, OpenSSL.SSL"
PATIENCE = 30  # seconds for a run, dozens of times what it takes


def rows() -> list[Row]:
    """Measure both."""
    imports: list[float] = []
    packets: list[float] = []
    for _ in range(ROUNDS):
        imports.append(_imports())
        packets.append(_first_packet())
    ratio = min(packets) / min(imports)
    value = f"{1000 * min(packets):.0f} ms, {ratio:.2f} times the imports' {1000 * min(imports):.0f} ms"
    return [Row("finger's first packet", value, f"at most {LIMIT} times", ratio <= LIMIT)]


def _imports() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True, timeout=PATIENCE)
    return time.perf_counter() - started


def _first_packet() -> float:
    """Return the seconds until the connection is accepted; the process is then ended."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        destination = f"[127.0.0.1]:{server.getsockname()[1]}"
        started = time.perf_counter()
        with subprocess.Popen([*_command(), "finger", destination], stdout=subprocess.DEVNULL) as run:
            connection, _ = server.accept()
            taken = time.perf_counter() - started
            connection.close()
            run.wait(PATIENCE)
    return taken


def _command() -> list[str]:
    """Return the path of the program that is installed beside this Python."""
    path = shutil.which("mxsweep", path=sys.prefix + "/bin")
    return [path] if path else [sys.executable, "-m", "scanner"]


if __name__ == "__main__":
    for row in rows():
        print(*row, sep="  ")  # noqa: T201 - it is a command
