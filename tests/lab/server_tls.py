"""TLS of the scripted server: contexts by flavour, made with Python's ssl module or with pyOpenSSL.

Only pyOpenSSL can restrict signatures to SHA-1, and has post-quantum groups and keys.
"""

import contextlib
import contextvars
import ssl
from functools import cache, partial
from typing import Protocol

import trio
from OpenSSL import SSL
from OpenSSL._util import lib as _lib  # type: ignore[attr-defined,unused-ignore]  # no public way to set signatures

CHUNK = 16384  # one TLS record

OFFERED_SNI: contextvars.ContextVar[list[str]] = contextvars.ContextVar("OFFERED_SNI")


class Flavour(Protocol):
    """The members of a behaviour that a TLS context depends on."""

    @property
    def name(self) -> str: ...
    @property
    def chain(self) -> str: ...
    @property
    def second(self) -> str: ...
    @property
    def tls(self) -> str: ...
    @property
    def by_name(self) -> bool: ...


class Contexts:
    """One ``ssl.SSLContext`` for each chain and flavour."""

    def __init__(self) -> None:
        """Start with none."""
        self._known: dict[tuple[str, str, str], ssl.SSLContext] = {}

    def get(self, behaviour: Flavour) -> ssl.SSLContext:
        """Return the TLS context for a behaviour."""
        key = (behaviour.chain, behaviour.tls, behaviour.name if behaviour.by_name else "")
        if key not in self._known:
            self._known[key] = self._make(behaviour)
        return self._known[key]

    @staticmethod
    def _make(behaviour: Flavour) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if behaviour.tls == "anonymous":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("AECDH:@SECLEVEL=0")
        else:
            context.load_cert_chain(behaviour.chain)
            if behaviour.second:
                context.load_cert_chain(behaviour.second)
        if behaviour.tls in ("tls12", "rsa-first"):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if behaviour.tls == "rsa-first":
            context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
            context.set_ciphers("ECDHE+aRSA:ECDHE+aECDSA")
        if behaviour.tls == "tls10":
            # Python says that TLS 1.0 is obsolete, and that is the point
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = ssl.TLSVersion.TLSv1
        context.sni_callback = partial(_take_sni, behaviour.name if behaviour.by_name else "")
        return context


def _take_sni(wanted: str, _ssl: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
    """Note the client's SNI; the result is the alert to send, None to go on."""
    if name is not None:
        OFFERED_SNI.get().append(name)
    return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME if wanted and name != wanted else None


GROUPS = {
    "pq": "X25519MLKEM768:X25519",
    "pq-retry": "SecP256r1MLKEM768:P-256",
    "pq-second": "X25519:SecP256r1MLKEM768",
    "classical": "X25519",
    "classical-retry": "P-384",
}
"""Key exchange groups by flavour; OpenSSL's default offer has key shares for X25519MLKEM768 and X25519."""

LIBRARY = ("sha1", *GROUPS)
"""Flavours whose contexts are made with pyOpenSSL, which brings a newer OpenSSL than Python's ssl module."""


@cache
def library_context(chain: str, second: str, tls: str) -> SSL.Context:
    """Return the context of a server with the key and the certificates of one or two PEM files."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    for file in filter(None, (chain, second)):
        context.use_certificate_chain_file(file)
        context.use_privatekey_file(file)
    if tls != "sha1":
        if _lib.SSL_CTX_set1_curves_list(context._context, GROUPS[tls].encode()) != 1:
            raise RuntimeError(f"this OpenSSL does not have all of {GROUPS[tls]}")
        return context
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(b"ECDHE:@SECLEVEL=0")
    if _lib.SSL_CTX_set1_sigalgs_list(context._context, b"RSA+SHA1:ECDSA+SHA1") != 1:
        raise RuntimeError("this OpenSSL has no SHA-1 signatures")
    return context


class LibraryTLSStream(trio.abc.Stream):
    """A server's end of TLS over ``stream``."""

    def __init__(self, stream: trio.abc.Stream, context: SSL.Context) -> None:
        """Prepare a handshake."""
        self._stream = stream
        self._connection = SSL.Connection(context, None)
        self._connection.set_accept_state()

    @property
    def version(self) -> str:
        """The TLS version."""
        return self._connection.get_protocol_version_name()

    async def do_handshake(self) -> None:
        """Do the handshake; raise SSL.Error after our alert was sent where it fails."""
        while True:
            try:
                self._connection.do_handshake()
            except SSL.WantReadError:
                await self._flush()
                await self._feed()
            except SSL.Error:
                await self._flush()
                raise
            else:
                await self._flush()
                return

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send."""
        self._connection.sendall(bytes(data))
        await self._flush()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the stream below does."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return decrypted octets, none at the end."""
        while True:
            try:
                return self._connection.recv(max_bytes or CHUNK)
            except SSL.ZeroReturnError:
                return b""
            except SSL.WantReadError:
                await self._feed()

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._stream.aclose()

    async def _feed(self) -> None:
        data = await self._stream.receive_some(CHUNK)
        if not data:
            raise trio.BrokenResourceError
        self._connection.bio_write(bytes(data))

    async def _flush(self) -> None:
        with contextlib.suppress(SSL.WantReadError):
            while True:
                await self._stream.send_all(self._connection.bio_read(CHUNK))
