"""A certificate taken apart (RFC 5280 section 4.1): slices of its own octets and what its extensions say.

This is the working form for building and checking paths; ``certs`` makes the record of it that is stored. A
certificate whose outer shape cannot be read has no working form; one with broken extensions has.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

from scanner.core.x509 import der, dn, extensions, keys
from scanner.core.x509.der import TLV, DERError
from scanner.core.x509.extensions import Extensions

CACHED = 8192  # certificates held, about 10 KiB each with their slices; a bulk scan meets issuers all the time

_VERSION, _EXTENSIONS = 0xA0, 0xA3


@dataclass(frozen=True)
class Certificate:
    """The parts of a certificate. ``version`` counts from 0, as on the wire; two are equal if their DER is."""

    der: bytes
    tbs: bytes
    version: int
    serial: int
    inner_algorithm: bytes
    issuer: TLV
    not_before: datetime | None
    not_after: datetime | None
    subject: TLV
    spki: bytes
    raw_algorithm: bytes
    signature: bytes
    extensions: Extensions

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    @cached_property
    def subject_key(self) -> dn.Canonical:
        """The subject as a value to compare by."""
        return dn.canonical(self.subject)

    @cached_property
    def issuer_key(self) -> dn.Canonical:
        """The issuer as a value to compare by."""
        return dn.canonical(self.issuer)

    @cached_property
    def self_issued(self) -> bool:
        """True when subject and issuer are the same name."""
        return self.subject_key == self.issuer_key

    @cached_property
    def key(self) -> keys.Key:
        """The public key's kind and size; kind "" where it cannot be read."""
        try:
            return keys.key(self.spki)
        except DERError:
            return keys.Key("", 0)

    @cached_property
    def algorithm(self) -> keys.Algorithm:
        """How it was signed; name "" where that cannot be read."""
        try:
            return keys.algorithm(self.raw_algorithm)
        except DERError:
            return keys.Algorithm("")

    @cached_property
    def self_signed(self) -> bool:
        """True if the certificate names itself as its issuer and nothing speaks against it."""
        return self.may_have_issued(self)

    def may_have_issued(self, subject: "Certificate") -> bool:
        """Tell whether names, key identifiers and kinds of key allow this (RFC 5280 section 4.2.1.1)."""
        if self.extensions.broken or subject.extensions.broken:
            return False
        if self.subject_key != subject.issuer_key:
            return False
        return _identified(self, subject) and _fits(subject.algorithm, self.key)

    def signed_by(self, spki: bytes) -> bool | None:
        """Tell whether a key signed it; None if that key or algorithm cannot be used."""
        if self.inner_algorithm != self.raw_algorithm:  # RFC 5280 section 4.1.1.2
            return False
        return keys.signed_by(self.tbs, self.raw_algorithm, self.signature, spki)


def _identified(issuer: Certificate, subject: Certificate) -> bool:
    """Each part of the authority key identifier counts only where there is something to compare it with."""
    wanted, key_id = subject.extensions.authority, issuer.extensions.subject_key_id
    if wanted.key_id is not None and key_id is not None and wanted.key_id != key_id:
        return False
    if wanted.serial is not None and wanted.serial != issuer.serial:
        return False
    return wanted.issuer is None or wanted.issuer == issuer.issuer_key


def _fits(algorithm: keys.Algorithm, key: keys.Key) -> bool:
    if not algorithm.kind or not key.kind:
        return True
    return algorithm.kind == key.kind or (algorithm.kind, key.kind) == ("RSA-PSS", "RSA")


@lru_cache(maxsize=CACHED)
def parse(octets: bytes) -> Certificate:
    """Take a certificate apart.

    Args:
        octets: one certificate, DER, nothing behind it.

    Raises:
        DERError: its outer shape cannot be read.
    """
    parts = der.children(der.whole(octets, der.SEQUENCE))
    if len(parts) != 3:  # noqa: PLR2004 - RFC 5280 section 4.1: TBS, algorithm, signature
        raise DERError("a certificate has three parts")
    version, fields = _tbs_fields(parts[0])
    serial, inner, issuer, validity, subject, spki, *rest = fields
    not_before, not_after = _validity(validity)
    certificate = Certificate(
        der=octets,
        tbs=parts[0].raw,
        version=version,
        serial=der.integer(serial),
        inner_algorithm=inner.raw,
        issuer=der.expect(issuer, der.SEQUENCE),
        not_before=not_before,
        not_after=not_after,
        subject=der.expect(subject, der.SEQUENCE),
        spki=der.expect(spki, der.SEQUENCE).raw,
        raw_algorithm=parts[1].raw,
        signature=der.bits(parts[2]),
        extensions=extensions.decode(_extensions(rest)),
    )
    _ = certificate.subject_key, certificate.issuer_key  # a name that is none is found out here
    return certificate


def spki(octets: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a certificate, octet by octet as it stands there.

    Raises:
        DERError: it cannot be found.
    """
    return der.expect(_outer_fields(octets)[5], der.SEQUENCE).raw


def subject(octets: bytes) -> TLV:
    """The subject of a certificate, without taking the rest apart.

    Raises:
        DERError: it cannot be found.
    """
    return der.expect(_outer_fields(octets)[4], der.SEQUENCE)


def _outer_fields(octets: bytes) -> list[TLV]:
    parts = der.children(der.whole(octets, der.SEQUENCE))
    if not parts:
        raise DERError("empty certificate")
    return _tbs_fields(parts[0])[1]


def _tbs_fields(tbs: TLV) -> tuple[int, list[TLV]]:
    """The version and the fields behind it."""
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
    """The elements of the Extensions sequence; those in an unreadable one count as one broken extension."""
    wrapped = [part for part in rest if part.tag == _EXTENSIONS]
    try:
        return [item for part in wrapped for item in der.children(der.read(part.content))]
    except DERError:
        return wrapped
