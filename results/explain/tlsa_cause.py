"""What is a TLSA record of? The presented chain is searched under every usage, selector and matching type.

So a record with a wrong field is told apart from one of an old certificate, and that from one of a certificate
that the server does not send. Pure: records in, findings out. RFC 6698 section 2.1 has the fields, RFC 7671
section 5 and RFC 7672 section 3 their use.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from scanner.core.dane import association
from scanner.core.tlsa import CERT, DANE_EE, DANE_TA, FULL, SHA256, SHA512, SPKI, agile
from scanner.facts import CertFacts, TLSARecord

SELECTORS = (CERT, SPKI)
MATCHING_TYPES = (SHA256, SHA512, FULL)
SHOWN = 16  # hex digits of data: enough to find the record in a zone file

_OBJECT = {CERT: "certificate", SPKI: "key"}
_USAGE = {
    0: "a trusted authority, PKIX-TA",
    1: "a trusted certificate, PKIX-EE",
    2: "an issuer",
    3: "the server itself",
}
_FORM = {FULL: "in full", SHA256: "SHA-256", SHA512: "SHA-512"}


class Cause(StrEnum):
    """Why a TLSA record does not match, from what is known best to what is known least."""

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
    OF_ANOTHER_HOST = "certificate-of-another-host"
    ANCHOR_NOT_IN_CHAIN = "anchor-not-in-chain"
    MALFORMED = "malformed"
    UNKNOWN_DIGEST = "unknown-digest"


CAUSES: dict[Cause, str] = {
    Cause.MATCHES: "the record matches the chain",
    Cause.WRONG_SELECTOR: "the data are of the key where the record says certificate, or the other way round",
    Cause.WRONG_MATCHING_TYPE: "the data are another digest than the record says",
    Cause.WRONG_FIELDS: "the data are of the chain, but more than one field of the record is wrong",
    Cause.ISSUER_AS_SERVER: "the record pins an issuer but has usage 3, which is for the server's own certificate",
    Cause.SERVER_AS_ISSUER: "the record pins the server's own certificate but has usage 2, which is for an issuer",
    Cause.PKIX_USAGE: "the data fit, but SMTP knows no usage 0 or 1 (RFC 7672 section 3.1.3)",
    Cause.OUTRANKED: "the record fits, but one with a stronger digest stands beside it and does not (RFC 7671 9)",
    Cause.PREVIOUS_CERTIFICATE: "the record is of a certificate that the host showed in an earlier run",
    Cause.ANCHOR_KNOWN_NOT_SENT: "the record is of a known certificate that the server does not send",
    Cause.OF_ANOTHER_HOST: "the record is of a certificate that other hosts show, this one does not",
    Cause.ANCHOR_NOT_IN_CHAIN: "the record is of an issuer that is not in the presented chain",
    Cause.MALFORMED: "the record cannot be compared with anything",
    Cause.UNKNOWN_DIGEST: "the record is of nothing that was seen",
}


@dataclass(frozen=True, slots=True)
class SeenCertificate:
    """Where a certificate was seen that fits a record.

    ``run`` is when the run began that saw it, None for the run at hand; ``by_host`` whether the very host showed it.
    """

    subject: str
    run: datetime | None = None
    by_host: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What a record turned out to be: the right fields if it is of the chain, and why it does not match, in words."""

    record: TLSARecord
    cause: Cause
    words: str
    depth: int = -1
    usage: int = -1
    selector: int = -1
    matching_type: int = -1


def search(
    records: Sequence[TLSARecord], chain: Sequence[CertFacts], sightings: Mapping[str, SeenCertificate]
) -> tuple[Finding, ...]:
    """Say of each record what it is of.

    Args:
        records: those of a host.
        chain: the certificates as sent, leaf first.
        sightings: certificates seen elsewhere, by the data of the record that they fit.

    Returns:
        A finding for each record, the one that explains most first.
    """
    active = agile(records)
    found = (_of_chain(record, chain, record in active) or _elsewhere(record, sightings) for record in records)
    return tuple(sorted(found, key=lambda finding: list(Cause).index(finding.cause)))


def forms(cert: CertFacts) -> Iterator[tuple[int, int, str]]:
    """Give every selector and matching type with the data that a record for the certificate would have."""
    for selector in SELECTORS:
        for matching_type in MATCHING_TYPES:
            yield selector, matching_type, association(cert, selector, matching_type)


def short(record: TLSARecord) -> str:
    """Write a record, its data cut."""
    data = record.data if len(record.data) <= SHOWN else f"{record.data[:SHOWN]}..."
    return f"{record.usage} {record.selector} {record.matching_type} {data}"


def _of_chain(record: TLSARecord, chain: Sequence[CertFacts], active: bool) -> Finding | None:  # noqa: FBT001 - private
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
    what = _what(chain[depth], depth, selector, matching_type)
    words = f"The TLSA record {short(record)} is {what}{_but(record, usage, selector, matching_type, cause)}."
    return Finding(record, cause, words, depth, usage, selector, matching_type)


def _distance(record: TLSARecord, depth: int, selector: int, matching_type: int) -> int:
    usage = DANE_TA if depth else DANE_EE
    told = (record.usage, record.selector, record.matching_type)
    return sum(one != other for one, other in zip(told, (usage, selector, matching_type), strict=True))


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
    if record.usage not in (DANE_TA, DANE_EE):
        return Cause.PKIX_USAGE
    return Cause.ISSUER_AS_SERVER if usage == DANE_TA else Cause.SERVER_AS_ISSUER


def _what(cert: CertFacts, depth: int, selector: int, matching_type: int) -> str:
    whose = "the server" if depth == 0 else f"the issuer {cert.subject} (depth {depth})"
    form = "" if matching_type == FULL else f"the {_FORM[matching_type]} digest of "
    return f"{form}the {_OBJECT[selector]} of {whose}"


def _but(record: TLSARecord, usage: int, selector: int, matching_type: int, cause: Cause) -> str:
    if cause is Cause.MATCHES:
        return ""
    if cause is Cause.OUTRANKED:
        return ", but a record with a stronger digest stands beside it, and then this one does not count (RFC 7671 9)"
    told = []
    if record.usage != usage:
        told.append(f"says usage {record.usage} ({_USAGE.get(record.usage, 'unassigned')}) where {usage} was meant")
    if record.selector != selector:
        said = _OBJECT.get(record.selector, "unassigned")
        told.append(f"says selector {record.selector} ({said}) where {selector} was meant")
    if record.matching_type != matching_type:
        said = _FORM.get(record.matching_type, "unassigned")
        told.append(f"says matching type {record.matching_type} ({said}) where {matching_type} was meant")
    return f", but {' and '.join(told)}"


def _elsewhere(record: TLSARecord, sightings: Mapping[str, SeenCertificate]) -> Finding:
    head = f"The TLSA record {short(record)}"
    if (seen := sightings.get(record.data)) is not None and record.usage in (DANE_TA, DANE_EE):
        cause, words = _seen(record, seen)
    elif record.usage not in (DANE_TA, DANE_EE):
        cause, words = Cause.PKIX_USAGE, f"has usage {record.usage}, which SMTP does not know (RFC 7672 section 3.1.3)"
    elif record.unusable is not None:
        cause, words = Cause.MALFORMED, f"cannot be compared with anything ({record.unusable})"
    elif record.usage == DANE_TA:
        cause = Cause.ANCHOR_NOT_IN_CHAIN
        words = "pins an issuer that is not in the chain that the server sends"
    else:
        cause, words = Cause.UNKNOWN_DIGEST, "fits no certificate or key that the server shows, under any reading"
    return Finding(record, cause, f"{head} {words}.")


def _seen(record: TLSARecord, seen: SeenCertificate) -> tuple[Cause, str]:
    if seen.by_host and seen.run is not None:
        when = f"{seen.run:%Y-%m-%d %H:%M} UTC"
        return Cause.PREVIOUS_CERTIFICATE, f"is of a previous certificate, {seen.subject}, seen in the run of {when}"
    if record.usage == DANE_TA:
        return Cause.ANCHOR_KNOWN_NOT_SENT, f"pins the issuer {seen.subject}, which the server does not send"
    return Cause.OF_ANOTHER_HOST, f"is of {seen.subject}, which other hosts show and this one does not"
