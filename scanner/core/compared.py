"""The DANE verdict of one certificate chain for one domain, from the evidence about the chain and its names."""

from collections.abc import Sequence

from scanner.core import policy
from scanner.core.dane import ends_at_invalid
from scanner.core.matching import matched_peername
from scanner.core.x509.verify_error import VerifyError
from scanner.facts import CertFacts, TLSALookup
from scanner.model import DaneEvidence, PathError
from scanner.reasons import Reason
from scanner.vocabulary import Dane


def compared(
    peer: policy.Peer, lookup: TLSALookup, evidence: DaneEvidence | None, chain: Sequence[CertFacts]
) -> tuple[Dane, tuple[Reason, ...]]:
    """Return the DANE verdict of a chain, and the reason of a mismatch.

    Args:
        peer: the MX host, and the reference identifiers of the domain.
        lookup: the TLSA lookup of the host, with usable records.
        evidence: the result of comparing the chain with the TLSA records; None only after an internal error.
        chain: the certificates as sent, leaf first, at least one.
    """
    if evidence is None:
        return Dane.UNKNOWN, (Reason.INTERNAL,)
    if evidence.record is None:
        invalid = ends_at_invalid(evidence, lookup.records, chain)
        return Dane.MISMATCH, (Reason.CERTIFICATE_INVALID if invalid else Reason.TLSA_MISMATCH,)
    if evidence.errors:
        return Dane.MISMATCH, (path_reason(evidence.errors[0]),)
    references = policy.dane_references(peer, lookup)
    if evidence.needs_name and matched_peername(chain[0], references) is None:
        return Dane.MISMATCH, (Reason.NAME_MISMATCH,)
    return Dane.OK, ()


def is_mismatch(evidence: DaneEvidence | None, leaf: CertFacts, lookup: TLSALookup) -> bool:
    """Return whether a chain matches no TLSA record, or only a record that requires a name the certificate lacks.

    The required name is the TLSA base domain. The name of the mail domain is not compared, although a sender also
    accepts a certificate with this name.

    Args:
        evidence: the result of comparing the chain with the TLSA records, or None.
        leaf: the server certificate.
        lookup: the TLSA lookup of the host.
    """
    if evidence is None:
        return False
    if not evidence.matched:
        return True
    return evidence.needs_name and matched_peername(leaf, (lookup.base_domain,)) is None


_PATH_REASONS: dict[int, Reason] = {
    VerifyError.CERT_NOT_YET_VALID: Reason.CERTIFICATE_NOT_YET_VALID,
    VerifyError.CERT_HAS_EXPIRED: Reason.CERTIFICATE_EXPIRED,
    VerifyError.UNABLE_TO_GET_ISSUER_CERT: Reason.CERTIFICATE_NOT_TRUSTED,
    VerifyError.DEPTH_ZERO_SELF_SIGNED_CERT: Reason.CERTIFICATE_NOT_TRUSTED,
    VerifyError.SELF_SIGNED_CERT_IN_CHAIN: Reason.CERTIFICATE_NOT_TRUSTED,
    VerifyError.UNABLE_TO_GET_ISSUER_CERT_LOCALLY: Reason.CERTIFICATE_NOT_TRUSTED,
    VerifyError.CERT_REJECTED: Reason.CERTIFICATE_NOT_TRUSTED,
    VerifyError.HOSTNAME_MISMATCH: Reason.NAME_MISMATCH,
    VerifyError.DANE_NO_MATCH: Reason.TLSA_MISMATCH,
    VerifyError.EE_KEY_TOO_SMALL: Reason.CERTIFICATE_WEAK,
    VerifyError.CA_KEY_TOO_SMALL: Reason.CERTIFICATE_WEAK,
    VerifyError.CA_MD_TOO_WEAK: Reason.CERTIFICATE_WEAK,
}
"""Reason codes by path error; the reason code of any other path error is ``certificate-invalid``."""


def path_reason(error: PathError) -> Reason:
    """Return the reason code of a path error."""
    return _PATH_REASONS.get(error.num, Reason.CERTIFICATE_INVALID)
