"""The checks of a built certificate path (RFC 5280 section 6, as lenient as OpenSSL).

OpenSSL accepts a path or returns the path's first error (see ``issuing``); this module checks dates and the security
level. For a refused path, this module collects all errors, as the verify callback of Postfix does, and sorts the errors
by depth, because Postfix reports the error nearest to the leaf. Errors of equal depth stay in the order in which
OpenSSL finds errors (leaf key, building, extensions, strengths, signatures and dates, name constraints). An error that
only OpenSSL detects is added to the other errors. This module does not compare certificate names with reference
identifiers.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from scanner.core.x509 import dn, issuing, name_constraints
from scanner.core.x509.certificate import Certificate
from scanner.core.x509.extensions import DIGITAL_SIGNATURE, KEY_AGREEMENT, KEY_CERT_SIGN, KEY_ENCIPHERMENT
from scanner.core.x509.issuing import Acceptance, Found
from scanner.core.x509.keys import EXPLICIT, LEVEL_BITS
from scanner.core.x509.verify_error import VerifyError, text_of
from scanner.model import PathError

_MISSING_ISSUER = (VerifyError.SELF_SIGNED_CERT_IN_CHAIN, VerifyError.UNABLE_TO_GET_ISSUER_CERT_LOCALLY)

Path = Sequence[Certificate]


def check(
    path: Path,
    now: datetime,
    *,
    security_level: int,
    built: Iterable[Found] = (),
    bare_key: bytes = b"",
    verdict: Acceptance | None = None,
) -> tuple[PathError, ...]:
    """Check a path.

    Args:
        path: certificates, leaf first; the last is the anchor or, in an incomplete path, the topmost certificate.
        now: the time at which dates are judged.
        security_level: OpenSSL's level, 0 to 5, for keys and signatures.
        built: the errors of path building.
        bare_key: the SubjectPublicKeyInfo that replaces an anchor above the topmost certificate.
        verdict: OpenSSL's verdict on the path, if already known.

    Returns:
        All errors of the path; the error nearest to the leaf is first.
    """
    unbuilt = tuple(built)
    if verdict is None:
        verdict = _of_unbuilt(path) if unbuilt else issuing.acceptance(path, bare_key)
    found = [
        *leaf_key(path[0], security_level),
        *unbuilt,
        *(() if verdict.accepted else _extensions(path)),
        *_strengths(path, security_level),
        *_signatures_and_dates(path, now, bare_key=bool(bare_key), signed=verdict.accepted),
        *(() if verdict.accepted else name_constraints.violations(path)),
    ]
    if verdict.error is not None and verdict.error not in found:
        found.append(verdict.error)
    return tuple(path_error(num, depth, path) for num, depth in sorted(found, key=lambda f: f[1]))


def _of_unbuilt(path: Path) -> Acceptance:
    """Return the refusal of a path without an anchor; OpenSSL is called only for errors of RFC 3779 resources."""
    if any(certificate.extensions.resources for certificate in path):
        error = issuing.acceptance(path).error
        if error is not None and error[0] == VerifyError.UNNESTED_RESOURCE:
            return Acceptance(accepted=False, error=error)
    return Acceptance(accepted=False)


def unanchored(path: Path, *, from_store: bool = False) -> Found:
    """Return the error of a path without an anchor, which depends on its topmost certificate."""
    top = len(path) - 1
    if issuing.self_signed(path[top]):
        return (VerifyError.SELF_SIGNED_CERT_IN_CHAIN if top else VerifyError.DEPTH_ZERO_SELF_SIGNED_CERT), top
    return (VerifyError.UNABLE_TO_GET_ISSUER_CERT if from_store else VerifyError.UNABLE_TO_GET_ISSUER_CERT_LOCALLY), top


def path_error(num: int, depth: int, path: Path) -> PathError:
    """Return an error with OpenSSL's message and the name concerned (the missing issuer for an untrusted path)."""
    concerned = path[min(depth, len(path) - 1)]
    name = concerned.issuer if num in _MISSING_ISSUER else concerned.subject
    return PathError(num, depth, text_of(num), dn.one_line(name))


def leaf_key(leaf: Certificate, security_level: int) -> Iterator[Found]:
    """Yield the error of a leaf with a weak key.

    Of all checks in this module, only this check also applies to DANE-EE.
    """
    if _weak_key(leaf, security_level):
        yield VerifyError.EE_KEY_TOO_SMALL, 0


def _weak_key(certificate: Certificate, level: int) -> bool:
    """Return True for a key that is known to be too weak.

    A key of unknown strength is accepted, because OpenSSL accepted it.
    """
    return level > 0 and certificate.key.bits > 0 and certificate.key.strength < LEVEL_BITS[level]


# --- extensions -----------------------------------------------------------------------------------------------

_SERVER_PURPOSES = {"1.3.6.1.5.5.7.3.1", "1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1"}
"""Extended key usages of TLS servers: serverAuth and two obsolete "server gated" usages; not anyExtendedKeyUsage."""

_NS_SERVER, _NS_TLS_CA, _NS_ANY_CA = 0x40, 0x04, 0x07
_CA, _V1_CA, _USAGE_CA, _NETSCAPE_CA = 1, 3, 4, 5


def _extensions(path: Path) -> Iterator[Found]:
    between = 0  # CA certificates so far that are not self-issued, which path lengths count
    below: Certificate | None = None
    for depth, certificate in enumerate(path):
        for num in _extension_errors(certificate, below, depth, len(path)):
            yield num, depth
        length = certificate.extensions.path_length
        if depth > 1 and length is not None and between > length:
            yield VerifyError.PATH_LENGTH_EXCEEDED, depth
        between += depth > 0 and not certificate.self_issued
        below = certificate


def _extension_errors(certificate: Certificate, below: Certificate | None, depth: int, size: int) -> Iterator[int]:
    """Yield the extension errors of one certificate of a path.

    Every certificate above the leaf has to be a CA, except the issuer of a proxy certificate.
    """
    if certificate.extensions.unknown_critical:
        yield VerifyError.UNHANDLED_CRITICAL_EXTENSION
    if certificate.extensions.proxy:
        yield VerifyError.PROXY_CERTIFICATES_NOT_ALLOWED
    kind = _ca_kind(certificate)
    as_ca = below is not None and not below.extensions.proxy
    if as_ca and (kind == 0 or (depth < size - 1 and kind != _CA)):
        yield VerifyError.INVALID_CA
    if below is not None and not as_ca and kind != 0:
        yield VerifyError.INVALID_NON_CA
    if size > 1 and certificate.key.curve == EXPLICIT:
        yield VerifyError.EC_KEY_EXPLICIT_PARAMS
    if not _fit_for_server(certificate, kind, as_ca=as_ca):
        yield VerifyError.INVALID_PURPOSE


def _ca_kind(certificate: Certificate) -> int:
    """Return OpenSSL's CA grade: 0 for no CA, 1 for a CA by RFC 5280, other values for a CA by older conventions."""
    said = certificate.extensions
    if said.key_usage is not None and not said.key_usage & KEY_CERT_SIGN:
        return 0
    if said.is_ca is not None:
        return _CA if said.is_ca else 0
    if certificate.version == 0 and issuing.self_signed(certificate):
        return _V1_CA
    if said.key_usage is not None:
        return _USAGE_CA
    return _NETSCAPE_CA if said.netscape_type is not None and said.netscape_type & _NS_ANY_CA else 0


def _fit_for_server(certificate: Certificate, ca_kind: int, *, as_ca: bool) -> bool:
    """Return whether a server certificate (with ``as_ca``: a CA certificate) passes OpenSSL's check for TLS servers."""
    said = certificate.extensions
    if said.broken:
        return True  # OpenSSL cannot decide and accepts
    if said.ext_key_usage is not None and _SERVER_PURPOSES.isdisjoint(said.ext_key_usage):
        return False
    if as_ca:
        return ca_kind != 0 and (ca_kind != _NETSCAPE_CA or bool((said.netscape_type or 0) & _NS_TLS_CA))
    if said.netscape_type is not None and not said.netscape_type & _NS_SERVER:
        return False
    return said.key_usage is None or bool(said.key_usage & (DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | KEY_AGREEMENT))


# --- strengths, signatures, dates -----------------------------------------------------------------------------


def _strengths(path: Path, level: int) -> Iterator[Found]:
    """Yield the errors of weak issuer keys and weak signatures, except the signature of the anchor."""
    for depth, certificate in enumerate(path):
        if depth > 0 and _weak_key(certificate, level):
            yield VerifyError.CA_KEY_TOO_SMALL, depth
        if level > 0 and depth < len(path) - 1 and certificate.algorithm.strength < LEVEL_BITS[level]:
            yield VerifyError.CA_MD_TOO_WEAK, depth


def _signatures_and_dates(path: Path, now: datetime, *, bare_key: bool, signed: bool) -> Iterator[Found]:
    """Yield the errors of signatures and dates, anchor first; an anchor that is not self-signed is not checked."""
    top = len(path) - 1
    checked = top if bare_key or top == 0 or issuing.self_signed(path[top]) else top - 1
    if top == 0 and not bare_key and not issuing.self_signed(path[0]):
        yield VerifyError.UNABLE_TO_VERIFY_LEAF_SIGNATURE, 0
    for depth in range(checked, -1, -1):
        if depth < top and not signed:
            yield from _signature(path[depth], path[depth + 1], depth)
        for num in _dates(path[depth], now):
            yield num, depth


def _signature(certificate: Certificate, issuer: Certificate, depth: int) -> Iterator[Found]:
    usage, proxy = issuer.extensions.key_usage, certificate.extensions.proxy
    if usage is not None and not usage & (DIGITAL_SIGNATURE if proxy else KEY_CERT_SIGN):
        yield (VerifyError.KEYUSAGE_NO_DIGITAL_SIGNATURE if proxy else VerifyError.KEYUSAGE_NO_CERTSIGN), depth + 1
    if issuing.signed_by(certificate, issuer) is False:
        yield VerifyError.CERT_SIGNATURE_FAILURE, depth


def _dates(certificate: Certificate, now: datetime) -> Iterator[int]:
    if certificate.not_before is None:
        yield VerifyError.ERROR_IN_CERT_NOT_BEFORE_FIELD
    elif certificate.not_before > now:
        yield VerifyError.CERT_NOT_YET_VALID
    if certificate.not_after is None:
        yield VerifyError.ERROR_IN_CERT_NOT_AFTER_FIELD
    elif certificate.not_after <= now:
        yield VerifyError.CERT_HAS_EXPIRED
