"""DANE verification of a certificate chain (RFC 7671, RFC 7672) as OpenSSL does it, without the comparison of names.

DANE-EE records (usage 3) are compared first: a match with the leaf succeeds regardless of dates, names and issuer of
the leaf. For DANE-TA (usage 2), a certificate path is built from the certificates sent and from the certificates in
``2 0 0`` records, never from local authorities. The path ends when a certificate above the leaf matches a DANE-TA
record, or when the key in a ``2 1 0`` record verifies the signature of the topmost certificate. The module
``pathchecks`` checks the complete certificate path. Reference identifiers depend on the domain: if ``needs_name`` is
true, the caller has to compare the names of the certificate.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from scanner.core.tlsa import CERT, DANE_EE, DANE_TA, DIGESTS, FULL, SHA256, SHA512, SPKI, agile
from scanner.core.x509 import certificate as x509
from scanner.core.x509 import facts as certs
from scanner.core.x509 import issuing, pathchecks
from scanner.core.x509.cache import remembered
from scanner.core.x509.certificate import Certificate
from scanner.core.x509.chain import MAX_PATH, best_issuer, readable
from scanner.core.x509.der import DERError
from scanner.core.x509.issuing import Found
from scanner.core.x509.verify_error import VerifyError
from scanner.facts import CertFacts, TLSARecord
from scanner.model import DaneEvidence, PathError

NO_DEPTH = -1


def match(
    records: Sequence[TLSARecord],
    chain: Sequence[CertFacts],
    now: datetime,
    *,
    security_level: int = 1,
    digests: Sequence[str] = DIGESTS,
) -> DaneEvidence:
    """Compare the TLSA records of a host with the certificate chain that the host sent.

    Args:
        records: all TLSA records of the host; unusable records are ignored.
        chain: the certificates as sent, leaf first, at least one.
        now: the time at which the validity of certificates is checked.
        security_level: OpenSSL security level for keys and signatures; Postfix uses 1 at mandatory TLS levels.
        digests: the enabled digests, from strong to weak.

    Returns:
        The matching record, the certificate path, and the path errors because of which the match does not authenticate
        the server.
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
    """Return the first TLSA record with a given usage that matches a certificate or the key of the certificate."""
    candidates = (record for record in records if record.usage == usage)
    return next((r for r in candidates if r.data == association(cert, r.selector, r.matching_type)), None)


def association(cert: CertFacts, selector: int, matching_type: int) -> str:
    """Return the certificate association data for a certificate (RFC 6698 section 2.1), in hex."""
    return {
        (CERT, SHA256): cert.sha256,
        (CERT, SHA512): cert.sha512,
        (SPKI, SHA256): cert.spki_sha256,
        (SPKI, SHA512): cert.spki_sha512,
    }.get((selector, matching_type)) or (cert.der.hex() if selector == CERT else _spki(cert.der))


@remembered(1024, 4096)
def _spki(der: bytes) -> str:
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
    """Return the evidence of a mismatch if no DANE-TA record exists or the leaf cannot be decoded."""
    weak = [error for certificate in leaf for error in _leaf_errors(certificate, security_level)]
    no_match = VerifyError.DANE_NO_MATCH
    errors = (*weak, PathError(no_match, 0, no_match.text, cert.subject))
    return DaneEvidence(None, NO_DEPTH, bare_key=False, needs_name=False, path=(cert.sha256,), errors=errors)


# --- trust anchors --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A certificate path; ``record`` is the TLSA record of the trust anchor of the path, None without a trust anchor.

    ``bare_key`` is the key in ``record`` if the anchor is a key without a certificate, otherwise empty.
    """

    path: tuple[Certificate, ...]
    record: TLSARecord | None = None
    bare_key: bytes = b""


def _build(leaf: Certificate, active: Sequence[TLSARecord], chain: Sequence[CertFacts], now: datetime) -> _Anchored:
    """Build a path from the leaf until an issuer matches a DANE-TA record or no issuer is left."""
    pool = readable((*_published(active), *chain))
    path = [leaf]
    while len(path) <= MAX_PATH and not issuing.self_signed(path[-1]):
        issuer = best_issuer(path, pool, now)
        if issuer is None:
            break
        path.append(issuer)
        record = _first(active, DANE_TA, certs.facts(issuer.der))
        if record is not None:
            return _Anchored(tuple(path), record)
    return _by_bare_key(tuple(path), active)


def _published(active: Sequence[TLSARecord]) -> Iterator[CertFacts]:
    """Yield the certificates that TLSA records with matching type 0 and selector 0 contain."""
    for record in active:
        if _kind(record) == (DANE_TA, CERT, FULL):
            with contextlib.suppress(DERError):
                yield certs.facts(x509.as_read(bytes.fromhex(record.data)))


def _kind(record: TLSARecord) -> tuple[int, int, int]:
    return record.usage, record.selector, record.matching_type


def _by_bare_key(path: tuple[Certificate, ...], active: Sequence[TLSARecord]) -> _Anchored:
    if len(path) <= MAX_PATH:
        for record in active:
            if _kind(record) == (DANE_TA, SPKI, FULL):
                spki = bytes.fromhex(record.data)
                if issuing.signed_by_key(path[-1], spki):
                    return _Anchored(path, record, spki)
    return _Anchored(path)


def ends_at_invalid(evidence: DaneEvidence, records: Sequence[TLSARecord], chain: Sequence[CertFacts]) -> bool:
    """Return whether a path ends before an anchor because OpenSSL never uses the last certificate or its issuer.

    The module ``issuing`` lists the defects because of which OpenSSL never uses a certificate.

    Args:
        evidence: the evidence that ``match`` returned without a matching record.
        records: all TLSA records of the host.
        chain: the certificates as sent.
    """
    active = agile(records)
    if not any(record.usage == DANE_TA for record in active):
        return False
    known = readable((*chain, *_published(active)))
    top = next((certificate for certificate in known if certificate.fingerprint == evidence.path[-1]), None)
    return top is not None and any(issuing.refused(certificate, top) for certificate in known)


def _failed(path: tuple[Certificate, ...]) -> Iterator[Found]:
    top = len(path) - 1
    if len(path) > MAX_PATH:
        yield VerifyError.CERT_CHAIN_TOO_LONG, top
    yield VerifyError.DANE_NO_MATCH, top
    yield pathchecks.unanchored(path)


def _evidence_for_path(anchored: _Anchored, now: datetime, security_level: int) -> DaneEvidence:
    path = anchored.path
    built = () if anchored.record else _failed(path)
    errors = pathchecks.check(path, now, security_level=security_level, built=built, bare_key=anchored.bare_key)
    return DaneEvidence(
        record=anchored.record,
        depth=len(path) - 1 if anchored.record else NO_DEPTH,
        bare_key=bool(anchored.bare_key),
        needs_name=True,
        path=tuple(certificate.fingerprint for certificate in path),
        errors=errors,
    )
