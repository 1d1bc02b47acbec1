"""The conversion of a DER certificate into the stored record ``CertFacts``.

If OpenSSL can decode a certificate and this module cannot, the record contains the digests of the certificate, which
can match a full-certificate TLSA record, and the cause in ``parse_error``. A broken extension also sets
``parse_error``, but all other fields are filled. Malformed names of a certificate are kept as text.
"""

import hashlib
from dataclasses import replace

from scanner.core.x509 import certificate as x509
from scanner.core.x509 import dn
from scanner.core.x509.cache import remembered
from scanner.core.x509.certificate import CACHED, Certificate
from scanner.core.x509.der import DERError
from scanner.core.x509.extensions import PURPOSES
from scanner.core.x509.openssl import USUAL_SIZE
from scanner.facts import CertFacts

_PURPOSES = {
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "1.3.6.1.4.1.311.10.3.3": "msSGC",
    "2.16.840.1.113730.4.1": "nsSGC",
    "2.5.29.37.0": "anyExtendedKeyUsage",
}
"""OpenSSL's short names of extended key usages."""


@remembered(CACHED, USUAL_SIZE)
def facts(der: bytes) -> CertFacts:
    """Return the facts of one certificate as received; a certificate that cannot be decoded sets ``parse_error``."""
    try:
        return _facts(x509.parse(der))
    except DERError as error:
        return _digests_only(der, str(error))


def _facts(certificate: Certificate) -> CertFacts:
    extensions, names = certificate.extensions, certificate.extensions.alt_names
    cns = dn.values(certificate.issuer, "CN") or dn.values(certificate.issuer, "O") or ("",)
    return replace(
        _digests(certificate.der, certificate.spki),
        subject=dn.one_line(certificate.subject),
        issuer=dn.one_line(certificate.issuer),
        subject_cns=dn.values(certificate.subject, "CN"),
        issuer_cn=cns[0],
        dns_names=names.dns,
        ip_names=names.ips,
        odd_names=names.odd,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        key_type=certificate.key.kind,
        key_bits=certificate.key.bits,
        curve=certificate.key.curve,
        signature_algorithm=certificate.algorithm.name,
        is_ca=extensions.is_ca,
        path_length=extensions.path_length,
        ext_key_usage=tuple(_PURPOSES.get(oid, oid) for oid in (extensions.ext_key_usage or ())[:PURPOSES]),
        self_issued=certificate.self_issued,
        parse_error=_defects(certificate),
    )


def _defects(certificate: Certificate) -> str:
    broken = certificate.extensions.broken
    found = [f"broken extension {', '.join(broken)}"] if broken else []
    if certificate.extensions.overflowing:
        found.append("path length of more than 63 bits")
    elif certificate.extensions.endless:
        found.append("path length of more than 31 bits")
    if certificate.spki != certificate.sent_spki:
        found.append("spki-not-der: the public key is not encoded in DER; its digests are those of its DER form")
    return "; ".join(found)


def _digests_only(der: bytes, error: str) -> CertFacts:
    try:
        spki = x509.spki(der)
    except DERError:
        spki = b""
    return replace(_digests(der, spki), parse_error=error)


def _digests(der: bytes, spki: bytes) -> CertFacts:
    """Return the digests of a certificate and its key; the key digests are empty if the key was not found."""
    return CertFacts(
        sha256=hashlib.sha256(der).hexdigest(),
        sha512=hashlib.sha512(der).hexdigest(),
        spki_sha256=hashlib.sha256(spki).hexdigest() if spki else "",
        spki_sha512=hashlib.sha512(spki).hexdigest() if spki else "",
        der=der,
    )
