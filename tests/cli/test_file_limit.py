"""Scans with few descriptors: fewer connections, a probe without a descriptor is repeated, and nothing is a bug."""

import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from results.store.reader import Run
from tests.cli.run import BLIND, LIMIT, finished, mxsweep, said, start, wait_for

COUNT = 60
FAST = (
    *BLIND,
    "--allow-private",
    "--quiet",
    "--rate",
    "1000",
    "--spacing",
    "0",
    "--per-network",
    "99",
    "--retries",
    "0",
)


class Mail:
    """A mail server without STARTTLS on all of 127.0.0.0/8; it sends its greeting after ``greet`` is set."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.port = listener.getsockname()[1]
        self.greet = threading.Event()
        self.now = self.most = self.connections = 0
        self._lock = threading.Lock()

    def serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer: socket.socket) -> None:
        with self._lock:
            self.now, self.connections = self.now + 1, self.connections + 1
            self.most = max(self.most, self.now)
        with peer, suppress(OSError):
            self.greet.wait(LIMIT)
            time.sleep(0.05)
            for reply in (b"220 mail.test\r\n", b"250 mail.test\r\n", b"221 bye\r\n"):
                peer.sendall(reply)
                peer.recv(1000)
        with self._lock:
            self.now -= 1


@contextmanager
def mail(place: Path) -> Iterator[Mail]:
    """Run the server for the block, and write a list of its addresses."""
    with socket.create_server(("0.0.0.0", 0), backlog=COUNT) as listener:  # noqa: S104 - all loopback addresses
        server = Mail(listener)
        (place / "list").write_text("".join(f"[127.0.9.{n}]:{server.port}\n" for n in range(COUNT)))
        threading.Thread(target=server.serve, daemon=True).start()
        yield server
        server.greet.set()
        listener.shutdown(socket.SHUT_RDWR)


def limited(files: int) -> Any:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def reasons(run: Path) -> set[str]:
    return {str(reason) for record in Run.open(run).domains() for reason in record.verdict.reasons}


def test_a_scan_makes_no_more_connections_than_there_are_descriptors(tmp_path: Path) -> None:
    with mail(tmp_path) as server:
        server.greet.set()
        done = mxsweep("scan", "list", "-o", "run", *FAST, cwd=tmp_path, preexec_fn=limited(100))
    text = "at most 100 open files: 18 connections at a time, not 512 (ulimit -Hn 1024 raises the limit)"
    assert (done.returncode, said(done.stderr)) == (0, [f"mxsweep: {text}"])
    assert server.connections == COUNT
    assert server.most < 36, "the server notices the end of a connection late"
    assert reasons(tmp_path / "run").isdisjoint({"local-limit", "internal"})
    assert mxsweep("scan", "--resume", "run", "--quiet", cwd=tmp_path).returncode == 0, "with all descriptors"


def test_a_limit_that_is_too_low_is_reported_before_the_scan(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("domain.example\n")
    done = mxsweep("scan", "list", "-o", "run", *FAST, cwd=tmp_path, preexec_fn=limited(60))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "mxsweep: at most 60 open files, but a scan needs at least 80 (ulimit -Hn 1024 raises the limit)\n"
    )
    assert not (tmp_path / "run").exists()


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_a_probe_without_a_descriptor_is_repeated(tmp_path: Path) -> None:
    """Another process may use up the descriptors at any time; here the limit is lowered during the scan."""
    with mail(tmp_path) as server:
        process = start("scan", "list", "-o", "run", *FAST, "--concurrency", "10", cwd=tmp_path)
        wait_for(lambda: server.now == 10 or process.poll() is not None)
        before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (descriptors(process.pid) - 10, before[1]))
        server.greet.set()
        time.sleep(2)
        assert server.connections < COUNT
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
        code, _, err = finished(process)
    assert (code, said(err)) == (0, []), err
    assert reasons(tmp_path / "run").isdisjoint({"local-limit", "internal"})
    assert len(list(Run.open(tmp_path / "run").domains())) == COUNT
