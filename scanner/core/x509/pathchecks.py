"""What is wrong with a path that has been built (RFC 5280 section 6, with OpenSSL's leniencies and Postfix's limit).

OpenSSL stops at its first error unless a callback tells it to go on; Postfix does, and reports the error nearest to
the leaf. So every check here yields all of its errors, and they are put in that order: by depth, and within a depth
as OpenSSL finds them (leaf key, building, extensions, strengths, signatures and dates, name constraints). Names are
not compared here. Name constraints alone are left to OpenSSL, over exactly this path.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from OpenSSL import crypto

from scanner.core.x509 import dn
from scanner.core.x509.certificate import Certificate
from scanner.core.x509.chain import DEPTH_LIMIT
from scanner.core.x509.extensions import DIGITAL_SIGNATURE, KEY_AGREEMENT, KEY_CERT_SIGN, KEY_ENCIPHERMENT
from scanner.core.x509.keys import EXPLICIT, LEVEL_BITS
from scanner.model import PathError

TEXTS = {
    1: "unspecified certificate verification error",
    2: "unable to get issuer certificate",
    6: "unable to decode issuer public key",
    7: "certificate signature failure",
    9: "certificate is not yet valid",
    10: "certificate has expired",
    13: "format error in certificate's notBefore field",
    14: "format error in certificate's notAfter field",
    18: "self-signed certificate",
    19: "self-signed certificate in certificate chain",
    20: "unable to get local issuer certificate",
    21: "unable to verify the first certificate",
    22: "certificate chain too long",
    25: "path length constraint exceeded",
    26: "unsuitable certificate purpose",
    32: "key usage does not include certificate signing",
    34: "unhandled critical extension",
    40: "proxy certificates not allowed, please set the appropriate flag",
    47: "permitted subtree violation",
    48: "excluded subtree violation",
    49: "name constraints minimum and maximum not supported",
    51: "unsupported name constraint type",
    52: "unsupported or invalid name constraint syntax",
    53: "unsupported or invalid name syntax",
    62: "hostname mismatch",
    64: "IP address mismatch",
    65: "no matching DANE TLSA records",
    66: "EE certificate key too weak",
    67: "CA certificate key too weak",
    68: "CA signature digest algorithm too weak",
    79: "invalid CA certificate",
    94: "certificate public key has explicit ECC parameters",
}
"""The words of OpenSSL 3 for each X509_V_ERR number that is used."""

_UNTRUSTED = (19, 20)
_NAME_CONSTRAINTS = (47, 48, 49, 51, 52, 53)

Path = Sequence[Certificate]
Found = tuple[int, int]
"""An error number and the depth it was found at."""


def check(
    path: Path, now: datetime, *, security_level: int, built: Iterable[Found] = (), bare_key: bool = False
) -> tuple[PathError, ...]:
    """Check a path.

    Args:
        path: certificates, leaf first, the anchor (or as far as building got) last.
        now: the time at which dates are judged.
        security_level: OpenSSL's level, 0 to 5, for keys and signatures.
        built: the errors of building it.
        bare_key: a key without certificate verified the topmost certificate's signature.

    Returns:
        Every error, nearest to the leaf first.
    """
    found = [
        *leaf_key(path[0], security_level),
        *built,
        *_extensions(path),
        *_strengths(path, security_level),
        *_signatures_and_dates(path, now, bare_key=bare_key),
        *_name_constraints(path),
    ]
    limited = _within_limit(found, _topmost_checked(path, bare_key=bare_key))
    return tuple(path_error(num, depth, path) for num, depth in sorted(limited, key=lambda f: f[1]))


def unanchored(path: Path, *, from_store: bool = False) -> Found:
    """The error of a path that ends short of an anchor, by what stands on its top."""
    top = len(path) - 1
    if path[top].self_signed:
        return (19 if top else 18), top
    return (2 if from_store else 20), top


def path_error(num: int, depth: int, path: Path) -> PathError:
    """An error with OpenSSL's words and the name concerned: of an untrusted path, the issuer that is missing."""
    concerned = path[min(depth, len(path) - 1)]
    name = concerned.issuer if num in _UNTRUSTED else concerned.subject
    return PathError(num, depth, TEXTS[num], dn.one_line(name))


def leaf_key(leaf: Certificate, security_level: int) -> Iterator[Found]:
    """The one check that even DANE-EE makes: is the leaf's key strong enough?"""
    if _weak_key(leaf, security_level):
        yield 66, 0


def _weak_key(certificate: Certificate, level: int) -> bool:
    """A key whose size is not known to us passes: OpenSSL has just used it."""
    return level > 0 and certificate.key.bits > 0 and certificate.key.strength < LEVEL_BITS[level]


def _within_limit(found: Sequence[Found], topmost: int) -> Sequence[Found]:
    """Postfix replaces whatever it hears of a depth beyond its limit by "too long"."""
    kept = [(num, depth) for num, depth in found if depth <= DEPTH_LIMIT]
    too_long = topmost > DEPTH_LIMIT or len(kept) < len(found)
    return [*kept, (22, DEPTH_LIMIT + 1)] if too_long else kept


# --- extensions -----------------------------------------------------------------------------------------------

_SERVER_PURPOSES = {"1.3.6.1.5.5.7.3.1", "1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1"}
"""serverAuth and its two ancestors, the "server gated" ones; anyExtendedKeyUsage is none, as in OpenSSL."""

_NS_SERVER, _NS_TLS_CA, _NS_ANY_CA = 0x40, 0x04, 0x07
_CA, _V1_CA, _USAGE_CA, _NETSCAPE_CA = 1, 3, 4, 5


def _extensions(path: Path) -> Iterator[Found]:
    between = 0  # CA certificates passed that are not self-issued: what path lengths count
    for depth, certificate in enumerate(path):
        for num in _extension_errors(certificate, depth, len(path)):
            yield num, depth
        length = certificate.extensions.path_length
        if depth > 1 and length is not None and between > length:
            yield 25, depth
        between += depth > 0 and not certificate.self_issued


def _extension_errors(certificate: Certificate, depth: int, size: int) -> Iterator[int]:
    if certificate.extensions.unknown_critical:
        yield 34
    if certificate.extensions.proxy:
        yield 40
    kind = _ca_kind(certificate)
    if depth > 0 and (kind == 0 or (depth < size - 1 and kind != _CA)):
        yield 79
    if size > 1 and certificate.key.curve == EXPLICIT:
        yield 94
    if not _fit_for_server(certificate, kind, is_leaf=depth == 0):
        yield 26


def _ca_kind(certificate: Certificate) -> int:
    """OpenSSL's grades of being a CA: 0 not at all, 1 as RFC 5280 wants it, others as old certificates do."""
    said = certificate.extensions
    if said.broken or (said.key_usage is not None and not said.key_usage & KEY_CERT_SIGN):
        return 0
    if said.is_ca is not None:
        return _CA if said.is_ca else 0
    if certificate.version == 0 and certificate.self_signed:
        return _V1_CA
    if said.key_usage is not None:
        return _USAGE_CA
    return _NETSCAPE_CA if said.netscape_type is not None and said.netscape_type & _NS_ANY_CA else 0


def _fit_for_server(certificate: Certificate, ca_kind: int, *, is_leaf: bool) -> bool:
    """OpenSSL's purpose check for TLS servers; an extendedKeyUsage restricts CA certificates too."""
    said = certificate.extensions
    if said.broken:
        return True  # OpenSSL cannot tell and lets it pass
    if said.ext_key_usage is not None and _SERVER_PURPOSES.isdisjoint(said.ext_key_usage):
        return False
    if not is_leaf:
        return ca_kind != 0 and (ca_kind != _NETSCAPE_CA or bool((said.netscape_type or 0) & _NS_TLS_CA))
    if said.netscape_type is not None and not said.netscape_type & _NS_SERVER:
        return False
    return said.key_usage is None or bool(said.key_usage & (DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | KEY_AGREEMENT))


# --- strengths, signatures, dates -----------------------------------------------------------------------------


def _strengths(path: Path, level: int) -> Iterator[Found]:
    """Keys of the issuers, and every signature but the topmost, which is the anchor's own affair."""
    for depth, certificate in enumerate(path):
        if depth > 0 and _weak_key(certificate, level):
            yield 67, depth
        if level > 0 and depth < len(path) - 1 and certificate.algorithm.strength < LEVEL_BITS[level]:
            yield 68, depth


def _topmost_checked(path: Path, *, bare_key: bool) -> int:
    """The depth where signatures and dates begin to count: an anchor that others issued is taken as it is."""
    top = len(path) - 1
    return top if bare_key or top == 0 or path[top].self_signed else top - 1


def _signatures_and_dates(path: Path, now: datetime, *, bare_key: bool) -> Iterator[Found]:
    if len(path) == 1 and not bare_key and not path[0].self_signed:
        yield 21, 0
    for depth in range(_topmost_checked(path, bare_key=bare_key), -1, -1):
        if depth + 1 < len(path):
            yield from _signature(path[depth], path[depth + 1], depth)
        for num in _dates(path[depth], now):
            yield num, depth


def _signature(certificate: Certificate, issuer: Certificate, depth: int) -> Iterator[Found]:
    usage = issuer.extensions.key_usage
    if usage is not None and not usage & KEY_CERT_SIGN:
        yield 32, depth + 1
    holds = certificate.signed_by(issuer.spki)
    if holds is None:
        yield 6, depth + 1
    elif not holds:
        yield 7, depth


def _dates(certificate: Certificate, now: datetime) -> Iterator[int]:
    if certificate.not_before is None:
        yield 13
    elif certificate.not_before > now:
        yield 9
    if certificate.not_after is None:
        yield 14
    elif certificate.not_after <= now:
        yield 10


# --- name constraints -----------------------------------------------------------------------------------------

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which pyOpenSSL does not name


def _name_constraints(path: Path) -> Iterator[Found]:
    if any(certificate.extensions.name_constraints for certificate in path):
        found = _constraint_violated(tuple(certificate.der for certificate in path))
        if found is not None:
            yield found


@lru_cache(maxsize=1024)  # paths with constraints are rare, and shared by many leaves of one provider
def _constraint_violated(path: tuple[bytes, ...]) -> Found | None:
    """Have OpenSSL verify this very path; None if it finds nothing, or something else first."""
    flags = crypto.X509StoreFlags
    try:
        leaf, *issuers = (crypto.load_certificate(crypto.FILETYPE_ASN1, octets) for octets in path)
        store = crypto.X509Store()
        store.set_flags(flags.PARTIAL_CHAIN | flags.IGNORE_CRITICAL | _NO_CHECK_TIME)
        store.add_cert((leaf, *issuers)[-1])
        crypto.X509StoreContext(store, leaf, issuers).verify_certificate()
    except crypto.X509StoreContextError as error:
        num, depth, _text = error.errors
        return (num, depth) if num in _NAME_CONSTRAINTS else None
    except crypto.Error:
        return None
    return None
