"""TCP and UNIX-domain connections to one address: no names, no racing of addresses, no retries.

Errors are raised as the system gives them (``OSError``); ``failures`` sorts them. Deadlines are the caller's.
"""

import errno
import ipaddress
import os
import socket

import trio

from scanner.net.failures import BindError

_CHUNK = 16 * 1024
"""Octets received at a time where the caller does not say."""

_DRAIN = bytearray(64 * 1024)
"""What is taken off the receive buffer before a close goes here: more than a farewell and close_notify ever need.

One for all, since nobody reads it: so much room, made and given back for each, has the C library tidy up every time.
"""

_CONNECTED = (0, errno.EISCONN)
"""What the system says of a connection that is there."""


class Connection(trio.abc.Stream):
    """A connected socket that one task uses, commands and replies by turns.

    It errs as ``trio.SocketStream`` does and costs far less: no guard against two tasks at once, and no pause after a
    send, since a wait for the reply follows.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    @property
    def socket(self) -> socket.socket:
        """The socket, for its options and addresses."""
        return self._sock

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it; waits only where the peer does not take it."""
        while True:
            try:
                sent = self._sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                raise _broken(error) from error
            if sent == len(data):
                return
            data = memoryview(data)[sent:]
            await trio.lowlevel.wait_writable(self._sock)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the peer takes some more."""
        await trio.lowlevel.wait_writable(self._sock)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait for octets; nothing at the end of the stream.

        Others have their turn first: where there are many, the reply is often there after it, which spares the system
        calls of a wait.
        """
        await trio.lowlevel.checkpoint()
        while True:
            try:
                return self._sock.recv(max_bytes or _CHUNK)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._sock)
            except OSError as error:
                raise _broken(error) from error

    async def aclose(self) -> None:
        """Close."""
        self.close()
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """Close at once; a second time does nothing. No task has to be woken: the one that closes is the only one."""
        self._sock.close()


def _broken(error: OSError) -> trio.BrokenResourceError | trio.ClosedResourceError:
    """Give what trio's own stream raises."""
    if error.errno == errno.EBADF:
        return trio.ClosedResourceError("this socket was already closed")
    return trio.BrokenResourceError(f"socket connection broken: {error}")


async def connect(address: str, port: int, *, bind: str | None = None) -> Connection:
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
    sock = socket.socket(_family(address, port), socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        if port != 0:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if bind is not None:
                _bind(sock, bind)
        await _connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return Connection(sock)


async def _connect(sock: socket.socket, where: str | tuple[str, int]) -> None:
    """Connect; others have their turn before the wait, as in ``receive_some``."""
    await trio.lowlevel.checkpoint_if_cancelled()
    number = sock.connect_ex(where)
    if number == errno.EINPROGRESS:
        await trio.lowlevel.checkpoint()
        number = sock.connect_ex(where)
        if number == errno.EALREADY:
            await trio.lowlevel.wait_writable(sock)
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number not in _CONNECTED:
        raise OSError(number, os.strerror(number))


async def close(stream: trio.abc.AsyncResource) -> None:
    """Close for good, without lingering.

    What the peer has sent meanwhile is read first: with unread octets the system would send a reset in place
    of a FIN, which postmasters see in their logs.
    """
    if not isinstance(stream, Connection):
        await stream.aclose()
        return
    try:
        stream.socket.recv_into(_DRAIN)
    except OSError:
        pass
    finally:
        stream.close()


def _family(address: str, port: int) -> socket.AddressFamily:
    if port == 0:
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _bind(sock: socket.socket, address: str) -> None:
    ipaddress.ip_address(address)  # a name here would be our bug: it must not be looked up
    try:
        sock.bind((address, 0))
    except OSError as exc:
        raise BindError(exc.errno, exc.strerror) from exc
