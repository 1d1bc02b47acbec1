"""A reader of DER and BER (ITU-T X.690) for the encodings that occur in certificates.

OpenSSL accepts indefinite lengths, padded lengths and constructed strings, so this reader accepts them as well. The
library asn1crypto can also decode BER, but takes several times as long as this reader, since asn1crypto builds objects
for elements that are not needed. Elements with high tag numbers (above 30) are refused. The work and memory of the
reader are bounded by the length of the input. The other modules of this package interpret the decoded elements.
"""

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x01, 0x02, 0x03, 0x04, 0x06
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31

CONSTRUCTED = 0x20
"""Bit of a tag octet that marks a constructed element."""

_LONG_LENGTH = 0x80  # as the whole length: an indefinite length
_HIGH_TAG = 0x1F
_END = b"\0\0"
_STRING_NEST = 5  # OpenSSL's ASN1_MAX_STRING_NEST
REMEMBERED = 1024  # object identifiers cached; all certificates together contain a few dozen
USUAL_OID = 32  # maximum length in octets of a cached object identifier
LONGEST_OID = 64
"""Maximum length in octets of a decoded object identifier; a digest replaces a longer identifier."""


class DERError(ValueError):
    """Error: octets are not the expected DER; this module raises no other exception."""


class TLV(NamedTuple):
    """One DER element: its tag octet, all its octets, and the lengths of header and end-of-contents octets."""

    tag: int
    raw: bytes
    header: int
    trailer: int = 0

    @property
    def content(self) -> bytes:
        """The octets of the element between its header and its end-of-contents octets."""
        return self.raw[self.header : -self.trailer] if self.trailer else self.raw[self.header :]


_new = tuple.__new__  # faster than the constructor of a named tuple, which is a Python function


def read(data: bytes, offset: int = 0) -> TLV:
    """Decode the DER element whose tag is at an offset.

    Raises:
        DERError: the data contain no complete element at the offset.
    """
    header, length = _header(data, offset)
    if length is None:
        return _indefinite(data, offset)
    end = offset + header + length
    if end > len(data):
        raise DERError("truncated content")
    return TLV(data[offset], data[offset:end], header)


def _header(data: bytes, offset: int) -> tuple[int, int | None]:
    """Return the sizes of an element's header and content; None as content size means an indefinite length."""
    if offset + 2 > len(data):
        raise DERError("truncated header")
    tag, first = data[offset], data[offset + 1]
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise DERError("high tag number")
    if first < _LONG_LENGTH:
        return 2, first
    if first == _LONG_LENGTH:
        return 2, None
    count = first & ~_LONG_LENGTH
    octets = data[offset + 2 : offset + 2 + count]
    if len(octets) < count:
        raise DERError("truncated length")
    return 2 + count, int.from_bytes(octets)


def _indefinite(data: bytes, offset: int) -> TLV:
    """Decode an element of indefinite length, which may contain other elements of indefinite length."""
    at, unfinished = offset, 0
    while True:
        if unfinished and data[at : at + 2] == _END:
            at, unfinished = at + 2, unfinished - 1
        else:
            header, length = _header(data, at)
            if length is None and not data[at] & CONSTRUCTED:
                raise DERError("indefinite length of a primitive element")
            at, unfinished = at + header + (length or 0), unfinished + (length is None)
        if not unfinished:
            return TLV(data[offset], data[offset:at], 2, len(_END))


def whole(data: bytes, tag: int) -> TLV:
    """Decode octets as exactly one DER element with the given tag, without trailing octets.

    Raises:
        DERError: the octets are not exactly one element with this tag.
    """
    element = expect(read(data), tag)
    if len(element.raw) != len(data):
        raise DERError("octets behind the element")
    return element


def expect(element: TLV, tag: int) -> TLV:
    """Return the element if it has the expected tag.

    Raises:
        DERError: the element has another tag.
    """
    if element.tag != tag:
        raise DERError(f"tag {element.tag:#04x} where {tag:#04x} was due")
    return element


def children(element: TLV) -> list[TLV]:
    """Decode the elements inside a constructed element.

    Raises:
        DERError: the content is not a sequence of complete elements.
    """
    content, found, offset = element.content, [], 0
    end = len(content)
    while offset < end:
        # nearly all elements have a short length; decoding them inline makes a certificate a third cheaper
        if (
            offset + 1 < end
            and (size := content[offset + 1]) < _LONG_LENGTH
            and content[offset] & _HIGH_TAG != _HIGH_TAG
        ):
            stop = offset + 2 + size
            if stop > end:
                raise DERError("truncated content")
            found.append(_new(TLV, (content[offset], content[offset:stop], 2, 0)))
        else:
            found.append(read(content, offset))
            stop = offset + len(found[-1].raw)
        offset = stop
    return found


def short_contents(element: TLV, tag: int) -> list[bytes]:
    """Return the contents of the elements in a constructed element, if all have the given tag and a one-octet length.

    Returns:
        The contents, or an empty list if an element has another tag or a longer length field, or is truncated.
    """
    content, found, offset = element.content, [], 0
    end = len(content)
    while offset + 1 < end and content[offset] == tag and (size := content[offset + 1]) < _LONG_LENGTH:
        start, offset = offset + 2, offset + 2 + size
        found.append(content[start:offset])
    return found if offset == end else []


def boolean(element: TLV) -> bool:
    """Decode a BOOLEAN; any octet except zero is true, as in OpenSSL.

    Raises:
        DERError: the element is not a BOOLEAN of one octet.
    """
    content = expect(element, BOOLEAN).content
    if len(content) != 1:
        raise DERError("BOOLEAN not of one octet")
    return content != b"\0"


def integer(element: TLV) -> int:
    """Decode an INTEGER of any size; the caller has to check the range.

    Raises:
        DERError: the element is not an INTEGER, is empty, or has superfluous octets, which OpenSSL refuses.
    """
    content = expect(element, INTEGER).content
    if not content:
        raise DERError("empty INTEGER")
    if len(content) > 1 and content[0] in (0x00, 0xFF) and (content[0] ^ content[1]) < _LONG_LENGTH:
        raise DERError("padded INTEGER")
    return int.from_bytes(content, signed=True)


def string(element: TLV, tag: int) -> bytes:
    """Return the octets of a string with a tag; a constructed string (BER) is joined.

    Raises:
        DERError: the element has another tag or is not a string.
    """
    return element.content if element.tag == tag else _joined(expect(element, tag | CONSTRUCTED), 0)


def _joined(element: TLV, depth: int) -> bytes:
    if not element.tag & CONSTRUCTED:
        return element.content
    if depth > _STRING_NEST:
        raise DERError("string of too many levels")
    return b"".join(_joined(part, depth + 1) for part in children(element))


def bits(element: TLV) -> bytes:
    """Return the octets of a BIT STRING with the unused bits cleared, as in OpenSSL.

    Raises:
        DERError: the element is not a well-formed BIT STRING.
    """
    unused, content = bit_string(element)
    return content[:-1] + bytes([content[-1] & 0xFF << unused & 0xFF]) if unused and content else content


def bit_string(element: TLV) -> tuple[int, bytes]:
    """Return the number of unused bits and the octets of a BIT STRING.

    Raises:
        DERError: the element is not a well-formed BIT STRING.
    """
    content = string(element, BIT_STRING)
    if not content or content[0] > 7:  # noqa: PLR2004 - bits of an octet
        raise DERError("broken BIT STRING")
    return content[0], content[1:]


def oid(element: TLV) -> str:
    """Decode an OBJECT IDENTIFIER to its dotted form, or if longer than ``LONGEST_OID``, to ``long-`` and a digest.

    Raises:
        DERError: the element is not an OBJECT IDENTIFIER.
    """
    content = expect(element, OID).content
    return _dotted_again(content) if len(content) <= USUAL_OID else _dotted(content)


def _dotted(content: bytes) -> str:
    if not content or content[-1] & 0x80:
        raise DERError("broken OBJECT IDENTIFIER")
    if len(content) > LONGEST_OID:
        return f"long-{hashlib.sha256(content).hexdigest()}"
    arcs, value = [], 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


_dotted_again = lru_cache(REMEMBERED)(_dotted)


def time(element: TLV) -> datetime | None:
    """Decode a UTCTime or GeneralizedTime in the form of RFC 5280 section 4.1.2.5.

    Returns:
        The time in UTC, or None for a time in another form: OpenSSL reads a certificate with such a time, but reports
        an error of the date. A date in the year 0, which OpenSSL allows and Python's datetime does not, is returned in
        the year 1.

    Raises:
        DERError: the element is neither a UTCTime nor a GeneralizedTime.
    """
    if element.tag not in (UTC_TIME, GENERALIZED_TIME):
        raise DERError("not a time")
    text = element.content
    size = 13 if element.tag == UTC_TIME else 15
    if len(text) != size or not text.endswith(b"Z") or not text[:-1].isdigit():
        return None
    digits = text[:-1].decode("ascii")
    if element.tag == UTC_TIME:
        digits = ("19" if digits >= "50" else "20") + digits
    month, day, hour, minute, second = (int(digits[i : i + 2]) for i in range(4, 14, 2))
    try:
        return datetime(int(digits[:4]) or 1, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:  # a 13th month
        return None


# --- encoding -------------------------------------------------------------------------------------------------


def encode(tag: int, *contents: bytes) -> bytes:
    """Return the DER of an element with the given tag octet and the joined contents."""
    content = b"".join(contents)
    size = len(content)
    if size < _LONG_LENGTH:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, _LONG_LENGTH | len(octets))) + octets + content
