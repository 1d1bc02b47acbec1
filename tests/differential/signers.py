"""Keys of every kind that OpenSSL can make, and signatures with them; each kind of key is made once a process."""

import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa

from scanner.core.x509.der import BIT_STRING, OID, SEQUENCE, encode

NULL_ELEMENT = b"\x05\x00"
Sign = Callable[[bytes], bytes]

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "p256": ec.SECP256R1,
    "p384": ec.SECP384R1,
    "p521": ec.SECP521R1,
    "p224": ec.SECP224R1,
    "k256": ec.SECP256K1,
    "bp256": ec.BrainpoolP256R1,
}
_PROGRAM_CURVES = (
    "brainpoolP320r1",
    "brainpoolP512r1",
    "prime239v1",
    "sect283k1",
    "secp160r1",
    "wap-wsg-idm-ecid-wtls7",
)
COMMON = ("p256", "p256", "p256", "p384", "rsa2048", "ed25519")
RARE = (
    "p521",
    "p224",
    "k256",
    "bp256",
    "rsa1024",
    "pss2048",
    "pss-limited",
    "dsa1024",
    "ed448",
    "mldsa44",
    *_PROGRAM_CURVES,
)
"""Kinds of keys; those of the last group are made and used by the openssl program, as cryptography lacks them."""


def oid(dotted: str) -> bytes:
    """Return the DER of an object identifier."""
    first, second, *rest = map(int, dotted.split("."))
    octets = bytearray()
    for arc in (40 * first + second, *rest):
        part = [arc & 0x7F]
        while arc := arc >> 7:
            part.append(arc & 0x7F | 0x80)
        octets += bytes(reversed(part))
    return encode(OID, bytes(octets))


def algorithm(dotted: str, parameters: bytes = b"") -> bytes:
    """Return the DER of an AlgorithmIdentifier."""
    return encode(SEQUENCE, oid(dotted), parameters)


@dataclass(frozen=True)
class Pair:
    """A key pair: its kind, the SubjectPublicKeyInfo, the private key in PEM and the ways it can sign."""

    kind: str
    spki: bytes
    pem: bytes
    ways: dict[str, tuple[bytes, Sign]]


@cache
def other_curves() -> tuple[str, ...]:
    """Return the names of the curves of the openssl program with which ECDSA works."""
    names = re.findall(r"^  (\S+) *:", _openssl("ecparam", "-list_curves").decode(), re.MULTILINE)
    odd = re.compile("SM2|Oakley|.*112|.*wtls")  # signatures of its own, none at all, or too short for some hashes
    return tuple(name for name in names if not odd.match(name))


@cache
def pair(kind: str, number: int = 0) -> Pair:
    """Return the key pair of this kind and number, the same one each time."""
    if kind in _PROGRAM_CURVES or kind in other_curves():
        return _by_program(kind)
    made = _made(kind)
    pem = made.private_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    spki = made.public_key().public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    ways = _ways(kind, made, pem)
    if kind.startswith("pss"):
        limits = _pss("sha256") if kind == "pss-limited" else b""
        spki = encode(SEQUENCE, algorithm("1.2.840.113549.1.1.10", limits), _last(spki))
    return Pair(kind, spki, pem, ways)


def _last(spki: bytes) -> bytes:
    """Return the BIT STRING of an RSA key."""
    return spki[spki.index(bytes.fromhex("0500")) + 2 :]


def _made(kind: str) -> object:
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    if kind.startswith(("rsa", "pss")):
        return rsa.generate_private_key(65537, 1024 if kind == "rsa1024" else 2048)
    if kind == "dsa1024":
        return dsa.generate_private_key(1024)  # noqa: S505 - weak on purpose
    makers: dict[str, Callable[[], object]] = {
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ed448": ed448.Ed448PrivateKey.generate,
        "mldsa44": mldsa.MLDSA44PrivateKey.generate,
    }
    return makers[kind]()


_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - weak on purpose
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_HASH_OIDS = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2"}
_HASH_OIDS |= {"sha512": "2.16.840.1.101.3.4.2.3"}
ODD_PSS = (
    "pss-default", "pss-absent", "pss-null", "pss-trailer", "pss-trailer-2", "pss-negative", "pss-wrong-salt",
    "pss-huge-salt", "pss-no-mask", "pss-other-mask", "pss-other-hash", "pss-no-null", "pss-extra", "pss-512", "pss-0",
)  # fmt: skip
_RSA = {
    "sha256": "1.2.840.113549.1.1.11",
    "sha384": "1.2.840.113549.1.1.12",
    "sha512": "1.2.840.113549.1.1.13",
    "sha1": "1.2.840.113549.1.1.5",
}
_RSA_BY_PROGRAM = {
    "sha3-256": ("2.16.840.1.101.3.4.3.14", "sha3-256"),
    "ripemd160": ("1.3.36.3.3.1.2", "rmd160"),
    "md5": ("1.2.840.113549.1.1.4", "md5"),
    "sha512-256": ("1.2.840.113549.1.1.16", "sha512-256"),
    "oiw-sha1": ("1.3.14.3.2.29", "sha1"),
    "sha224": ("1.2.840.113549.1.1.14", "sha224"),
    "sha512": ("1.2.840.113549.1.1.13", "sha512"),
    "sha512-224": ("1.2.840.113549.1.1.15", "sha512-224"),
    "sha3-224": ("2.16.840.1.101.3.4.3.13", "sha3-224"),
    "sha3-384": ("2.16.840.1.101.3.4.3.15", "sha3-384"),
    "sha3-512": ("2.16.840.1.101.3.4.3.16", "sha3-512"),
    "md4": ("1.2.840.113549.1.1.3", "md4"),
}
OTHER_HASHES = tuple(_RSA_BY_PROGRAM)
_ECDSA = {"sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3", "sha1": "1.2.840.10045.4.1"}
_PLAIN = {"ed25519": "1.3.101.112", "ed448": "1.3.101.113", "mldsa44": "2.16.840.1.101.3.4.3.17"}


def _ways(kind: str, key: object, pem: bytes) -> dict[str, tuple[bytes, Sign]]:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {name: (algorithm(dotted), _ecdsa(key, name)) for name, dotted in _ECDSA.items()}
    if isinstance(key, dsa.DSAPrivateKey):
        return {"sha256": (algorithm("2.16.840.1.101.3.4.3.2"), lambda tbs: key.sign(tbs, hashes.SHA256()))}
    if isinstance(key, rsa.RSAPrivateKey):
        pss = _pss_ways(key)
        if kind.startswith("pss"):
            return pss
        plain = {name: (algorithm(dotted, NULL_ELEMENT), _pkcs1(key, name)) for name, dotted in _RSA.items()}
        odd = {n: (algorithm(d, NULL_ELEMENT), _program(pem, digest)) for n, (d, digest) in _RSA_BY_PROGRAM.items()}
        return plain | odd | pss
    return {"plain": (algorithm(_PLAIN[kind]), key.sign)}  # type: ignore[attr-defined]


def _ecdsa(key: ec.EllipticCurvePrivateKey, digest: str) -> Sign:
    return lambda tbs: key.sign(tbs, ec.ECDSA(_HASHES[digest]))


def _pkcs1(key: rsa.RSAPrivateKey, digest: str) -> Sign:
    return lambda tbs: key.sign(tbs, padding.PKCS1v15(), _HASHES[digest])


def _pss_ways(key: rsa.RSAPrivateKey) -> dict[str, tuple[bytes, Sign]]:
    def way(digest: str, mgf: str, salt: int) -> tuple[bytes, Sign]:
        scheme = padding.PSS(padding.MGF1(_HASHES[mgf]), salt)
        return algorithm("1.2.840.113549.1.1.10", _pss(digest, mgf, salt)), lambda tbs: key.sign(
            tbs, scheme, _HASHES[digest]
        )

    def odd(parameters: bytes) -> tuple[bytes, Sign]:
        """Return a signature of SHA-256 with parameters that say something else, or in another way."""
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return algorithm("1.2.840.113549.1.1.10", parameters), lambda tbs: key.sign(tbs, scheme, hashes.SHA256())

    sha1 = padding.PSS(padding.MGF1(hashes.SHA1()), 20)  # noqa: S303 - weak on purpose
    default = lambda tbs: key.sign(tbs, sha1, hashes.SHA1())  # noqa: E731, S303 - the same
    hashed, masks, salt = _pss_parts("sha256", "sha256", 32)
    return {
        "pss": way("sha256", "sha256", 32),
        "pss-mgf": way("sha256", "sha1", 32),
        "pss-384": way("sha384", "sha384", 48),
        "pss-short": way("sha256", "sha256", 8),
        "pss-default": (algorithm("1.2.840.113549.1.1.10", encode(SEQUENCE)), default),
        "pss-absent": (algorithm("1.2.840.113549.1.1.10"), default),
        "pss-null": odd(NULL_ELEMENT),
        "pss-trailer": odd(encode(SEQUENCE, hashed, masks, salt, encode(0xA3, b"\x02\x01\x01"))),
        "pss-trailer-2": odd(encode(SEQUENCE, hashed, masks, salt, encode(0xA3, b"\x02\x01\x02"))),
        "pss-negative": odd(encode(SEQUENCE, hashed, masks, encode(0xA2, b"\x02\x01\xff"))),
        "pss-wrong-salt": odd(encode(SEQUENCE, hashed, masks, encode(0xA2, b"\x02\x01\x14"))),
        "pss-huge-salt": odd(encode(SEQUENCE, hashed, masks, encode(0xA2, b"\x02\x09\x01" + bytes(8)))),
        "pss-no-mask": odd(encode(SEQUENCE, hashed, salt)),
        "pss-other-mask": odd(encode(SEQUENCE, hashed, encode(0xA1, algorithm("1.2.3.4")), salt)),
        "pss-other-hash": odd(encode(SEQUENCE, encode(0xA0, algorithm("1.2.3.4")), masks, salt)),
        "pss-no-null": odd(encode(SEQUENCE, encode(0xA0, algorithm(_HASH_OIDS["sha256"])), masks, salt)),
        "pss-extra": odd(encode(SEQUENCE, hashed, masks, salt, encode(0xA4, b"\x02\x01\x01"))),
        "pss-512": way("sha512", "sha512", 32),
        "pss-0": way("sha256", "sha256", 0),
    }


def _pss(digest: str, mgf: str = "", salt: int = 32) -> bytes:
    """Return RSASSA-PSS-params (RFC 4055 section 3.1)."""
    return encode(SEQUENCE, *_pss_parts(digest, mgf, salt))


def _pss_parts(digest: str, mgf: str, salt: int) -> tuple[bytes, bytes, bytes]:
    hashed, masked = (algorithm(_HASH_OIDS[name], NULL_ELEMENT) for name in (digest, mgf or digest))
    masks = algorithm("1.2.840.113549.1.1.8", masked)
    return encode(0xA0, hashed), encode(0xA1, masks), encode(0xA2, encode(0x02, bytes([salt])))


# --- the openssl program --------------------------------------------------------------------------------------


def _openssl(*arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True).stdout


def _by_program(curve: str) -> Pair:
    pem = _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}")
    spki = _openssl("pkey", "-pubout", "-outform", "DER", stdin=pem)
    return Pair(curve, spki, pem, {"sha256": (algorithm(_ECDSA["sha256"]), _program(pem, "sha256"))})


def _program(pem: bytes, digest: str) -> Sign:
    def sign(tbs: bytes) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            key = Path(folder, "key.pem")
            key.write_bytes(pem)
            return _openssl(
                "dgst", f"-{digest}", "-provider", "default", "-provider", "legacy", "-sign", str(key), stdin=tbs
            )

    return sign


def signature(octets: bytes, unused: int = 0) -> bytes:
    """Return the BIT STRING of a signature."""
    return encode(BIT_STRING, bytes([unused]), octets)
