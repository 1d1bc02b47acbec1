"""TCP and UNIX-domain connections to one address, without name lookups and without retries.

Errors of the operating system are raised as ``OSError``; the module ``failures`` classifies them. The caller sets the
deadlines of a connection.
"""

import errno
import ipaddress
import os
import socket

import trio

from scanner.net.failures import BindError

_CHUNK = 16 * 1024
"""Default maximum number of octets per read."""

_DRAIN = bytearray(64 * 1024)
"""Buffer for octets that are discarded before a close: larger than a reply to QUIT and a close_notify alert.

All connections share the buffer, whose content is never used. If each connection had its own buffer, the C library
would often trim its heap, with a system call each time.
"""

_CONNECTED = (0, errno.EISCONN)
"""Results of connect(2), 0 or an error number, for an established connection."""


class TCPStream(trio.abc.Stream):
    """A byte stream over a connected socket, for one task that sends and receives alternately.

    The class raises the same errors as ``trio.SocketStream`` and takes far less processor time: the class does not
    check for concurrent use, and a send has no trio checkpoint, because the task waits for the reply after each send.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    @property
    def socket(self) -> socket.socket:
        """The socket of the stream, for its options and addresses."""
        return self._sock

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all octets; wait only while the send buffer of the socket is full."""
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
        """Wait until the send buffer of the socket has room."""
        await trio.lowlevel.wait_writable(self._sock)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait for octets and return the octets; return empty bytes at the end of the stream.

        The method has a trio checkpoint before the read. With many tasks, the reply has often arrived by the end of the
        checkpoint, so that no system calls are needed to wait for the reply.
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
        """Close the socket."""
        self.close()
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """Close the socket at once; a second call does nothing.

        The caller ensures that no other task waits for the stream.
        """
        self._sock.close()


def _broken(error: OSError) -> trio.BrokenResourceError | trio.ClosedResourceError:
    """Return the error that ``trio.SocketStream`` would raise for an error of the operating system."""
    if error.errno == errno.EBADF:
        return trio.ClosedResourceError("this socket was already closed")
    return trio.BrokenResourceError(f"socket connection broken: {error}")


async def connect(address: str, port: int, *, bind: str | None = None) -> TCPStream:
    """Connect to an IP address and port, or to a UNIX-domain socket.

    Args:
        address: an IPv4 or IPv6 address (a scope id is allowed), or with port 0 the path of a socket.
        port: 1 to 65535, or 0 for a UNIX-domain socket.
        bind: the local IP address; the system's choice if None.

    Returns:
        The connected stream, with TCP_NODELAY set, because each write is a whole SMTP command.

    Raises:
        BindError: ``bind`` cannot be used for this address.
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
    return TCPStream(sock)


async def _connect(sock: socket.socket, where: str | tuple[str, int]) -> None:
    """Connect a socket; after a trio checkpoint, wait only if the connection is not established yet."""
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
    """Close a stream without waiting for the peer.

    Received octets are read and discarded before the close: with unread octets the system would send a reset in place
    of a FIN, and the peer might log an error.
    """
    if not isinstance(stream, TCPStream):
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
    ipaddress.ip_address(address)  # a host name would be a bug and must not cause a DNS lookup
    try:
        sock.bind((address, 0))
    except OSError as exc:
        raise BindError(exc.errno, exc.strerror) from exc
