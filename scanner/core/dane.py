"""TLSA records against a chain (RFC 7671, RFC 7672): the verifier of OpenSSL, with names left aside.

DANE-EE first: a match with the leaf is success at once, whatever its dates, names and issuer. Then DANE-TA: a path
is built from what the server sent and from ``2 0 0`` certificates, never from local authorities, until a
certificate above the leaf matches, or a bare ``2 1 0`` key verifies the topmost signature; then the path is
checked. Names depend on the domain that asks: ``needs_name`` says that the caller has to compare them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from scanner.core.tlsa import CERT, DANE_EE, DANE_TA, DIGESTS, FULL, SHA256, SHA512, SPKI, agile
from scanner.core.x509 import certificate as x509
from scanner.core.x509 import facts as certs
from scanner.core.x509 import pathchecks
from scanner.core.x509.certificate import Certificate
from scanner.core.x509.chain import MAX_PATH, best_issuer, readable
from scanner.core.x509.der import DERError
from scanner.core.x509.pathchecks import TEXTS
from scanner.facts import CertFacts, TLSARecord
from scanner.model import DaneEvidence, PathError

NO_MATCH = 65
TOO_LONG = 22
NO_DEPTH = -1


def match(
    records: Sequence[TLSARecord],
    chain: Sequence[CertFacts],
    now: datetime,
    *,
    security_level: int = 1,
    digests: Sequence[str] = DIGESTS,
) -> DaneEvidence:
    """Compare TLSA records with a chain.

    Args:
        records: all records of the host; unusable ones are passed over.
        chain: the certificates as sent, leaf first, at least one.
        now: the time at which dates are judged.
        security_level: OpenSSL's level for keys and signatures; 1 is what a mandatory level uses.
        digests: the digests in use, from strong to weak.

    Returns:
        What matched, on which path, and what keeps it from counting.
    """
    active = agile(records, digests)
    hit = _first(active, DANE_EE, chain[0])
    if hit is not None:
        return _evidence_for_leaf(hit, chain[0], security_level)
    leaf = readable(chain[:1])
    if not leaf or not any(record.usage == DANE_TA for record in active):
        return _no_match_at_leaf(chain[0], leaf, security_level)
    anchored = _build(leaf[0], active, chain, now)
    return _evidence_for_path(anchored, now, security_level)


def _first(records: Iterable[TLSARecord], usage: int, cert: CertFacts) -> TLSARecord | None:
    """The first record of this usage that names this certificate or its key."""
    candidates = (record for record in records if record.usage == usage)
    return next((r for r in candidates if r.data == association(cert, r.selector, r.matching_type)), None)


def association(cert: CertFacts, selector: int, matching_type: int) -> str:
    """The data that a record for this certificate would have (RFC 6698 section 2.1)."""
    return {
        (CERT, SHA256): cert.sha256,
        (CERT, SHA512): cert.sha512,
        (SPKI, SHA256): cert.spki_sha256,
        (SPKI, SHA512): cert.spki_sha512,
    }.get((selector, matching_type)) or _full(cert.der, selector)


@lru_cache(maxsize=1024)
def _full(der: bytes, selector: int) -> str:
    if selector == CERT:
        return der.hex()
    try:
        return x509.spki(der).hex()
    except DERError:
        return ""


def _evidence_for_leaf(record: TLSARecord, cert: CertFacts, security_level: int) -> DaneEvidence:
    errors = [error for leaf in readable((cert,)) for error in _leaf_errors(leaf, security_level)]
    return DaneEvidence(record, 0, bare_key=False, needs_name=False, path=(cert.sha256,), errors=tuple(errors))


def _leaf_errors(leaf: Certificate, security_level: int) -> list[PathError]:
    return [pathchecks.path_error(num, 0, (leaf,)) for num, _ in pathchecks.leaf_key(leaf, security_level)]


def _no_match_at_leaf(cert: CertFacts, leaf: list[Certificate], security_level: int) -> DaneEvidence:
    """Without trust anchors, or without a leaf that can be read, nothing beyond the leaf is looked at."""
    weak = [error for certificate in leaf for error in _leaf_errors(certificate, security_level)]
    errors = (*weak, PathError(NO_MATCH, 0, TEXTS[NO_MATCH], cert.subject))
    return DaneEvidence(None, NO_DEPTH, bare_key=False, needs_name=False, path=(cert.sha256,), errors=errors)


# --- trust anchors --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A path and the record that ends it, None if none did."""

    path: tuple[Certificate, ...]
    record: TLSARecord | None = None
    bare_key: bool = False


def _build(leaf: Certificate, active: Sequence[TLSARecord], chain: Sequence[CertFacts], now: datetime) -> _Anchored:
    """Extend the path until a record matches or no issuer is left; the leaf itself is no anchor."""
    published = (certs.facts(bytes.fromhex(r.data)) for r in active if _kind(r) == (DANE_TA, CERT, FULL))
    pool = readable((*published, *chain))
    path = [leaf]
    while len(path) <= MAX_PATH and not path[-1].self_signed:
        issuer = best_issuer(path[-1], pool, path, now)
        if issuer is None:
            break
        path.append(issuer)
        record = _first(active, DANE_TA, certs.facts(issuer.der))
        if record is not None:
            return _Anchored(tuple(path), record)
    return _by_bare_key(tuple(path), active)


def _kind(record: TLSARecord) -> tuple[int, int, int]:
    return record.usage, record.selector, record.matching_type


def _by_bare_key(path: tuple[Certificate, ...], active: Sequence[TLSARecord]) -> _Anchored:
    if len(path) <= MAX_PATH:
        for record in active:
            if _kind(record) == (DANE_TA, SPKI, FULL) and path[-1].signed_by(bytes.fromhex(record.data)):
                return _Anchored(path, record, bare_key=True)
    return _Anchored(path)


def _failed(path: tuple[Certificate, ...]) -> int:
    return TOO_LONG if len(path) > MAX_PATH else NO_MATCH


def _evidence_for_path(anchored: _Anchored, now: datetime, security_level: int) -> DaneEvidence:
    path, top = anchored.path, len(anchored.path) - 1
    built = [] if anchored.record else [(_failed(path), top), pathchecks.unanchored(path)]
    errors = pathchecks.check(path, now, security_level=security_level, built=built, bare_key=anchored.bare_key)
    return DaneEvidence(
        record=anchored.record,
        depth=top if anchored.record else NO_DEPTH,
        bare_key=anchored.bare_key,
        needs_name=True,
        path=tuple(certs.facts(certificate.der).sha256 for certificate in path),
        errors=errors,
    )
