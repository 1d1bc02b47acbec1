"""One HTTPS request with mxsweep's own TCP and TLS: GET of one path at one address, and the response within limits.

The library h11 parses the HTTP messages. The name of the server is not looked up again, so the request goes to the
address that the caller has checked. The request follows no redirects and uses no cookies, compression or cache. The
caller judges the certificate after the handshake, before the request is sent. A failed request returns a result that
describes the failure; only cancellation raises exceptions.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import h11
import trio

from scanner import __version__
from scanner.cipher_grades import MEDIUM
from scanner.facts import Failure, Handshake
from scanner.net import tcp
from scanner.net.failures import TEXT_LIMIT, LimitExceededError, failure_of, timed_out
from scanner.net.tls import TLSStream, context_for
from scanner.settings import TLSProfile
from scanner.vocabulary import FailureKind, Phase

PORT = 443

PROFILE = TLSProfile("https", f"{MEDIUM}:!aNULL", security_level=1, min_version="TLSv1.2")
"""The TLS settings of the client; RFC 8461 section 3.3 requires TLS 1.2 or later of the policy host."""

HEADER_LIMIT = 16 * 1024
"""Maximum number of octets of names and values in the header of a response.

HTTP servers usually limit the header of a request to 8 KiB. The library h11 checks only incomplete headers, against
twice this limit (``_INCOMPLETE_LIMIT``). This module checks the complete header, so that the result of a request does
not depend on the division of the response into reads.
"""

BODY_LIMIT = 64 * 1024
"""Maximum number of octets of the body of a response.

Other MTA-STS senders have the same limit, and a policy has some 200 octets.
"""

WIRE_LIMIT = 2 * (HEADER_LIMIT + BODY_LIMIT)
"""Maximum number of octets of a response with its framing and interim (1xx) responses, which could be endless."""

CONNECT_SECONDS = 10.0
"""Time limit of the TCP connect in seconds, short because another address of the server may work."""

TOTAL_SECONDS = 60.0
"""Time limit of the whole request in seconds (RFC 8461 section 3.3 suggests one minute)."""

MEDIA_TYPE_LIMIT = 100
"""Maximum number of characters kept of the media type of a response."""

_CHUNK = 16 * 1024
_INCOMPLETE_LIMIT = 2 * HEADER_LIMIT
_TOO_LARGE = 431
"""The HTTP status that h11 suggests for a header above its limit."""


@dataclass(slots=True)
class HTTPSResult:
    """One HTTPS request and its response.

    ``ms`` contains the milliseconds of each phase that was entered, ``chain`` contains the DER of each certificate as
    sent. ``media_type`` is the media type without parameters. ``body`` is complete unless ``failure`` is set; the body
    of a response with a status other than 200 is not read.
    """

    started: datetime
    ms: dict[str, float] = field(default_factory=dict)
    handshake: Handshake | None = None
    chain: tuple[bytes, ...] = ()
    status: int | None = None
    media_type: str = ""
    body: bytearray = field(default_factory=bytearray)
    failure: Failure | None = None


Accepts = Callable[[tuple[bytes, ...]], bool]
"""A function that returns whether a certificate chain is acceptable; after False, no request is sent."""


async def fetch(
    address: str, host: str, path: str, accepts: Accepts, *, bind: str | None = None, port: int = PORT
) -> HTTPSResult:
    """Request a path by HTTPS from one address.

    Args:
        address: the IP address to connect to.
        host: the name of the server, for SNI and the Host field.
        path: the path of the request.
        accepts: function that returns whether the certificate chain is acceptable.
        bind: the local IP address, None for the system's choice.
        port: the TCP port.

    Returns:
        The result after at most ``TOTAL_SECONDS``. If ``accepts`` returns False, no request is sent, and the result
        contains neither an HTTP status nor a failure.
    """
    request = _Request(host, path, accepts)
    with trio.move_on_after(TOTAL_SECONDS) as scope:
        await request.run(address, port, bind)
    if scope.cancelled_caught:
        request.result.failure = timed_out(request.phase)
    return request.result


class _Request:
    """The state of one HTTPS request; ``phase`` is the phase that is in progress."""

    def __init__(self, host: str, path: str, accepts: Accepts) -> None:
        self.result = HTTPSResult(datetime.now(UTC))
        self.phase = Phase.CONNECT
        self._host = host
        self._path = path
        self._accepts = accepts
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_INCOMPLETE_LIMIT)
        self._received = 0
        self._unread = b""
        self._ended = False

    async def run(self, address: str, port: int, bind: str | None) -> None:
        """Connect, do the handshake and the request, and close the connection."""
        stream = await self._connect(address, port, bind)
        if stream is None:
            return
        try:
            await self._over(stream)
        finally:
            await tcp.close(stream)

    async def _connect(self, address: str, port: int, bind: str | None) -> tcp.TCPStream | None:
        began = trio.current_time()
        stream = None
        try:
            with trio.move_on_after(CONNECT_SECONDS):
                stream = await tcp.connect(address, port, bind=bind)
            if stream is None:
                self.result.failure = timed_out(Phase.CONNECT)
        except OSError as error:
            self.result.failure = failure_of(error, Phase.CONNECT)
        self._end(Phase.CONNECT, began)
        return stream

    async def _over(self, stream: tcp.TCPStream) -> None:
        tls = TLSStream(stream, context_for(PROFILE), self._host)
        for phase, work in ((Phase.HANDSHAKE, self._handshake), (Phase.HTTP, self._exchange)):
            self.phase, began = phase, trio.current_time()
            try:
                go_on = await work(tls)
            except Exception as error:  # noqa: BLE001 - every exception is classified, bugs included
                self.result.failure, go_on = self._failure(error), False
            self._end(phase, began)
            if not go_on:
                break
        await tls.close_notify()

    def _end(self, phase: Phase, began: float) -> None:
        self.result.ms[phase.value] = round((trio.current_time() - began) * 1000, 3)

    async def _handshake(self, tls: TLSStream) -> bool:
        """Do the handshake; return whether the certificate is acceptable."""
        await tls.handshake()
        self.result.handshake, self.result.chain = tls.facts()
        return self._accepts(self.result.chain)

    async def _exchange(self, tls: TLSStream) -> bool:
        """Send the request and read the response."""
        agent = f"mxsweep/{__version__}"
        headers = [("Host", self._host), ("User-Agent", agent), ("Accept", "text/plain"), ("Connection", "close")]
        request = h11.Request(method="GET", target=self._path, headers=headers)
        await tls.send_all(self._http.send(request) + self._http.send(h11.EndOfMessage()))
        while self._handled(event := self._http.next_event()):
            if event is h11.NEED_DATA:
                await self._feed(tls)
        return True

    async def _feed(self, tls: TLSStream) -> None:
        """Pass received octets to the parser h11, at most one octet more than ``_INCOMPLETE_LIMIT``.

        The number of octets is limited, because h11 stores all passed octets before h11 checks its limit on a header.
        """
        data = self._unread or await self._more(tls)
        room = _INCOMPLETE_LIMIT + 1 - len(self._http.trailing_data[0])
        self._http.receive_data(data[:room])
        self._unread = data[room:]

    async def _more(self, tls: TLSStream) -> bytes:
        """Return received octets, or empty bytes at the end of the stream.

        Raises:
            LimitExceededError: more than ``WIRE_LIMIT`` octets have been received.
        """
        data = await tls.receive_some(_CHUNK)
        self._received += len(data)
        self._ended = not data
        if self._received > WIRE_LIMIT:
            raise LimitExceededError(f"more than {WIRE_LIMIT} octets of HTTP")
        return data

    def _failure(self, error: Exception) -> Failure:
        """Return the failure of the current phase.

        This method classifies HTTP errors, ``failure_of`` all other errors.
        """
        if not isinstance(error, h11.RemoteProtocolError):
            return failure_of(error, self.phase)
        kind = FailureKind.TOO_LONG if error.error_status_hint == _TOO_LARGE else FailureKind.GARBAGE
        return Failure(self.phase, FailureKind.CLOSED if self._ended else kind, text=str(error)[:TEXT_LIMIT])

    def _handled(self, event: object) -> bool:
        """Record an event of h11; return whether more of the response is needed."""
        result = self.result
        if isinstance(event, h11.Response):
            if sum(len(name) + len(value) for name, value in event.headers) > HEADER_LIMIT:
                raise LimitExceededError(f"more than {HEADER_LIMIT} octets of header")
            result.status, result.media_type = event.status_code, _media_type(event)
            return event.status_code == 200  # noqa: PLR2004 - HTTP status
        if isinstance(event, h11.Data):
            if len(result.body) + len(event.data) > BODY_LIMIT:
                raise LimitExceededError(f"more than {BODY_LIMIT} octets of body")
            result.body += event.data
        return event is not h11.PAUSED and not isinstance(event, h11.EndOfMessage | h11.ConnectionClosed)


def _media_type(response: h11.Response) -> str:
    values = [value for name, value in response.headers if name == b"content-type"]
    text = values[0].decode("ascii", "backslashreplace") if values else ""
    return text.partition(";")[0].strip()[:MEDIA_TYPE_LIMIT]
