"""Certificates that no library makes: a maker of DER, and the chains of the attacks.

Keys are fixed, so that the server process and the scanning process agree on them. A chain of at most 100 KiB passes a
client's own limit (OpenSSL's SSL_MAX_CERT_LIST_DEFAULT).
"""

import secrets
from collections.abc import Iterable
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scanner.core.x509.der import BIT_STRING, INTEGER, OCTET_STRING, OID, SEQUENCE, SET, UTC_TIME, encode

LEAF = ec.derive_private_key(0x1EAF, ec.SECP256R1())
ISSUER = ec.derive_private_key(0x1550E12, ec.SECP256R1())
EDWARDS = ed25519.Ed25519PrivateKey.from_private_bytes(b"1" * 32)

ROOM = 100_000
"""Octets for a chain: somewhat less than the limit of clients."""

SigningKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

_VALID = encode(SEQUENCE, encode(UTC_TIME, b"250101000000Z"), encode(UTC_TIME, b"490101000000Z"))
_DNS_NAME, _UTF8 = 0x82, 0x0C
_TRUE = b"\x01\x01\xff"


def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    return encode(OID, _arcs(dotted))


def _arcs(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    return b"".join(map(_base128, (40 * first + second, *rest)))


def _base128(number: int) -> bytes:
    octets = [number & 0x7F]
    while number := number >> 7:
        octets.append(number & 0x7F | 0x80)
    return bytes(reversed(octets))


def name(*common_names: bytes) -> bytes:
    """Return a Name with common names, each in an RDN of its own."""
    pairs = (encode(SEQUENCE, oid("2.5.4.3"), encode(_UTF8, cn)) for cn in common_names)
    return encode(SEQUENCE, *(encode(SET, pair) for pair in pairs))


def extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    return encode(SEQUENCE, oid(dotted), _TRUE if critical else b"", encode(OCTET_STRING, value))


def alt_names(names: Iterable[bytes]) -> bytes:
    """Return a subjectAltName extension with DNS names."""
    return extension("2.5.29.17", encode(SEQUENCE, *(encode(_DNS_NAME, each) for each in names)))


_CA = extension("2.5.29.19", encode(SEQUENCE, _TRUE), critical=True)


def spki(key: SigningKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


_ALGORITHMS = {
    ec.EllipticCurvePrivateKey: encode(SEQUENCE, oid("1.2.840.10045.4.3.2")),
    ed25519.Ed25519PrivateKey: encode(SEQUENCE, oid("1.3.101.112")),
    rsa.RSAPrivateKey: encode(SEQUENCE, oid("1.2.840.113549.1.1.11"), b"\x05\x00"),
}


def _sign(key: SigningKey, octets: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(octets, ec.ECDSA(hashes.SHA256()))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(octets)


def certificate(
    *extensions: bytes,
    subject: bytes = name(b"mx"),
    issuer: bytes = name(b"Issuer"),
    key: bytes = b"",
    signer: SigningKey = ISSUER,
    serial: int = 1,
) -> bytes:
    """Return a certificate; ``key`` is a SubjectPublicKeyInfo, by default that of ``LEAF``."""
    algorithm = next(octets for kind, octets in _ALGORITHMS.items() if isinstance(signer, kind))
    tbs = encode(
        SEQUENCE,
        encode(0xA0, encode(INTEGER, b"\x02")),
        encode(INTEGER, b"\x01" + serial.to_bytes(4)),
        algorithm,
        issuer,
        _VALID,
        subject,
        key or spki(LEAF),
        encode(0xA3, encode(SEQUENCE, *extensions)) if extensions else b"",
    )
    return encode(SEQUENCE, tbs, algorithm, encode(BIT_STRING, b"\0" + _sign(signer, tbs)))


@cache
def issuer() -> bytes:
    """Return the certificate of ``ISSUER``, self-signed."""
    return certificate(_CA, subject=name(b"Issuer"), key=spki(ISSUER))


# --- the chains of the attacks --------------------------------------------------------------------------------


@cache
def short_names() -> bytes:
    """Return a leaf with 32,000 DNS names of one character, the most that a client accepts."""
    return certificate(alt_names(bytes([0x61 + at % 26]) for at in range(32_000)))


def many_names(seed: int) -> bytes:
    """Return a leaf of 90 KB with 5,400 names that no other leaf has."""
    return certificate(alt_names(b"h%d.%d.test" % (at, seed) for at in range(5400)))


@cache
def long_oid() -> bytes:
    """Return a leaf whose extended key usage is an OBJECT IDENTIFIER of 94 KB, with one arc."""
    return certificate(extension("2.5.29.37", encode(SEQUENCE, encode(OID, b"\x2a" + b"\xff" * 94_000 + b"\x01"))))


@cache
def long_arcs() -> bytes:
    """Return a leaf whose key usages and unknown extension are numbers of 4,400 digits, more than int() prints."""
    arc = encode(OID, b"\x2a" + b"\xff" * 2088 + b"\x01")
    unknown = encode(SEQUENCE, arc, encode(OCTET_STRING, b""))
    return certificate(extension("2.5.29.37", encode(SEQUENCE, *[arc] * 45)), unknown)


@cache
def endless_path() -> bytes:
    """Return a CA certificate as leaf with a path length of 2^64."""
    constraints = encode(SEQUENCE, _TRUE, encode(INTEGER, (1 << 64).to_bytes(9)))
    return certificate(extension("2.5.29.19", constraints, critical=True))


@cache
def many_attributes() -> bytes:
    """Return a leaf whose subject has 6,000 RDNs."""
    return certificate(subject=name(*(b"%d" % at for at in range(6000))))


@cache
def many_extensions() -> bytes:
    return certificate(*(extension(f"1.2.3.{at}", b"") for at in range(7000)))


@cache
def deep_nesting() -> bytes:
    """Return a leaf with a SAN of 20,000 levels of indefinite length."""
    return certificate(extension("2.5.29.17", b"\x30\x80" * 20_000 + b"\0\0" * 20_000))


@cache
def small_chain(count: int) -> tuple[bytes, ...]:
    """Return a leaf and small issuers that all have the same name, so that each could have issued each."""
    same, key = name(b"a"), spki(EDWARDS)
    others = [certificate(_CA, subject=same, issuer=same, key=key, signer=EDWARDS, serial=at) for at in range(count)]
    return certificate(subject=name(b"mx"), issuer=same, signer=EDWARDS), *others


@cache
def slow_key(number: int) -> bytes:
    """Return an RSA key of 3,072 bits with an exponent of the same size: a verification takes 9 ms."""
    del number  # each a key of its own
    modulus, exponent = (secrets.randbits(bits) | 1 | 1 << bits - 1 for bits in (3072, 3064))
    numbers = (encode(INTEGER, b"\0" + modulus.to_bytes(384)), encode(INTEGER, b"\0" + exponent.to_bytes(383)))
    algorithm = encode(SEQUENCE, oid("1.2.840.113549.1.1.1"), b"\x05\x00")
    return encode(SEQUENCE, algorithm, encode(BIT_STRING, b"\0" + encode(SEQUENCE, *numbers)))


@cache
def signed_by_rsa() -> bytes:
    """Return a leaf with the signature of an RSA key of 3,072 bits, which nobody publishes."""
    return certificate(issuer=name(b"Nobody"), signer=rsa.generate_private_key(65537, 3072))


@cache
def explicit_curve() -> bytes:
    """Return a leaf whose EC key has explicit curve parameters, with the values of P-256 (SEC 2 section 2.4.2)."""
    prime = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    base = (
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    )
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    parameters = encode(
        SEQUENCE,
        encode(INTEGER, b"\x01"),
        encode(SEQUENCE, oid("1.2.840.10045.1.1"), encode(INTEGER, b"\0" + prime.to_bytes(32))),
        encode(SEQUENCE, encode(OCTET_STRING, (prime - 3).to_bytes(32)), encode(OCTET_STRING, b.to_bytes(32))),
        encode(OCTET_STRING, b"\x04" + base[0].to_bytes(32) + base[1].to_bytes(32)),
        encode(INTEGER, b"\0" + order.to_bytes(32)),
    )
    numbers = LEAF.public_key().public_numbers()
    point = b"\x04" + numbers.x.to_bytes(32) + numbers.y.to_bytes(32)
    algorithm = encode(SEQUENCE, oid("1.2.840.10045.2.1"), parameters)
    return certificate(key=encode(SEQUENCE, algorithm, encode(BIT_STRING, b"\0" + point)))
