"""The client side of TLS over any trio stream: pyOpenSSL with memory BIOs.

This module does not verify certificates: a handshake succeeds with any certificate or without a certificate, and the
certificate chain is returned as the server sent it. A ``TLSProfile`` defines the TLS versions, ciphers and groups that
the client offers. The OpenSSL options of a connection are those of Postfix: all bug work-arounds, no renegotiation, no
compression, and a missing close_notify is not an error. A handshake with a server that does not support RFC 5746 fails,
as in Postfix.

pyOpenSSL's private bindings are used for three functions that its interface lacks: setting the list of offered groups,
reading the handshake messages (for signature schemes and session tickets), and the check whether a session was resumed.
The private bindings of pyOpenSSL are also used where its interface is slow. The interface of pyOpenSSL creates an
object for each certificate; creating the objects takes as long as reading all other facts of the handshake. Each call
of pyOpenSSL that reads octets allocates 16 KiB, and raises an exception if no octets are available.
"""

import contextlib
import functools
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import trio
from OpenSSL import SSL, crypto
from OpenSSL._util import ffi as _ffi  # type: ignore[attr-defined,unused-ignore]  # private on purpose, see above
from OpenSSL._util import lib as _lib  # type: ignore[attr-defined,unused-ignore]  # private on purpose

from scanner.facts import Handshake
from scanner.net import tls_facts
from scanner.net.failures import PrimeTooLargeError
from scanner.net.signature_schemes import scheme_of
from scanner.net.tls_offer import set_offer
from scanner.net.tls_wire import CHUNK, ByteStream, EncryptedStream, TLSListener
from scanner.settings import TLSProfile

_SNI_LIMIT = 255
"""Maximum length in octets of a server name, in OpenSSL and in the DNS."""

_CONTEXTS = 32
"""Maximum number of cached OpenSSL contexts, one for each profile; a run has at most eleven profiles."""

_OPTIONS = SSL.OP_ALL | SSL.OP_NO_COMPRESSION | _lib.SSL_OP_NO_RENEGOTIATION | _lib.SSL_OP_IGNORE_UNEXPECTED_EOF


@dataclass(frozen=True, slots=True)
class Identity:
    """The paths of the client certificate chain and its key (PEM), for servers that request a certificate."""

    chain: str
    key: str


# --- contexts -----------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=_CONTEXTS)
def context_for(profile: TLSProfile, identity: Identity | None = None) -> SSL.Context:
    """Return the OpenSSL context of a profile, from a cache after the first call.

    Raises:
        ValueError: OpenSSL does not accept the profile or the identity; the message states why.
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    try:
        set_offer(context, profile)
        if identity is not None:
            context.use_certificate_chain_file(identity.chain)
            context.use_privatekey_file(identity.key)
            context.check_privatekey()
    except (SSL.Error, KeyError) as exc:
        raise ValueError(f"TLS profile {profile.name}: {exc}") from exc
    context.set_options(_OPTIONS & ~profile.without | profile.options)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    _lib.SSL_CTX_set_msg_callback(context._context, _on_message)  # noqa: SLF001 - no public interface for messages
    return context


# --- messages -----------------------------------------------------------------------------------------------

_HANDSHAKE_RECORD = 22
_SERVER_HELLO = b"\x02"
_NEW_TICKET = b"\x04"
_SERVER_KEY_EXCHANGE = b"\x0c"
_CERTIFICATE_VERIFY = b"\x0f"
_OBSERVED = {_SERVER_HELLO, _NEW_TICKET, _SERVER_KEY_EXCHANGE, _CERTIFICATE_VERIFY}
_RANDOM_AT, _SESSION_ID_AT = 6, 38  # offsets in a ServerHello: after type and length, version; after the random
_RETRY = bytes.fromhex("CF21AD74E59A6111BE1D8C021E65B891C2A211167ABB8C5E079E09E2C8A8339C")
"""The value of the field random by which a ServerHello is a HelloRetryRequest (RFC 8446 section 4.1.3)."""

_observing: dict[int, "TLSStream"] = {}
"""Streams that are in a handshake or wait for session tickets, by the memory address of their SSL object."""


@_ffi.callback("void(int, int, int, void *, size_t, SSL *, void *)")  # type: ignore[untyped-decorator]
def _on_message(sent: int, _version: int, record: int, data: Any, size: int, ssl: Any, _arg: Any) -> None:
    """Pass a handshake message of a type in ``_OBSERVED`` to the ``TLSStream`` of its connection.

    OpenSSL calls ``_on_message`` for every message of a handshake.
    """
    if record != _HANDSHAKE_RECORD or size == 0:
        return
    if _ffi.buffer(data, 1)[:] in _OBSERVED:
        stream = _observing.get(int(_ffi.cast("uintptr_t", ssl)))
        if stream is not None:
            stream.on_message(bool(sent), _ffi.buffer(data, size)[:])


# --- the stream ---------------------------------------------------------------------------------------------


class TLSStream(EncryptedStream):
    """The client side of one TLS connection over ``stream``, which the caller closes.

    The methods that wait raise ``SSL.Error`` for violations of TLS, ``EOFError`` for the end of the stream during the
    handshake, ``LimitExceededError`` above ``WIRE_LIMIT`` received octets, ``PrimeTooLargeError`` for a Diffie-Hellman
    prime of more than ``largest_prime`` bits, and the errors of ``stream``.
    """

    def __init__(
        self,
        stream: ByteStream,
        context: SSL.Context,
        sni: str | None,
        session: SSL.Session | None = None,
        listener: TLSListener | None = None,
        largest_prime: int | None = None,
        when_large: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(stream, listener, when_large)
        self._largest_prime = largest_prime
        self._prime = 0  # bits of a prime that was refused
        self._sni = sni
        self._connection = SSL.Connection(context, None)
        self._connection.set_connect_state()
        if session is not None:
            self._connection.set_session(session)
        if sni is not None:
            self._set_sni(sni)
        if listener is not None:
            self._connection.set_info_callback(self._on_state)
        self._hello = b""
        self._retried = False
        self._signed = b""  # the message with the server's signature
        self._signed_by_us = b""
        self._resumable = False  # in TLS 1.2, whether the server sent a session id or a ticket
        self.raw_key: bytes | None = None  # OpenSSL's binding does not request raw public keys
        self._tickets = 0  # number of session tickets not yet reported
        self._states: list[str] = []  # handshake states not yet reported
        self._finished = False
        self._unsent = False  # true if our last handshake message is not sent yet
        self._ssl = self._connection._ssl  # noqa: SLF001 - see above
        self._handle = int(_ffi.cast("uintptr_t", self._ssl))  # the SSL pointer of the callback as a number

    async def handshake(self) -> None:
        """Do the handshake.

        Without a listener, the last handshake message of the client is sent after this call: with the first SMTP
        command or before the first wait for octets.
        """
        _observing[self._handle] = self
        self._finished = False
        try:
            while not self._advance():
                await self._flush()
                await self._feed()
            self._finished = self._unsent = True
            if self._listener is not None:
                await self._flush()
                self._tickets += self._resumable and not self.resumed and self._version() != "TLSv1.3"
                self._report(self._listener)
        except SSL.Error:
            with contextlib.suppress(trio.BrokenResourceError):
                await self._flush()  # send our alert, so that the peer's log shows the reason
            raise
        finally:
            if self._listener is None or not self._finished:
                _observing.pop(self._handle, None)

    def on_message(self, sent: bool, message: bytes) -> None:  # noqa: FBT001 - as in the library
        """Record a handshake message that was sent or received."""
        kind = message[:1]
        if sent:
            self._signed_by_us = message if kind == _CERTIFICATE_VERIFY else self._signed_by_us
        elif kind == _SERVER_HELLO:
            self._hello = message
            self._retried = self._retried or message[_RANDOM_AT:_SESSION_ID_AT] == _RETRY
            self._resumable = message[_SESSION_ID_AT : _SESSION_ID_AT + 1] not in {b"", b"\0"}
        elif kind == _NEW_TICKET:
            self._resumable = True
            self._tickets += self._version() == "TLSv1.3"
        else:
            self._signed = message
            if kind == _SERVER_KEY_EXCHANGE and self._largest_prime is not None:
                self._check_prime(message, self._largest_prime)

    def _check_prime(self, message: bytes, largest: int) -> None:
        """Stop the handshake before OpenSSL computes with a Diffie-Hellman prime of more than ``largest`` bits."""
        bits = tls_facts.prime_bits(self._ssl, self._hello, message)
        if bits > largest:
            self._prime = bits
            _lib.SSL_set_shutdown(self._ssl, SSL.RECEIVED_SHUTDOWN)

    def _on_state(self, connection: SSL.Connection, where: int, _result: int) -> None:
        if where & SSL.SSL_CB_LOOP:
            self._states.append(connection.get_state_string().decode("ascii", "replace"))

    def _report(self, listener: TLSListener) -> None:
        """Report to the listener the events that OpenSSL's callbacks recorded.

        A callback does not call the listener itself, because a callback must not raise an exception, and a listener may
        raise one.
        """
        states, self._states = self._states, []
        tickets, self._tickets = self._tickets, 0
        for text in states:
            listener.state(text)
        for _ in range(tickets):
            listener.ticket()

    async def send_all(self, data: bytes) -> None:
        """Encrypt and send octets."""
        while data:
            size = _lib.SSL_write(self._ssl, data, len(data))
            if not self._succeeded(size):
                raise SSL.WantReadError
            data = data[size:]
        await self._flush()

    async def receive_some(self, _max_bytes: int = CHUNK) -> bytes:
        """Return decrypted octets, or empty bytes at the end of the stream, with or without close_notify."""
        while True:
            try:
                size = _lib.SSL_read(self._ssl, _scratch, CHUNK)
                if self._succeeded(size):
                    return _copied(size)
            except SSL.ZeroReturnError:
                return b""
            finally:
                if self._listener is not None:
                    self._report(self._listener)
            if self._unsent:
                await self._flush()
            try:
                await self._feed()
            except EOFError:
                return b""

    async def close_notify(self) -> None:
        """Send close_notify without waiting for the peer's close_notify; a closed connection is not an error."""
        with contextlib.suppress(SSL.Error, trio.BrokenResourceError, trio.ClosedResourceError):
            self._connection.shutdown()
            await self._flush()
        _observing.pop(self._handle, None)

    def facts(self) -> tuple[Handshake, tuple[bytes, ...]]:
        """Return the negotiated parameters, and the DER of each certificate as sent, leaf first."""
        connection = self._connection
        chain = tls_facts.chain(connection)
        version = connection.get_protocol_version_name()
        cipher = connection.get_cipher_name() or ""
        bits, algorithm_bits = tls_facts.strength(connection)
        handshake = Handshake(
            version=version,
            cipher=cipher,
            bits=bits,
            alg_bits=algorithm_bits,
            group=connection.get_group_name(),
            signature=scheme_of(self._signed, version, cipher) if self._signed else None,
            sni=self._sni,
            chain=tuple(hashlib.sha256(der).hexdigest() for der in chain),
            resumed=self.resumed,
            retried=self._retried,
        )
        return handshake, chain

    @property
    def resumed(self) -> bool:
        """True if the handshake resumed an earlier session."""
        return bool(_lib.SSL_session_reused(self._connection._ssl) == 1)  # noqa: SLF001 - no public way

    def own_certificate(self) -> tuple[bytes, str | None] | None:
        """Return the DER of the certificate that the client sent and the scheme of the client's signature, or None."""
        certificate = self._connection.get_certificate()
        if certificate is None or not self._signed_by_us:
            return None
        cipher = self._connection.get_cipher_name() or ""
        der = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
        return der, scheme_of(self._signed_by_us, self._version(), cipher)

    def _version(self) -> str:
        return self._connection.get_protocol_version_name()

    def session(self) -> SSL.Session | None:
        """Return the TLS session that a later connection may resume; in TLS 1.3 only after data has been received."""
        return self._connection.get_session()

    def _set_sni(self, name: str) -> None:
        encoded = name.encode("utf-8", "surrogateescape")  # finger sends the name of the command line as SNI
        if len(encoded) > _SNI_LIMIT:
            raise ValueError(f"server name of {len(encoded)} octets")
        self._connection.set_tlsext_host_name(encoded)

    def _advance(self) -> bool:
        """Continue the handshake with the received octets; return whether the handshake is done."""
        began = time.perf_counter()
        try:
            result = _lib.SSL_do_handshake(self._ssl)
            if self._prime:
                raise PrimeTooLargeError(self._prime, self._largest_prime)
            return self._succeeded(result)
        finally:
            self._note_step(time.perf_counter() - began)
            if self._listener is not None:
                self._report(self._listener)

    def _succeeded(self, result: int) -> bool:
        """Return True if an OpenSSL call succeeded, False if the call needs more octets; raise any other error."""
        if result > 0:
            return True
        if _lib.SSL_get_error(self._ssl, result) != _lib.SSL_ERROR_WANT_READ:
            self._connection._raise_ssl_error(self._ssl, result)  # noqa: SLF001 - pyOpenSSL's translation of errors
        return False

    async def _flush(self) -> None:
        """Send the octets that OpenSSL has produced."""
        self._unsent = False
        size = CHUNK
        while size == CHUNK:
            size = _lib.BIO_read(self._connection._from_ssl, _scratch, CHUNK)  # noqa: SLF001 - see above
            if size > 0:
                data = _copied(size)
                if self._listener is not None:
                    self._listener.wire(sent=True, data=data)
                await self._stream.send_all(data)

    def _decrypt(self, data: bytes) -> None:
        _lib.BIO_write(self._connection._into_ssl, data, len(data))  # noqa: SLF001 - see above


_scratch = _ffi.new("char[]", CHUNK)
"""Buffer into which OpenSSL writes octets.

All TLS streams share the buffer, because allocating a buffer takes longer than an OpenSSL call. The octets are copied
from the buffer after each OpenSSL call.
"""


def _copied(size: int) -> bytes:
    octets: bytes = _ffi.buffer(_scratch, size)[:]
    return octets
