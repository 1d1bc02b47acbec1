"""Types, sizes and strengths of the public keys and signature algorithms in certificates, decoded from the DER.

The strength of a key or signature algorithm is its number of security bits, for which each OpenSSL security level has a
minimum (SSL_CTX_set_security_level). Signatures are checked by OpenSSL (see ``issuing``).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from scanner.core.x509 import der
from scanner.core.x509.cache import remembered
from scanner.core.x509.der import TLV

LEVEL_BITS = (0, 80, 112, 128, 192, 256)
"""Minimum number of security bits for each OpenSSL security level."""


# --- keys -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """The type (OpenSSL's label), size in bits and, if any, OpenSSL curve name of a public key."""

    kind: str
    bits: int
    curve: str = ""

    @property
    def strength(self) -> int:
        """The security bits of the key; 0 for an unknown key type."""
        return _strength(self.kind, self.bits)


_SLH_DSA = {
    f"2.16.840.1.101.3.4.3.{20 + at}": (f"SLH-DSA-{hash_}-{bits}{variant}", bits)
    for at, (hash_, bits, variant) in enumerate(
        (hash_, bits, variant) for hash_ in ("SHA2", "SHAKE") for bits in (128, 192, 256) for variant in ("s", "f")
    )
}
_STRENGTHS = {"ED25519": 128, "ED448": 224, "ML-DSA-44": 128, "ML-DSA-65": 192, "ML-DSA-87": 256}
_STRENGTHS |= dict(_SLH_DSA.values())
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
_KINDS |= {oid: name for oid, (name, _) in _SLH_DSA.items()}

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

USUAL_KEY = 4096
"""Usual maximum size of an encoded public key in octets; ``normal_spki`` always encodes a larger key again."""

EXPLICIT = "explicit"
"""Name for a curve given by explicit parameters, which RFC 5480 forbids."""


@lru_cache(maxsize=256)  # few key types and sizes are in use
def _strength(kind: str, bits: int) -> int:
    return _STRENGTHS.get(kind, 0) or _factoring(kind, bits) or _curve(kind, bits)


def _factoring(kind: str, bits: int) -> int:
    """Return the security bits of a key with a modulus, such as RSA, a multiple of 8 (NIST SP 800-56B appendix D)."""
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


@remembered(4096, 1024)
def key(spki: bytes) -> Key:
    """Return the key in a SubjectPublicKeyInfo; an unknown curve is returned as its dotted number with 0 bits.

    Raises:
        DERError: the octets are not a SubjectPublicKeyInfo.
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


def normal_spki(element: TLV) -> bytes:
    """Return a SubjectPublicKeyInfo as OpenSSL encodes it: in DER; parameters that are a SEQUENCE stay unchanged.

    Raises:
        DERError: the octets are not a SubjectPublicKeyInfo.
    """
    algorithm, key_bits = _pair(element)
    prefix = element.raw[: -len(key_bits.raw) + key_bits.header + 1]
    return element.raw if _is_normal(prefix, len(element.raw)) else _encoded(algorithm, key_bits)


@lru_cache(256)  # key types and sizes
def _is_normal(prefix: bytes, size: int) -> bool:
    """Return True if OpenSSL encodes a SubjectPublicKeyInfo with the given first octets and size in the same way."""
    whole = prefix + bytes(size - len(prefix))
    return prefix[-1:] == b"\0" and size <= USUAL_KEY and _encoded(*_pair(der.read(whole))) == whole


def _encoded(algorithm: TLV, key_bits: TLV) -> bytes:
    parts = der.children(der.expect(algorithm, der.SEQUENCE))
    if not parts:
        raise der.DERError("an algorithm without an identifier")
    oid, *parameters = parts
    unused, _ = der.bit_string(key_bits)
    kept = (part.raw if part.tag & der.CONSTRUCTED else der.encode(part.tag, part.content) for part in parameters)
    identifier = der.encode(der.SEQUENCE, der.encode(der.OID, der.expect(oid, der.OID).content), *kept)
    return der.encode(der.SEQUENCE, identifier, der.encode(der.BIT_STRING, bytes([unused]), der.bits(key_bits)))


def _pair(element: TLV) -> tuple[TLV, TLV]:
    parts = der.children(der.expect(element, der.SEQUENCE))
    if len(parts) != 2:  # noqa: PLR2004 - RFC 5280 section 4.1: algorithm and key
        raise der.DERError("a public key is a pair")
    return parts[0], parts[1]


# --- signatures -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A signature algorithm: OpenSSL's long name, the type of its key, and its hash ("" without a hash)."""

    name: str
    kind: str = ""
    digest: str = ""

    @property
    def strength(self) -> int:
        """The security bits of the signature algorithm; 0 for an unknown algorithm."""
        return _HASH_STRENGTHS.get(self.digest, 0) or _STRENGTHS.get(self.kind, 0)


_HASH_STRENGTHS = {
    "md5": 39, "sha1": 63, "ripemd160": 80,
    "sha224": 112, "sha256": 128, "sha384": 192, "sha512": 256,
    "sha3-224": 112, "sha3-256": 128, "sha3-384": 192, "sha3-512": 256, "sm3": 128,
}  # fmt: skip
"""Security bits of hashes: half of the hash bits; less for the broken MD5 and SHA-1 (X509_get_signature_info)."""

_NIST_HASHES = (
    "sha256", "sha384", "sha512", "sha224", "sha512-224", "sha512-256", "sha3-224", "sha3-256", "sha3-384", "sha3-512",
)  # fmt: skip
"""Names of the hashes with the object identifiers 2.16.840.1.101.3.4.2.1 and following."""

_HASH_OIDS = {f"2.16.840.1.101.3.4.2.{number}": name for number, name in enumerate(_NIST_HASHES, 1)}
_HASH_OIDS |= {"1.3.14.3.2.26": "sha1", "1.2.840.113549.2.5": "md5", "1.3.36.3.2.1": "ripemd160"}

_RSA = {
    2: ("md2WithRSAEncryption", "md2"), 3: ("md4WithRSAEncryption", "md4"), 4: ("md5WithRSAEncryption", "md5"),
    5: ("sha1WithRSAEncryption", "sha1"), 11: ("sha256WithRSAEncryption", "sha256"),
    12: ("sha384WithRSAEncryption", "sha384"), 13: ("sha512WithRSAEncryption", "sha512"),
    14: ("sha224WithRSAEncryption", "sha224"), 15: ("sha512-224WithRSAEncryption", "sha512-224"),
    16: ("sha512-256WithRSAEncryption", "sha512-256"),
}  # fmt: skip
_ECDSA = {1: ("SHA224", "sha224"), 2: ("SHA256", "sha256"), 3: ("SHA384", "sha384"), 4: ("SHA512", "sha512")}
_SHA3 = ("sha3-224", "sha3-256", "sha3-384", "sha3-512")

_ALGORITHMS = {f"1.2.840.113549.1.1.{arc}": Algorithm(name, "RSA", digest) for arc, (name, digest) in _RSA.items()}
_ALGORITHMS |= {
    f"1.2.840.10045.4.3.{arc}": Algorithm(f"ecdsa-with-{name}", "EC", digest) for arc, (name, digest) in _ECDSA.items()
}
for _arc, _name in enumerate(_SHA3):
    _nist, _upper = "2.16.840.1.101.3.4.3.", _name.upper()
    _ALGORITHMS[f"{_nist}{5 + _arc}"] = Algorithm(f"dsa_with_{_upper}", "DSA", _name)
    _ALGORITHMS[f"{_nist}{9 + _arc}"] = Algorithm(f"ecdsa_with_{_upper}", "EC", _name)
    _ALGORITHMS[f"{_nist}{13 + _arc}"] = Algorithm(f"RSA-{_upper}", "RSA", _name)
_ALGORITHMS |= {
    "1.2.840.10045.4.1": Algorithm("ecdsa-with-SHA1", "EC", "sha1"),
    "1.2.840.10040.4.3": Algorithm("dsaWithSHA1", "DSA", "sha1"),
    "1.3.14.3.2.3": Algorithm("md5WithRSA", "RSA", "md5"),
    "1.3.14.3.2.13": Algorithm("dsaWithSHA", "DSA", "sha"),
    "1.3.14.3.2.15": Algorithm("shaWithRSAEncryption", "RSA", "sha"),
    "1.3.14.3.2.27": Algorithm("dsaWithSHA1-old", "DSA", "sha1"),
    "1.3.14.3.2.29": Algorithm("sha1WithRSA", "RSA", "sha1"),
    "1.3.36.3.3.1.2": Algorithm("ripemd160WithRSA", "RSA", "ripemd160"),
    "1.2.156.10197.1.501": Algorithm("SM2-with-SM3", "SM2", "sm3"),
    "2.16.840.1.101.3.4.3.1": Algorithm("dsa_with_SHA224", "DSA", "sha224"),
    "2.16.840.1.101.3.4.3.2": Algorithm("dsa_with_SHA256", "DSA", "sha256"),
    "2.16.840.1.101.3.4.3.3": Algorithm("dsa_with_SHA384", "DSA", "sha384"),
    "2.16.840.1.101.3.4.3.4": Algorithm("dsa_with_SHA512", "DSA", "sha512"),
}
_ALGORITHMS |= {oid: Algorithm(kind, kind) for oid, kind in _KINDS.items() if kind in _STRENGTHS}

_PSS = "1.2.840.113549.1.1.10"


@remembered(256, 256)  # a few dozen exist
def algorithm(raw: bytes) -> Algorithm:
    """Return the algorithm of an AlgorithmIdentifier; the name of an unknown algorithm is its dotted number.

    Raises:
        DERError: the octets are not an AlgorithmIdentifier.
    """
    try:
        first, *parameters = der.children(der.whole(raw, der.SEQUENCE))
        oid = der.oid(first)
        return _pss(parameters) if oid == _PSS else _ALGORITHMS.get(oid, Algorithm(oid))
    except (ValueError, IndexError) as error:
        raise der.DERError(f"no algorithm: {error}") from error


def _pss(parameters: list[TLV]) -> Algorithm:
    """Return the RSASSA-PSS algorithm with the hash in its parameters.

    The hash is "" if OpenSSL cannot decode the parameters.
    """
    try:
        return Algorithm("rsassaPss", "RSA-PSS", _pss_hash(parameters))
    except (ValueError, IndexError):
        return Algorithm("rsassaPss", "RSA-PSS")


def _pss_hash(parameters: list[TLV]) -> str:
    """Return the hash in RSASSA-PSS-params (RFC 4055 section 3.1).

    Raises:
        ValueError, IndexError: OpenSSL cannot decode the parameters.
    """
    (sequence,) = parameters
    parts = der.children(der.expect(sequence, der.SEQUENCE))
    given = {part.tag: der.read(part.content) for part in parts}
    if not given.keys() <= {_HASH, _MASK, _SALT, _TRAILER}:
        raise der.DERError("foreign element in RSASSA-PSS-params")
    if _MASK in given:
        mask, mask_hash = der.children(given[_MASK])[:2]
        if der.oid(mask) != _MGF1 or not _hash_name(mask_hash):
            raise der.DERError("unknown mask generation")
    if not 0 <= _number(given.get(_SALT), 20) <= _LONGEST_SALT or _number(given.get(_TRAILER), 1) != 1:
        raise der.DERError("invalid number in RSASSA-PSS-params")
    return _hash_name(given[_HASH]) if _HASH in given else "sha1"


_HASH, _MASK, _SALT, _TRAILER = 0xA0, 0xA1, 0xA2, 0xA3
_MGF1 = "1.2.840.113549.1.1.8"
_LONGEST_SALT = 2**31 - 1


def _hash_name(identifier: TLV) -> str:
    return _HASH_OIDS.get(der.oid(der.children(identifier)[0]), "")


def _number(element: TLV | None, default: int) -> int:
    return default if element is None else der.integer(element)
