"""A walker over DER (ITU-T X.690) for the few shapes that a certificate has: it slices, it never re-encodes.

Digests of a SubjectPublicKeyInfo have to be taken over the octets as the server sent them (RFC 7671 section 5),
which no library hands out: each decodes and encodes anew. Definite lengths and low tag numbers are all that
certificates use; anything else is refused. Work and memory are bounded by the length of the input, and nothing
recurses. What is not here: what the slices mean, see ``x509``.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x01, 0x02, 0x03, 0x04, 0x06
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31

_LONG_LENGTH = 0x80
_HIGH_TAG = 0x1F
REMEMBERED = 1024  # object identifiers: certificates have a few dozen, and all the same ones
USUAL_OID = 32  # octets of those that are remembered: a certificate may have one of any length
MAX_LENGTH_OCTETS = 4  # 4 GiB: far beyond the 16 MiB of a TLS certificate message


class DERError(ValueError):
    """The octets are not the DER that was expected. The only error that this module raises."""


class TLV(NamedTuple):
    """One element: its tag octet, all its octets, and how many of them are the header."""

    tag: int
    raw: bytes
    header: int

    @property
    def content(self) -> bytes:
        """The octets behind tag and length."""
        return self.raw[self.header :]


def read(data: bytes, offset: int = 0) -> TLV:
    """Read the element that starts at an offset.

    Args:
        data: octets, of which the element may be a part.
        offset: where its tag stands.

    Returns:
        The element.

    Raises:
        DERError: no whole element starts there.
    """
    if offset + 2 > len(data):
        raise DERError("truncated header")
    tag, first = data[offset], data[offset + 1]
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise DERError("high tag number")
    header, length = (2, first) if first < _LONG_LENGTH else _long_length(data, offset, first)
    end = offset + header + length
    if end > len(data):
        raise DERError("truncated content")
    return TLV(tag, data[offset:end], header)


def _long_length(data: bytes, offset: int, first: int) -> tuple[int, int]:
    """The sizes of header and content where the length has octets of its own."""
    count = first & ~_LONG_LENGTH
    if not 1 <= count <= MAX_LENGTH_OCTETS:
        raise DERError("indefinite or absurd length")
    octets = data[offset + 2 : offset + 2 + count]
    if len(octets) < count:
        raise DERError("truncated length")
    return 2 + count, int.from_bytes(octets)


def whole(data: bytes, tag: int) -> TLV:
    """Read octets that have to be one element with this tag and nothing behind it.

    Raises:
        DERError: they are not.
    """
    element = expect(read(data), tag)
    if len(element.raw) != len(data):
        raise DERError("octets behind the element")
    return element


def expect(element: TLV, tag: int) -> TLV:
    """Return the element if it has this tag.

    Raises:
        DERError: it has another.
    """
    if element.tag != tag:
        raise DERError(f"tag {element.tag:#04x} where {tag:#04x} was due")
    return element


def children(element: TLV) -> list[TLV]:
    """Read the elements inside a constructed one.

    Raises:
        DERError: the content is not a row of whole elements.
    """
    found, content, offset = [], element.content, 0
    while offset < len(content):
        child = read(content, offset)
        found.append(child)
        offset += len(child.raw)
    return found


def boolean(element: TLV) -> bool:
    """Decode a BOOLEAN; any octet but zero is true, as OpenSSL has it.

    Raises:
        DERError: not a BOOLEAN of one octet.
    """
    content = expect(element, BOOLEAN).content
    if len(content) != 1:
        raise DERError("BOOLEAN not of one octet")
    return content != b"\0"


def integer(element: TLV) -> int:
    """Decode an INTEGER.

    Raises:
        DERError: not an INTEGER, or an empty one.
    """
    content = expect(element, INTEGER).content
    if not content:
        raise DERError("empty INTEGER")
    return int.from_bytes(content, signed=True)


def bits(element: TLV) -> bytes:
    """The octets of a BIT STRING of whole octets, as keys and signatures are.

    Raises:
        DERError: not a BIT STRING, or an empty one.
    """
    content = expect(element, BIT_STRING).content
    if not content:
        raise DERError("empty BIT STRING")
    return content[1:]


def oid(element: TLV) -> str:
    """Decode an OBJECT IDENTIFIER to its dotted form.

    Raises:
        DERError: not an OBJECT IDENTIFIER, or a broken one.
    """
    content = expect(element, OID).content
    return _dotted_again(content) if len(content) <= USUAL_OID else _dotted(content)


def _dotted(content: bytes) -> str:
    if not content or content[-1] & 0x80:
        raise DERError("broken OBJECT IDENTIFIER")
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
    """Decode a UTCTime or GeneralizedTime in the form that RFC 5280 section 4.1.2.5 prescribes.

    Returns:
        The time in UTC, None if it is in any other form: OpenSSL accepts such a certificate and reports the date.

    Raises:
        DERError: neither type.
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
        return datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:  # a 13th month
        return None
