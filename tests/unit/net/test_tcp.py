"""Real sockets on loopback: connecting, binding and closing."""

import errno
import socket
from pathlib import Path

import pytest
import trio

from scanner.facts import Endpoint
from scanner.net import tcp
from scanner.net.failures import BindError
from scanner.net.probe import probe
from scanner.settings import OPPORTUNISTIC, Timeouts
from scanner.vocabulary import FailureKind, Mode, Phase, StartTLS
from tests.unit.mailserver import MailServer, server_context


async def listener(address: str = "127.0.0.1") -> tuple[trio.SocketListener, int]:
    (listening,) = await trio.open_tcp_listeners(0, host=address)
    return listening, listening.socket.getsockname()[1]


async def test_connect_sets_nodelay() -> None:
    listening, port = await listener()
    stream = await tcp.connect("127.0.0.1", port)
    assert stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    await tcp.close(stream)
    await listening.aclose()


async def test_bind() -> None:
    listening, port = await listener()
    stream = await tcp.connect("127.0.0.1", port, bind="127.0.0.9")
    assert stream.socket.getsockname()[0] == "127.0.0.9"
    await tcp.close(stream)
    await listening.aclose()


@pytest.mark.parametrize("bind", ["192.0.2.1", "::1"])  # not an address of this machine (RFC 5737); of the other family
async def test_an_address_that_cannot_be_bound_is_a_bind_error(bind: str) -> None:
    with pytest.raises(BindError):
        await tcp.connect("127.0.0.1", 9, bind=bind)


async def test_refused() -> None:
    listening, port = await listener()
    await listening.aclose()
    with pytest.raises(OSError, match="refused") as caught:
        await tcp.connect("127.0.0.1", port)
    assert caught.value.errno == errno.ECONNREFUSED


async def test_a_slow_connection_is_waited_for() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        with socket.create_connection(server.getsockname()):  # fills the backlog: Linux drops the next SYN
            with trio.move_on_after(0.2) as scope:
                await tcp.connect(*server.getsockname())
            assert scope.cancelled_caught
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_accept_later, server)
                stream = await tcp.connect(*server.getsockname())  # by the second SYN, after a second
                await stream.aclose()


async def _accept_later(server: socket.socket) -> None:
    await trio.sleep(0.1)
    server.accept()[0].close()


async def test_close_sends_fin_with_unread_octets() -> None:
    listening, port = await listener()
    stream = await tcp.connect("127.0.0.1", port)
    peer = await listening.accept()
    await peer.send_all(b"421 good bye\r\n")
    await tcp.close(stream)
    assert await peer.receive_some() == b""  # a reset would raise
    await peer.aclose()
    await listening.aclose()


async def serve(server: MailServer) -> None:
    await server.say(b"220 mx\r\n")
    await server.hear()
    await server.say(b"250-mx\r\n250 STARTTLS\r\n")
    await server.hear()
    await server.say(b"220 go\r\n")
    await server.secure(server_context())
    await server.hear()
    await server.say(b"250 mx\r\n")
    await server.hear()
    await server.say(b"221 bye\r\n")
    assert await server.hear() == b""


async def test_a_whole_probe() -> None:
    listening, port = await listener()
    endpoint = Endpoint("127.0.0.1", port, None, Mode.SMTP, "opportunistic")

    async def accept() -> None:
        await serve(MailServer(await listening.accept()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        seen = (await probe(endpoint, profile=OPPORTUNISTIC, ehlo="me", timeouts=Timeouts())).probe
    assert seen.failure is None
    assert seen.handshake is not None
    assert list(seen.ms) == ["connect", "greeting", "ehlo", "starttls", "handshake", "ehlo-tls", "quit"]
    await listening.aclose()


async def test_a_refused_probe() -> None:
    listening, port = await listener()
    await listening.aclose()
    endpoint = Endpoint("127.0.0.1", port, None, Mode.SMTP, "opportunistic")
    seen = (await probe(endpoint, profile=OPPORTUNISTIC, ehlo="me", timeouts=Timeouts())).probe
    assert seen.failure is not None
    assert (seen.failure.phase, seen.failure.kind) == (Phase.CONNECT, FailureKind.REFUSED)
    assert seen.starttls is StartTLS.UNKNOWN


async def test_lmtp_over_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "lmtp")
    sock = trio.socket.socket(socket.AF_UNIX)
    await sock.bind(path)
    sock.listen(1)

    async def accept() -> None:
        server = MailServer(trio.SocketStream((await sock.accept())[0]))
        await server.say(b"220 mx\r\n")
        assert await server.hear() == b"LHLO me\r\n"
        await server.say(b"250 mx\r\n")
        await server.hear()
        await server.say(b"221 bye\r\n")

    endpoint = Endpoint(path, 0, None, Mode.LMTP, "opportunistic")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        seen = (await probe(endpoint, profile=OPPORTUNISTIC, ehlo="me", timeouts=Timeouts())).probe
    assert seen.failure is None
    assert seen.starttls is StartTLS.NOT_OFFERED
    sock.close()


async def test_a_send_larger_than_the_buffer_arrives() -> None:
    listening, port = await listener()
    stream = await tcp.connect("127.0.0.1", port)
    peer = await listening.accept()
    much = bytes(range(256)) * 64 * 1024
    received = bytearray()

    async def read() -> None:
        while len(received) < len(much):
            received.extend(await peer.receive_some())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await stream.send_all(much)
    assert received == much
    await peer.aclose()
    assert await stream.receive_some(10) == b""
    await tcp.close(stream)
    with pytest.raises(trio.ClosedResourceError):
        await stream.send_all(b"x")
    with pytest.raises(trio.ClosedResourceError):
        await stream.receive_some(10)


async def test_a_reset_is_a_broken_stream() -> None:
    listening, port = await listener()
    stream = await tcp.connect("127.0.0.1", port)
    peer = await listening.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # closing sends RST
    await peer.aclose()
    with pytest.raises(trio.BrokenResourceError) as caught:
        await stream.receive_some(10)
    assert isinstance(caught.value.__cause__, ConnectionResetError)
    with pytest.raises(trio.BrokenResourceError):
        await stream.send_all(b"x")
    await tcp.close(stream)
