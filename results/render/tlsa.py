"""The text of TLSA records in reports, in presentation format (RFC 6698 section 2.2)."""

from scanner.core.tlsa import parse_rdata, presentation
from scanner.facts import Answer, TLSARecord

DIGITS = 16  # number of hex digits in the short form of a record, enough to find the record in a zone file
RECORD = 140_000  # maximum number of characters of a record to publish; no TLSA record is longer
WHOLE = 128  # maximum number of hex digits in a list of records: the length of a SHA-512 digest


def short(record: TLSARecord) -> str:
    """Return a TLSA record with the first ``DIGITS`` hex digits of its data, for a sentence or a narrow column."""
    return presentation(record, DIGITS)


def whole(record: TLSARecord) -> str:
    """Return a TLSA record with at most ``WHOLE`` hex digits of its data, which is enough for every digest."""
    return presentation(record, WHOLE)


def zone_line(owner: str, record: TLSARecord) -> str:
    """Return a TLSA record as a line of a zone file.

    Args:
        owner: the owner name of the record, without the final dot.
        record: the record, whose data are not cut.
    """
    return f"{owner}. IN TLSA {presentation(record)}"


def record_texts(answer: Answer) -> tuple[str, ...]:
    """Return the records of a DNS answer as text; TLSA records are stored as hex rdata and formatted by ``whole``."""
    if answer.rtype != "TLSA":
        return answer.records
    return tuple(whole(parse_rdata(text)) if _is_hex(text) else text for text in answer.records)


def _is_hex(text: str) -> bool:
    """Return whether a text from a run directory, which may be corrupt, is hexadecimal."""
    try:
        bytes.fromhex(text)
    except ValueError:
        return False
    return True
