"""The server's first flight of a TLS 1.2 handshake, made octet by octet.

A TLS library refuses to send most of what these tests need, such as a Diffie-Hellman prime of 10,000 bits. The flight
is in plain text up to ServerHelloDone, and the cost to a client arises when it has read that message, so that no key
exchange is needed.
"""

import secrets

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

DHE_RSA = b"\x00\x9e"
"""TLS_DHE_RSA_WITH_AES_128_GCM_SHA256 (RFC 5288)."""

ECDHE_RSA, ECDHE_ECDSA = b"\xc0\x2f", b"\xc0\x2b"
"""TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 and TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (RFC 5289)."""

_TLS12 = b"\x03\x03"
_RENEGOTIATION_INFO = b"\xff\x01\x00\x01\x00"
_CERTIFICATE, _SERVER_HELLO, _KEY_EXCHANGE, _DONE = 11, 2, 12, 14
_RECORD = 16 * 1024


def sized(octets: bytes, length: int) -> bytes:
    """Return octets after their length."""
    return len(octets).to_bytes(length) + octets


def message(kind: int, body: bytes) -> bytes:
    """Return a handshake message (RFC 5246 section 7.4)."""
    return bytes([kind]) + sized(body, 3)


def records(octets: bytes, kind: int = 22) -> bytes:
    """Return octets as records of the largest size; several messages share a record."""
    parts = [octets[at : at + _RECORD] for at in range(0, len(octets), _RECORD)]
    return b"".join(bytes([kind]) + _TLS12 + sized(part, 2) for part in parts)


def client_random(hello: bytes) -> bytes:
    """Return the random of a ClientHello, given its record."""
    return hello[11:43]


def server_hello(random: bytes, cipher: bytes) -> bytes:
    extensions = sized(_RENEGOTIATION_INFO, 2)
    return message(_SERVER_HELLO, _TLS12 + random + b"\0" + cipher + b"\0" + extensions)


def certificate(*chain: bytes) -> bytes:
    return message(_CERTIFICATE, sized(b"".join(sized(der, 3) for der in chain), 3))


def signed(key: PrivateKey, octets: bytes) -> bytes:
    """Return a signature with its scheme (RFC 5246 section 7.4.1.4.1)."""
    if isinstance(key, rsa.RSAPrivateKey):
        return b"\x04\x01" + sized(key.sign(octets, padding.PKCS1v15(), hashes.SHA256()), 2)
    return b"\x04\x03" + sized(key.sign(octets, ec.ECDSA(hashes.SHA256())), 2)


def flight(hello: bytes, key: PrivateKey, chain: tuple[bytes, ...], cipher: bytes, params: bytes) -> bytes:
    """Return ServerHello to ServerHelloDone for a ClientHello, in records that the messages share.

    Args:
        hello: the record with the ClientHello.
        key: the key of the first certificate.
        chain: the certificates.
        cipher: the cipher suite.
        params: the server's key exchange parameters, which are signed.
    """
    random = secrets.token_bytes(32)
    exchange = message(_KEY_EXCHANGE, params + signed(key, client_random(hello) + random + params))
    done = message(_DONE, b"")
    return records(server_hello(random, cipher) + certificate(*chain) + exchange + done)


def dh_params(bits: int) -> bytes:
    """Return parameters with a modulus of that many bits (an odd number: clients do not test for a prime)."""
    modulus = ((1 << bits) - 1).to_bytes((bits + 7) // 8)
    public = secrets.token_bytes(len(modulus) - 1)
    return sized(modulus, 2) + sized(b"\x02", 2) + sized(public, 2)


P256 = b"\x03\x00\x17"


def ecdh_params() -> bytes:
    """Return parameters with the point of a new P-256 key."""
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    return P256 + sized(b"\x04" + numbers.x.to_bytes(32) + numbers.y.to_bytes(32), 1)
