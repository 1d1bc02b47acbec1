"""TLSA records (RFC 6698, RFC 7671, RFC 7672): decoding, usability, order, choice of the strongest digest, and lookup.

Two filters make a record unusable: Postfix's parser (a truncated record, a PKIX usage, the private matching type) and
OpenSSL (data that cannot be compared). If every TLSA record is unusable, the effective security level depends on the
filter that rejected the records, so each unusable record contains the reason why the record is unusable.
``next_question`` returns one step of the search for the TLSA base domain (RFC 7672 section 2.2.2); the caller sends the
DNS question. The module ``dane`` compares TLSA records with a certificate chain.
"""

from collections.abc import Sequence
from functools import lru_cache

from scanner.core.names import tlsa_name
from scanner.core.wire_message import WireError
from scanner.core.wire_names import MAX_NAME, encode_name
from scanner.core.x509 import der
from scanner.core.x509.der import DERError
from scanner.facts import Answer, TLSALookup, TLSARecord
from scanner.reasons import Reason
from scanner.vocabulary import Dane, Outcome, Security, Unusable

DANE_TA, DANE_EE = 2, 3
CERT, SPKI = 0, 1
FULL, SHA256, SHA512 = 0, 1, 2
PRIVATE = 255

DIGESTS = ("sha512", "sha256")
"""Enabled digests, from strong to weak, as in Postfix's ``tls_dane_digests``."""

_TYPES = {"sha256": SHA256, "sha512": SHA512}
_SIZES = {SHA256: 32, SHA512: 64}
_HEADER = 3  # usage, selector, matching type
MANY_RECORDS = 100  # maximum number of records of one name; Postfix ignores the others
MANY = "tlsa-many"
_SHOWN = 64  # octets of data printed in full; of longer data, the first and last 32

Question = tuple[str, str]
"""A DNS question: name and type."""

_Decision = tuple[Dane, Reason]


# --- records --------------------------------------------------------------------------------------------------


def parse_rdata(text: str, digests: Sequence[str] = DIGESTS) -> TLSARecord:
    """Decode the rdata of a TLSA record (hex, any length) and determine whether the enabled digests make it usable.

    Missing fields of a truncated record are 0.
    """
    octets = bytes.fromhex(text)
    usage, selector, matching_type = (*octets[:_HEADER], 0, 0, 0)[:_HEADER]
    data = octets[_HEADER:]
    unusable = _refused_by_parser(usage, matching_type, data) or _refused_by_verifier(
        selector, matching_type, data, digests
    )
    return TLSARecord(usage, selector, matching_type, data.hex(), unusable)


def _refused_by_parser(usage: int, matching_type: int, data: bytes) -> Unusable | None:
    if not data:
        return Unusable.TRUNCATED
    if usage not in (DANE_TA, DANE_EE):
        return Unusable.USAGE
    return Unusable.PRIVATE_MATCHING_TYPE if matching_type == PRIVATE else None


def _refused_by_verifier(selector: int, matching_type: int, data: bytes, digests: Sequence[str]) -> Unusable | None:
    if selector not in (CERT, SPKI):
        return Unusable.SELECTOR
    if matching_type == FULL:
        bad = Unusable.BAD_CERTIFICATE if selector == CERT else Unusable.BAD_KEY
        return None if _is_decodable(data, selector) else bad
    if matching_type not in _enabled(digests):
        return Unusable.MATCHING_TYPE
    return None if len(data) == _SIZES[matching_type] else Unusable.DIGEST_LENGTH


def _enabled(digests: Sequence[str]) -> list[int]:
    """Return the enabled matching types, strongest first; unknown digests are ignored."""
    return [_TYPES[digest] for digest in digests if digest in _TYPES]


@lru_cache(maxsize=512)  # full certificates and keys are rare in TLSA records
def _is_decodable(data: bytes, selector: int) -> bool:
    """Return whether octets are exactly one certificate, or one SubjectPublicKeyInfo, that OpenSSL can decode."""
    from OpenSSL import crypto  # noqa: PLC0415 - rarely needed, and slow to load

    try:
        der.whole(data, der.SEQUENCE)
        if selector == CERT:
            crypto.load_certificate(crypto.FILETYPE_ASN1, data).get_pubkey()
        else:
            crypto.load_publickey(crypto.FILETYPE_ASN1, data)
    except (DERError, crypto.Error):
        return False
    return True


def parameters(record: TLSARecord) -> str:
    """Return usage, selector and matching type of a TLSA record as text: ``3 1 1``."""
    return f"{record.usage} {record.selector} {record.matching_type}"


def presentation(record: TLSARecord, digits: int | None = None) -> str:
    """Return a TLSA record in presentation format (RFC 6698 section 2.2): ``3 1 1`` and the data in hex.

    dnspython cannot print a TLSA record whose digest has a wrong length.

    Args:
        record: any TLSA record, including a malformed record.
        digits: number of hex digits of the data to print before ``...``; None for all.
    """
    data = record.data if digits is None or len(record.data) <= digits else f"{record.data[:digits]}..."
    return f"{parameters(record)} {data}"


def display(record: TLSARecord) -> str:
    """Return a TLSA record in the log format of posttls-finger: upper-case data; long data without its middle."""
    data = record.data.upper()
    if len(data) > 2 * _SHOWN:
        data = f"{data[:_SHOWN]}...{data[-_SHOWN:]}"
    return f"{parameters(record)} {data}"


# --- order and digest agility ---------------------------------------------------------------------------------


def ordered(records: Sequence[TLSARecord], digests: Sequence[str] = DIGESTS) -> tuple[TLSARecord, ...]:
    """Sort TLSA records by usage (3 first), then by selector (1 first), then by digest (strongest first).

    Among records with equal usage and selector, records with full data (matching type 0) come last. Records with equal
    usage, selector and matching type keep their order.
    """
    return tuple(sorted(records, key=lambda r: (-r.usage, -r.selector, -_strength(r, digests))))


def agile(records: Sequence[TLSARecord], digests: Sequence[str] = DIGESTS) -> tuple[TLSARecord, ...]:
    """Return the usable TLSA records whose digest is the strongest (RFC 7671 section 9), in the order of comparison.

    For each usage and selector, the result contains the records with the strongest digest and the records with full
    data.
    """
    usable = [record for record in ordered(records, digests) if record.unusable is None]
    best = {(r.usage, r.selector): _strength(r, digests) for r in reversed(usable)}
    return tuple(r for r in usable if r.matching_type == FULL or _strength(r, digests) == best[r.usage, r.selector])


def _strength(record: TLSARecord, digests: Sequence[str]) -> int:
    """Return the rank of a record's digest, higher for stronger; 0 for full data and for disabled matching types."""
    weak_first = [FULL, *reversed(_enabled(digests))]
    return weak_first.index(record.matching_type) if record.matching_type in weak_first else 0


# --- lookup ---------------------------------------------------------------------------------------------------


def lookup_result(base_domain: str, steps: Sequence[Answer], digests: Sequence[str] = DIGESTS) -> TLSALookup:
    """Return the result of a TLSA lookup whose last answer contains a TLSA RRset or proves its absence.

    Args:
        base_domain: the host whose TLSA records were queried last.
        steps: all answers so far, the latest last.
        digests: the enabled digests.
    """
    answer = steps[-1]
    defects = (MANY,) if len(answer.records) > MANY_RECORDS else ()
    absent = Reason.TLSA_NONE if _is_possible(answer.name) else Reason.TLSA_NAME_IMPOSSIBLE
    decided = _decided(answer, (Dane.NONE, absent), (Dane.NONE, Reason.TLSA_INSECURE))
    kept = answer.records if decided is None or decided[1] is Reason.TLSA_INSECURE else ()
    records = tuple(parse_rdata(text, digests) for text in kept)
    dane, reason = decided or _usability(records)
    return TLSALookup(base_domain, records, dane, reason, tuple(steps), defects)


def _decided(answer: Answer, absent: _Decision, insecure: _Decision) -> _Decision | None:
    """Return None for a secure RRset, else the DANE verdict of the host and its reason.

    ``absent`` is the result for an answer without records, ``insecure`` the result for records without DNSSEC.
    """
    if Security.BOGUS is answer.security:
        return Dane.LOOKUP_FAILED, Reason.TLSA_BOGUS
    if answer.outcome is Outcome.ERROR:
        return Dane.LOOKUP_FAILED, Reason.TLSA_LOOKUP_FAILED
    if answer.security is Security.INDETERMINATE:
        return Dane.UNKNOWN, Reason.DNS_INDETERMINATE
    if answer.outcome is not Outcome.DATA:
        return absent
    return insecure if answer.security is Security.INSECURE else None


def _usability(records: tuple[TLSARecord, ...]) -> tuple[Dane, Reason] | tuple[None, None]:
    refusals = [record.unusable for record in records]
    if None in refusals:
        return None, None
    if all(refusal is Unusable.USAGE for refusal in refusals):
        return Dane.UNUSABLE, Reason.TLSA_UNUSABLE_USAGE
    return Dane.UNUSABLE, Reason.TLSA_UNUSABLE_DATA


# --- base domain ----------------------------------------------------------------------------------------------


def next_question(
    qname: str,
    rname: str,
    address: Security,
    port: int,
    steps: Sequence[Answer] = (),
    *,
    force: bool = False,
    digests: Sequence[str] = DIGESTS,
) -> Question | TLSALookup:
    """Return the next step of the search for a host's TLSA records.

    Args:
        qname: the host as the MX record names it.
        rname: the owner of the host's address records, which differs from ``qname`` if ``qname`` is an alias.
        address: the DNSSEC state of the address records.
        port: the TCP port.
        steps: the answers of the lookup so far.
        force: query TLSA records also for insecure addresses (posttls-finger's ``-f``).
        digests: the enabled digests.

    Returns:
        The next DNS question, or the complete TLSA lookup if no question is left.
    """
    alias = qname.lower() != rname.lower()
    if force and address is not Security.SECURE:
        return _last_resort(qname, port, steps, 0, digests)
    if address is Security.SECURE:
        return _behind_secure_address(qname, rname, port, steps, digests, alias=alias)
    if address is Security.INSECURE and alias:
        return _behind_insecure_alias(qname, port, steps, digests)
    return TLSALookup(qname, (), *_ADDRESS_VERDICTS[address], steps=tuple(steps))


_ADDRESS_VERDICTS = {
    Security.INSECURE: (Dane.INSECURE, Reason.HOST_INSECURE),
    Security.INDETERMINATE: (Dane.UNKNOWN, Reason.DNS_INDETERMINATE),
    Security.BOGUS: (Dane.LOOKUP_FAILED, Reason.ADDRESS_BOGUS),
}


def _behind_secure_address(
    qname: str, rname: str, port: int, steps: Sequence[Answer], digests: Sequence[str], *, alias: bool
) -> Question | TLSALookup:
    """Query TLSA records at the expanded name ``rname``; if it has no secure ones, at the original name ``qname``."""
    if not steps:
        return tlsa_name(rname, port), "TLSA"
    first = lookup_result(rname, steps[:1], digests)
    if first.dane is Dane.NONE and alias:
        return _last_resort(qname, port, steps, 1, digests)
    return first


def _behind_insecure_alias(
    qname: str, port: int, steps: Sequence[Answer], digests: Sequence[str]
) -> Question | TLSALookup:
    """Query TLSA records at the original name if the CNAME of the original name is secure."""
    if not steps:
        return qname, "CNAME"
    failed, insecure = (Dane.LOOKUP_FAILED, Reason.TLSA_LOOKUP_FAILED), (Dane.INSECURE, Reason.HOST_INSECURE)
    verdict = _decided(steps[0], failed, insecure)  # an answer without a CNAME is a failed lookup
    if verdict is not None:
        return TLSALookup(qname, (), *verdict, steps=tuple(steps))
    return _last_resort(qname, port, steps, 1, digests)


def _last_resort(
    qname: str, port: int, steps: Sequence[Answer], asked_before: int, digests: Sequence[str]
) -> Question | TLSALookup:
    """Query TLSA records at the original name, as the last step of the lookup."""
    if len(steps) == asked_before:
        return tlsa_name(qname, port), "TLSA"
    return lookup_result(qname, steps, digests)


def known_answer(question: Question) -> Answer | None:
    """Return an answer without records if the name in the question is too long for a DNS query, else None."""
    name, rtype = question
    return None if _is_possible(name) else Answer(name, rtype, Outcome.NODATA, Security.SECURE)


def _is_possible(name: str) -> bool:
    """Return whether a name of valid labels has at most 255 octets (RFC 1035 section 2.3.4)."""
    if len(name) <= MAX_NAME - 2:  # nearly all names; escapes only make the text longer
        return True
    try:
        encode_name(name)
    except WireError:
        return False
    return True


def parsed(tlsa: TLSALookup) -> bool:
    """Return whether Postfix's parser accepts any record, even if OpenSSL rejects every record in the handshake."""
    kept = (record.unusable is None or not record.unusable.by_parser for record in tlsa.records)
    return tlsa.dane is None or (tlsa.dane is Dane.UNUSABLE and any(kept))
