"""The client side of TLS with raw public keys (RFC 7250), which pyOpenSSL lacks: GnuTLS, called by ctypes.

GnuTLS reads and writes one end of a socket pair, so that GnuTLS needs no callbacks; this module moves the octets
between the other end of the socket pair and the stream of the connection. Each step of the handshake runs in a thread,
so that a deadline also ends a step that a server makes slow, for example with a very large key. Certificates and keys
are not verified.
"""

import contextlib
import ctypes
import functools
import hashlib
import re
import socket
import time
import weakref
from collections.abc import Callable
from typing import Any

import trio
from OpenSSL import crypto

from scanner.facts import Handshake
from scanner.net import tls_facts
from scanner.net.failures import GnuTLSError
from scanner.net.tls_wire import CHUNK, ByteStream, EncryptedStream, TLSListener
from scanner.settings import TLSProfile

LIBRARY = "libgnutls.so.30"

_CLIENT, _NONBLOCK, _NO_SIGNAL, _NO_TICKETS, _ENABLE_RAWPK = 1 << 1, 1 << 3, 1 << 6, 1 << 10, 1 << 18
_AGAIN, _INTERRUPTED, _WARNING_ALERT, _FATAL_ALERT, _REHANDSHAKE = -28, -52, -16, -12, -37
_PREMATURE_END = -110
_CERTIFICATE, _DNS_NAME, _SERVER_TYPE, _RAW_KEY, _SEND_ONLY = 1, 1, 1, 3, 1
_CONTINUE = (_AGAIN, _INTERRUPTED, _WARNING_ALERT, _REHANDSHAKE)
"""Results of a GnuTLS call after which the call is repeated; a server's request for renegotiation is ignored."""

_MAX_CHAIN = 100
"""Maximum number of certificates of a chain; GnuTLS also limits the octets of a handshake message with a chain."""

_VERSIONS = {"TLSv1": "TLS1.0", "TLSv1.1": "TLS1.1", "TLSv1.2": "TLS1.2", "TLSv1.3": "TLS1.3"}
_NAMES = {gnutls: ours for ours, gnutls in _VERSIONS.items()}

_SCHEMES = {
    "eddsa_ed25519": "ed25519",
    "eddsa_ed448": "ed448",
    "ecdsa_sha256": "ecdsa_secp256r1_sha256",
    "ecdsa_sha384": "ecdsa_secp384r1_sha384",
    "ecdsa_sha512": "ecdsa_secp521r1_sha512",
} | {f"rsa_sha{bits}": f"rsa_pkcs1_sha{bits}" for bits in (1, 256, 384, 512)}
"""IANA names of TLS signature schemes by GnuTLS's names in lower case, for the schemes whose two names differ."""


class _Datum(ctypes.Structure):
    """GnuTLS's ``gnutls_datum_t``: octets and their number."""

    _fields_ = (("data", ctypes.POINTER(ctypes.c_ubyte)), ("size", ctypes.c_uint))


_POINTER, _INT, _UINT, _SIZE, _TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint, ctypes.c_size_t, ctypes.c_char_p
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "init": (_INT, (_POINTER, _UINT)),
    "deinit": (None, (_POINTER,)),
    "certificate_allocate_credentials": (_INT, (_POINTER,)),
    "certificate_free_credentials": (None, (_POINTER,)),
    "credentials_set": (_INT, (_POINTER, _INT, _POINTER)),
    "priority_set_direct": (_INT, (_POINTER, _TEXT, _POINTER)),
    "server_name_set": (_INT, (_POINTER, _INT, _TEXT, _SIZE)),
    "transport_set_int2": (None, (_POINTER, _INT, _INT)),
    "handshake": (_INT, (_POINTER,)),
    "handshake_set_timeout": (None, (_POINTER, _UINT)),
    "record_send": (ctypes.c_ssize_t, (_POINTER, _TEXT, _SIZE)),
    "record_recv": (ctypes.c_ssize_t, (_POINTER, _POINTER, _SIZE)),
    "bye": (_INT, (_POINTER, _INT)),
    "alert_send_appropriate": (_INT, (_POINTER, _INT)),
    "alert_get": (_INT, (_POINTER,)),
    "alert_get_name": (_TEXT, (_INT,)),
    "strerror": (_TEXT, (_INT,)),
    "protocol_get_version": (_INT, (_POINTER,)),
    "protocol_get_name": (_TEXT, (_INT,)),
    "ciphersuite_get": (_TEXT, (_POINTER,)),
    "cipher_suite_info": (_TEXT, (_SIZE, _TEXT, _POINTER, _POINTER, _POINTER, _POINTER)),
    "group_get": (_INT, (_POINTER,)),
    "group_get_name": (_TEXT, (_INT,)),
    "sign_algorithm_get": (_INT, (_POINTER,)),
    "sign_get_name": (_TEXT, (_INT,)),
    "certificate_type_get2": (_INT, (_POINTER, _INT)),
    "certificate_get_peers": (ctypes.POINTER(_Datum), (_POINTER, _POINTER)),
}
"""Result type and argument types of the GnuTLS functions that this module calls, by their names without ``gnutls_``."""


@functools.cache
def _library() -> Any:
    """Return the loaded library GnuTLS with typed functions.

    Raises:
        OSError: the library cannot be loaded.
        AttributeError: the library lacks a function that this module calls.
    """
    library = ctypes.CDLL(LIBRARY)
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, f"gnutls_{name}")
        function.restype, function.argtypes = result, arguments
    return library


def available() -> bool:
    """Return whether the library GnuTLS can be loaded and has all functions that this module calls."""
    try:
        _library()
    except (OSError, AttributeError):
        return False
    return True


def priorities(profile: TLSProfile) -> str:
    """Return GnuTLS's priority string of an offer: the TLS versions of a profile, and raw public keys before X.509.

    The offered ciphers and key exchange groups are those of GnuTLS's ``NORMAL``, because OpenSSL's lists have no
    equivalent in GnuTLS.
    """
    names = list(_VERSIONS)
    first = names.index(profile.min_version) if profile.min_version in names else 0
    last = names.index(profile.max_version) + 1 if profile.max_version in names else len(names)
    versions = "".join(f":+VERS-{_VERSIONS[name]}" for name in reversed(names[first:last]))
    return f"NORMAL:-VERS-ALL{versions}:-CTYPE-SRV-ALL:+CTYPE-SRV-RAWPK:+CTYPE-SRV-X509"


class RawKeyStream(EncryptedStream):
    """The client's end of one TLS connection that requests a raw public key, over ``stream``, which the caller closes.

    The methods that wait raise ``GnuTLSError`` for violations of TLS, ``EOFError`` for the end of the stream during the
    handshake, ``LimitExceededError`` above ``WIRE_LIMIT`` received octets, and the errors of ``stream``.

    Raises:
        GnuTLSError: GnuTLS does not accept the offer or the server name.
    """

    def __init__(self, stream: ByteStream, profile: TLSProfile, sni: str | None, listener: TLSListener | None) -> None:
        super().__init__(stream, listener)
        self._lib = _library()
        self._sni = sni
        self._unread = 0
        self._ours, self._theirs = socket.socketpair()
        self._ours.settimeout(0)
        self._theirs.settimeout(0)
        self._session, self._credentials = _POINTER(), _POINTER()
        flags = _CLIENT | _NONBLOCK | _NO_SIGNAL | _NO_TICKETS | _ENABLE_RAWPK
        self._check(self._lib.gnutls_init(ctypes.byref(self._session), flags))
        self._check(self._lib.gnutls_certificate_allocate_credentials(ctypes.byref(self._credentials)))
        # A thread that outlives its deadline holds this object, so the memory is freed after the thread has ended.
        weakref.finalize(
            self, _free, self._lib, self._session, self._credentials, self._ours, self._theirs
        ).atexit = False
        self._configure(profile)

    def _configure(self, profile: TLSProfile) -> None:
        lib, session = self._lib, self._session
        self._check(lib.gnutls_credentials_set(session, _CERTIFICATE, self._credentials))
        self._check(lib.gnutls_priority_set_direct(session, priorities(profile).encode("ascii"), None))
        if self._sni is not None:
            name = self._sni.encode("utf-8", "surrogateescape")
            self._check(lib.gnutls_server_name_set(session, _DNS_NAME, name, len(name)))
        lib.gnutls_handshake_set_timeout(session, 0)  # the caller's deadline applies
        lib.gnutls_transport_set_int2(session, self._theirs.fileno(), self._theirs.fileno())

    def _check(self, code: int) -> int:
        """Return the result of a GnuTLS call; raise ``GnuTLSError`` if the result is negative."""
        if code < 0:
            raise GnuTLSError(self._text(code))
        return code

    def _text(self, code: int) -> str:
        text = f"GnuTLS: {_decoded(self._lib.gnutls_strerror(code))}"
        if code == _FATAL_ALERT:
            text += f" ({_decoded(self._lib.gnutls_alert_get_name(self._lib.gnutls_alert_get(self._session)))})"
        return text

    async def handshake(self) -> None:
        """Do the TLS handshake; each step runs in a thread, which this task abandons if the task is cancelled."""
        while (code := await trio.to_thread.run_sync(self._advance, abandon_on_cancel=True)) != 0:
            if code not in _CONTINUE:
                self._lib.gnutls_alert_send_appropriate(self._session, code)
                with contextlib.suppress(trio.BrokenResourceError):
                    await self._flush()
                raise GnuTLSError(self._text(code))
            await self._refill(code)
        await self._flush()

    def _advance(self) -> int:
        began = time.perf_counter()
        code: int = self._lib.gnutls_handshake(self._session)
        self._note_step(time.perf_counter() - began)
        return code

    async def send_all(self, data: bytes) -> None:
        """Encrypt and send octets."""
        while data:
            size = self._lib.gnutls_record_send(self._session, data, len(data))
            if size > 0:
                data = data[size:]
            elif size not in _CONTINUE:
                raise GnuTLSError(self._text(size))
            await self._flush()

    async def receive_some(self, _max_bytes: int = CHUNK) -> bytes:
        """Return decrypted octets, or empty bytes at the end of the stream, with or without close_notify."""
        buffer = ctypes.create_string_buffer(CHUNK)
        while True:
            size = self._lib.gnutls_record_recv(self._session, buffer, CHUNK)
            if size > 0:
                return buffer.raw[:size]
            if size in (0, _PREMATURE_END):
                return b""
            if size not in _CONTINUE:
                raise GnuTLSError(self._text(size))
            try:
                await self._refill(size)
            except EOFError:
                return b""

    async def close_notify(self) -> None:
        """Send close_notify without waiting for the peer's close_notify; a closed connection is not an error."""
        self._lib.gnutls_bye(self._session, _SEND_ONLY)
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await self._flush()
        self._ours.close()

    def own_certificate(self) -> None:
        """Return None: no client certificate is sent."""

    def session(self) -> None:
        """Return None: TLS sessions are not resumed."""

    def facts(self) -> tuple[Handshake, tuple[bytes, ...]]:
        """Return the negotiated parameters, and the DER of each certificate that the server sent.

        A server that sent a raw public key has sent no certificate.
        """
        lib, session = self._lib, self._session
        sent = () if self._has_raw_key else self._peers()
        chain = tuple(_as_openssl_reads(der, crypto.load_certificate, crypto.dump_certificate) for der in sent)
        name = _decoded(lib.gnutls_protocol_get_name(lib.gnutls_protocol_get_version(session)))
        cipher, bits, algorithm_bits = _suite(lib, _decoded(lib.gnutls_ciphersuite_get(session)))
        handshake = Handshake(
            version=_NAMES.get(name, name),
            cipher=cipher,
            bits=bits,
            alg_bits=algorithm_bits,
            group=_decoded(lib.gnutls_group_get_name(lib.gnutls_group_get(session))).lower() or None,
            signature=_scheme(_decoded(lib.gnutls_sign_get_name(lib.gnutls_sign_algorithm_get(session)))),
            sni=self._sni,
            chain=tuple(hashlib.sha256(der).hexdigest() for der in chain),
        )
        return handshake, chain

    @property
    def raw_key(self) -> bytes | None:
        """The DER of the server's SubjectPublicKeyInfo if the server sent a raw public key, else None."""
        sent = self._peers() if self._has_raw_key else ()
        return _as_openssl_reads(sent[0], crypto.load_publickey, crypto.dump_publickey) if sent else None

    @property
    def _has_raw_key(self) -> bool:
        return bool(self._lib.gnutls_certificate_type_get2(self._session, _SERVER_TYPE) == _RAW_KEY)

    def _peers(self) -> tuple[bytes, ...]:
        count = _UINT()
        found = self._lib.gnutls_certificate_get_peers(self._session, ctypes.byref(count))
        number = min(count.value, _MAX_CHAIN) if found else 0
        return tuple(ctypes.string_at(found[index].data, found[index].size) for index in range(number))

    async def _refill(self, code: int) -> None:
        """Send the octets from GnuTLS; wait for octets of the stream if GnuTLS needs more than the received octets.

        If GnuTLS has left received octets unread, for example after a session ticket, this method does not wait.
        """
        await self._flush()
        unread, self._unread = self._unread, self._left()
        if code == _AGAIN and unread == self._unread == 0:
            await self._feed()
            self._unread = self._left()
        else:
            await trio.lowlevel.checkpoint()  # a deadline also ends repeated calls

    def _left(self) -> int:
        """Return the number of received octets that GnuTLS has not read, at most ``CHUNK``."""
        try:
            return len(self._theirs.recv(CHUNK, socket.MSG_PEEK))
        except BlockingIOError:
            return 0

    async def _flush(self) -> None:
        """Send the octets that GnuTLS has produced."""
        with contextlib.suppress(BlockingIOError):
            while data := self._ours.recv(CHUNK):
                if self._listener is not None:
                    self._listener.wire(sent=True, data=data)
                await self._stream.send_all(data)

    def _decrypt(self, data: bytes) -> None:
        self._ours.sendall(data)  # GnuTLS has read all earlier octets


def _free(lib: Any, session: Any, credentials: Any, *ends: socket.socket) -> None:
    lib.gnutls_deinit(session)
    lib.gnutls_certificate_free_credentials(credentials)
    for end in ends:
        end.close()


def _as_openssl_reads(der: bytes, load: Callable[..., Any], dump: Callable[..., bytes]) -> bytes:
    """Return a certificate or key (DER) in OpenSSL's DER encoding, the form that other modules expect.

    Raises:
        GnuTLSError: OpenSSL cannot decode the octets.
    """
    try:
        return bytes(dump(crypto.FILETYPE_ASN1, load(crypto.FILETYPE_ASN1, der)))
    except crypto.Error as error:
        raise GnuTLSError("OpenSSL cannot decode the server's certificate or key, which GnuTLS accepted") from error


def _decoded(text: bytes | None) -> str:
    return (text or b"").decode("ascii", "replace")


def _scheme(name: str) -> str | None:
    """Return the IANA name of a signature scheme for GnuTLS's name."""
    lower = name.lower().replace("-", "_")
    return _SCHEMES.get(lower, lower) or None


def _suite(lib: Any, name: str) -> tuple[str, int, int]:
    """Return OpenSSL's name of a cipher suite, its number of secret bits, and the key size of its algorithm in bits."""
    code = _codes(lib).get(_normal(name), b"")
    return tls_facts.suite(code) or (name, 0, 0)


def _codes(lib: Any) -> dict[str, bytes]:
    """Return the IANA numbers (two octets) of GnuTLS's cipher suites, by name."""
    codes: dict[str, bytes] = {}
    code = ctypes.create_string_buffer(2)
    while name := lib.gnutls_cipher_suite_info(len(codes), code, None, None, None, None):
        codes[_normal(_decoded(name))] = code.raw
    return codes


def _normal(name: str) -> str:
    """Return a form of the name of a cipher suite that is equal for the two names that GnuTLS has for the suite."""
    return re.sub(r"^(GNUTLS|TLS)_|WITH_|(?<=_POLY1305)_SHA256$|(?<=_SHA)1$", "", name)
