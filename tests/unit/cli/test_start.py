"""The start of a scan: errors, the garbage collector, and the code that is loaded before the first packet."""

import gc
import socket
import subprocess
import sys

import pytest
import trio.testing

from results.store.files import StoreError
from scanner.cli import start as module
from scanner.cli.errors import CliError, Exit
from scanner.net.unbound import UnboundError

AFTER = {
    *("scanner.cli.scan", "scanner.cli.scale", "scanner.cli.tools", "scanner.cli.progress", "scanner.cli.dry_run"),
    *("scanner.cli.resume", "scanner.cli.raising_console", "scanner.cli.work", "scanner.model", "scanner.sts"),
    *("scanner.core.verdict", "scanner.core.pkix", "scanner.core.x509.certificate", "scanner.core.tlsa"),
    *("scanner.net.probe", "scanner.net.tls", "scanner.net.https", "scanner.run.pipeline", "scanner.run.ports"),
    *("results.store.writer", "results.store.reader", "results.live", "results.count", "results.report"),
    *("results.render", "targets.lists", "targets.wrappings", "targets.scope"),
    *("OpenSSL", "cryptography", "dns", "h11", "msgspec", "orjson", "sqlite3", "rich", "tomllib", "zipfile", "asyncio"),
    *("publicsuffixlist", "jinja2", "email", "http", "unittest", "importlib.metadata"),
}
"""Modules that a scan of one domain does not load before its first packet."""

_FIRST_PACKET = """
import sys
def stop(event, arguments):
    if event in ("socket.sendto", "socket.connect") and arguments[-1][:1] == ("127.0.0.1",):
        print(*sys.modules, sep="\\n", flush=True)
        __import__("os")._exit(0)
sys.addaudithook(stop)
sys.argv[1:] = ["scan", "--domain", "example.test", "--resolver", "127.0.0.1:{port}"]
__import__("scanner.cli").cli.main()
"""


def test_code_that_the_first_packet_does_not_need_is_loaded_after_it() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        code = _FIRST_PACKET.replace("{port}", str(server.getsockname()[1]))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert "scanner.net.preflight" in loaded
    assert loaded & AFTER == set()


async def test_the_rest_of_the_code_is_loaded(autojump_clock: trio.testing.MockClock) -> None:
    _ = autojump_clock
    await module.load_rest()
    assert {part.partition(":")[0] for part in module.REST} <= set(sys.modules)


def caused(cause: BaseException | None) -> StoreError:
    error = StoreError("run: cannot be written")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UnboundError("unbound ended"), "unbound ended"),
        (caused(None), "run: cannot be written"),
        (caused(OSError(28, "No space left on device")), "run: cannot be written"),
    ],
)
def test_errors_of_the_environment_are_one_line(error: Exception, text: str) -> None:
    found = module._reported(error)
    assert isinstance(found, CliError)
    assert (str(found), found.code) == (text, Exit.UNFIT)


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), CliError("usage"), KeyboardInterrupt()])
def test_other_errors_pass_unchanged(error: BaseException) -> None:
    assert module._reported(error) is error


def test_a_closed_pipe_stays_one() -> None:
    pipe = BrokenPipeError()
    assert module._reported(caused(pipe)) is pipe


def test_imported_objects_are_not_searched_for_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    thresholds = gc.get_threshold()
    try:
        module.collect_seldom()
        assert gc.get_threshold()[0] == module.COLLECT[0]
        assert gc.get_freeze_count() > 0
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
