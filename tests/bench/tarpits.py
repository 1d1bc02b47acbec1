"""Hosts that accept a connection and stay silent: they neither slow the other hosts nor delay the end of a scan.

A tenth of the addresses, each in a network of its own, are silent. The same scan is done with them and without them,
and the rate of the other hosts compared, from the start to their last record. Only probes of silent hosts are left at
the end; their deadline ends them.
"""

import json
import random
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.bench.dns import unbound
from tests.bench.loopback import BulkServer, serving
from tests.bench.model import Row
from tests.sweep import MXSWEEP

ADDRESSES = 10_000
SILENT = ADDRESSES // 10
CONCURRENCY = ADDRESSES // 5
DEADLINE = 20.0  # seconds for a probe; the greeting of a silent one is waited for that long
GRACE = 2.0  # seconds for the records that are still to be written, and the end
KEPT = 0.85
TURNS = 2  # of which the quicker counts: whatever else the machine does can only slow down
LIMIT = 600.0

TOTAL = ("--concurrency", str(CONCURRENCY), "--retries", "0")
UNLIMITED = ("--rate", "1000000", "--spacing", "0", "--per-provider", "1000", "--per-network", "1000")
PATIENCE = ("--connect-timeout", "10", "--greeting-timeout", str(DEADLINE), "--deadline", str(DEADLINE))


@dataclass(frozen=True, slots=True)
class TarpitScan:
    """Rate of the hosts that answer, and seconds from the last connection to the end of the scan."""

    rate: float
    tail: float


def rows() -> list[Row]:
    """Scan without silent hosts and with them."""
    with serving(ADDRESSES, SILENT) as server, unbound() as resolver:
        turns = [
            (_scan(server, server.addresses[SILENT:], resolver), _scan(server, server.addresses, resolver))
            for _ in range(TURNS)
        ]
    without, beside = (max(side, key=lambda scan: scan.rate) for side in zip(*turns, strict=True))
    kept = beside.rate / without.rate
    return [
        Row("without silent hosts", f"{without.rate:.0f} hosts/s"),
        Row(f"beside {SILENT} silent hosts", f"{beside.rate:.0f} hosts/s"),
        Row("rate kept", f"{kept:.2f}", f"at least {KEPT}", kept >= KEPT),
        Row(
            "end of the scan after the last start",
            f"{beside.tail:.1f} s",
            f"at most {DEADLINE:.0f} s and {GRACE:.0f}",
            beside.tail <= DEADLINE + GRACE,
        ),
    ]


def _scan(server: BulkServer, addresses: Sequence[str], resolver: int) -> TarpitScan:
    texts = [f"[{address}]:{server.port}\n" for address in addresses]
    random.Random(1).shuffle(texts)
    with tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as directory:
        names, run = Path(directory) / "names.txt", Path(directory) / "run"
        names.write_text("".join(texts))
        where = ("-o", str(run), "--quiet", "--allow-private", "--ehlo", "client.test", "--unvalidated")
        flags = (*where, "--resolver", f"127.0.0.1:{resolver}", *TOTAL, *UNLIMITED, *PATIENCE)
        subprocess.run([*MXSWEEP, "scan", str(names), *flags], check=True, timeout=LIMIT, stderr=subprocess.DEVNULL)
        return _read(run)


def _read(run: Path) -> TarpitScan:
    hosts = [json.loads(line) for line in (run / "hosts.jsonl").open()]
    probes = [endpoint["probes"][0] for host in hosts for endpoint in host["endpoints"]]
    began = [datetime.fromisoformat(probe["started"]) for probe in probes]
    spoke = [_end(probe) for probe in probes if probe["handshake"]]
    finished = datetime.fromisoformat(json.loads((run / "run.json").read_text())["finished"])
    rate = len(spoke) / (max(spoke) - min(began).timestamp())
    return TarpitScan(rate, (finished - max(began)).total_seconds())


def _end(probe: dict[str, object]) -> float:
    """Return the end of a probe in seconds of UNIX time."""
    spent = probe["ms"]
    assert isinstance(spent, dict)
    return datetime.fromisoformat(str(probe["started"])).timestamp() + sum(spent.values()) / 1000


if __name__ == "__main__":
    for row in rows():
        print(*row, sep=" | ")  # noqa: T201 - what it was started for
