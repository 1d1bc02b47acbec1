"""Hostile mail servers on loopback: ``python -m tests.hostile.manners`` serves addresses of 127.0.0.0/8.

It reads lines ``ADDRESS PORT MANNER`` from its input, prints ``listening`` and serves until it is ended. A manner is a
function of this module's table: it holds one connection.
"""

import contextlib
import functools
import resource
import secrets
import sys
import zlib
from collections.abc import Awaitable, Callable, Iterable, Sequence

import trio
from OpenSSL import SSL, crypto

from tests.hostile import certificates, tls_by_hand
from tests.hostile.certificates import LEAF, SigningKey
from tests.hostile.tls_by_hand import DHE_RSA, ECDHE_ECDSA
from tests.unit import mailserver
from tests.unit.mailserver import MailServer

Manner = Callable[[MailServer, str], Awaitable[None]]

_LONG = 3600.0


# --- dialogue ---------------------------------------------------------------------------------------------------


async def until_tls(server: MailServer) -> None:
    """Hold the dialogue up to the reply to STARTTLS."""
    await server.say(b"220 mx\r\n")
    await server.hear()
    await server.say(b"250-mx\r\n250 STARTTLS\r\n")
    await server.hear()
    await server.say(b"220 go\r\n")


async def after_tls(server: MailServer) -> None:
    await server.hear()
    await server.say(b"250 mx\r\n")
    await server.hear()
    await server.say(b"221 bye\r\n")


def sends(chain: Callable[[str], Sequence[bytes]], key: SigningKey = LEAF) -> Manner:
    """Return the manner of a faultless server with a chain, which may depend on the address."""

    async def manner(server: MailServer, address: str) -> None:
        await until_tls(server)
        await server.secure(_context(tuple(chain(address)), key))
        await after_tls(server)

    return manner


@functools.lru_cache(16)
def _context(chain: tuple[bytes, ...], key: SigningKey) -> SSL.Context:
    made = SSL.Context(SSL.TLS_SERVER_METHOD)
    leaf, *others = [crypto.load_certificate(crypto.FILETYPE_ASN1, der) for der in chain]
    made.set_cipher_list(b"ALL:@SECLEVEL=0")
    made.use_certificate(leaf)
    made.use_privatekey(crypto.PKey.from_cryptography_key(key))
    for each in others:
        made.add_extra_chain_cert(each)
    return made


# --- TLS by hand ------------------------------------------------------------------------------------------------


async def _hello(server: MailServer) -> bytes:
    await until_tls(server)
    return bytes(await server.stream.receive_some())


async def prime(server: MailServer, _address: str) -> None:
    hello = await _hello(server)
    key = mailserver.key("rsa")
    chain = (_rsa_chain(),)
    assert isinstance(key, tls_by_hand.PrivateKey)
    await server.stream.send_all(tls_by_hand.flight(hello, key, chain, DHE_RSA, tls_by_hand.dh_params(10_000)))
    await trio.sleep(_LONG)


@functools.cache
def _rsa_chain() -> bytes:
    shown = crypto.X509.from_cryptography(mailserver.certificate("rsa"))
    return crypto.dump_certificate(crypto.FILETYPE_ASN1, shown)


def flies(chain: Callable[[], Sequence[bytes]]) -> Manner:
    """Return the manner of a server whose first flight has a chain that a TLS library would not send."""

    async def manner(server: MailServer, _address: str) -> None:
        hello = await _hello(server)
        flight = tls_by_hand.flight(hello, LEAF, tuple(chain()), ECDHE_ECDSA, tls_by_hand.ecdh_params())
        await server.stream.send_all(flight)
        await trio.sleep(_LONG)

    return manner


async def huge_message(server: MailServer, _address: str) -> None:
    """Announce a handshake message of 16 MB and send it."""
    await _hello(server)
    opening = tls_by_hand.server_hello(secrets.token_bytes(32), ECDHE_ECDSA) + b"\x0b" + b"\xff" * 3
    await server.stream.send_all(tls_by_hand.records(opening))
    await _flood(server, tls_by_hand.records(bytes(16 * 1024)))


async def _flood(server: MailServer, octets: bytes) -> None:
    while True:
        await server.stream.send_all(octets)


_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a HelloRetryRequest (RFC 8446 section 4.1.3)."""


async def retry_loop(server: MailServer, _address: str) -> None:
    """Ask for another ClientHello again and again, each time with another group."""
    hello = await _hello(server)
    session = hello[44 : 44 + hello[43]]
    for group in (b"\x00\x17", b"\x00\x18", b"\x00\x19", b"\x00\x1d") * 100:
        extensions = b"\x00\x2b\x00\x02\x03\x04" + b"\x00\x33\x00\x02" + group
        body = b"\x03\x03" + _RETRY + tls_by_hand.sized(session, 1) + b"\x13\x01\0" + tls_by_hand.sized(extensions, 2)
        await server.stream.send_all(tls_by_hand.records(tls_by_hand.message(2, body)))
    await trio.sleep(_LONG)


async def renegotiation(server: MailServer, _address: str) -> None:
    """Ask for a new handshake again and again, in TLS 1.2."""
    await until_tls(server)
    context = _context((certificates.certificate(),), LEAF)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    await server.secure(context)
    assert server.tls is not None
    for _ in range(1000):
        server.tls.renegotiate()
        with contextlib.suppress(SSL.Error):
            server.tls.do_handshake()
        await server._flush()
    await after_tls(server)


async def compressed_certificate(server: MailServer, _address: str) -> None:
    """Send a CompressedCertificate (RFC 8879) of a megabyte of zeros, which no client that did not ask may expand."""
    await _hello(server)
    body = b"\x00\x01" + (1 << 20).to_bytes(3) + tls_by_hand.sized(zlib.compress(bytes(1 << 20)), 3)
    hello = tls_by_hand.server_hello(secrets.token_bytes(32), ECDHE_ECDSA)
    await server.stream.send_all(tls_by_hand.records(hello + tls_by_hand.message(25, body)))
    await trio.sleep(_LONG)


# --- replies ----------------------------------------------------------------------------------------------------


async def endless_reply(server: MailServer, _address: str) -> None:
    await _flood(server, b"220-" + b"x" * 500 + b"\r\n")


async def endless_line(server: MailServer, _address: str) -> None:
    await _flood(server, b"x" * 4096)


async def dripping(server: MailServer, _address: str) -> None:
    """Send an octet of the greeting every tenth of a second, without end."""
    while True:
        await server.say(b"2")
        await trio.sleep(0.1)


async def silent(_server: MailServer, _address: str) -> None:
    await trio.sleep(_LONG)


def _seed(address: str) -> int:
    return int(address.replace(".", "")) % 100_000


MANNERS: dict[str, Manner] = {
    "short-names": sends(lambda _: (certificates.short_names(), certificates.issuer())),
    "many-names": sends(lambda address: (certificates.many_names(_seed(address)), certificates.issuer())),
    "long-oid": sends(lambda _: (certificates.long_oid(),)),
    "long-arcs": sends(lambda _: (certificates.long_arcs(),)),
    "endless-path": sends(lambda _: (certificates.endless_path(),)),
    "many-attributes": sends(lambda _: (certificates.many_attributes(),)),
    "many-extensions": sends(lambda _: (certificates.many_extensions(),)),
    "deep-nesting": sends(lambda _: (certificates.deep_nesting(),)),
    "small-chain": sends(lambda _: certificates.small_chain(400)),
    "signed-by-rsa": sends(lambda _: (certificates.signed_by_rsa(),)),
    "plain": sends(lambda _: (certificates.certificate(), certificates.issuer())),
    "prime": prime,
    "explicit-curve": flies(lambda: (certificates.explicit_curve(),)),
    "chain-of-10000": flies(lambda: (certificates.certificate(), *[certificates.small_chain(1)[1]] * 10_000)),
    "huge-message": huge_message,
    "retry-loop": retry_loop,
    "renegotiation": renegotiation,
    "compressed-certificate": compressed_certificate,
    "endless-reply": endless_reply,
    "endless-line": endless_line,
    "dripping": dripping,
    "silent": silent,
}


async def _serve(lines: Iterable[str]) -> None:
    listeners: list[tuple[trio.SocketListener, str, str]] = []
    for address, port, manner in map(str.split, lines):
        (listener,) = await trio.open_tcp_listeners(int(port), host=address)
        listeners.append((listener, address, manner))
    async with trio.open_nursery() as nursery:
        for listener, address, manner in listeners:
            nursery.start_soon(trio.serve_listeners, _handler(address, MANNERS[manner]), [listener])
        sys.stdout.write("listening\n")
        sys.stdout.flush()


def _handler(address: str, manner: Manner) -> Callable[[trio.SocketStream], Awaitable[None]]:
    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            with contextlib.suppress(SSL.Error, EOFError, OSError, trio.BrokenResourceError):
                await manner(MailServer(stream), address)

    return handle


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    trio.run(_serve, sys.stdin.read().splitlines())
