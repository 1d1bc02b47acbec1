"""Certificates for the lab: Lab Root -> Lab Intermediate -> leaf, and every way in which that can be wrong.

``PKI.make(recipe, host, domain)`` gives a bundle: the key, the certificates that the server sends, and those that
TLSA records can name. Keys are ECDSA P-256 because they are quick to make; recipes say otherwise where that is the
point.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | mldsa.MLDSA65PrivateKey

LIFE = timedelta(days=30)
"""Days that certificates and signatures are valid."""

BIG_CHAIN = 1 << 20
BIG_CERTIFICATE = 30_000  # octets of ballast in each certificate of the big chain

Dates = tuple[datetime, datetime]


def _dates(start_days: int, end_days: int) -> Dates:
    now = datetime.now(UTC).replace(microsecond=0)
    return now + timedelta(days=start_days), now + timedelta(days=end_days)


def _subject(common_name: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "mxsweep lab")]
    if common_name:
        parts.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    return x509.Name(parts)


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA certificate and the key that belongs to it."""

    cert: x509.Certificate
    key: Key


@dataclass(frozen=True, slots=True)
class Bundle:
    """Key and chain of a server (``key``, ``sent``) and the certificates that TLSA records may name (``named``)."""

    key: Key
    sent: tuple[x509.Certificate, ...]
    named: dict[str, x509.Certificate]

    def write(self, path: Path) -> None:
        """Write key and chain as one PEM file that only its owner can read."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.touch(mode=0o600)
        path.write_bytes(key + b"".join(cert.public_bytes(Encoding.PEM) for cert in self.sent))


def _sign(
    subject: x509.Name,
    key: Key,
    issuer: Authority | None,
    *,
    dates: Dates,
    names: tuple[str, ...] = (),
    ca: bool = False,
    ballast: int = 0,
) -> x509.Certificate:
    """Make a certificate; ``issuer`` None means self-signed. ``ballast`` adds an extension of that many octets."""
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.cert.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dates[0])
        .not_valid_after(dates[1])
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not ca:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(purpose, critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    if ballast:
        oid = x509.ObjectIdentifier("1.3.6.1.4.1.32473.1")  # RFC 5612: the enterprise number for examples
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, os.urandom(ballast)), critical=False)
    return builder.sign(
        signer, None if isinstance(signer, ed25519.Ed25519PrivateKey | mldsa.MLDSA65PrivateKey) else hashes.SHA256()
    )


def _ec() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


class PKI:
    """The lab's authorities and its recipes for server certificates."""

    def __init__(self) -> None:
        """Make the authorities."""
        self.root = self._authority("Lab Root", None)
        self.intermediate = self._authority("Lab Intermediate", self.root)
        # same subject and key as the good one, so that only its dates differ
        self.expired_intermediate = Authority(
            _sign(self.intermediate.cert.subject, self.intermediate.key, self.root, dates=_dates(-60, -1), ca=True),
            self.intermediate.key,
        )

    @staticmethod
    def _authority(name: str, issuer: Authority | None) -> Authority:
        key = _ec()
        return Authority(_sign(_subject(name), key, issuer, dates=_dates(-30, 365), ca=True), key)

    @cached_property
    def _rsa(self) -> Key:
        """Return the one RSA key of all hosts; RSA keys are slow to make."""
        return rsa.generate_private_key(65537, 2048)

    def root_pem(self) -> bytes:
        """Return the trust store of every expectation."""
        return self.root.cert.public_bytes(Encoding.PEM)

    def _bundle(
        self,
        host: str,
        *,
        names: tuple[str, ...] | None = None,
        common_name: str | None = None,
        dates: Dates | None = None,
        key: Key | None = None,
        intermediate: Authority | None = None,
        root_sent: bool = False,
        leaf_only: bool = False,
    ) -> Bundle:
        key = key or _ec()
        issuer = intermediate or self.intermediate
        subject = _subject(host if common_name is None else common_name)
        leaf = _sign(
            subject, key, issuer, dates=dates or _dates(-1, LIFE.days), names=(host,) if names is None else names
        )
        sent = (leaf,) if leaf_only else (leaf, issuer.cert)
        named = {"leaf": leaf, "intermediate": issuer.cert, "root": self.root.cert}
        return Bundle(key, (*sent, self.root.cert) if root_sent else sent, named)

    def _self_signed(self, host: str) -> Bundle:
        key = _ec()
        leaf = _sign(_subject(host), key, None, dates=_dates(-1, LIFE.days), names=(host,))
        return Bundle(key, (leaf,), {"leaf": leaf})

    def _big(self, host: str) -> Bundle:
        """Return a good chain, followed by about a megabyte of certificates that are not part of a path."""
        good = self._bundle(host)
        ballast = tuple(
            _sign(_subject(f"Ballast {n}"), good.key, self.root, dates=_dates(-1, 30), ballast=BIG_CERTIFICATE)
            for n in range(BIG_CHAIN // BIG_CERTIFICATE + 1)
        )
        return Bundle(good.key, (*good.sent, *ballast), good.named)

    def make(self, recipe: str, host: str, domain: str) -> Bundle:
        """Return the bundle of ``recipe``; ``host`` and ``domain`` are the names it may be made for."""
        expired = _dates(-60, -1)
        recipes: dict[str, Callable[[], Bundle]] = {
            "good": lambda: self._bundle(host),
            "root-sent": lambda: self._bundle(host, root_sent=True),
            "leaf-only": lambda: self._bundle(host, leaf_only=True),
            "rsa": lambda: self._bundle(host, key=self._rsa),
            "ed25519": lambda: self._bundle(host, key=ed25519.Ed25519PrivateKey.generate()),
            "mldsa": lambda: self._bundle(host, key=mldsa.MLDSA65PrivateKey.generate()),
            "expired": lambda: self._bundle(host, dates=expired, root_sent=True),
            "not-yet-valid": lambda: self._bundle(host, dates=_dates(10, 40), root_sent=True),
            "wrong-name": lambda: self._bundle(host, names=("other.invalid",), common_name="", root_sent=True),
            "wildcard": lambda: self._bundle(host, names=(f"*.{host.partition('.')[2]}",), root_sent=True),
            "domain-name": lambda: self._bundle(host, names=(domain,), common_name=domain, root_sent=True),
            "cn-only": lambda: self._bundle(host, names=(), root_sent=True),
            "no-cn": lambda: self._bundle(host, common_name="", root_sent=True),
            "self-signed": lambda: self._self_signed(host),
            "expired-intermediate": lambda: self._bundle(host, intermediate=self.expired_intermediate, root_sent=True),
            "big": lambda: self._big(host),
        }
        return recipes[recipe]()


def association(cert: x509.Certificate, selector: int, matching_type: int) -> bytes:
    """TLSA certificate association data (RFC 6698 section 2.1.4); an unknown matching type gets the SHA-256."""
    whole = cert.public_bytes(Encoding.DER)
    if selector == 1:
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        whole = cert.public_key().public_bytes(Encoding.DER, info)
    if matching_type == 0:
        return whole
    digest = hashes.Hash(hashes.SHA512() if matching_type == 2 else hashes.SHA256())
    digest.update(whole)
    return digest.finalize()
