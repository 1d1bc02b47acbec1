"""Cache of OpenSSL's answers: whether one certificate issued another certificate, and whether a path is accepted.

A certificate with a repeated or undecodable known extension, a negative path length or an empty keyUsage is unusable
for OpenSSL (EXFLAG_INVALID): OpenSSL neither accepts it as an issuer nor accepts an issuer of it. OpenSSL also rejects
an issuer with an unknown key type and a subject with an unknown signature algorithm. This module also rejects a
certificate with a path length that OpenSSL cannot store; OpenSSL treats such a path length as absent. OpenSSL's answers
do not depend on the time, since this module disables the check of validity periods. Most leaf certificates occur once
in a scan, but their issuers occur often. If the path above a leaf was verified before, OpenSSL verifies only the leaf.
"""

import hashlib
import itertools
import warnings
from collections.abc import Sequence
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning

from scanner.core.x509 import dn, keys, openssl, synthetic
from scanner.core.x509.cache import Kept
from scanner.core.x509.certificate import Certificate
from scanner.core.x509.openssl import VerifyAnswer, VerifyFlags
from scanner.core.x509.verify_error import NAME_ERRORS, VerifyError

# about peers' certificates; this filter by module affects no other module and, unlike catch_warnings, is thread-safe
warnings.filterwarnings("ignore", category=CryptographyDeprecationWarning, module=f"{__name__}$")

ANSWERS = 16384
"""Maximum number of cached answers about a certificate, alone or with its issuer, of some 200 octets each."""

TOPS = 1024
"""Maximum number of cached upper parts (without the leaf) of accepted paths."""

Found = tuple[int, int]
"""A verification error of OpenSSL: its number and its depth in the path."""

_LENIENT = VerifyFlags.PARTIAL_CHAIN | VerifyFlags.IGNORE_CRITICAL | VerifyFlags.ALLOW_PROXY_CERTS
_SERVER = VerifyFlags.PARTIAL_CHAIN | VerifyFlags.SERVER_PURPOSE
_PAIR = 2

_NOT_SIGNED = {
    VerifyError.CERT_SIGNATURE_FAILURE,
    VerifyError.UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
    VerifyError.DEPTH_ZERO_SELF_SIGNED_CERT,
}
"""OpenSSL's error numbers for a signature that the key of the given issuer did not make."""

_AFTER_SIGNATURES = {VerifyError.UNNESTED_RESOURCE, *NAME_ERRORS}
"""Errors that OpenSSL detects after the check of the signatures."""

_answers: Kept[tuple[str, str, str], VerifyAnswer] = Kept(ANSWERS)
_accepted_tops: Kept[tuple[str, ...], bool] = Kept(TOPS)


class Acceptance(NamedTuple):
    """OpenSSL's verdict on a certificate path.

    ``error`` is the first error that OpenSSL reports. If OpenSSL neither accepts the path nor reports an error, it has
    built another path from the same certificates; OpenSSL then verifies only the signatures of the given path, and this
    package checks everything else.
    """

    accepted: bool
    error: Found | None = None


def self_signed(certificate: Certificate) -> bool:
    """Return True if a certificate names itself as its issuer, by issuer name, key identifiers and key type."""
    if not certificate.self_issued:
        return False
    key = ("self-signed", certificate.fingerprint, "")
    answer = _answers.get(key, lambda: openssl.ask(certificate.der, (), (), VerifyFlags.NONE))
    return answer.num == VerifyError.DEPTH_ZERO_SELF_SIGNED_CERT and described(certificate, certificate)


def may_have_issued(issuer: Certificate, subject: Certificate) -> bool:
    """Return True if names, key identifiers, key types and extensions allow that one certificate issued another.

    RFC 5280 section 4.2.1.1 defines the comparison of key identifiers.
    """
    if issuer.subject_key != subject.issuer_key or not described(issuer, subject):
        return False
    key = ("issuer", subject.fingerprint, issuer.fingerprint)
    answer = _answers.get(key, lambda: openssl.ask(subject.der, (issuer.der,), (), VerifyFlags.NONE))
    return answer.size > 1


def issued(issuer: Certificate, subject: Certificate, *, leaf: bool) -> bool:
    """Return the result of ``may_have_issued``, from a cached OpenSSL answer that ``acceptance`` needs afterwards."""
    if issuer.subject_key != subject.issuer_key or not described(issuer, subject):
        return False
    return _pair(issuer, subject, leaf=leaf).size > 1


def refused(issuer: Certificate, subject: Certificate) -> bool:
    """Return True if an issuer is rejected only because its certificate or the subject is unusable in every path."""
    if issuer.subject_key != subject.issuer_key or self_signed(subject):
        return False
    if issuer.extensions.overflowing or subject.extensions.overflowing:
        return True
    return described(issuer, subject) and not may_have_issued(issuer, subject)


def described(issuer: Certificate, subject: Certificate) -> bool:
    """Return True if an issuer matches the issuer name and authority key identifier of a subject, as in OpenSSL 3.

    Unlike OpenSSL 3, OpenSSL 4 treats an issuer and a subject with the same issuer name and serial number as one
    certificate, and then accepts an issuer with another key identifier. A part of the authority key identifier is
    compared only if the issuer contains the corresponding field.
    """
    wanted, key_id = subject.extensions.authority, issuer.extensions.subject_key_id
    if subject.extensions.overflowing or issuer.extensions.overflowing:
        return False
    if wanted.key_id is not None and key_id is not None and wanted.key_id != key_id:
        return False
    if wanted.serial is not None and wanted.serial.content != issuer.serial:
        return False
    if wanted.issuer is not None and dn.canonical(wanted.issuer) != issuer.issuer_key:
        return False
    return fits(subject.claimed.kind, issuer.key.kind)


def fits(algorithm: str, key: str) -> bool:
    """Return True if a key type can make signatures of an algorithm, or if the key type or algorithm is unknown."""
    return not algorithm or not key or algorithm == key or (algorithm, key) == ("RSA-PSS", "RSA")


def _pair(issuer: Certificate, subject: Certificate, *, leaf: bool) -> VerifyAnswer:
    """Verify a certificate with its issuer as trust anchor; if ``leaf`` is true, also check the use by a TLS server."""
    checks = _SERVER if leaf else _LENIENT
    key = _pair_key(issuer, subject, leaf=leaf)
    return _answers.get(key, lambda: openssl.ask(subject.der, (), (issuer.der,), checks))


def _pair_key(issuer: Certificate, subject: Certificate, *, leaf: bool) -> tuple[str, str, str]:
    return "leaf" if leaf else "pair", subject.fingerprint, issuer.fingerprint


def signed_by(subject: Certificate, issuer: Certificate) -> bool | None:
    """Return whether an issuer's key made the signature of a certificate; None if OpenSSL gives no answer."""
    cached = _answers.peek(_pair_key(issuer, subject, leaf=True))  # saves a check of the signature
    signed = _signed(cached) if cached is not None else None
    if signed is None:
        signed = _signed(_pair(issuer, subject, leaf=False))
    return signed_by_key(subject, issuer.spki) if signed is None else signed


def _signed(answer: VerifyAnswer) -> bool | None:
    if answer.accepted or answer.num in _AFTER_SIGNATURES:
        return True
    return False if answer.num in _NOT_SIGNED else None


def signed_by_key(subject: Certificate, spki: bytes) -> bool | None:
    """Return whether a public key made the signature of a certificate; None if OpenSSL gives no answer.

    OpenSSL verifies the certificate with a synthetic issuer that contains the key (see the module ``synthetic``). For a
    self-signed certificate, OpenSSL uses no other issuer, so ``_by_namesake`` verifies the signature with a key other
    than the key of the certificate.
    """
    if subject.extensions.overflowing:
        return False
    if not self_signed(subject):
        return _signed(_by_key(subject, spki, "key", _LENIENT))
    if spki == subject.spki:
        return _by_itself(subject, VerifyFlags.CHECK_SS_SIGNATURE).accepted
    return _by_namesake(subject, spki)


def _by_namesake(subject: Certificate, spki: bytes) -> bool | None:
    """Return whether the key of another certificate of the same name made the signature of a self-issued certificate.

    ``cryptography`` verifies the signature, since X509_verify has no Python binding. The result is None for a key that
    OpenSSL does not know, and for an RSA-PSS key, because OpenSSL ignores the limits in an RSA-PSS key.
    """
    try:
        kind = keys.key(spki).kind
        if kind == "RSA-PSS":
            return None
        if not fits(subject.claimed.kind, kind):
            return False
        own, issuer = (x509.load_der_x509_certificate(der) for der in (subject.der, synthetic.issuer(subject, spki)))
        own.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        return None
    return True


def _by_itself(certificate: Certificate, checks: VerifyFlags) -> VerifyAnswer:
    key = (checks.name or str(checks.value), certificate.fingerprint, "")
    return _answers.get(key, lambda: openssl.ask(certificate.der, (), (certificate.der,), checks))


def _by_key(subject: Certificate, spki: bytes, kind: str, checks: VerifyFlags) -> VerifyAnswer:
    key = (kind, subject.fingerprint, hashlib.sha256(spki).hexdigest())
    return _answers.get(key, lambda: openssl.ask(subject.der, (), (synthetic.issuer(subject, spki),), checks))


def acceptance(path: Sequence[Certificate], bare_key: bytes = b"") -> Acceptance:
    """Verify exactly one path for a TLS server with OpenSSL, without checking dates.

    Args:
        path: certificates, leaf first; OpenSSL uses the last certificate as the anchor.
        bare_key: the SubjectPublicKeyInfo of an anchor without a certificate, whose key has to verify the signature of
            the last certificate of ``path``; empty for none.
    """
    if bare_key and not signed_by_key(path[-1], bare_key):
        return Acceptance(accepted=False, error=(VerifyError.CERT_SIGNATURE_FAILURE, len(path) - 1))
    if len(path) == 1:
        return _verdict(_alone(path[0], bare_key))
    first = _pair(path[1], path[0], leaf=True)
    if len(path) == _PAIR:
        return _verdict(first)
    top, constrained = tuple([c.fingerprint for c in path[1:]]), any(map(_constrained, path))
    if first.accepted and not constrained and _accepted_tops.peek(top):
        return Acceptance(accepted=True)
    answer = openssl.ask(path[0].der, [c.der for c in path[1:-1]], (path[-1].der,), _SERVER)
    if answer.size != len(path):
        return Acceptance(accepted=False, error=_unsigned(path))
    if answer.accepted and not constrained:
        _accepted_tops.get(top, lambda: True)
    return _verdict(answer)


def _alone(leaf: Certificate, bare_key: bytes) -> VerifyAnswer:
    if bare_key and not self_signed(leaf):
        answer = _by_key(leaf, bare_key, "bare key", _SERVER)
        return answer._replace(depth=min(answer.depth, 1))  # the synthetic issuer is not in the path
    return _by_itself(leaf, VerifyFlags.SERVER_PURPOSE)


def _constrained(certificate: Certificate) -> bool:
    """Return whether a certificate has name constraints or RFC 3779 resources, whose check needs the whole path."""
    return bool(certificate.extensions.name_constraints or certificate.extensions.resources)


def _verdict(answer: VerifyAnswer) -> Acceptance:
    return Acceptance(answer.accepted, None if answer.accepted else (answer.num, answer.depth))


def _unsigned(path: Sequence[Certificate]) -> Found | None:
    """Return the error of the first certificate, from the leaf, that the next certificate of the path did not sign."""
    for depth, (subject, issuer) in enumerate(itertools.pairwise(path)):
        if signed_by(subject, issuer) is False:
            return VerifyError.CERT_SIGNATURE_FAILURE, depth
    return None
