"""Receipt of the encrypted octets of a TLS connection with limits and a listener, common to OpenSSL and GnuTLS."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from scanner.net.failures import LimitExceededError

WIRE_LIMIT = 1024 * 1024
"""Maximum number of octets of TLS read from one server.

The longest certificate chain and three SMTP replies of 256 KiB together have fewer octets.
"""

LARGE = 16 * 1024
"""Number of TLS octets above which a connection is large.

OpenSSL needs 40 octets of memory for each octet of the names in a certificate.
"""

CHUNK = 16 * 1024
"""Maximum number of octets per read: one TLS record."""


class ByteStream(Protocol):
    """The interface of the byte stream that carries TLS."""

    async def send_all(self, data: bytes) -> None:
        """Send all octets."""

    async def receive_some(self, max_bytes: int) -> bytes | bytearray:
        """Return received octets, or empty bytes at the end of the stream."""


class TLSListener:
    """Base class of receivers of the events of a TLS stream.

    A method that a subclass does not override does nothing.
    """

    def wire(self, *, sent: bool, data: bytes) -> None:
        """Receive each block of encrypted octets that the connection sent or received."""

    def state(self, text: str) -> None:
        """Receive a new state of the handshake; ``text`` is OpenSSL's description."""

    def ticket(self) -> None:
        """Handle the arrival of a session ticket.

        After all received octets have been read, the method ``session`` of the stream returns the TLS session.
        """


class EncryptedStream:
    """Base class of TLS streams: the receipt of encrypted octets from ``stream``.

    ``when_large`` is called once, when more than ``LARGE`` octets have been received. ``spent`` is the duration in
    seconds of all computations of the TLS library in the handshake, and ``slowest`` the duration of the longest one.
    """

    def __init__(
        self,
        stream: ByteStream,
        listener: TLSListener | None,
        when_large: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._stream = stream
        self._listener = listener
        self._when_large = when_large
        self._received = 0
        self.slowest = self.spent = 0.0

    def _note_step(self, seconds: float) -> None:
        """Add the duration of one computation in the handshake to ``spent`` and ``slowest``."""
        self.spent += seconds
        self.slowest = max(self.slowest, seconds)

    def _decrypt(self, data: bytes) -> None:
        """Pass received octets to the TLS library."""
        raise NotImplementedError

    async def _feed(self) -> None:
        """Wait for octets of the stream and pass the octets to the TLS library.

        Raises:
            EOFError: the stream has ended.
            LimitExceededError: more than ``WIRE_LIMIT`` octets have been received.
        """
        data = bytes(await self._stream.receive_some(CHUNK))
        if not data:
            raise EOFError
        self._received += len(data)
        if self._received > LARGE and self._when_large is not None:
            when_large, self._when_large = self._when_large, None
            await when_large()
        if self._received > WIRE_LIMIT:
            raise LimitExceededError(f"more than {WIRE_LIMIT} octets of TLS")
        if self._listener is not None:
            self._listener.wire(sent=False, data=data)
        self._decrypt(data)
