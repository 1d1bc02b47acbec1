r"""Distinguished names (RFC 5280 section 4.1.2.4): OpenSSL's one-line text form, and comparison of two names.

The one-line form is ``/TYPE=value/TYPE=value``, with ``+`` between the attributes of one RDN. Octets outside printable
ASCII are written as ``\xHH`` for every string type; ``/`` and ``+`` are escaped by a backslash. Two names are equal if
their canonical forms are equal, without regard to case and runs of white space (RFC 5280 section 7.1, as simplified by
OpenSSL).
"""

from collections.abc import Sequence

from scanner.core.x509 import der
from scanner.core.x509.cache import remembered
from scanner.core.x509.der import TLV

_TYPES = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.18": "postOfficeBox",
    "2.5.4.20": "telephoneNumber",
    "2.5.4.41": "name",
    "2.5.4.42": "GN",
    "2.5.4.43": "initials",
    "2.5.4.44": "generationQualifier",
    "2.5.4.45": "x500UniqueIdentifier",
    "2.5.4.46": "dnQualifier",
    "2.5.4.51": "houseIdentifier",
    "2.5.4.65": "pseudonym",
    "2.5.4.72": "role",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
    "1.2.840.113549.1.9.2": "unstructuredName",
    "1.2.840.113549.1.9.8": "unstructuredAddress",
    "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
    "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}
"""OpenSSL's short names of attribute types; a type without a short name is written as its dotted number."""

_CHARSETS = {
    0x0C: "utf-8",  # UTF8String
    0x13: "latin-1",  # PrintableString
    0x14: "latin-1",  # T61String, which OpenSSL reads as Latin-1
    0x16: "latin-1",  # IA5String
    0x1A: "latin-1",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}

Canonical = tuple[tuple[tuple[str, str | bytes], ...], ...]

NAMES = 4096
"""Maximum number of names in each cache (attributes, one-line forms); many certificates have the same issuers."""

USUAL_NAME = 512
"""Usual maximum size of a distinguished name in octets; few results for longer names are cached."""

_TYPE_LIMIT = 79
"""Maximum number of characters of a dotted number in OpenSSL's one-line form."""


@remembered(NAMES, USUAL_NAME)
def attributes(name: bytes) -> tuple[tuple[tuple[str, TLV], ...], ...]:
    """Return the (type, value) pairs of a Name in DER, grouped by RDN; the parts of a constructed string are joined.

    Raises:
        DERError: the octets are not a Name.
    """
    rdns = der.children(der.read(name))
    return tuple(tuple(map(_pair, der.children(der.expect(rdn, der.SET)))) for rdn in rdns)


def _pair(pair: TLV) -> tuple[str, TLV]:
    parts = der.children(der.expect(pair, der.SEQUENCE))
    if len(parts) != 2:  # noqa: PLR2004 - type and value
        raise der.DERError("an attribute is a pair")
    return der.oid(parts[0]), _whole(parts[1])


def _whole(value: TLV) -> TLV:
    tag = value.tag & ~der.CONSTRUCTED
    if tag == value.tag or tag not in _CHARSETS:
        return value
    return der.read(der.encode(tag, der.string(value, tag)))


def text(value: TLV) -> str:
    """Return the decoded text of an attribute value; octets that the string type forbids become U+FFFD."""
    return value.content.decode(_CHARSETS.get(value.tag, "latin-1"), errors="replace")


def values(name: bytes, type_: str) -> tuple[str, ...]:
    """Return the texts of all attributes of one type (OpenSSL's short name), in their order in the name.

    Raises:
        DERError: the octets are not a Name.
    """
    return tuple(text(value) for rdn in attributes(name) for oid, value in rdn if _TYPES.get(oid) == type_)


@remembered(NAMES, USUAL_NAME)
def one_line(name: bytes) -> str:
    """Return OpenSSL's one-line form of a name, without truncation.

    Raises:
        DERError: the octets are not a Name.
    """
    pairs = (("+" if number else "/", *pair) for rdn in attributes(name) for number, pair in enumerate(rdn))
    return "".join(f"{sign}{_TYPES.get(oid, oid[:_TYPE_LIMIT])}={_quoted(value.content)}" for sign, oid, value in pairs)


def _quoted(octets: bytes) -> str:
    """Return octets as escaped text, in which a backslash precedes ``/`` and ``+``."""
    return escaped(octets).replace("/", "\\/").replace("+", "\\+")


def escaped(octets: bytes) -> str:
    r"""Return octets as text, with each octet outside printable ASCII as ``\xHH``."""
    if octets.isascii() and (plain := octets.decode("ascii")).isprintable():
        return plain
    return "".join(chr(o) if 0x20 <= o <= 0x7E else f"\\x{o:02X}" for o in octets)  # noqa: PLR2004 - space to tilde


def canonical(name: bytes) -> Canonical:
    """Return the canonical form of a name, a hashable value that is equal for equal names.

    Raises:
        DERError: the octets are not a Name.
    """
    return tuple([_canonical_rdn(rdn) for rdn in attributes(name)])


def _canonical_rdn(rdn: Sequence[tuple[str, TLV]]) -> tuple[tuple[str, str | bytes], ...]:
    folded = [(oid, _folded(value)) for oid, value in rdn]
    return tuple(sorted(folded, key=repr) if len(folded) > 1 else folded)


def ascii_lower(text: str) -> str:
    """Return a text with only ASCII letters in lower case: U+212A (Kelvin sign) is not changed to ``k``."""
    return text.lower() if text.isascii() else "".join(c.lower() if c.isascii() else c for c in text)


def _folded(value: TLV) -> str | bytes:
    """Return a string value with case and white space folded; return the raw element if it is no valid string."""
    charset = _CHARSETS.get(value.tag)
    if charset is None:
        return value.raw
    try:
        decoded = value.content.decode(charset)
    except UnicodeDecodeError:
        return value.raw
    folded = ascii_lower(decoded)
    return " ".join(word for word in folded.translate(_SPACES).split(" ") if word)


_SPACES = dict.fromkeys(map(ord, "\t\n\v\f\r"), " ")
