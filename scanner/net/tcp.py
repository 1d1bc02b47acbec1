"""TCP and UNIX-domain connections to one address: no names, no racing of addresses, no retries.

Errors are raised as the system gives them (``OSError``); ``failures`` sorts them. Deadlines are the caller's.
"""

import contextlib
import ipaddress
import os
import socket

import trio

from scanner.net.failures import BindError

_DRAIN = 64 * 1024
"""Octets taken off the receive buffer before a close: more than a farewell and close_notify ever need."""


async def connect(address: str, port: int, *, bind: str | None = None) -> trio.SocketStream:
    """Connect to an IP address and port, or to a UNIX-domain socket.

    Args:
        address: an IPv4 or IPv6 address (a scope id is allowed), or with port 0 the path of a socket.
        port: 1 to 65535, or 0 for a UNIX-domain socket.
        bind: our own IP address; the system's choice if None.

    Returns:
        The connected stream, with TCP_NODELAY set: each of our writes is a whole command.

    Raises:
        BindError: ``bind`` cannot be used for this peer.
        OSError: the connection failed.
    """
    where = address if port == 0 else (address, port)
    with contextlib.ExitStack() as on_error:
        sock = on_error.enter_context(trio.socket.socket(_family(address, port), socket.SOCK_STREAM))
        if bind is not None and port != 0:
            await _bind(sock, bind)
        await sock.connect(where)
        on_error.pop_all()
    return trio.SocketStream(sock)


async def close(stream: trio.abc.AsyncResource) -> None:
    """Close for good, without lingering.

    What the peer has sent meanwhile is read first: with unread octets the system would send a reset in place
    of a FIN, which postmasters see in their logs.
    """
    if isinstance(stream, trio.SocketStream):
        with contextlib.suppress(OSError):
            os.read(stream.socket.fileno(), _DRAIN)
    await stream.aclose()


def _family(address: str, port: int) -> socket.AddressFamily:
    if port == 0:
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in address else socket.AF_INET


async def _bind(sock: trio.socket.SocketType, address: str) -> None:
    ipaddress.ip_address(address)  # a name here would be our bug: it must not be looked up
    try:
        await sock.bind((address, 0))
    except OSError as exc:
        raise BindError(exc.errno, exc.strerror) from exc
