"""HTTPS requests over memory streams with real TLS and trio's autojump clock: responses, limits and time-outs."""

import contextlib
import errno
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing
from OpenSSL import SSL

from scanner.net import https, tcp
from scanner.net.https import BODY_LIMIT, CONNECT_SECONDS, HEADER_LIMIT, TOTAL_SECONDS, WIRE_LIMIT, HTTPSResult, fetch
from scanner.vocabulary import FailureKind, Phase
from tests.unit.mailserver import MailServer, server_context

Script = Callable[[MailServer], Awaitable[None]]
POLICY = b"version: STSv1\n"


class PolicyVisit:
    """A request to a server that follows a script after the handshake."""

    def __init__(self, script: Script | None, context: SSL.Context | None = None) -> None:
        self.request = b""
        self.closed = False
        self._script = script
        self._context = context or server_context("rsa")

    async def serve(self, stream: trio.abc.Stream) -> None:
        server = MailServer(stream)
        with contextlib.suppress(SSL.Error, EOFError, trio.BrokenResourceError, trio.ClosedResourceError):
            if self._script is None:
                await trio.sleep_forever()
            await server.secure(self._context)
            while not self.request.endswith(b"\r\n\r\n"):
                line = await server.hear()
                if not line:
                    break
                self.request += line
            if self.request and self._script is not None:
                await self._script(server)
                await stream.aclose()
            self.closed = await server.hear() == b""


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[[PolicyVisit, bool], Awaitable[HTTPSResult]]:
    async def run(visit: PolicyVisit, accept: bool = True) -> HTTPSResult:  # noqa: FBT001, FBT002 - a test's option
        ours, theirs = trio.testing.memory_stream_pair()

        async def open_stream(address: str, port: int, *, bind: str | None) -> trio.abc.Stream:
            assert (address, port, bind) == ("192.0.2.1", 443, None)
            return ours

        monkeypatch.setattr(tcp, "connect", open_stream)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(visit.serve, theirs)
            result = await fetch("192.0.2.1", "mta-sts.a.test", "/path", lambda _: accept)
            nursery.cancel_scope.cancel()
        return result

    return run


Connect = Callable[..., Awaitable[HTTPSResult]]


def says(*parts: bytes, then: float = 0) -> Script:
    async def script(server: MailServer) -> None:
        for part in parts:
            await server.say(part)
        await trio.sleep(then)

    return script


def response(body: bytes = POLICY, status: str = "200 OK", headers: str = "Content-Type: text/plain") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("parts", "status", "media_type", "body"),
    [
        ((response(),), 200, "text/plain", POLICY),
        ([response()[at : at + 1] for at in range(len(response()))], 200, "text/plain", POLICY),  # octet by octet
        ((response(headers="Content-Type: Text/Plain; charset=utf-8"),), 200, "Text/Plain", POLICY),
        ((response(headers="X: y"),), 200, "", POLICY),
        ((b"HTTP/1.1 100 Continue\r\n\r\n", response()), 200, "text/plain", POLICY),
        ((b"HTTP/1.0 200 OK\r\n\r\n" + POLICY,), 200, "", POLICY),  # the body ends with the connection
        ((CHUNKED + b"5\r\nversi\r\n", b"a;x=y\r\non: STSv1\n\r\n0\r\nTrailer: 1\r\n\r\n"), 200, "", POLICY),
        ((response(b"x" * BODY_LIMIT),), 200, "text/plain", b"x" * BODY_LIMIT),
        ((response(status="301 Moved", headers="Location: https://b.test/"),), 301, "", b""),  # smtp-sts#61
        ((response(b"gone", "404 Not Found"),), 404, "text/plain", b""),
        ((response(b"", "204 No Content"),), 204, "text/plain", b""),
    ],
)
async def test_a_response(connect: Connect, parts: list[bytes], status: int, media_type: str, body: bytes) -> None:
    result = await connect(PolicyVisit(says(*parts)))
    assert (result.failure, result.status, result.media_type) == (None, status, media_type)
    assert bytes(result.body) == body
    assert list(result.ms) == ["connect", "handshake", "http"]
    assert result.handshake is not None
    assert len(result.chain) == 1


async def test_the_request(connect: Connect) -> None:
    visit = PolicyVisit(says(response()))
    await connect(visit)
    first, *headers = visit.request.decode().lower().splitlines()
    assert first == "get /path http/1.1"
    assert {line.partition(":")[0] for line in headers if line} == {"host", "user-agent", "accept", "connection"}
    assert {"host: mta-sts.a.test", "connection: close"} <= set(headers)


@pytest.mark.parametrize(
    ("parts", "kind", "status"),
    [
        ((response(b"x" * (BODY_LIMIT + 1)),), FailureKind.TOO_LONG, 200),
        ((CHUNKED, b"1\r\nx\r\n" * WIRE_LIMIT), FailureKind.TOO_LONG, 200),
        ((b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEADER_LIMIT * 2,), FailureKind.TOO_LONG, None),
        ((b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * HEADER_LIMIT,), FailureKind.TOO_LONG, None),
        ((b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,), FailureKind.TOO_LONG, None),  # interim responses without end
        ((CHUNKED, b"0\r\n" + b"X: y\r\n" * HEADER_LIMIT), FailureKind.TOO_LONG, 200),
        ((b"220 mail.example ESMTP\r\n\r\n",), FailureKind.GARBAGE, None),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",), FailureKind.GARBAGE, None),
        ((CHUNKED, b"zz\r\n"), FailureKind.GARBAGE, 200),
        ((response()[:-1],), FailureKind.CLOSED, 200),
        ((CHUNKED, b"5\r\nversi"), FailureKind.CLOSED, 200),
        ((b"HTTP/1.1 200 OK\r\n",), FailureKind.CLOSED, None),
        ((), FailureKind.CLOSED, None),
    ],
)
async def test_a_response_that_is_none(
    connect: Connect, parts: tuple[bytes, ...], kind: FailureKind, status: int | None
) -> None:
    result = await connect(PolicyVisit(says(*parts)))
    assert result.failure is not None
    assert (result.failure.phase, result.failure.kind, result.status) == (Phase.HTTP, kind, status)
    assert len(result.body) <= BODY_LIMIT


async def test_no_request_without_an_acceptable_certificate(connect: Connect) -> None:
    visit = PolicyVisit(says(response()))
    result = await connect(visit, accept=False)
    assert (result.failure, result.status, visit.request) == (None, None, b"")
    assert len(result.chain) == 1


async def test_tls_before_1_2_fails(connect: Connect) -> None:  # RFC 8461 section 3.3
    context = server_context("rsa")
    context.set_max_proto_version(SSL.TLS1_1_VERSION)
    failure = (await connect(PolicyVisit(says(response()), context))).failure
    assert failure is not None
    assert (failure.phase, failure.kind) == (Phase.HANDSHAKE, FailureKind.TLS)


async def test_an_error_of_the_judge_is_internal(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bool:
        raise KeyError

    monkeypatch.setattr(https._Request, "_handled", broken)
    failure = (await connect(PolicyVisit(says(response())))).failure
    assert failure is not None
    assert failure.kind is FailureKind.INTERNAL


async def drips(server: MailServer) -> None:
    await server.say(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    for _ in range(60_000):
        await server.say(b"x")
        await trio.sleep(1)


@pytest.mark.parametrize(
    ("script", "phase"),
    [(None, Phase.HANDSHAKE), (says(then=3600), Phase.HTTP), (drips, Phase.HTTP)],
    ids=["no handshake", "no response", "one octet a second"],
)
async def test_the_time_limit_holds_for_the_whole_request(
    connect: Connect, autojump_clock: trio.testing.MockClock, script: Script | None, phase: Phase
) -> None:
    began = trio.current_time()
    failure = (await connect(PolicyVisit(script))).failure
    assert failure is not None
    assert (failure.phase, failure.kind) == (phase, FailureKind.TIMEOUT)
    assert trio.current_time() - began == pytest.approx(TOTAL_SECONDS, abs=2)


async def test_the_connect_has_its_own_limit(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    async def never(*_: object, **__: object) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr(tcp, "connect", never)
    began = trio.current_time()
    result = await fetch("192.0.2.1", "a.test", "/", lambda _: True)
    assert result.failure is not None
    assert (result.failure.phase, result.failure.kind) == (Phase.CONNECT, FailureKind.TIMEOUT)
    assert trio.current_time() - began == pytest.approx(CONNECT_SECONDS, abs=1)


async def test_a_refused_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object, **__: object) -> None:
        raise OSError(errno.ECONNREFUSED, "Connection refused")

    monkeypatch.setattr(tcp, "connect", refused)
    result = await fetch("192.0.2.1", "a.test", "/", lambda _: True)
    assert result.failure is not None
    assert (result.failure.phase, result.failure.kind, result.status) == (Phase.CONNECT, FailureKind.REFUSED, None)
