"""A mail server controlled by a test: certificates, TLS contexts and the server end of a memory stream."""

import contextlib
import functools
from datetime import UTC, datetime, timedelta

import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from OpenSSL import SSL
from OpenSSL._util import lib as _lib

Key = CertificateIssuerPrivateKeyTypes

_OTHER = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")


@functools.cache
def key(kind: str) -> Key:
    match kind:
        case "rsa":
            return rsa.generate_private_key(65537, 2048)
        case "rsa1024":
            return rsa.generate_private_key(65537, 1024)  # noqa: S505 - what old servers have
        case "mldsa":
            return mldsa.MLDSA65PrivateKey.generate()
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return ec.generate_private_key(ec.SECP384R1() if kind == "p384" else ec.SECP256R1())


def certificate(kind: str, padding: int = 0) -> x509.Certificate:
    """Return a self-signed certificate of at least ``padding`` octets; equal calls return the same one."""
    return _certificate(kind, padding)


@functools.cache
def _certificate(kind: str, padding: int) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.test")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(name, name, key(kind).public_key(), 1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    if padding:
        builder = builder.add_extension(x509.UnrecognizedExtension(_OTHER, bytes(padding)), critical=False)
    return builder.sign(key(kind), None if kind in ("ed25519", "mldsa") else hashes.SHA256())


def server_context(
    kind: str | None = "p256",
    *,
    version: int | None = None,
    ciphers: str = "ALL",
    padding: int = 0,
    extra: tuple[str, ...] = (),
    ask: bool = False,
    groups: str = "",
) -> SSL.Context:
    """Return the context of a server that sends the certificate ``kind`` and then ``extra``, or no certificate."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(version or SSL.TLS1_VERSION)
    context.set_max_proto_version(version or 0)
    context.set_cipher_list(f"{ciphers}:@SECLEVEL=0".encode())
    context.set_session_id(b"test")
    if kind is not None:
        context.use_certificate(certificate(kind, padding))
        context.use_privatekey(key(kind))  # type: ignore[arg-type]
        for other in extra:
            context.add_extra_chain_cert(certificate(other))
    if groups and _lib.SSL_CTX_set1_curves_list(context._context, groups.encode()) != 1:
        raise ValueError(groups)
    if ask:
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    return context


class MailServer:
    """The server end of a connection: sends and receives octets, in clear text until ``secure``."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.tls: SSL.Connection | None = None
        self._heard = b""

    async def say(self, data: bytes) -> None:
        if self.tls is None:
            await self.stream.send_all(data)
            return
        self.tls.sendall(data)
        await self._flush()

    async def hear(self) -> bytes:
        """Return the next line, or an incomplete one at the end of the stream."""
        while b"\n" not in self._heard:
            data = await self._receive()
            if not data:
                return self._heard
            self._heard += data
        line, self._heard = self._heard.split(b"\n", 1)
        return line + b"\n"

    async def secure(self, context: SSL.Context) -> None:
        tls = self.tls = SSL.Connection(context, None)
        tls.set_accept_state()
        while True:
            try:
                tls.do_handshake()
            except SSL.WantReadError:
                await self._flush()
                data = await self.stream.receive_some()
                if not data:
                    raise EOFError from None
                tls.bio_write(data)
            except SSL.Error:
                await self._flush()
                raise
            else:
                await self._flush()
                return

    async def _receive(self) -> bytes:
        if self.tls is None:
            return bytes(await self.stream.receive_some())
        while True:
            try:
                return self.tls.recv(65536)
            except SSL.ZeroReturnError:
                return b""
            except SSL.WantReadError:
                data = await self.stream.receive_some()
                if not data:
                    return b""
                self.tls.bio_write(data)

    async def _flush(self) -> None:
        assert self.tls is not None
        with contextlib.suppress(SSL.WantReadError):
            while True:
                await self.stream.send_all(self.tls.bio_read(65536))
