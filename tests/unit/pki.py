"""A certificate maker: the lab's root, intermediate and leaf, and whatever breaks a rule.

Keys are made once a session; EC P-256 because it is quick. Serial numbers count up so that runs are alike but for
the signatures.
"""

import itertools
import ssl
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from scanner.core.x509 import der
from scanner.core.x509 import facts as certs
from scanner.facts import CertFacts, TLSARecord

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
LONG_AGO, FAR_AHEAD = NOW - timedelta(days=400), NOW + timedelta(days=400)
YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)
HOST = "mx1.secure.test"

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
_serials = itertools.count(1000)


@cache
def key(label: str, kind: str = "p256") -> PrivateKey:
    """Return the key of this label, the same one each time."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}[kind])


def name(common_name: str | None, organization: str = "Lab CA") -> x509.Name:
    """Return the lab's form of a distinguished name."""
    parts = [(NameOID.COUNTRY_NAME, "XX"), (NameOID.ORGANIZATION_NAME, organization)]
    cn = [(NameOID.COMMON_NAME, common_name)] if common_name is not None else []
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts + cn])


@dataclass(frozen=True)
class Made:
    """Return a certificate with its key, able to issue others; ``octets`` take its place where it was altered."""

    cert: x509.Certificate
    private: PrivateKey
    octets: bytes = b""

    @property
    def der(self) -> bytes:
        return self.octets or self.cert.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return ssl.DER_cert_to_PEM_cert(self.der).encode()

    @property
    def facts(self) -> CertFacts:
        return certs.facts(self.der)

    @property
    def spki(self) -> bytes:
        return self.cert.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )


@dataclass(frozen=True)
class Plan:
    """What to make; every field has the value of an ordinary certificate."""

    subject: x509.Name
    private: PrivateKey
    issuer: Made | None = None  # None = signed by its own key
    issuer_name: x509.Name | None = None
    signer: PrivateKey | None = None
    not_before: datetime = LONG_AGO
    not_after: datetime = FAR_AHEAD
    ca: bool | None = None  # None = no basicConstraints
    path_length: int | None = None
    key_usage: tuple[str, ...] | None = None
    purposes: tuple[x509.ObjectIdentifier, ...] | None = None
    sans: tuple[x509.GeneralName, ...] = ()
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    digest: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    key_ids: bool = False
    serial: int | None = None

    def make(self) -> Made:
        """Sign it."""
        signer = self.signer or (self.issuer.private if self.issuer else self.private)
        issued_by = self.issuer_name or (self.issuer.cert.subject if self.issuer else self.subject)
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(issued_by)
            .public_key(self.private.public_key())
            .serial_number(self.serial or next(_serials))
            .not_valid_before(self.not_before)
            .not_valid_after(self.not_after)
        )
        for extension, critical in self._extensions(signer):
            builder = builder.add_extension(extension, critical)
        digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else self.digest
        return Made(builder.sign(signer, digest), self.private)  # type: ignore[arg-type] # any hash will do

    def _extensions(self, signer: PrivateKey) -> Iterable[tuple[x509.ExtensionType, bool]]:
        if self.ca is not None:
            yield x509.BasicConstraints(ca=self.ca, path_length=self.path_length), True
        if self.key_usage is not None:
            yield usage(*self.key_usage), True
        if self.purposes is not None:
            yield x509.ExtendedKeyUsage(self.purposes), False
        if self.sans:
            yield x509.SubjectAlternativeName(self.sans), False
        if self.key_ids:
            yield x509.SubjectKeyIdentifier.from_public_key(self.private.public_key()), False
            yield x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
        yield from self.extra


def resign(made: Made, signer: PrivateKey, digest: str) -> Made:
    """Sign again with an RSA key and a hash that no certificate builder would use any more."""
    assert isinstance(signer, rsa.RSAPrivateKey)
    sha256, weak = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", {"sha1": b"\x05", "md5": b"\x04"}[digest]
    changed = made.der.replace(sha256, sha256[:-1] + weak)
    tbs = der.children(der.read(changed))[0].raw
    hashed: hashes.HashAlgorithm = hashes.SHA1() if digest == "sha1" else hashes.MD5()  # noqa: S303 - weak on purpose
    signature = signer.sign(tbs, padding.PKCS1v15(), hashed)
    return Made(x509.load_der_x509_certificate(changed[: -len(signature)] + signature), made.private)


def spelled_out(made: Made, signer: PrivateKey) -> Made:
    """Return the same certificate with the curve of its EC key spelled out (RFC 5480 forbids it), signed again."""
    options = ["-pubin", "-inform", "DER", "-outform", "DER", "-param_enc", "explicit"]
    done = subprocess.run(["openssl", "ec", *options], input=made.spki, capture_output=True, check=True)
    return altered(made, made.spki, done.stdout, signer)


def altered(made: Made, old: bytes, new: bytes, signer: PrivateKey) -> Made:
    """Return the same certificate with octets replaced, signed again with an EC key."""
    tbs = der.children(der.read(made.der))[0].content
    assert old in tbs
    return signed(made, sequence(tbs.replace(old, new, 1)), signer)


def signed(made: Made, tbs: bytes, signer: PrivateKey) -> Made:
    """Return the certificate with another TBS, signed with an EC key."""
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    algorithm = der.children(der.read(made.der))[1].raw
    signature = b"\0" + signer.sign(tbs, ec.ECDSA(hashes.SHA256()))
    bits = b"\x03" + bytes([len(signature)]) + signature
    return Made(made.cert, made.private, sequence(tbs + algorithm + bits))


def version_1(made: Made) -> Made:
    """Return a self-signed certificate as X.509 version 1: without extensions, as very old roots are."""
    fields = der.children(der.children(der.read(made.der))[0])
    kept = b"".join(part.raw for part in fields if part.tag not in (0xA0, 0xA3))
    return signed(made, sequence(kept), made.private)


def sequence(content: bytes) -> bytes:
    """Return a SEQUENCE of 128 octets or more."""
    size = len(content)
    length = b"\x81" + bytes([size]) if size < 256 else b"\x82" + size.to_bytes(2)
    return b"\x30" + length + content


def usage(*bits: str) -> x509.KeyUsage:
    """Return a keyUsage extension with these bits."""
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{bit: bit in bits for bit in every})


SERVER = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH

ROOT_PLAN = Plan(name("Lab Root"), key("root"), ca=True, key_usage=("key_cert_sign", "crl_sign"))
ROOT = ROOT_PLAN.make()
INTER_PLAN = replace(ROOT_PLAN, subject=name("Lab Intermediate"), private=key("inter"), issuer=ROOT)
INTER = INTER_PLAN.make()


def dns(*names: str) -> tuple[x509.GeneralName, ...]:
    """Return DNS names for ``Plan.sans``."""
    return tuple(x509.DNSName(n) for n in names)


LEAF_PLAN = Plan(name(HOST, "Lab Mail"), key("leaf"), INTER, sans=dns(HOST))
LEAF = LEAF_PLAN.make()
CHAIN = (LEAF, INTER, ROOT)


def chain(*made: Made) -> tuple[CertFacts, ...]:
    """Return the facts of certificates in this order."""
    return tuple(m.facts for m in made)


def tlsa(usage_: int, selector: int, matching_type: int, of: Made, *, wrong: bool = False) -> TLSARecord:
    """Return the record that a certificate's owner would publish, or one with its last octet wrong."""
    octets = of.der if selector == 0 else of.spki
    if matching_type:
        digest = hashes.Hash(hashes.SHA256() if matching_type == 1 else hashes.SHA512())
        digest.update(octets)
        octets = digest.finalize()
    data = octets.hex()
    return TLSARecord(usage_, selector, matching_type, data[:-2] + f"{int(data[-2:], 16) ^ 1:02x}" if wrong else data)


@cache
def short_key() -> rsa.RSAPrivateKey:
    """Return an RSA key of 768 bits, which only the openssl program will still make."""
    done = subprocess.run(["openssl", "genrsa", "-traditional", "768"], capture_output=True, check=True)
    loaded = serialization.load_pem_private_key(done.stdout, None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded
