"""Search for the cause of a TLSA mismatch: comparison of record and chain under every selector and matching type.

The search distinguishes a record with a wrong field, a record of an old certificate, and a record of a certificate that
the server does not send. The functions of this module are pure. RFC 6698 section 2.1 defines the fields of a TLSA
record. RFC 7671 section 5 and RFC 7672 section 3 define the use of the fields of a TLSA record.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from results.render.tlsa import short
from scanner.core.dane import association
from scanner.core.tlsa import CERT, DANE_EE, DANE_TA, FULL, SHA256, SHA512, SPKI, agile
from scanner.facts import CertFacts, TLSARecord

SELECTORS = (CERT, SPKI)
MATCHING_TYPES = (SHA256, SHA512, FULL)

_SELECTOR = {CERT: "certificate", SPKI: "key"}
_USAGE = {0: "PKIX-TA", 1: "PKIX-EE", 2: "DANE-TA, for an issuer", 3: "DANE-EE, for the server certificate"}
_MATCHING_TYPE = {FULL: "full", SHA256: "SHA-256", SHA512: "SHA-512"}
_SMTP_USAGES = (DANE_TA, DANE_EE)


class Cause(StrEnum):
    """The cause of a TLSA record's mismatch, or ``matches`` for a matching record; the most specific cause is first."""

    MATCHES = "matches"
    WRONG_SELECTOR = "wrong-selector"
    WRONG_MATCHING_TYPE = "wrong-matching-type"
    WRONG_FIELDS = "wrong-fields"
    ISSUER_AS_SERVER = "issuer-with-usage-3"
    SERVER_AS_ISSUER = "server-with-usage-2"
    PKIX_USAGE = "pkix-usage"
    OUTRANKED = "outranked-digest"
    PREVIOUS_CERTIFICATE = "previous-certificate"
    ANCHOR_KNOWN_NOT_SENT = "anchor-not-sent"
    OF_ANOTHER_SESSION = "certificate-of-another-session"
    OF_ANOTHER_HOST = "certificate-of-another-host"
    ANCHOR_NOT_IN_CHAIN = "anchor-not-in-chain"
    MALFORMED = "malformed"
    UNKNOWN_DIGEST = "unknown-digest"


CAUSES: dict[Cause, str] = {
    Cause.MATCHES: "the record matches the certificate chain of the server",
    Cause.WRONG_SELECTOR: "the record has selector 0 with the data of a key, or selector 1 with data of a certificate",
    Cause.WRONG_MATCHING_TYPE: "the data of the record do not have the form that its matching type declares",
    Cause.WRONG_FIELDS: "the record contains data of the server's chain, but two or more of its other fields are wrong",
    Cause.ISSUER_AS_SERVER: "the record has usage 3 (server certificate) with the data of an issuer",
    Cause.SERVER_AS_ISSUER: "the record has usage 2 (issuer) with the data of the server certificate",
    Cause.PKIX_USAGE: "the usage of the record is not 2 or 3, the only usages for SMTP (RFC 7672 section 3.1.3)",
    Cause.OUTRANKED: "the record matches, but a record with a stronger digest does not (RFC 7671 section 9)",
    Cause.PREVIOUS_CERTIFICATE: "the record is of a certificate that the host sent in an earlier run",
    Cause.ANCHOR_KNOWN_NOT_SENT: "the record is of a known issuer certificate that the server does not send",
    Cause.OF_ANOTHER_SESSION: "the record is of a certificate that the host sends in another session",
    Cause.OF_ANOTHER_HOST: "the record is of a certificate that only other hosts send",
    Cause.ANCHOR_NOT_IN_CHAIN: "the record is of an issuer that is not in the certificate chain of the server",
    Cause.MALFORMED: "the data of the record do not have the length or encoding that its fields require",
    Cause.UNKNOWN_DIGEST: "the record matches no certificate or key of the run",
}


@dataclass(frozen=True, slots=True)
class SeenCertificate:
    """A certificate of the current or an earlier run that matches the data of a TLSA record.

    ``run`` is the start time of the run that contains the certificate, None for the current run. ``by_host`` is true if
    the MX host that publishes the TLSA record sent the certificate.
    """

    subject: str
    run: datetime | None = None
    by_host: bool = False


@dataclass(frozen=True, slots=True)
class RecordFinding:
    """The cause of one TLSA record's mismatch, as a value of ``Cause`` and as a sentence.

    ``depth`` is the chain depth of the certificate that matches the data of the TLSA record. ``usage``, ``selector``
    and ``matching_type`` are the field values with which the record would match. ``depth``, ``usage``, ``selector`` and
    ``matching_type`` are -1 if no certificate of the chain matches.
    """

    record: TLSARecord
    cause: Cause
    words: str
    depth: int = -1
    usage: int = -1
    selector: int = -1
    matching_type: int = -1


def search(
    records: Sequence[TLSARecord], chain: Sequence[CertFacts], sightings: Mapping[str, SeenCertificate]
) -> tuple[RecordFinding, ...]:
    """Return the cause of the mismatch of each TLSA record of a host.

    Args:
        records: the TLSA records of the host.
        chain: the certificates in the order in which the server sent them, server certificate first.
        sightings: certificates of other hosts and runs, by the record data that they match.

    Returns:
        A finding for each record, the most specific cause first.
    """
    active = agile(records)
    found = (_of_chain(record, chain, record in active) or _elsewhere(record, sightings) for record in records)
    return tuple(sorted(found, key=lambda finding: list(Cause).index(finding.cause)))


def forms(cert: CertFacts) -> Iterator[tuple[int, int, str]]:
    """Yield the selector, matching type and data (hex) of each possible TLSA record of a certificate."""
    for selector in SELECTORS:
        for matching_type in MATCHING_TYPES:
            yield selector, matching_type, association(cert, selector, matching_type)


def _of_chain(record: TLSARecord, chain: Sequence[CertFacts], active: bool) -> RecordFinding | None:  # noqa: FBT001 - private
    places = (
        (depth, selector, matching_type)
        for depth, cert in enumerate(chain)
        for selector, matching_type, data in forms(cert)
        if data and data == record.data
    )
    hits = sorted(places, key=lambda hit: _distance(record, *hit))
    if not hits:
        return None
    depth, selector, matching_type = hits[0]
    usage = DANE_TA if depth else DANE_EE
    cause = _cause(record, (usage, selector, matching_type), active)
    data = _data_text(chain[depth], depth, selector, matching_type)
    words = f"The TLSA record {short(record)} is {data}{_error_text(record, usage, selector, matching_type, cause)}."
    return RecordFinding(record, cause, words, depth, usage, selector, matching_type)


def _distance(record: TLSARecord, depth: int, selector: int, matching_type: int) -> int:
    usage = DANE_TA if depth else DANE_EE
    published = (record.usage, record.selector, record.matching_type)
    return sum(one != other for one, other in zip(published, (usage, selector, matching_type), strict=True))


def _cause(record: TLSARecord, right: tuple[int, int, int], active: bool) -> Cause:  # noqa: FBT001 - private
    usage, selector, matching_type = right
    wrong = [
        cause
        for differs, cause in (
            (record.usage != usage, _usage_cause(record, usage)),
            (record.selector != selector, Cause.WRONG_SELECTOR),
            (record.matching_type != matching_type, Cause.WRONG_MATCHING_TYPE),
        )
        if differs
    ]
    if not wrong:
        return Cause.MATCHES if active else Cause.OUTRANKED
    return wrong[0] if len(wrong) == 1 else Cause.WRONG_FIELDS


def _usage_cause(record: TLSARecord, usage: int) -> Cause:
    if record.usage not in _SMTP_USAGES:
        return Cause.PKIX_USAGE
    return Cause.ISSUER_AS_SERVER if usage == DANE_TA else Cause.SERVER_AS_ISSUER


def _data_text(cert: CertFacts, depth: int, selector: int, matching_type: int) -> str:
    whose = "the server" if depth == 0 else f"the issuer {cert.subject} (depth {depth})"
    form = "" if matching_type == FULL else f"the {_MATCHING_TYPE[matching_type]} digest of "
    return f"{form}the {_SELECTOR[selector]} of {whose}"


def _error_text(record: TLSARecord, usage: int, selector: int, matching_type: int, cause: Cause) -> str:
    if cause is Cause.MATCHES:
        return ""
    if cause is Cause.OUTRANKED:
        return ", but senders ignore it beside a record with a stronger digest (RFC 7671 section 9)"
    fields = (
        ("usage", record.usage, usage, _USAGE),
        ("selector", record.selector, selector, _SELECTOR),
        ("matching type", record.matching_type, matching_type, _MATCHING_TYPE),
    )
    wrong = [
        f"{name} {published} ({names.get(published, 'unassigned')}) instead of {right}"
        for name, published, right, names in fields
        if published != right
    ]
    return f", but it has {' and '.join(wrong)}"


def _elsewhere(record: TLSARecord, sightings: Mapping[str, SeenCertificate]) -> RecordFinding:
    head = f"The TLSA record {short(record)}"
    if (seen := sightings.get(record.data)) is not None and record.usage in _SMTP_USAGES:
        cause, words = _seen(record, seen)
    elif record.usage not in _SMTP_USAGES:
        cause, words = Cause.PKIX_USAGE, f"has usage {record.usage}, which SMTP does not use (RFC 7672 section 3.1.3)"
    elif record.unusable is not None:
        cause, words = Cause.MALFORMED, f"has no valid form ({record.unusable})"
    elif record.usage == DANE_TA:
        cause = Cause.ANCHOR_NOT_IN_CHAIN
        words = "is of an issuer that is not in the chain of the server"
    else:
        cause, words = Cause.UNKNOWN_DIGEST, "matches no certificate or key of the server, with any selector or digest"
    return RecordFinding(record, cause, f"{head} {words}.")


def _seen(record: TLSARecord, seen: SeenCertificate) -> tuple[Cause, str]:
    if seen.by_host and seen.run is not None:
        when = f"{seen.run:%Y-%m-%d %H:%M} UTC"
        return Cause.PREVIOUS_CERTIFICATE, f"is of a previous certificate, {seen.subject}, sent in the run of {when}"
    if record.usage == DANE_TA:
        return (
            Cause.ANCHOR_KNOWN_NOT_SENT,
            f"is of the issuer {seen.subject}, whose certificate the server does not send",
        )
    if seen.by_host:
        where = "at another address or for another key algorithm"
        return Cause.OF_ANOTHER_SESSION, f"is of {seen.subject}, which the host sends {where}"
    return Cause.OF_ANOTHER_HOST, f"is of {seen.subject}, which other hosts send and this one does not"
