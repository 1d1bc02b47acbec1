"""Scans on a machine whose clock is set back by an hour (libfaketime): order comes from passes and positions."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from results.store.reader import Run
from tests.cli.run import BLIND, LIMIT, environment, finished, mxsweep, said, start, wait_for

LIBRARY = next(Path("/usr/lib").rglob("faketime/libfaketime.so.1"), None)
SCAN = ("-o", "run", *BLIND, "--allow-private", "--quiet", "--spacing", "0", "--retry-after", "0.1")


class Busy:
    """A mail server that answers every connection with 421; it counts connections and may call a function before."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.port = listener.getsockname()[1]
        self.connections = 0
        self.before_second: Any = None

    def serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.connections == 1 and self.before_second:
                self.before_second()
            with peer:
                peer.sendall(b"421 busy\r\n")


@contextmanager
def busy() -> Iterator[Busy]:
    """Run the server on loopback for the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Busy(listener)
        threading.Thread(target=server.serve, daemon=True).start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)


def settable_clock(file: Path) -> dict[str, str]:
    """Return an environment in which the offset of the wall clock is the content of a file; timers are not affected."""
    assert LIBRARY is not None, "the package faketime is missing: sh tests/lab/packages.sh"
    file.write_text("+0")
    return environment(
        LD_PRELOAD=str(LIBRARY),
        FAKETIME_TIMESTAMP_FILE=str(file),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        PYTHONWARNINGS="ignore",
    )


def lines(run: Path, name: str) -> list[Any]:
    return [json.loads(line) for line in (run / f"{name}.jsonl").read_text().splitlines()]


def test_a_retry_pass_after_the_clock_was_set_back(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    with busy() as server:
        env = settable_clock(clock)
        server.before_second = lambda: clock.write_text("-1h")
        argv = ("scan", "--domain", f"[127.0.0.1]:{server.port}", *SCAN, "--retries", "1")
        code, _, err = finished(start(*argv, cwd=tmp_path, env=env))
        assert (code, said(err)) == (0, [])
        assert server.connections == 2
    hosts = lines(tmp_path / "run", "hosts")
    assert len(hosts) == 2, "the report of the retry pass replaces the first one"
    assert hosts[1]["observed_at"] < hosts[0]["observed_at"]
    assert [len(host["endpoints"][0]["earlier"]) for host in hosts] == [0, 1]
    run = Run.open(tmp_path / "run")
    assert [report.key for report in run.hosts()] == [hosts[1]["key"]]
    assert run.header.finished is not None
    assert run.header.finished < run.header.started
    assert 0 <= run.header.totals["seconds"] < LIMIT
    report = mxsweep("report", "run", cwd=tmp_path)
    assert "took -" not in report.stdout


def test_inconclusive_domains_after_the_clock_was_set_back(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    with busy() as server:
        env = settable_clock(clock)
        argv = ("scan", "--domain", f"[127.0.0.1]:{server.port}", *SCAN, "--retries", "0")
        assert finished(start(*argv, cwd=tmp_path, env=env))[0] == 0
        wait_for(lambda: server.connections == 1)
        clock.write_text("-1h")
        again = finished(start("scan", "--retry-inconclusive", "run", "--quiet", cwd=tmp_path, env=env))
        assert (again[0], said(again[2])) == (0, [])
        assert server.connections == 2
    hosts, domains = lines(tmp_path / "run", "hosts"), lines(tmp_path / "run", "domains")
    assert (len(hosts), len(domains)) == (2, 2)
    assert hosts[1]["observed_at"] < hosts[0]["observed_at"]
