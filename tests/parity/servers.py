"""Mail servers that the lab lacks: for resumed and declined sessions, balancers, LMTP and wrapper mode.

They run on loopback in the client's namespace. Each is the lab's scripted server with further settings.
"""

import contextlib
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trio
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.lab import server_tls, smtpd

NAME = "mail.annex.test"


@dataclass(frozen=True, slots=True)
class Manners(smtpd.Behaviour):
    """The settings of a server.

    ``names`` are the EHLO names of successive connections, in turn. ``tickets`` states whether TLS 1.3 sessions can
    be resumed, ``ask`` names the CA file of a server that asks for a client certificate, ``wrapper`` means TLS from
    the first octet. ``ehlo_tls`` is the reply to EHLO under TLS; ``silent_quit`` closes instead of a reply to QUIT.
    """

    names: tuple[str, ...] = (NAME,)
    tickets: bool = True
    ask: str = ""
    wrapper: bool = False
    ehlo_tls: str = ""
    silent_quit: bool = False


class _Contexts(server_tls.Contexts):
    """One context for each server, so that no server resumes another's sessions."""

    def __init__(self, manners: Manners) -> None:
        super().__init__()
        self._context = context = self._make(manners)
        if not manners.tickets:
            context.num_tickets = 0
            context.options |= ssl.OP_NO_TICKET
        if manners.ask:
            context.load_verify_locations(manners.ask)
            context.verify_mode = ssl.CERT_OPTIONAL

    def get(self, _: server_tls.Flavour) -> ssl.SSLContext:
        return self._context


class _Session(smtpd.Session):
    """One connection, with the further settings."""

    def __init__(
        self, stream: trio.SocketStream, manners: Manners, name: str, contexts: server_tls.Contexts, log: smtpd.Log
    ) -> None:
        super().__init__(stream, manners, contexts, log)
        self._manners = manners
        self._name = name

    async def _dialogue(self) -> None:
        if self._manners.wrapper:
            secure = trio.SSLStream(
                self._tcp, self._contexts.get(self._manners), server_side=True, https_compatible=True
            )
            await secure.do_handshake()
            self._stream = secure
        await super()._dialogue()

    async def _answer(self, line: str) -> None:
        if line.upper() == "QUIT" and self._manners.silent_quit:
            raise smtpd.Done
        await super()._answer(line)

    async def _ehlo(self, _: str) -> None:
        if self._manners.ehlo_tls and self._encrypted:
            await self._say(self._manners.ehlo_tls)
            return
        starttls = ["STARTTLS"] if self._manners.starttls and not self._encrypted else []
        words = [self._name, "PIPELINING", *starttls, "8BITMIME"]
        await self._say("\r\n".join([*(f"250-{word}" for word in words[:-1]), f"250 {words[-1]}"]))


def manners(chain: Path, root: Path, accented: Path) -> dict[tuple[str, int], Manners]:
    """Return every server, by address and port; ``chain`` is the certificate of all of them but one."""
    one, two, three = (f"mail{n}.annex.test" for n in (1, 2, 3))
    made = {
        ("127.66.0.1", 25): Manners(),
        ("127.66.0.2", 25): Manners(names=(one, two, one)),  # a client that stops at the known name comes round
        ("127.66.0.3", 25): Manners(names=(one, two)),
        ("127.66.0.4", 25): Manners(names=(one, two, three)),
        ("127.66.0.5", 25): Manners(tickets=False),
        ("127.66.0.6", 25): Manners(tls="tls12"),
        ("127.66.0.7", 24): Manners(),
        ("127.66.0.7", 2424): Manners(starttls=""),
        ("127.66.0.8", 465): Manners(wrapper=True, starttls=""),
        ("127.66.0.8", 25): Manners(wrapper=True, starttls=""),
        ("127.66.0.9", 25): Manners(ask=str(root)),
        ("127.66.0.10", 25): Manners(ask=str(root), tls="tls12"),
        ("127.66.0.11", 25): Manners(greeting="220-welcome\r\n220-to the annex\r\n220 {name} ESMTP"),
        ("127.66.0.12", 25): Manners(silent_quit=True),
        ("127.66.0.13", 25): Manners(ehlo_tls="554 5.5.0 not twice"),
        ("127.66.0.14", 25): Manners(greeting="220-second\x01\x80 line\r\n220 {name} ESMTP"),
        ("127.66.0.15", 25): Manners(greeting="354 what?"),
        ("127.66.0.16", 25): Manners(starttls="554 5.7.0 never"),
        ("127.66.0.17", 25): Manners(fault="close@starttls"),
        ("127.66.0.18", 25): Manners(fault="reset@greeting", greeting_delay=1.0),
        ("127.66.0.19", 25): Manners(greeting="220 {name} " + 3000 * "x"),
        ("127.66.0.20", 25): Manners(greeting="220 {name} " + 9000 * "x"),
        ("127.66.0.21", 25): Manners(chain=str(accented)),
    }
    return {where: _with(each, str(chain)) for where, each in made.items()}


def _with(each: Manners, chain: str) -> Manners:
    fields = {name: getattr(each, name) for name in Manners.__dataclass_fields__}
    return Manners(**(fields | {"name": NAME, "chain": each.chain or chain}))


def _accented(path: Path) -> Path:
    """Write a self-signed certificate whose name has characters of two and three octets in UTF-8, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Zo\u00eb \u90ae\u4ef6")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


async def _serve(servers: dict[tuple[str, int], Manners], socket: Path, ready: int) -> None:
    log = smtpd.Log(Path(os.devnull).open("a"))  # noqa: ASYNC230, SIM115 - the null device, open until the end
    async with trio.open_nursery() as nursery:
        for (address, port), each in servers.items():
            listener = smtpd.listen(address, port)
            nursery.start_soon(trio.serve_listeners, _Handler(each, log), [listener])
        unix = trio.socket.socket(trio.socket.AF_UNIX)
        await unix.bind(str(socket))
        socket.chmod(0o666)  # noqa: ASYNC240 - before anybody is served
        unix.listen()
        nursery.start_soon(trio.serve_listeners, _relay, [trio.SocketListener(unix)])
        os.write(ready, b"!")
        await trio.sleep_forever()


class _Handler:
    """The connections to one address."""

    def __init__(self, each: Manners, log: smtpd.Log) -> None:
        self._each, self._log = each, log
        self._contexts = _Contexts(each)
        self._count = 0

    async def __call__(self, stream: trio.SocketStream) -> None:
        name = self._each.names[self._count % len(self._each.names)]
        self._count += 1
        await _Session(stream, self._each, name, self._contexts, self._log).run()


async def _relay(near: trio.SocketStream) -> None:
    """Relay the UNIX socket to the LMTP server."""
    far = await trio.open_tcp_stream("127.66.0.7", 24)

    async def pump(source: trio.SocketStream, sink: trio.SocketStream) -> None:
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for data in source:
                await sink.send_all(data)
            await sink.send_eof()

    async with far, near, trio.open_nursery() as nursery:
        nursery.start_soon(pump, near, far)
        nursery.start_soon(pump, far, near)


@contextlib.contextmanager
def running(chain: Path, root: Path, socket: Path) -> Iterator[None]:
    """Run the servers in a process of their own."""
    accented = _accented(socket.with_name("accented.pem"))
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            trio.run(_serve, manners(chain, root, accented), socket, writable)
        finally:
            os._exit(1)
    os.close(writable)
    try:
        if os.read(readable, 1) != b"!":
            raise RuntimeError("the servers did not start")
        yield
    finally:
        os.close(readable)
        os.kill(child, 15)
        os.waitpid(child, 0)
