"""Memory with 5,000 probes in flight, all of them after the TLS handshake, where a probe needs most memory.

The servers finish the handshake, each with a certificate of its own, and never answer the EHLO that follows. A scan
with that concurrency is measured when all probes wait, and then killed.
"""

import json
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.bench.dns import unbound
from tests.bench.loopback import BulkServer, serving
from tests.bench.model import Row
from tests.bench.tarpits import UNLIMITED
from tests.sweep import MXSWEEP

AT_ONCE = 5000
LIMIT = 600  # MB
PATIENCE = ("--command-timeout", "300", "--deadline", "300")
START = 120.0  # seconds until all must be there


def rows() -> list[Row]:
    """Start the servers, scan them, and return the memory row."""
    with serving(AT_ONCE, AT_ONCE, "stalls") as server, unbound() as resolver:
        waiting, resident = _scan(server, resolver)
    return [
        Row("probes in flight, all after the handshake", f"{waiting:,}", f"{AT_ONCE:,}", waiting == AT_ONCE),
        Row("memory of the scan then", f"{resident:.0f} MB", f"at most {LIMIT} MB", resident <= LIMIT),
    ]


def _scan(server: BulkServer, resolver: int) -> tuple[int, float]:
    """Return the most probes that waited for the reply to the last EHLO, and the scan's memory then, in MB."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as directory:
        place = Path(directory)
        (place / "names.txt").write_text("".join(f"[{address}]:{server.port}\n" for address in server.addresses))
        where = ("-o", str(place / "run"), "--quiet", "--allow-private", "--ehlo", "client.test", "--unvalidated")
        watched = ("--status-file", str(place / "status"), "--status-every", "0.5")
        flags = (*where, *watched, "--resolver", f"127.0.0.1:{resolver}", "--concurrency", str(AT_ONCE), *UNLIMITED)
        argv = [*MXSWEEP, "scan", str(place / "names.txt"), *flags, *PATIENCE]
        with subprocess.Popen(argv, stderr=subprocess.PIPE) as process:
            try:
                return _watched(process, place / "status")
            finally:
                process.kill()


def _watched(process: subprocess.Popen[bytes], status: Path) -> tuple[int, float]:
    until, most = time.monotonic() + START, 0
    while most < AT_ONCE and time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(process.communicate()[1].decode()[-500:])
        time.sleep(0.5)
        lines = status.read_text().splitlines() if status.exists() else []
        stages = Counter(json.loads(lines[-1])["in_flight"]) if lines else Counter()
        most = max(most, stages["ehlo-tls"])
    return most, _resident(process.pid)


def _resident(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
