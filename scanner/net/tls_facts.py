"""Facts of a TLS connection that pyOpenSSL lacks or returns slowly, read with pyOpenSSL's private bindings."""

from typing import Any

from OpenSSL import SSL
from OpenSSL._util import ffi as _ffi  # type: ignore[attr-defined,unused-ignore]  # private on purpose, see above
from OpenSSL._util import lib as _lib  # type: ignore[attr-defined,unused-ignore]  # private on purpose

_CHUNK = 16 * 1024
_HEADER = 4  # type and length of a handshake message
_SESSION_ID_AT = 38  # offset in a ServerHello: after type and length, version, random
_FINITE_FIELD = ("DHE-", "ADH-")
"""Beginnings of OpenSSL's names of cipher suites with finite-field Diffie-Hellman."""

_scratch = _ffi.new("char[]", _CHUNK)
_certificate_bio = _ffi.gc(_lib.BIO_new(_lib.BIO_s_mem()), _lib.BIO_free)
"""Memory BIO that all calls share for the encoding of certificates, emptied after each certificate."""


def chain(connection: SSL.Connection) -> tuple[bytes, ...]:
    """Return the DER of each certificate as sent, leaf first."""
    stack = _lib.SSL_get_peer_cert_chain(connection._ssl)  # noqa: SLF001 - see above
    count = 0 if stack == _ffi.NULL else _lib.sk_X509_num(stack)
    return tuple([_der(_lib.sk_X509_value(stack, index)) for index in range(count)])


def _der(certificate: Any) -> bytes:
    """Return the DER encoding of a certificate (an ``X509 *`` of OpenSSL)."""
    if _lib.i2d_X509_bio(_certificate_bio, certificate) != 1:
        raise MemoryError("no room for a certificate")
    octets = b""
    size = _CHUNK
    while size == _CHUNK:
        size = _lib.BIO_read(_certificate_bio, _scratch, _CHUNK)
        octets += _ffi.buffer(_scratch, size)[:] if size > 0 else b""
    return octets


def strength(connection: SSL.Connection) -> tuple[int, int]:
    """Return the number of secret bits of the cipher, and the key size of its algorithm, which pyOpenSSL lacks."""
    algorithm = _ffi.new("int *")
    cipher = _lib.SSL_get_current_cipher(connection._ssl)  # noqa: SLF001 - no public way
    return _lib.SSL_CIPHER_get_bits(cipher, algorithm), algorithm[0]


def prime_bits(ssl: Any, hello: bytes, exchange: bytes) -> int:
    """Return the size in bits of the prime in a ServerKeyExchange message of finite-field Diffie-Hellman.

    Args:
        ssl: the ``SSL *`` of the connection.
        hello: the ServerHello message, which names the cipher suite.
        exchange: the ServerKeyExchange message (RFC 5246 section 7.4.3).

    Returns:
        The number of bits; 0 if the key exchange is not finite-field Diffie-Hellman.
    """
    size = int.from_bytes(exchange[_HEADER : _HEADER + 2])
    if len(exchange) < size or not _suite(ssl, hello).startswith(_FINITE_FIELD):
        return 0
    return int.from_bytes(exchange[_HEADER + 2 : _HEADER + 2 + size]).bit_length()


def _suite(ssl: Any, hello: bytes) -> str:
    """Return OpenSSL's name of the cipher suite in a ServerHello; empty if OpenSSL has no name for the suite."""
    at = _SESSION_ID_AT + 1 + int.from_bytes(hello[_SESSION_ID_AT : _SESSION_ID_AT + 1])
    code = hello[at : at + 2]
    cipher = _find(ssl, code)
    return "" if cipher == _ffi.NULL else _name(cipher)


def _find(ssl: Any, code: bytes) -> Any:
    return _lib.SSL_CIPHER_find(ssl, code) if len(code) == 2 else _ffi.NULL  # noqa: PLR2004 - octets of a suite


def _name(cipher: Any) -> str:
    return str(_ffi.string(_lib.SSL_CIPHER_get_name(cipher)).decode("ascii"))


def suite(code: bytes) -> tuple[str, int, int] | None:
    """Return OpenSSL's name of a cipher suite, its number of secret bits, and the key size of its algorithm in bits.

    Args:
        code: the two octets of the suite in the IANA registry "TLS Cipher Suites".

    Returns:
        None if OpenSSL does not know the suite.
    """
    connection = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
    cipher = _find(connection._ssl, code)  # noqa: SLF001 - no public way
    if cipher == _ffi.NULL:
        return None
    algorithm = _ffi.new("int *")
    bits = _lib.SSL_CIPHER_get_bits(cipher, algorithm)
    return _name(cipher), bits, algorithm[0]
