"""Synthetic certificates as input of OpenSSL, which has no Python binding to check a bare key or a single constraint.

A signature is checked with a synthetic issuer that contains the key. The names of one certificate are checked against
the name constraints of another certificate with a pair of synthetic certificates that contain only these names and
constraints.
"""

from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scanner.core.x509 import der
from scanner.core.x509.certificate import Certificate

_ED25519 = der.encode(der.SEQUENCE, bytes.fromhex("06032b6570"))
_VERSION_3 = bytes.fromhex("a003020102")
_ONE = der.encode(der.INTEGER, b"\x01")
_VALIDITY = der.encode(
    der.SEQUENCE, der.encode(der.UTC_TIME, b"500101000000Z"), der.encode(der.UTC_TIME, b"491231235959Z")
)
_CA = bytes.fromhex("300f0603551d130101ff040530030101ff")
"""The encoded basicConstraints extension of a CA, marked critical."""

_ALT_NAME, _NAME_CONSTRAINTS = bytes.fromhex("0603551d11"), bytes.fromhex("0603551d1e")
_EXTENSIONS = 0xA3


def issuer(subject: Certificate, spki: bytes) -> bytes:
    """Return a synthetic certificate that contains a key, and has the names by which a subject describes its issuer.

    The synthetic certificate has the RFC 3779 resources of the subject, so that OpenSSL judges the resources as if the
    subject were the anchor. The synthetic certificate claims the signature algorithm of the subject, because OpenSSL 4
    does not use a self-issued issuer that has the serial number of the subject and another signature algorithm.
    """
    wanted = subject.extensions.authority
    serial = der.encode(der.INTEGER, wanted.serial.content) if wanted.serial else _ONE
    own_issuer = wanted.issuer or subject.issuer
    extensions = _CA + subject.extensions.resources
    return _certificate(
        serial, own_issuer, subject.issuer, spki, extensions, sign=False, algorithm=subject.claimed_algorithm
    )


def constrained(subject: bytes, alt_names: bytes, constraints: bytes, *, leaf: bool) -> tuple[bytes, ...]:
    """Return a path, leaf first: the anchor contains the name constraints, a certificate below it the checked names.

    Args:
        subject: the subject of the checked certificate, as DER.
        alt_names: the subjectAltName of the checked certificate, as DER; empty if the certificate has no
            subjectAltName.
        constraints: the nameConstraints, as DER.
        leaf: true if the checked certificate is the leaf; otherwise the path starts with a leaf without names.
    """
    names = _extension(_ALT_NAME, alt_names) if alt_names else b""
    limits = _CA + _extension(_NAME_CONSTRAINTS, constraints)
    anchor = _certificate(_ONE, _name(b"anchor"), _name(b"anchor"), _public_key(), limits, sign=True)
    below = b"" if leaf else _CA
    named = _certificate(_ONE, _name(b"anchor"), subject, _public_key(), below + names, sign=True)
    if leaf:
        return named, anchor
    nameless = _certificate(_ONE, subject, der.encode(der.SEQUENCE), _public_key(), b"", sign=True)
    return nameless, named, anchor


def _name(text: bytes) -> bytes:
    """Return a Name with a description attribute only, to which neither name constraints nor CN checks apply."""
    pair = der.encode(der.SEQUENCE, bytes.fromhex("060355040d"), der.encode(0x0C, text))
    return der.encode(der.SEQUENCE, der.encode(der.SET, pair))


def _extension(oid: bytes, value: bytes) -> bytes:
    return der.encode(der.SEQUENCE, oid, der.encode(der.OCTET_STRING, value))


def _certificate(
    serial: bytes,
    issued_by: bytes,
    subject: bytes,
    spki: bytes,
    extensions: bytes,
    *,
    sign: bool,
    algorithm: bytes = _ED25519,
) -> bytes:
    parts = [_VERSION_3, serial, algorithm, issued_by, _VALIDITY, subject, spki]
    if extensions:
        parts.append(der.encode(_EXTENSIONS, der.encode(der.SEQUENCE, extensions)))
    tbs = der.encode(der.SEQUENCE, *parts)
    signature = _key().sign(tbs) if sign else b""
    return der.encode(der.SEQUENCE, tbs, algorithm, der.encode(der.BIT_STRING, b"\0", signature))


@cache
def _key() -> Ed25519PrivateKey:
    """Return the fixed key that signs the certificates of ``constrained``, which makes them reproducible."""
    return Ed25519PrivateKey.from_private_bytes(bytes(32))


@cache
def _public_key() -> bytes:
    return _key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
