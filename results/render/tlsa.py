"""The text of TLSA records in reports: presentation format (RFC 6698 section 2.2), never the wire format in hex."""

from scanner.core.tlsa import parse_rdata, presentation
from scanner.facts import Answer, TLSARecord

DIGITS = 16  # hex digits in the short form: enough to find the record in a zone file
WHOLE = 128  # hex digits of a SHA-512 digest, the longest data that are shown whole in a list of records


def short(record: TLSARecord) -> str:
    """Return a record with the first digits of its data, for use in a sentence or a narrow column."""
    return presentation(record, DIGITS)


def whole(record: TLSARecord) -> str:
    """Return a record with its data; full certificates and keys are cut to the length of the longest digest."""
    return presentation(record, WHOLE)


def zone_line(owner: str, record: TLSARecord) -> str:
    """Return a record as a line of a zone file.

    Args:
        owner: the owner name, without the final dot.
        record: the record; its data are not cut.
    """
    return f"{owner}. IN TLSA {presentation(record)}"


def record_texts(answer: Answer) -> tuple[str, ...]:
    """Return the records of a DNS answer as text; TLSA records, which are stored as hex rdata, as ``whole`` does."""
    if answer.rtype != "TLSA":
        return answer.records
    return tuple(whole(parse_rdata(text)) if _is_hex(text) else text for text in answer.records)


def _is_hex(text: str) -> bool:
    """Return whether a text is hex; a run directory is input from outside."""
    try:
        bytes.fromhex(text)
    except ValueError:
        return False
    return True
