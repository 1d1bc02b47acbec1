"""The remedy for TLSA records that do not match: a text, and the records to publish (RFC 7671, RFC 7672)."""

from collections.abc import Sequence

from results.explain.case import HostCase
from results.explain.tlsa_cause import Cause, RecordFinding
from results.render import tlsa
from scanner.core.matching import match_name, presented_names
from scanner.core.tlsa import CERT, DANE_EE, DANE_TA, SHA256, SPKI
from scanner.facts import CertFacts, TLSARecord
from scanner.model import HostReport

NAMES = 5  # maximum number of certificate names in a sentence

_NOT_SENT = (
    Cause.PREVIOUS_CERTIFICATE,
    Cause.ANCHOR_KNOWN_NOT_SENT,
    Cause.OF_ANOTHER_HOST,
    Cause.ANCHOR_NOT_IN_CHAIN,
    Cause.UNKNOWN_DIGEST,
)
"""Causes of a TLSA mismatch that also occur if a server presents the certificate of another host."""


def fix_text(finding: RecordFinding, case: HostCase) -> str:
    """Return the remedy for a TLSA record that does not match."""
    if finding.cause is Cause.ISSUER_AS_SERVER and case.report is not None:
        return (
            "Replace the record by a record of the server's key, or change its usage to 2. With usage 2, the "
            "certificate must be within its validity period and match the name of the MX host."
        )
    if finding.cause in _NOT_SENT and (other := other_host(case)):
        return (
            f"Make the server present the certificate of {_name(case)}: it presents a certificate for {other}. Only if "
            "that certificate is the right one, replace the TLSA records by the records given here."
        )
    if finding.cause is Cause.PREVIOUS_CERTIFICATE:
        return (
            "Replace the record. Before the next rollover, publish the new record beside the old one, wait until the "
            "TTL has passed, and only then change the certificate (RFC 7671 section 8.1)."
        )
    if finding.cause in (Cause.ANCHOR_KNOWN_NOT_SENT, Cause.ANCHOR_NOT_IN_CHAIN):
        return "Configure the server to send the issuer's certificate after its own, or replace the record."
    if next(case.chains(), None) is None:
        return "Replace all TLSA records of the host. The certificate of the server is not known."
    return "Replace all TLSA records of the host by the records given here."


def other_host(case: HostCase) -> str:
    """Return the names in the server certificate if the certificate belongs to another host than the probed MX host.

    The returned text is empty if the certificate is unknown or belongs to the MX host. The certificate belongs to the
    MX host if one of its names matches the name in the MX record or the TLSA base domain. A certificate without DNS
    names, or with a name that is not a host name below a domain (``localhost``), is not a certificate of another host.
    """
    leaves = [chain[0] for chain in case.failing_chains()]
    if not leaves:
        return ""
    own = {case.host, _name(case)}
    for leaf in leaves:
        names = presented_names(leaf)
        if any(match_name(name, presented) for name in own for presented in names):
            return ""
        if not any("." in name.strip(".") for name in names):
            return ""
    names = presented_names(leaves[0])
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return ", ".join(names[:NAMES]) + more


def _name(case: HostCase) -> str:
    return (case.report.tlsa.base_domain if case.report else "") or case.host


def records_to_publish(case: HostCase) -> tuple[str, ...]:
    """Return the TLSA records that match the host's server certificates as zone file lines, one record for each key.

    The records are ``3 1 1``: with usage 3, names and dates of the certificate are not checked (RFC 7671 section 5.1).
    If the public key could not be located in a certificate, the record is ``3 0 1``, a digest of the whole certificate.
    """
    if case.report is None:
        return ()
    owner = owner_of(case.report)
    return tuple(dict.fromkeys(tlsa.zone_line(owner, _pin(chain[0])) for chain in case.chains()))


def alternative_record(case: HostCase, cause: str, findings: Sequence[RecordFinding]) -> str:
    """Return a TLSA record with usage 2, as a zone file line, for an issuer certificate that is published with usage 3.

    The returned text is empty if ``cause`` is not ``ISSUER_AS_SERVER``, or if the host was not examined.
    """
    if cause != Cause.ISSUER_AS_SERVER or case.report is None:
        return ""
    finding = next(finding for finding in findings if finding.cause is cause)
    record = TLSARecord(DANE_TA, finding.selector, finding.matching_type, finding.record.data)
    return tlsa.zone_line(owner_of(case.report), record)


def owner_of(report: HostReport) -> str:
    """Return the owner name of the host's TLSA records at the end of the chain of aliases, without the final dot."""
    owner = f"_{report.port}._tcp.{report.tlsa.base_domain or report.host}"
    answers = (step for step in report.tlsa.steps if step.name == owner and step.rname)
    return next((step.rname for step in answers), owner)


def _pin(leaf: CertFacts) -> TLSARecord:
    selector, data = (SPKI, leaf.spki_sha256) if leaf.spki_sha256 else (CERT, leaf.sha256)
    return TLSARecord(DANE_EE, selector, SHA256, data)
