"""One DNS question to one server, once: over UDP, or over TCP (RFC 7766).

Each UDP exchange has its own socket, so its own random port beside its random id (RFC 5452 section 9.2). It is
connected to the server: datagrams from elsewhere never arrive, and those that are no reply to the question are
passed over. Nobody here keeps time: who calls sets the deadline. What the network or the server does wrong is
a ``Miss`` or an ``OSError``, nothing else.
"""

import ipaddress
import secrets
import socket
from dataclasses import dataclass

import trio

from scanner.core.answers import MALFORMED
from scanner.core.wire import Message, Question, WireError, decode, query

_HEADER, _KIND, _OPT = 12, 4, 11  # octets: RFC 1035 sections 4.1.1 and 4.1.2 (type and class), RFC 6891 section 6.1.2
_NO_QUESTION, _ONE_QUESTION = b"\0\0", b"\0\1"

MAX_DATAGRAM = 4096  # three times what the server is told to send; a longer one is cut, and so no reply
MAX_STRAYS = 1000  # datagrams of one exchange that are no reply; past that somebody floods the port


@dataclass(frozen=True, slots=True)
class Server:
    """One server; ``trusted`` when its AD bit counts. ``label`` is its name, ``bind`` our own address."""

    address: str
    port: int
    family: socket.AddressFamily
    trusted: bool
    label: str
    bind: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One question as sent."""

    wire: bytes
    question: Question
    end: int  # of the question in the message


@dataclass(frozen=True, slots=True)
class Miss:
    """No reply. ``silent`` when the whole time went by, so that trying again needs no further pause."""

    error: str
    silent: bool = False


def server_at(address: str, port: int, *, trust: bool, bind: str | None = None) -> Server:
    """Describe a server.

    Args:
        address: IPv4 or IPv6 address, a zone after ``%`` allowed.
        port: its port, the same for UDP and TCP.
        trust: believe its AD bit even when it is not on loopback.
        bind: our own address towards servers of its family, None for the kernel's choice.

    Returns:
        The server.

    Raises:
        ValueError: for what is no address.
    """
    parsed = ipaddress.ip_address(address)
    v6 = isinstance(parsed, ipaddress.IPv6Address)
    return Server(
        address,
        port,
        family=socket.AF_INET6 if v6 else socket.AF_INET,
        trusted=trust or parsed.is_loopback,
        label=f"[{address}]:{port}" if v6 else f"{address}:{port}",
        bind=bind if bind is not None and ipaddress.ip_address(bind).version == parsed.version else None,
    )


def new_ask(question: Question, *, dnssec: bool, cd: bool) -> Ask:
    """Write a question under a fresh random id; see ``wire.query``."""
    wire = query(question.name, question.rtype, secrets.randbits(16), dnssec=dnssec, cd=cd)
    return Ask(wire, question, len(wire) - (_OPT if dnssec else 0))


async def over_udp(server: Server, ask: Ask) -> Message | Miss:
    """Send a question in a datagram and wait for the reply, however long.

    Args:
        server: who is asked.
        ask: the question.

    Returns:
        The reply, maybe truncated, or a miss when too much came that is none.

    Raises:
        OSError: when the kernel cannot send, or an ICMP error came back.
    """
    with socket.socket(server.family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0)
        if server.bind is not None:
            sock.bind((server.bind, 0))
        sock.connect((server.address, server.port))
        sock.send(ask.wire)
        for _ in range(MAX_STRAYS):
            await trio.lowlevel.wait_readable(sock.fileno())
            reply = _reply(_received(sock), ask)
            if reply is not None:
                return reply
    return Miss("flooded with datagrams that are no reply")


async def over_tcp(server: Server, ask: Ask) -> Message | Miss:
    """Send a question over a connection of its own and wait for the reply, however long.

    Args:
        server: who is asked.
        ask: the question.

    Returns:
        The reply, or a miss when the server closed early or sent something else.

    Raises:
        OSError: when the connection fails.
    """
    try:
        stream = await trio.open_tcp_stream(server.address, server.port, local_address=server.bind)
        async with stream:
            await stream.send_all(len(ask.wire).to_bytes(2) + ask.wire)
            length = int.from_bytes(await _exactly(stream, 2))
            reply = _reply(await _exactly(stream, length), ask)
    except trio.BrokenResourceError:
        return Miss("connection lost")
    return reply or Miss(MALFORMED)


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(MAX_DATAGRAM)
    except BlockingIOError:  # a datagram with a wrong checksum wakes us and is gone
        return b""


async def _exactly(stream: trio.SocketStream, count: int) -> bytes:
    """Read so many octets (a length prefix allows 65535), fewer when the stream ends."""
    octets = b""
    while len(octets) < count and (more := await stream.receive_some(count - len(octets))):
        octets += more
    return octets


def _reply(wire: bytes, ask: Ask) -> Message | None:
    """Read what may be the reply. What is of another id or question is not looked at any further."""
    if wire[:2] != ask.wire[:2] or not (_same_question(wire, ask) or wire[4:6] == _NO_QUESTION):
        return None
    try:
        message = decode(wire)
    except WireError:
        return None
    # a server that cannot read a question need not repeat it
    read = message.question is not None or message.rcode not in ("NOERROR", "NXDOMAIN")
    return message if message.qr and read else None


def _same_question(wire: bytes, ask: Ask) -> bool:
    """Tell whether a message repeats our question; the case of its letters is of no account (RFC 4343)."""
    kind = ask.end - _KIND
    same_name = wire[_HEADER:kind].lower() == ask.wire[_HEADER:kind].lower()
    return wire[4:6] == _ONE_QUESTION and same_name and wire[kind : ask.end] == ask.wire[kind : ask.end]
