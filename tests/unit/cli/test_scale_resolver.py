"""The resolver that the processes of a machine share: its start, its result, its errors and its end."""

import io
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from results.store import codec
from scanner.cli import scale_resolver
from scanner.cli.errors import CliError, Exit
from scanner.cli.request import Request
from scanner.cli.resolver import Resolved
from scanner.cli.scale_resolver import machine, machine_resolver, request_of
from scanner.net.error_groups import first_error
from scanner.net.unbound import UnboundError
from scanner.scale.job import Job, KnownResolver, Stage
from scanner.settings import DNSSettings
from tests.unit.scale import inline

SERVERS = (("192.0.2.53", 53),)


def job(proof: str) -> Job:
    return Job(Stage.PART, 1, "RUN", inline.request_of(Path("RUN")).flags, proof=proof)


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the choice of a resolver; return the events of the choice. No program is started."""
    events: list[str] = []

    @asynccontextmanager
    async def fit(*arguments: object) -> AsyncIterator[Resolved]:
        events.append("begin")
        arguments[2]("a remark")  # type: ignore[operator] # the function for messages
        yield Resolved(DNSSettings(SERVERS), (), validated=True, label="unbound")

    monkeypatch.setattr(scale_resolver, "fit_resolver", fit)
    monkeypatch.setattr(scale_resolver, "LINGER", 1)
    monkeypatch.setattr(scale_resolver, "raise_file_limit", lambda: None)
    return events


def play(monkeypatch: pytest.MonkeyPatch, wanted: Job) -> None:
    """Let ``main`` read this job."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(codec.encode(wanted))))


async def _use(wanted: Job, request: Request, found: list[Resolved]) -> None:
    async with machine_resolver(wanted, request) as (resolved, answer):
        found.append(resolved)
        assert answer.notes == ("a remark",)
        await trio.testing.wait_all_tasks_blocked()


async def test_all_processes_share_one_resolver_which_ends_after_the_last(
    chosen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, found = job("shared"), list[Resolved]()
    request = request_of(wanted)
    play(monkeypatch, wanted)
    started: list[Job] = []
    monkeypatch.setattr(scale_resolver, "_start", started.append)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, scale_resolver.main)
        await _start_of(wanted)
        for _ in range(3):
            nursery.start_soon(_use, wanted, request, found)
    assert [(each.dns.servers, each.label, each.validated) for each in found] == [(SERVERS, "unbound", True)] * 3
    assert (chosen, started) == (["begin"], [])
    assert not await _has_name(wanted)


async def _start_of(wanted: Job) -> None:
    for _ in range(1000):
        if await _has_name(wanted):
            return
        await trio.sleep(0.01)


async def _has_name(wanted: Job) -> bool:
    stream = await scale_resolver._connected(scale_resolver._name(wanted))
    if stream is not None:
        await stream.aclose()
    return stream is not None


async def test_without_a_resolver_every_process_gets_the_reason(
    chosen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def unfit(*_: object) -> AsyncIterator[Resolved]:
        raise CliError("no resolver validates DNSSEC", Exit.UNFIT)
        yield

    monkeypatch.setattr(scale_resolver, "fit_resolver", unfit)
    wanted = job("unfit")
    request = request_of(wanted)
    play(monkeypatch, wanted)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, scale_resolver.main)
        await _start_of(wanted)
        for _ in range(2):
            with pytest.raises(CliError, match="no resolver validates DNSSEC") as caught:
                async with machine_resolver(wanted, request):
                    pass
            assert caught.value.code is Exit.UNFIT


async def test_the_end_of_the_program_ends_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is replaced by a socket that sends a result and is closed."""
    wanted = job("ends")
    listener = trio.socket.socket(trio.socket.AF_UNIX)
    await listener.bind(scale_resolver._name(wanted))
    listener.listen()
    answer = scale_resolver.ResolverAnswer(KnownResolver(SERVERS, validated=True, label="x"))

    async def serve() -> None:
        connection, _ = await listener.accept()
        await connection.send(codec.encode(answer))
        connection.close()

    async def use() -> None:
        async with machine_resolver(wanted, request_of(wanted)):
            await trio.sleep_forever()

    async def both() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            nursery.start_soon(use)

    with pytest.raises(BaseExceptionGroup) as caught:
        await both()
    assert isinstance(first_error(caught.value), UnboundError)
    listener.close()


async def test_a_program_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process fails each time; the number of its starts is bounded."""
    monkeypatch.setattr(scale_resolver, "PROGRAM", (sys.executable, "-c", "raise SystemExit(1)"))
    monkeypatch.setattr(scale_resolver, "_TRY_EVERY", 0.01)
    wanted = job("fails")
    with pytest.raises(CliError, match="the process of the resolver of this machine does not answer"):
        async with machine_resolver(wanted, request_of(wanted)):
            pass


async def test_a_process_of_another_user_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = job("foreign")
    listener = trio.socket.socket(trio.socket.AF_UNIX)
    await listener.bind(scale_resolver._name(wanted))
    listener.listen()
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    with pytest.raises(CliError, match="a process of another user"):
        await scale_resolver._connected(scale_resolver._name(wanted))
    listener.close()


def test_the_second_program_of_a_scan_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = job("second")
    with socket.socket(socket.AF_UNIX) as first:
        first.bind(scale_resolver._name(wanted))
        play(monkeypatch, wanted)
        assert scale_resolver.main() == Exit.DONE


def test_a_machine_is_a_start_of_the_kernel_with_a_network_namespace() -> None:
    assert machine() == machine()
    code = "from scanner.cli.scale_resolver import machine; print(machine())"
    done = subprocess.run(["unshare", "-n", sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode == 0:  # an ordinary user may not make a network namespace
        assert done.stdout.strip() != machine()
