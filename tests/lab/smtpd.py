"""A scriptable SMTP server with STARTTLS: one process, many addresses, a behaviour for each.

``python -m tests.lab.smtpd CONFIG LOG`` where CONFIG is a JSON list of ``{"address", "port", "behaviour"}`` and
LOG gets a JSON line for each event: ``listening`` once, then for each connection ``connect``, ``ehlo``,
``starttls``, ``handshake``, ``quit``, ``close``. It takes no mail: MAIL is refused. What a behaviour can be is
said by ``Behaviour``; it misbehaves on purpose and nothing in it is an example of how to write a server.
"""

import json
import socket
import ssl
import struct
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TextIO

import trio
from OpenSSL import SSL

from tests.lab.server_tls import LIBRARY, OFFERED_SNI, Contexts, LibraryTLSStream, library_context

IPV6_FREEBIND = 78  # linux/in6.h; Python has no name for it. The lab's ULAs are local routes, not addresses
BACKLOG = 1024
LINE_LIMIT = 4096  # RFC 5321 section 4.5.3.1.4 wants 512; a lab client that sends more is broken
SESSION_LIMIT = 60.0  # seconds; no test waits as long
FLOOD_LIMIT = 64 << 20  # octets an endless reply ends with after all: a client that read so much has failed its test
CHUNK = 16384  # one TLS record

_NUMBERS = count()
"""Number of connections, counted over all addresses."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The behaviour of one address.

    ``fault`` is ``HOW@STAGE``: HOW one of ``reset close silent alert plaintext garbage drip endless-line
    endless-reply``, STAGE one of ``connect greeting ehlo starttls handshake large-hello``; the last is a handshake
    whose first TLS record has more than ``max_hello`` octets. ``starttls`` is the reply to that command, empty when
    it is not offered; a second line in it is clear text injected before the handshake. ``tls`` is one of ``modern
    tls12 rsa-first tls10 anonymous sha1``: ``rsa-first`` is TLS 1.2 of a server that prefers its RSA certificate, and
    ``sha1`` TLS 1.2 with SHA-1 signatures only; or a key of ``server_tls.GROUPS``. ``second`` is the file of a second
    certificate. ``limit`` connections at once get the ordinary greeting, the others 421. ``delay`` seconds pass
    before each reply but the greeting. With ``by_name`` a handshake whose SNI is not ``name`` gets the alert
    unrecognized_name.
    """

    name: str = "lab"
    greeting: str = "220 {name} ESMTP lab"
    greeting_delay: float = 0.0
    delay: float = 0.0
    ehlo: str = ""
    starttls: str = "220 2.0.0 Ready to start TLS"
    fault: str = ""
    chain: str = ""
    second: str = ""
    tls: str = "modern"
    by_name: bool = False
    limit: int = 0
    max_hello: int = 1200

    def fault_at(self, stage: str) -> str:
        """Return the fault at ``stage``, empty for none."""
        how, _, where = self.fault.partition("@")
        return how if where == stage else ""


class Done(Exception):  # noqa: N818 - the end of a session is no error
    """End of the session."""


class Log:
    """Log of events as JSON lines, and the number of open connections of each address."""

    def __init__(self, out: TextIO) -> None:
        """Write to ``out``, which should be line-buffered."""
        self._out = out
        self.open: Counter[str] = Counter()

    def write(self, event: str, **more: object) -> None:
        """Write one event."""
        self._out.write(json.dumps({"time": time.time(), "event": event, **more}) + "\n")


_TCP_INFO_LAST_ACK = 56  # where tcpi_last_ack_recv stands in Linux's struct tcp_info


def _idle(stream: trio.SocketStream) -> float:
    """Return the seconds since the client last sent data, for a new connection since the kernel accepted it."""
    info = stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_LAST_ACK + 4)
    return int.from_bytes(info[_TCP_INFO_LAST_ACK:], sys.byteorder) / 1000


class Session:
    """One connection."""

    def __init__(self, stream: trio.SocketStream, behaviour: Behaviour, contexts: Contexts, log: Log) -> None:
        """Take a freshly accepted connection."""
        self._tcp = stream
        self._stream: trio.abc.Stream = stream
        self._behaviour = behaviour
        self._contexts = contexts
        self._log = log
        self._buffer = bytearray()
        here, there = stream.socket.getsockname(), stream.socket.getpeername()
        self.address: str = here[0]
        self._where = {
            "connection": next(_NUMBERS),  # a port of the peer's may soon be another's
            "host": behaviour.name,
            "address": here[0],
            "port": here[1],
            "peer": f"{there[0]}:{there[1]}",
        }

    def note(self, event: str, **more: object) -> None:
        """Log an event of this connection."""
        self._log.write(event, **self._where, **more)

    async def run(self) -> None:
        """Serve the session until one side ends it."""
        self._log.open[self.address] += 1
        self.note("connect", concurrent=self._log.open[self.address], began=time.time() - _idle(self._tcp))
        try:
            with trio.move_on_after(SESSION_LIMIT):
                await self._dialogue()
        except (Done, OSError, trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError) as end:
            self.note("close", why=type(end).__name__)
        else:
            self.note("close", why="end")
        finally:
            self._log.open[self.address] -= 1
            await trio.aclose_forcefully(self._tcp)

    async def _dialogue(self) -> None:
        await self._fault("connect")
        await trio.sleep(self._behaviour.greeting_delay)
        await self._fault("greeting")
        if 0 < self._behaviour.limit < self._log.open[self.address]:
            await self._say("421 4.7.0 Too many connections")
            return
        await self._say(self._behaviour.greeting.format(name=self._behaviour.name))
        while True:
            await self._answer(await self._line())

    async def _answer(self, line: str) -> None:
        await trio.sleep(self._behaviour.delay)
        verb = line.partition(" ")[0].upper()
        if verb in ("EHLO", "LHLO"):
            await self._ehlo(line)
        elif verb == "STARTTLS" and self._behaviour.starttls and not self._encrypted:
            await self._starttls()
        elif verb == "QUIT":
            self.note("quit")
            await self._say("221 2.0.0 Bye")
            raise Done
        elif verb in ("HELO", "NOOP", "RSET"):
            await self._say("250 2.0.0 Ok")
        else:
            await self._say("502 5.5.1 The lab takes no mail")

    @property
    def _encrypted(self) -> bool:
        return self._stream is not self._tcp

    async def _ehlo(self, line: str) -> None:
        self.note("ehlo", line=line, tls=self._encrypted)
        if not self._encrypted:
            await self._fault("ehlo")
        if self._behaviour.ehlo:
            await self._say(self._behaviour.ehlo)
            return
        words = [self._behaviour.name, "SIZE 10240000", "8BITMIME"]
        if self._behaviour.starttls and not self._encrypted:
            words.append("STARTTLS")
        words.append("ENHANCEDSTATUSCODES")
        lines = [f"250-{word}" for word in words[:-1]] + [f"250 {words[-1]}"]
        await self._say("\r\n".join(lines))

    async def _starttls(self) -> None:
        self.note("starttls")
        await self._fault("starttls")
        await self._say(self._behaviour.starttls)
        if not self._behaviour.starttls.startswith("2"):
            return
        await self._fault("handshake")
        if self._behaviour.fault_at("large-hello") and await self._record_size() > self._behaviour.max_hello:
            await self._fault("large-hello")
        if self._behaviour.tls in LIBRARY:
            await self._secure_by_library()
        else:
            await self._secure()
        self._buffer.clear()

    async def _secure_by_library(self) -> None:
        behaviour = self._behaviour
        context = library_context(behaviour.chain, behaviour.second, behaviour.tls)
        secure = LibraryTLSStream(self._tcp, context)
        try:
            await secure.do_handshake()
        except SSL.Error as error:
            self.note("handshake", ok=False, error=str(error))
            raise Done from None
        self.note("handshake", ok=True, version=secure.version)
        self._stream = secure

    async def _secure(self) -> None:
        names: list[str] = []
        OFFERED_SNI.set(names)
        secure = trio.SSLStream(self._tcp, self._contexts.get(self._behaviour), server_side=True, https_compatible=True)
        session: Any = secure  # trio's annotations know neither what it forwards nor what it hides
        try:
            await secure.do_handshake()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self.note("handshake", ok=False, error=str(error.__cause__ or error), sni=names[0] if names else None)
            # trio leaves OpenSSL's alert unsent; real servers send it, and clients tell it from a lost connection
            await self._tcp.send_all(session._outgoing.read())
            raise Done from None
        version, cipher = session.version(), session.cipher()
        self.note("handshake", ok=True, sni=names[0] if names else None, version=version, cipher=cipher[0])
        self._stream = secure

    async def _line(self) -> str:
        while b"\n" not in self._buffer:
            more = await self._stream.receive_some(LINE_LIMIT)
            if not more or len(self._buffer) > LINE_LIMIT:
                raise Done
            self._buffer += more
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer[:] = rest
        return line.decode("latin-1").strip()

    async def _say(self, text: str) -> None:
        await self._stream.send_all(text.encode("latin-1") + b"\r\n")

    # --- faults ---

    async def _fault(self, stage: str) -> None:
        how = self._behaviour.fault_at(stage)
        if how:
            self.note("fault", how=how, stage=stage)
            await _FAULTS[how](self, stage)

    async def reset(self, stage: str) -> None:
        """End with RST, after half a line of greeting or the ClientHello where it comes to that."""
        if stage == "greeting":
            await self._tcp.send_all(b"220-wel")
        if stage in ("handshake", "large-hello"):
            await self._client_hello()
        self._tcp.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Done

    async def close(self, stage: str) -> None:
        """End with FIN after everything due has been read."""
        if stage in ("handshake", "large-hello"):
            await self._client_hello()
        raise Done

    async def alert(self, _stage: str) -> None:
        """Answer the ClientHello with the fatal alert decode_error (RFC 8446 section 6)."""
        await self._client_hello()
        await self._tcp.send_all(bytes((21, 3, 3, 0, 2, 2, 50)))
        raise Done

    async def silent(self, _stage: str) -> None:
        """Send nothing until the client closes the connection."""
        while await self._tcp.receive_some(LINE_LIMIT):
            pass
        raise Done

    async def plaintext(self, _stage: str) -> None:
        """Answer the ClientHello in clear text."""
        await self._client_hello()  # any earlier, and it would be thrown away with what follows the STARTTLS reply
        await self._say("220 this is not TLS")
        await self.silent("")

    async def garbage(self, _stage: str) -> None:
        """Send octets that are no SMTP reply."""
        await self._tcp.send_all(b"\x00\x01\xfe\xffHTTP/1.1 400 what?\r\n")
        await self.silent("")

    async def drip(self, _stage: str) -> None:
        """Send a greeting of one octet a second that never ends."""
        await self._tcp.send_all(b"220-")
        while True:
            await self._tcp.send_all(b"z")
            await trio.sleep(1)

    async def endless_line(self, _stage: str) -> None:
        """Send a line without end."""
        await self._flood(b"220-", b"x" * CHUNK)

    async def endless_reply(self, _stage: str) -> None:
        """Send a reply of lines without end."""
        await self._flood(b"", b"250-SIZE 1000\r\n" * (CHUNK // 15))

    async def _flood(self, start: bytes, chunk: bytes) -> None:
        await self._tcp.send_all(start)
        for _ in range(FLOOD_LIMIT // CHUNK):
            await self._tcp.send_all(chunk)
        raise Done

    async def _record_size(self) -> int:
        """Return the octets of the first TLS record, which stays unread."""
        header = b""
        while len(header) < 5:
            header = await self._tcp.socket.recv(5, socket.MSG_PEEK)
            if not header:
                raise Done
        return int.from_bytes(header[3:5], "big")

    async def _client_hello(self) -> None:
        """Read one TLS record, so that nothing unread turns FIN into RST."""
        got = b""
        while len(got) < 5 or len(got) < 5 + int.from_bytes(got[3:5], "big"):
            more = await self._tcp.receive_some(CHUNK)
            if not more:
                raise Done
            got += more


_FAULTS: dict[str, Callable[[Session, str], Awaitable[None]]] = {
    "reset": Session.reset,
    "close": Session.close,
    "silent": Session.silent,
    "alert": Session.alert,
    "plaintext": Session.plaintext,
    "garbage": Session.garbage,
    "drip": Session.drip,
    "endless-line": Session.endless_line,
    "endless-reply": Session.endless_reply,
}


def listen(address: str, port: int) -> trio.SocketListener:
    """Listen on an address for which the kernel has a local route."""
    v6 = ":" in address
    sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if v6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    sock.bind((address, port))
    sock.listen(BACKLOG)
    return trio.SocketListener(trio.socket.from_stdlib_socket(sock))


async def serve(config: list[dict[str, Any]], log: Log) -> None:
    """Serve every address of ``config`` until cancelled."""
    contexts = Contexts()
    async with trio.open_nursery() as nursery:
        for entry in config:
            behaviour = Behaviour(**entry["behaviour"])

            async def handle(stream: trio.SocketStream, behaviour: Behaviour = behaviour) -> None:
                await Session(stream, behaviour, contexts, log).run()

            nursery.start_soon(trio.serve_listeners, handle, [listen(entry["address"], entry["port"])])
        log.write("listening", addresses=len(config))


def main() -> None:
    """Serve according to the command line."""
    config, log = sys.argv[1:]
    with Path(log).open("a", buffering=1) as out:
        trio.run(serve, json.loads(Path(config).read_text()), Log(out))


if __name__ == "__main__":
    main()
