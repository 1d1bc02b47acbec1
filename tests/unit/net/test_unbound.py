"""A private unbound: its start, its restart and its end. The program is the real one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trio

from scanner.core.answers import failed
from scanner.facts import Answer
from scanner.net import unbound
from scanner.net.resolver import open_resolver
from scanner.net.unbound import Unbound, UnboundError, free_port, private_unbound, program
from scanner.net.unbound_conf import UnboundSettings
from scanner.settings import DNSSettings
from scanner.vocabulary import Outcome

PUBLIC = UnboundSettings()
LIMIT = 20.0  # seconds; 0.1 seconds are usual


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set a cache directory for this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mxsweep"


async def ask(child: Unbound) -> Answer:
    """Query a name that unbound answers without recursion (RFC 6761 section 6.3)."""
    dns_settings = DNSSettings(servers=(child.address,), attempt=1.0, total=10.0)
    async with open_resolver(dns_settings) as resolver:
        return await child.guarded(lambda: resolver.lookup("localhost", "A", fresh=True))


def gone(pid: int | None) -> bool:
    return not Path(f"/proc/{pid}").exists()


def kill(child: Unbound) -> int:
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    return child.pid


async def test_it_answers_and_ends_with_the_block() -> None:
    async with private_unbound(PUBLIC) as child:
        pid = child.pid
        assert pid is not None
        assert os.getsid(pid) == pid, "a Ctrl-C on the terminal must not reach it"
        assert (await ask(child)).records == ("127.0.0.1",)
        directory = child._directory
        assert directory.stat().st_mode & 0o77 == 0
    assert gone(pid)
    assert not directory.is_dir()


async def test_it_is_restarted_once_at_the_same_address() -> None:
    async with private_unbound(PUBLIC) as child:
        address = child.address
        first = kill(child)
        answer = await ask(child)
        assert answer.outcome is Outcome.DATA
        assert child.address == address
        assert child.pid not in (first, None)


async def test_a_second_unexpected_end_cancels_the_block() -> None:
    with pytest.raises(UnboundError, match="failed again: it ended with status -9"):  # noqa: PT012 - the block is what ends
        async with private_unbound(PUBLIC) as child:
            kill(child)
            await ask(child)
            pid = kill(child)
            await trio.sleep(LIMIT)
    assert gone(pid)


async def test_errors_of_the_block_are_raised_unchanged() -> None:
    with pytest.raises(KeyError, match="mine"):  # noqa: PT012 - the block is what ends
        async with private_unbound(PUBLIC) as child:
            pid = child.pid
            raise KeyError("mine")
    assert gone(pid)


async def test_it_ends_on_cancellation() -> None:
    with trio.CancelScope() as scope:
        async with private_unbound(PUBLIC) as child:
            pid = child.pid
            scope.cancel()
            await trio.sleep(LIMIT)
    assert scope.cancelled_caught
    assert gone(pid)


async def test_a_lookup_that_failed_while_it_ran_is_not_repeated() -> None:
    asked = []

    async def broken() -> Answer:
        await trio.lowlevel.checkpoint()
        asked.append(1)
        return failed("a.example", "A", "timeout")

    async with private_unbound(PUBLIC) as child:
        assert (await child.guarded(broken)).error == "timeout"
    assert len(asked) == 1


async def test_a_lookup_that_failed_while_it_ended_is_repeated() -> None:
    answers = [failed("a.example", "A", "connection refused"), failed("a.example", "A", "timeout")]

    async with private_unbound(PUBLIC) as child:

        async def dying() -> Answer:
            if len(answers) == 2:
                await ended(kill(child))
            await trio.lowlevel.checkpoint()
            return answers.pop(0)

        assert (await child.guarded(dying)).error == "timeout"
        assert (await ask(child)).outcome is Outcome.DATA, "it was waited for"
    assert answers == []


async def ended(pid: int) -> None:
    """Wait until a child has ended and its parent has waited for it."""
    with trio.fail_after(LIMIT):
        while not gone(pid):  # noqa: ASYNC110 - another process sets no trio.Event
            await trio.sleep(0.01)


async def test_the_error_states_why_it_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "anchor").write_text("this is no anchor\n")
    with pytest.raises(UnboundError, match=r"unbound does not start: .*anchor.*status 1"):
        async with private_unbound(UnboundSettings(trust_anchor=str(tmp_path / "anchor"))):
            pytest.fail("it started")


async def test_another_port_is_tried_if_one_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    async with private_unbound(PUBLIC) as one:
        free = free_port()
        ports = iter([one.address[1], free])
        monkeypatch.setattr(unbound, "free_port", lambda: next(ports))
        async with private_unbound(PUBLIC) as other:
            assert other.address[1] == free


async def test_without_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbound, "program", lambda: None)
    with pytest.raises(UnboundError, match="not installed"):
        async with private_unbound(PUBLIC):
            pytest.fail("it started")


def test_program_is_found_in_sbin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = program()
    assert found is None or found.endswith("sbin/unbound")


PARENT = """
import trio
from scanner.net.unbound import UnboundSettings, private_unbound

async def main():
    async with private_unbound(UnboundSettings()) as child:
        print(child.pid, flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_our_process_for_any_signal(number: signal.Signals, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},  # a killed process leaves its temporary files behind
        preexec_fn=_default_interrupt,  # noqa: PLW1509 - no threads here
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert _is_unbound(child)
    parent.send_signal(number)
    parent.communicate(timeout=LIMIT)
    until = time.monotonic() + LIMIT
    while _is_unbound(child):
        assert time.monotonic() < until, "it was left behind"
        time.sleep(0.01)


def _is_unbound(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "unbound\n"
    except (FileNotFoundError, ProcessLookupError):  # it has ended, or ends during the read (proc(5))
        return False


def _default_interrupt() -> None:
    """Restore SIGINT: a test run in the background may ignore it, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
