"""Random certificate chains and the TLSA records, fingerprints and files that belong to them."""

import datetime as dt
import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)

KEYS: dict[str, Callable[[], CertificateIssuerPrivateKeyTypes]] = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "rsa1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 - weak on purpose
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


@cache
def key(kind: str, number: int = 0) -> CertificateIssuerPrivateKeyTypes:
    """Return the key of a kind and number, made once per process."""
    del number
    return KEYS[kind]()


def spki(certificate: x509.Certificate) -> bytes:
    """Return the public key of a certificate in DER."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True, slots=True)
class RandomAuthority:
    """A certificate authority: its certificate and its key."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes


@dataclass(frozen=True, slots=True)
class RandomChain:
    """A chain: the certificates as sent, leaf first, the file for the server, and the whole path for TLSA records."""

    sent: tuple[x509.Certificate, ...]
    path: tuple[x509.Certificate, ...]
    pem: bytes


def _name(*attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, text, _validate=False) for oid, text in attributes])


def _sign(
    subject: x509.Name,
    subject_key: CertificateIssuerPrivateKeyTypes,
    issuer: x509.Name,
    issuer_key: CertificateIssuerPrivateKeyTypes,
    extensions: Sequence[x509.ExtensionType],
    days: tuple[int, int] = (-10, 30),
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(subject_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + days[0] * DAY)
        .not_valid_after(NOW + days[1] * DAY)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    digest = None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(issuer_key, digest)


@cache
def root() -> RandomAuthority:
    """Return the root that ``-F`` trusts."""
    name = _name((NameOID.ORGANIZATION_NAME, "Random"), (NameOID.COMMON_NAME, "Random Root"))
    own = key("p256", 100)
    return RandomAuthority(_sign(name, own, name, own, [x509.BasicConstraints(ca=True, path_length=None)]), own)


@cache
def intermediate(kind: str = "good") -> RandomAuthority:
    """Return an intermediate authority: good, expired, without a CN, or no CA at all."""
    issuer, own = root(), key("p256", {"good": 101, "expired": 102, "nameless": 103, "no-ca": 104}[kind])
    name = _name((NameOID.ORGANIZATION_NAME, "Random"), (NameOID.COMMON_NAME, f"Random {kind}"))
    if kind == "nameless":
        name = _name((NameOID.COUNTRY_NAME, "XX"), (NameOID.ORGANIZATION_NAME, "Nameless CA"))
    days = (-20, -5) if kind == "expired" else (-10, 30)
    constraints = x509.BasicConstraints(ca=kind != "no-ca", path_length=None)
    return RandomAuthority(_sign(name, own, issuer.certificate.subject, issuer.key, [constraints], days), own)


ODD_NAMES = (
    "with\ttab",
    "with\0nul",
    "trailing\0",
    "Zo\u00eb \u90ae\u4ef6",
    "x" * 255,
    "x" * 256,
    "x" * 300,
    "new\nline",
    "c1\u0085control",
    "slash/CN=other",
    "",
)
_MORE = (NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.LOCALITY_NAME, NameOID.EMAIL_ADDRESS)


def _subject(rng: random.Random, host: str) -> x509.Name:
    common = rng.choice([host] * 12 + [f"*.{host.partition('.')[2]}", host.upper(), "other.test", *ODD_NAMES])
    first = [(NameOID.COUNTRY_NAME, "XX")] if rng.random() < 0.3 else []
    more = [
        (rng.choice(_MORE), rng.choice(("Org", "Gr\u00f6\u00dfe", "y" * rng.randint(1, 120))))
        for _ in range(rng.choice((0, 0, 0, 1, 4)))
    ]
    commons = [(NameOID.COMMON_NAME, common)]
    commons *= rng.choice((1,) * 8 + (0, 2))
    rdns = [x509.RelativeDistinguishedName([_attribute(*one)]) for one in (*first, *more, *commons)]
    if rng.random() < 0.1:
        pair = {_attribute(NameOID.COMMON_NAME, common), _attribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "unit")}
        rdns.append(x509.RelativeDistinguishedName(pair))
    return x509.Name(rdns)


def _attribute(oid: x509.ObjectIdentifier, text: str) -> x509.NameAttribute[str]:
    return x509.NameAttribute(oid, text, _validate=False)


def _alternative(rng: random.Random, host: str, domain: str) -> x509.SubjectAlternativeName | None:
    names = [
        host,
        domain,
        f"*.{domain}",
        host.upper(),
        "other.test",
        f" {host}",
        f"{host}.",
        "*.test",
        f"a.{host}",
        f"{host} ",
    ]
    chosen = rng.choice([[host]] * 8 + [[], [rng.choice(names)], rng.sample(names, 3)])
    odd: list[x509.GeneralName] = [x509.RFC822Name("a@b.test")] if rng.random() < 0.1 else []
    members = [*odd, *(x509.DNSName(name) for name in chosen)]
    return x509.SubjectAlternativeName(members) if members else None


def chain(rng: random.Random, host: str, domain: str) -> RandomChain:
    """Return a random chain for a host: mostly a good one."""
    kind = rng.choice(["p256"] * 5 + ["p384", "rsa", "rsa", "ed25519", "rsa1024"])
    own = key(kind, rng.randrange(2))
    authority = rng.choice(["good"] * 8 + ["root", "self", "expired", "nameless", "no-ca"])
    subject = _subject(rng, host)
    extensions: list[x509.ExtensionType] = [san] if (san := _alternative(rng, host, domain)) else []
    if rng.random() < 0.1:
        usage = rng.choice((ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH))
        extensions.append(x509.ExtendedKeyUsage([usage]))
    days = rng.choice([(-5, 20)] * 8 + [(-20, -5), (5, 20)])
    above: tuple[x509.Certificate, ...] = ()
    if authority == "self":
        leaf = _sign(subject, own, subject, own, extensions, days)
    else:
        issuer = root() if authority == "root" else intermediate(authority)
        leaf = _sign(subject, own, issuer.certificate.subject, issuer.key, extensions, days)
        above = (root().certificate,) if authority == "root" else (issuer.certificate, root().certificate)
    sent = _sent(rng, above)
    return RandomChain((leaf, *sent), (leaf, *above), _pem(own, (leaf, *sent)))


def _sent(rng: random.Random, above: tuple[x509.Certificate, ...]) -> tuple[x509.Certificate, ...]:
    """Return the certificates that go along with the leaf: all, some, in another order, or a foreign one more."""
    shape = rng.randrange(10)
    if shape == 0:
        return ()
    if shape == 1:
        return above[:-1]
    if shape == 2:
        return above[::-1]
    if shape == 3:
        return (*above, intermediate("expired").certificate)
    return above


def _pem(own: CertificateIssuerPrivateKeyTypes, sent: Sequence[x509.Certificate]) -> bytes:
    private = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + b"".join(each.public_bytes(Encoding.PEM) for each in sent)


# --- TLSA records and fingerprints ----------------------------------------------------------------------------


def tlsa(rng: random.Random, made: RandomChain) -> list[bytes]:
    """Return the rdata of a random TLSA RRset for a chain; empty rdata and that of three octets are left out."""
    count = rng.choice((1, 1, 1, 1, 2, 2, 3, 5))
    return list(dict.fromkeys(_record(rng, made) for _ in range(count)))


def _record(rng: random.Random, made: RandomChain) -> bytes:
    if rng.random() < 0.55:
        usage, selector, kind = 3, 1, 1
    else:
        usage = rng.choice((3, 3, 2, 2, 2, 0, 1, 4, 255))
        selector = rng.choice((0, 1, 1, 2))
        kind = rng.choice((1, 1, 1, 2, 2, 0, 3, 255))
    depth = 0 if usage != 2 and rng.random() < 0.9 else rng.randrange(len(made.path))
    chosen = made.path[depth]
    octets = spki(chosen) if selector == 1 else chosen.public_bytes(Encoding.DER)
    data = {1: hashlib.sha256(octets).digest(), 2: hashlib.sha512(octets).digest()}.get(kind, octets)
    match rng.randrange(12):
        case 0:
            data = data[:-1]
        case 1:
            data = bytes(len(data))
        case 2:
            data += b"\0"
    return bytes((usage, selector, kind)) + data


def fingerprints(rng: random.Random, made: RandomChain, algorithm: str) -> list[str]:
    """Return random arguments for the level fingerprint: right, wrong, malformed, of another length."""
    leaf = made.sent[0]
    try:
        right = [hashlib.new(algorithm, data).hexdigest() for data in (leaf.public_bytes(Encoding.DER), spki(leaf))]
    except ValueError:
        right = ["00" * 32]
    colons = [":".join(text[i : i + 2] for i in range(0, len(text), 2)) for text in right]
    odd = ["00" * (len(right[0]) // 2), "0011", "xyz", "00:11:", "00" * 100, right[0].upper() + ":", "AA"]
    return [rng.choice([*right, *colons, *odd]) for _ in range(rng.choice((1, 1, 2, 3, 0)))]


def write_files(directory: Path) -> None:
    """Write the files that options name: roots, anchors, and broken ones."""
    certificate = root().certificate.public_bytes(Encoding.PEM)
    middle = intermediate().certificate.public_bytes(Encoding.PEM)
    bare = root().key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    broken = b"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"
    key_pem = bare.replace(b"PUBLIC KEY", b"OTHER THING")
    files = {
        "roots.pem": certificate,
        "middle.pem": middle,
        "both.pem": middle + certificate,
        "bare.pem": bare,
        "broken.pem": broken,
        "mixed.pem": broken + certificate,
        "mixed2.pem": certificate + broken,
        "text.pem": b"no PEM here\n",
        "leaf.pem": key_pem + certificate,
        "empty.pem": b"",
    }
    for name, data in files.items():
        (directory / name).write_bytes(data)
        (directory / name).chmod(0o644)
