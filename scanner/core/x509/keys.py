"""Public keys and signatures of certificates: their kinds, sizes and strengths, and whether a signature holds.

Everything but the arithmetic of a signature check is read off the DER. Strengths are OpenSSL's security bits,
which its security levels compare (SSL_CTX_set_security_level).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa

from scanner.core.x509 import der

LEVEL_BITS = (0, 80, 112, 128, 192, 256)
"""Security bits that each OpenSSL security level asks for."""


# --- keys -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """A public key's kind (OpenSSL's word), size in bits, and OpenSSL's curve name if it has one."""

    kind: str
    bits: int
    curve: str = ""

    @property
    def strength(self) -> int:
        """Security bits; 0 for a kind that is not known."""
        return _strength(self.kind, self.bits)


_STRENGTHS = {"ED25519": 128, "ED448": 224, "ML-DSA-44": 128, "ML-DSA-65": 192, "ML-DSA-87": 256}
_FACTORING = ("RSA", "RSA-PSS", "DSA")

_KINDS = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.10": "RSA-PSS",
    "1.2.840.10040.4.1": "DSA",
    "1.2.840.10045.2.1": "EC",
    "1.3.101.112": "ED25519",
    "1.3.101.113": "ED448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}

_CURVES = {
    "1.2.840.10045.3.1.1": ("prime192v1", 192),
    "1.2.840.10045.3.1.7": ("prime256v1", 256),
    "1.3.132.0.33": ("secp224r1", 224),
    "1.3.132.0.34": ("secp384r1", 384),
    "1.3.132.0.35": ("secp521r1", 521),
    "1.3.132.0.10": ("secp256k1", 256),
    "1.3.36.3.3.2.8.1.1.7": ("brainpoolP256r1", 256),
    "1.3.36.3.3.2.8.1.1.11": ("brainpoolP384r1", 384),
    "1.3.36.3.3.2.8.1.1.13": ("brainpoolP512r1", 512),
}

EXPLICIT = "explicit"
"""Stands for a curve that is spelled out instead of named (RFC 5480 forbids it)."""


@lru_cache(maxsize=256)  # few kinds and sizes are in use
def _strength(kind: str, bits: int) -> int:
    return _STRENGTHS.get(kind, 0) or _factoring(kind, bits) or _curve(kind, bits)


def _factoring(kind: str, bits: int) -> int:
    """The number field sieve's cost for a modulus, rounded to a multiple of 8 (NIST SP 800-56B appendix D)."""
    if kind not in _FACTORING or bits < 8:  # noqa: PLR2004 - log(log(x)) has to exist
        return 0
    x = bits * math.log(2)
    cost = (1.923 * math.cbrt(x * math.log(x) ** 2) - 4.69) / math.log(2)
    return (int(cost) + 4) & ~7


def _curve(kind: str, bits: int) -> int:
    if kind != "EC":
        return 0
    steps = ((512, 256), (384, 192), (256, 128), (224, 112), (160, 80))
    return next((strength for least, strength in steps if bits >= least), bits // 2)


@lru_cache(maxsize=4096)
def key(spki: bytes) -> Key:
    """Describe a SubjectPublicKeyInfo.

    Raises:
        DERError: it is none.
    """
    try:
        return _key(spki)
    except (ValueError, IndexError) as error:  # too few parts, or parts of parts
        raise der.DERError(f"no public key: {error}") from error


def _key(spki: bytes) -> Key:
    algorithm, public = der.children(der.whole(spki, der.SEQUENCE))[:2]
    parts = der.children(algorithm)
    oid = der.oid(parts[0])
    kind = _KINDS.get(oid, oid)
    if kind in ("RSA", "RSA-PSS"):
        return Key(kind, der.integer(der.children(der.read(der.bits(public)))[0]).bit_length())
    if kind == "EC":
        return _ec_key(parts)
    if kind == "DSA":
        return Key(kind, der.integer(der.children(parts[1])[0]).bit_length())
    return Key(kind, _FIXED_BITS.get(kind, 8 * len(der.bits(public))))


_FIXED_BITS = {"ED25519": 253, "ED448": 456}  # as OpenSSL reports them


def _ec_key(parts: list[der.TLV]) -> Key:
    parameters = parts[1]
    if parameters.tag == der.OID:
        oid = der.oid(parameters)
        name, bits = _CURVES.get(oid, (oid, 0))
        return Key("EC", bits, name)
    version_field_rest = der.children(der.expect(parameters, der.SEQUENCE))
    prime = der.children(version_field_rest[1])[1]
    return Key("EC", der.integer(prime).bit_length() if prime.tag == der.INTEGER else 0, EXPLICIT)


# --- signatures -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A signature algorithm: OpenSSL's long name, the kind of key it takes, and its hash ("" for none)."""

    name: str
    kind: str = ""
    digest: str = ""
    salt: int = 0

    @property
    def strength(self) -> int:
        """Security bits; 0 for one that is not known."""
        return _HASH_STRENGTHS.get(self.digest, 0) or _STRENGTHS.get(self.kind, 0)


_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "md5": hashes.MD5,
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_HASH_STRENGTHS = {"md5": 39, "sha1": 63, "sha224": 112, "sha256": 128, "sha384": 192, "sha512": 256}
"""MD5 and SHA-1 count for less than half their length since collisions can be made."""

_HASH_OIDS = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.4": "sha224",
}

_ALGORITHMS = {
    "1.2.840.113549.1.1.2": Algorithm("md2WithRSAEncryption", "RSA", "md2"),
    "1.2.840.113549.1.1.4": Algorithm("md5WithRSAEncryption", "RSA", "md5"),
    "1.2.840.113549.1.1.5": Algorithm("sha1WithRSAEncryption", "RSA", "sha1"),
    "1.2.840.113549.1.1.11": Algorithm("sha256WithRSAEncryption", "RSA", "sha256"),
    "1.2.840.113549.1.1.12": Algorithm("sha384WithRSAEncryption", "RSA", "sha384"),
    "1.2.840.113549.1.1.13": Algorithm("sha512WithRSAEncryption", "RSA", "sha512"),
    "1.2.840.113549.1.1.14": Algorithm("sha224WithRSAEncryption", "RSA", "sha224"),
    "1.2.840.10045.4.1": Algorithm("ecdsa-with-SHA1", "EC", "sha1"),
    "1.2.840.10045.4.3.1": Algorithm("ecdsa-with-SHA224", "EC", "sha224"),
    "1.2.840.10045.4.3.2": Algorithm("ecdsa-with-SHA256", "EC", "sha256"),
    "1.2.840.10045.4.3.3": Algorithm("ecdsa-with-SHA384", "EC", "sha384"),
    "1.2.840.10045.4.3.4": Algorithm("ecdsa-with-SHA512", "EC", "sha512"),
    "1.2.840.10040.4.3": Algorithm("dsaWithSHA1", "DSA", "sha1"),
    "2.16.840.1.101.3.4.3.2": Algorithm("dsa_with_SHA256", "DSA", "sha256"),
    "1.3.101.112": Algorithm("ED25519", "ED25519"),
    "1.3.101.113": Algorithm("ED448", "ED448"),
    "2.16.840.1.101.3.4.3.17": Algorithm("ML-DSA-44", "ML-DSA-44"),
    "2.16.840.1.101.3.4.3.18": Algorithm("ML-DSA-65", "ML-DSA-65"),
    "2.16.840.1.101.3.4.3.19": Algorithm("ML-DSA-87", "ML-DSA-87"),
}

_PSS = "1.2.840.113549.1.1.10"


@lru_cache(maxsize=256)  # a few dozen exist
def algorithm(raw: bytes) -> Algorithm:
    """Describe an AlgorithmIdentifier; one that is not known has its dotted number as name.

    Raises:
        DERError: it is none.
    """
    try:
        first, *parameters = der.children(der.whole(raw, der.SEQUENCE))
        oid = der.oid(first)
        return _pss(parameters) if oid == _PSS else _ALGORITHMS.get(oid, Algorithm(oid))
    except (ValueError, IndexError) as error:
        raise der.DERError(f"no algorithm: {error}") from error


def _pss(parameters: list[der.TLV]) -> Algorithm:
    """RSASSA-PSS names its hash and salt length in its parameters (RFC 4055 section 3.1)."""
    given = {part.tag: der.read(part.content) for part in der.children(parameters[0])} if parameters else {}
    digest, salt = given.get(0xA0), given.get(0xA2)
    named = _HASH_OIDS.get(der.oid(der.children(digest)[0]), "") if digest else "sha1"
    return Algorithm("rsassaPss", "RSA-PSS", named, der.integer(salt) if salt else 20)


@lru_cache(maxsize=16384)  # a verdict and a key of octets each; issuers' signatures come back all the time
def signed_by(tbs: bytes, raw_algorithm: bytes, signature: bytes, spki: bytes) -> bool | None:
    """Tell whether a key made a signature.

    Args:
        tbs: the octets signed.
        raw_algorithm: the AlgorithmIdentifier of the signature, DER.
        signature: its octets.
        spki: the SubjectPublicKeyInfo of the supposed signer, DER.

    Returns:
        None if the key cannot be used or the algorithm is not known: then nobody could tell.
    """
    try:
        public = serialization.load_der_public_key(spki)
        return _check(public, algorithm(raw_algorithm), signature, tbs)
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _check(public: object, how: Algorithm, signature: bytes, tbs: bytes) -> bool | None:
    """Check by the kind of key; None for a kind that cannot have made this kind of signature.

    Raises:
        InvalidSignature: the signature does not hold.
    """
    digest = _HASHES[how.digest]() if how.digest in _HASHES else None
    if isinstance(public, rsa.RSAPublicKey) and digest and how.kind in ("RSA", "RSA-PSS"):
        pss = padding.PSS(padding.MGF1(digest), how.salt)
        public.verify(signature, tbs, pss if how.kind == "RSA-PSS" else padding.PKCS1v15(), digest)
    elif isinstance(public, ec.EllipticCurvePublicKey) and digest and how.kind == "EC":
        public.verify(signature, tbs, ec.ECDSA(digest))
    elif isinstance(public, dsa.DSAPublicKey) and digest and how.kind == "DSA":
        public.verify(signature, tbs, digest)
    elif isinstance(public, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey) and not digest:
        public.verify(signature, tbs)
    else:
        return None
    return True
