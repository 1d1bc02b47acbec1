"""One DNS question to one server: encoding of the question, matching of the reply, and exchange over TCP (RFC 7766).

The caller sets the deadline of the DNS exchange. A fault of the network or the DNS server is either returned as a
``Miss`` or raised as an ``OSError``. The module ``datagrams`` contains the exchange over UDP.
"""

import ipaddress
import os
import socket
from dataclasses import dataclass
from typing import NamedTuple

import trio

from scanner.core.answers import MALFORMED
from scanner.core.wire import Message, Question, WireError, decode, query

_HEADER, _KIND, _OPT = 12, 4, 11  # octets: RFC 1035 sections 4.1.1 and 4.1.2 (type and class), RFC 6891 section 6.1.2
_NO_QUESTION, _ONE_QUESTION = b"\0\0", b"\0\1"


@dataclass(frozen=True, slots=True, eq=False)
class NameServer:
    """One DNS server; two servers are compared by identity.

    ``trusted`` is true if the AD bit of the server's answers is accepted as proof of DNSSEC validation. ``label`` is
    the name of the server in results. ``bind`` is the local address from which queries are sent.
    """

    address: str
    port: int
    family: socket.AddressFamily
    trusted: bool
    label: str
    bind: str | None = None


class Ask(NamedTuple):
    """One DNS question with its encoded message."""

    wire: bytes
    question: Question
    end: int  # offset of the end of the question in the message

    @property
    def id(self) -> bytes:
        """The message id of the question (two octets), with which every reply to the question begins."""
        return self.wire[:2]


@dataclass(frozen=True, slots=True)
class Miss:
    """The result of a DNS question that got no reply.

    ``error`` is the cause as text. ``silent`` is true after a timeout: the wait for the reply then replaces the pause
    before the next query.
    """

    error: str
    silent: bool = False


def server_at(address: str, port: int, *, trust: bool, bind: str | None = None) -> NameServer:
    """Return the description of a DNS server.

    Args:
        address: IPv4 or IPv6 address, with an optional zone after ``%``.
        port: the port of the server, the same for UDP and TCP.
        trust: accept the AD bit of the server even if it is not on a loopback address.
        bind: the local address from which queries are sent, used if the address has the address family of the server;
            None for the kernel's choice.

    Raises:
        ValueError: ``address`` is not an IP address.
    """
    parsed = ipaddress.ip_address(address)
    v6 = isinstance(parsed, ipaddress.IPv6Address)
    return NameServer(
        address,
        port,
        family=socket.AF_INET6 if v6 else socket.AF_INET,
        trusted=trust or parsed.is_loopback,
        label=f"[{address}]:{port}" if v6 else f"{address}:{port}",
        bind=bind if bind is not None and ipaddress.ip_address(bind).version == parsed.version else None,
    )


def new_ask(question: Question, *, dnssec: bool, cd: bool) -> Ask:
    """Encode a question with a new random id; the name in the question is spelled as ``wire.asked`` returns the name.

    See ``wire.query``.
    """
    wire = query(question.name, question.rtype, int.from_bytes(os.urandom(2)), dnssec=dnssec, cd=cd)
    return Ask(wire, question, len(wire) - (_OPT if dnssec else 0))


def missed(error: OSError) -> Miss:
    """Return a ``Miss`` for an error of a socket call."""
    return Miss(error.strerror or str(error))


async def over_tcp(server: NameServer, ask: Ask) -> Message | Miss:
    """Send a question over a new TCP connection and wait for the reply without a time limit.

    Args:
        server: the DNS server.
        ask: the encoded question.

    Returns:
        The reply, or a ``Miss`` if the server closed the connection early or sent a message that is not the reply.

    Raises:
        OSError: the connection failed.
    """
    try:
        stream = await trio.open_tcp_stream(server.address, server.port, local_address=server.bind)
        async with stream:
            await stream.send_all(len(ask.wire).to_bytes(2) + ask.wire)
            length = int.from_bytes(await _exactly(stream, 2))
            reply = reply_to(ask, await _exactly(stream, length))
    except trio.BrokenResourceError:
        return Miss("connection lost")
    return reply or Miss(MALFORMED)


async def _exactly(stream: trio.SocketStream, count: int) -> bytes:
    """Return the first ``count`` octets of the stream, or fewer octets if the stream ends early.

    The length prefix of DNS over TCP limits ``count`` to 65535.
    """
    octets = b""
    while len(octets) < count and (more := await stream.receive_some(count - len(octets))):
        octets += more
    return octets


def reply_to(ask: Ask, wire: bytes) -> Message | None:
    """Decode the reply to a question; return None for another message, undecoded if its id or question is wrong."""
    same = _same_question(wire, ask)
    if wire[:2] != ask.id or not (same or wire[4:6] == _NO_QUESTION):
        return None
    try:
        message = decode(wire, (ask.question, ask.end) if same else None)
    except WireError:
        return None
    # a server that cannot parse a question need not repeat it in its reply
    return message if message.qr and (same or message.rcode not in ("NOERROR", "NXDOMAIN")) else None


def _same_question(wire: bytes, ask: Ask) -> bool:
    """Return whether a message repeats the question that was sent, ignoring the case of letters (RFC 4343)."""
    sent, kind = ask.wire, ask.end - _KIND
    if wire[4:6] != _ONE_QUESTION:
        return False
    if wire[_HEADER : ask.end] == sent[_HEADER : ask.end]:
        return True
    return wire[_HEADER:kind].lower() == sent[_HEADER:kind].lower() and wire[kind : ask.end] == sent[kind : ask.end]
