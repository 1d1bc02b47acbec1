"""Scans from a network that blocks port 25, and scans with a limit of time: they end with exit code 3, resumable."""

import contextlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from results.store.reader import Run
from scanner.vocabulary import RunState
from tests.cli.run import BLIND, default_signals, finished, mxsweep, said, start, wait_for

COUNT = 24
FAST = (*BLIND, "--allow-private", "--quiet", "--retries", "0", "--rate", "1000")
PAUSED = "fails everywhere: paused until it works again; mxsweep doctor shows whether this network blocks port 25"


def blocked(place: Path) -> int:
    """Write a list of addresses in eight networks that refuse connections, and return their port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    (place / "list").write_text("".join(f"[127.7.{n % 8}.{n}]:{port}\n" for n in range(COUNT)))
    return port


def paused(place: Path, process: subprocess.Popen[str]) -> None:
    file = place / "run" / "run.json"
    wait_for(
        lambda: process.poll() is not None or (file.exists() and json.loads(file.read_text())["state"] == "paused")
    )


@contextlib.contextmanager
def open_port(port: int) -> Iterator[None]:
    """Accept connections on the port, on all loopback addresses, for the block; each is closed by the system."""
    with socket.create_server(("0.0.0.0", port)) as listener:  # noqa: S104 - all loopback addresses
        listener.settimeout(0)
        yield


def test_a_blocked_port_is_found_and_no_host_is_called_unreachable(tmp_path: Path) -> None:
    port = blocked(tmp_path)
    done = mxsweep("scan", "list", "-o", "run", *FAST, "--give-up-after", "1", cwd=tmp_path)
    assert done.returncode == 3
    first, last = said(done.stderr)
    assert first == f"mxsweep: every connection to port 25 {PAUSED}"
    assert last == (
        "mxsweep: every connection to port 25 fails everywhere for 1 s (--give-up-after);"
        " mxsweep scan --resume run continues the run"
    )
    run = Run.open(tmp_path / "run")
    assert (run.header.state, list(run.domains())) == (RunState.INTERRUPTED, [])
    with open_port(port):
        argv = ("scan", "--resume", "run", "--quiet", "--max-time", "3")
        code, _, err = finished(start(*argv, cwd=tmp_path))
    assert (code, said(err)) == (
        3,
        ["mxsweep: the scan took longer than --max-time 3; mxsweep scan --resume run continues the run"],
    )


def test_a_signal_in_a_pause_ends_the_scan_at_once(tmp_path: Path) -> None:
    blocked(tmp_path)
    process = start("scan", "list", "-o", "run", *FAST, cwd=tmp_path, preexec_fn=default_signals)
    paused(tmp_path, process)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert finished(process)[0] == 130
    assert time.monotonic() - began < 5
    assert Run.open(tmp_path / "run").header.state is RunState.INTERRUPTED
