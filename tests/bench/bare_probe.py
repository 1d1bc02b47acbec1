"""A bare probe for comparison: trio and pyOpenSSL from connect to QUIT, with nothing recorded.

It does what any client must do to get a mail server's certificate, in the fewest steps, with a single deadline and
without handling of deviations.
"""

import trio
from OpenSSL import SSL

_CHUNK = 16 * 1024
_LIMIT = 60.0  # seconds for the whole


async def bare_probe(address: str, port: int, context: SSL.Context) -> int:
    """Connect, read the greeting, send EHLO, STARTTLS, EHLO and QUIT; return the number of certificates."""
    with trio.fail_after(_LIMIT):
        async with await _connect(address, port) as stream:
            await stream.receive_some(_CHUNK)
            for command in (b"EHLO client.test\r\n", b"STARTTLS\r\n"):
                await stream.send_all(command)
                await stream.receive_some(_CHUNK)
            connection = SSL.Connection(context, None)
            connection.set_connect_state()
            while not _advance(connection):
                await _flush(connection, stream)
                connection.bio_write(await stream.receive_some(_CHUNK))
            for command in (b"EHLO client.test\r\n", b"QUIT\r\n"):
                connection.send(command)
                await _flush(connection, stream)
                await _reply(connection, stream)
            return len(connection.get_peer_cert_chain() or ())


async def _connect(address: str, port: int) -> trio.SocketStream:
    sock = trio.socket.socket()
    await sock.connect((address, port))
    return trio.SocketStream(sock)


def _advance(connection: SSL.Connection) -> bool:
    try:
        connection.do_handshake()
    except SSL.WantReadError:
        return False
    return True


async def _flush(connection: SSL.Connection, stream: trio.SocketStream) -> None:
    await stream.send_all(connection.bio_read(_CHUNK))


async def _reply(connection: SSL.Connection, stream: trio.SocketStream) -> bytes:
    while True:
        try:
            return connection.recv(_CHUNK)
        except SSL.WantReadError:
            connection.bio_write(await stream.receive_some(_CHUNK))
