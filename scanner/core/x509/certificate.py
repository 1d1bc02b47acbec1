"""The parsed form of a certificate (RFC 5280 section 4.1): the octets of its fields and its decoded extensions.

Modules that build and check certificate paths use the parsed form; the module ``facts`` makes the stored record
``CertFacts``. A certificate whose outer structure cannot be decoded has no parsed form; a certificate with broken
extensions has a parsed form.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256

from scanner.core.x509 import der, dn, extensions, keys, openssl
from scanner.core.x509.cache import remembered
from scanner.core.x509.der import TLV, DERError
from scanner.core.x509.extensions import Extensions

CACHED = 8192
"""Maximum number of cached certificates; many domains of a scan have the same issuers."""

_VERSION, _EXTENSIONS = 0xA0, 0xA3


@dataclass(frozen=True)
class Certificate:
    """A parsed certificate; ``version`` counts from 0, as in the encoding. Certificates with equal DER are equal.

    ``issuer`` and ``subject`` are names in DER. ``spki`` is the public key as OpenSSL encodes it, ``sent_spki`` the
    public key as encoded in the certificate.
    """

    der: bytes
    version: int
    serial: bytes
    issuer: bytes
    not_before: datetime | None
    not_after: datetime | None
    subject: bytes
    spki: bytes
    sent_spki: bytes
    claimed_algorithm: bytes
    raw_algorithm: bytes
    extensions: Extensions

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate, in hex."""
        return sha256(self.der).hexdigest()

    @cached_property
    def subject_key(self) -> dn.Canonical:
        """The canonical form of the subject, for comparison."""
        return dn.canonical(self.subject)

    @cached_property
    def issuer_key(self) -> dn.Canonical:
        """The canonical form of the issuer, for comparison."""
        return dn.canonical(self.issuer)

    @cached_property
    def self_issued(self) -> bool:
        """True if subject and issuer of the certificate are the same name."""
        return self.subject_key == self.issuer_key

    @cached_property
    def key(self) -> keys.Key:
        """The type and size of the public key; OpenSSL determines the size if the module ``keys`` cannot.

        The type is "" if the key is unreadable.
        """
        try:
            found = keys.key(self.spki)
        except DERError:
            return keys.Key("", 0)
        if found.strength:
            return found
        bits, curve = openssl.key(self.der, found.curve)
        return keys.Key(found.kind, bits or found.bits, curve or found.curve)

    @cached_property
    def algorithm(self) -> keys.Algorithm:
        """The signature algorithm of the certificate; an unreadable algorithm has the name ""."""
        return _algorithm(self.raw_algorithm)

    @cached_property
    def claimed(self) -> keys.Algorithm:
        """The signature algorithm in the TBSCertificate, which must equal ``algorithm`` (RFC 5280 section 4.1.2.3)."""
        return _algorithm(self.claimed_algorithm)


def _algorithm(raw: bytes) -> keys.Algorithm:
    try:
        return keys.algorithm(raw)
    except DERError:
        return keys.Algorithm("")


@remembered(CACHED, openssl.USUAL_SIZE)
def parse(octets: bytes) -> Certificate:
    """Parse one certificate, without trailing octets.

    Raises:
        DERError: the outer structure cannot be decoded.
    """
    try:
        return _parse(octets)
    except (ValueError, IndexError) as error:
        raise DERError(str(error)) from error


def _parse(octets: bytes) -> Certificate:
    parts = der.children(der.whole(octets, der.SEQUENCE))
    if len(parts) != 3:  # noqa: PLR2004 - RFC 5280 section 4.1: TBS, algorithm, signature
        raise DERError("a certificate has three parts")
    version, fields = _tbs_fields(parts[0])
    serial, claimed, issuer, validity, subject, spki, *rest = fields
    der.bit_string(parts[2])
    not_before, not_after = _validity(validity)
    certificate = Certificate(
        der=octets,
        version=version,
        serial=der.expect(serial, der.INTEGER).content,
        issuer=der.expect(issuer, der.SEQUENCE).raw,
        not_before=not_before,
        not_after=not_after,
        subject=der.expect(subject, der.SEQUENCE).raw,
        spki=keys.normal_spki(spki),
        sent_spki=spki.raw,
        claimed_algorithm=claimed.raw,
        raw_algorithm=parts[1].raw,
        extensions=extensions.decode(_extensions(rest)),
    )
    _ = certificate.subject_key, certificate.issuer_key  # raises DERError for a malformed name
    return certificate


def spki(octets: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of a certificate as OpenSSL encodes it for the comparison with TLSA records.

    Raises:
        DERError: the SubjectPublicKeyInfo cannot be found.
    """
    return keys.normal_spki(_outer_fields(octets)[5])


def subject(octets: bytes) -> bytes:
    """Return the subject of a certificate in DER, without parsing the other fields.

    Raises:
        DERError: the subject cannot be found.
    """
    return der.expect(_outer_fields(octets)[4], der.SEQUENCE).raw


def as_read(octets: bytes) -> bytes:
    """Return a certificate as OpenSSL encodes it again, with the lengths of the outer elements in DER.

    Raises:
        DERError: the certificate cannot be decoded.
    """
    outer = der.read(octets)
    parts = der.children(der.expect(outer, der.SEQUENCE))
    if der.encode(der.SEQUENCE, outer.content) == outer.raw and all(
        der.encode(part.tag, part.content) == part.raw for part in parts[1:]
    ):
        return outer.raw
    encoded = openssl.encoded(outer.raw)
    if encoded is None:
        raise DERError("OpenSSL cannot read it")
    return encoded


def _outer_fields(octets: bytes) -> list[TLV]:
    parts = der.children(der.whole(octets, der.SEQUENCE))
    if not parts:
        raise DERError("empty certificate")
    return _tbs_fields(parts[0])[1]


def _tbs_fields(tbs: TLV) -> tuple[int, list[TLV]]:
    """Return the version of a certificate and the fields after the version."""
    fields = der.children(der.expect(tbs, der.SEQUENCE))
    version = 0
    if fields and fields[0].tag == _VERSION:
        version = der.integer(der.read(fields.pop(0).content))
    if len(fields) < 6:  # noqa: PLR2004 - serial, algorithm, issuer, validity, subject, key
        raise DERError("a certificate lacks fields")
    return version, fields


def _validity(element: TLV) -> tuple[datetime | None, datetime | None]:
    times = der.children(der.expect(element, der.SEQUENCE))
    if len(times) != 2:  # noqa: PLR2004 - from and until
        raise DERError("validity is a pair")
    return der.time(times[0]), der.time(times[1])


def _extensions(rest: list[TLV]) -> list[TLV]:
    """Return the elements of the Extensions sequence; an unreadable sequence is returned as one broken extension."""
    wrapped = [part for part in rest if part.tag == _EXTENSIONS]
    try:
        return [item for part in wrapped for item in der.children(der.read(part.content))]
    except DERError:
        return wrapped
