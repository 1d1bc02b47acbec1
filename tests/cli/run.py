"""The command line as its users run it: a process, its output, its exit code."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.sweep import MXSWEEP

LIMIT = 60.0  # seconds; a command that takes longer is hanging
STEP = 0.02  # seconds between two checks of a condition


def mxsweep(*argv: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command and wait for its end."""
    more = {"stdin": subprocess.DEVNULL} | more if "input" not in more else more
    return subprocess.run([*MXSWEEP, *argv], capture_output=True, text=True, timeout=LIMIT, check=False, **more)


def start(*argv: str, **more: Any) -> subprocess.Popen[str]:
    """Start a command; both outputs are pipes."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*MXSWEEP, *argv], text=True, **(pipes | more))


BLIND = ("--resolver", "192.0.2.53", "--unvalidated")
"""A resolver that is not on loopback: it is not trusted and so never asked, and the scan starts at once."""


def said(err: str) -> list[str]:
    """Return the lines of stderr without the message about ``BLIND``."""
    return [line for line in err.splitlines() if not line.startswith("mxsweep: DNSSEC is not validated")]


def skipped_quickly(path: Path, count: int) -> Path:
    """Write a list of private addresses, which need neither DNS nor a connection, and return its path."""
    path.write_text("".join(f"[10.{n >> 16}.{n >> 8 & 255}.{n & 255}]\n" for n in range(count)))
    return path


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until a condition is true."""
    until = time.monotonic() + LIMIT
    while not what():
        assert time.monotonic() < until, "the condition never became true"
        time.sleep(STEP)


class Sluggish:
    """A mail server that accepts connections and sends its greeting when ``greet`` is set."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.port = listener.getsockname()[1]
        self.connected = threading.Event()
        self.greet = threading.Event()

    def serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer: socket.socket) -> None:
        self.connected.set()
        with peer:
            self.greet.wait(LIMIT)
            try:
                peer.sendall(b"220 late ESMTP\r\n")
                peer.recv(100)
                peer.sendall(b"250 late\r\n")
                peer.recv(100)
            except OSError:
                return


@contextmanager
def sluggish() -> Iterator[Sluggish]:
    """Run the server on loopback for the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Sluggish(listener)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.greet.set()
            listener.shutdown(socket.SHUT_RDWR)


def default_signals() -> None:
    """Restore the default handler of SIGINT: a test run in the background may ignore it, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the end of a process and return its exit code, stdout and stderr."""
    out, err = process.communicate(timeout=LIMIT)
    return process.returncode, out, err


def environment(**more: str) -> dict[str, str]:
    """Return the environment of this process with the width of a terminal."""
    return os.environ | {"COLUMNS": "80", "PYTHONWARNINGS": "default"} | more


PYTHON = sys.executable
