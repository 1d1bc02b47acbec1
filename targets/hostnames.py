"""The rules for host names and literal addresses: those of Postfix.

A name has 1 to 255 octets in labels of 1 to 63 letters, digits, ``_`` and ``-``; no label begins or ends with
a hyphen or is empty, so a trailing dot is an error. A text of digits and dots alone is no name. A name with
non-ASCII characters is mapped by UTS #46 (non-transitional) and its labels are encoded by RFC 3492. The rules for
bidirectional text and joiners are not applied, as in Postfix: names such as ``xn--53h.example`` (an emoji) exist
in the DNS.

A literal address is IPv4 in four decimal octets, or IPv6 as in RFC 4291 section 2.2 without a zone. Octets with
leading zeros are refused: C libraries read them as octal, people as decimal. Of 0.0.0.0/8 only 0.0.0.0 is an
address, as in Postfix.
"""

import ipaddress
import re
import unicodedata
from functools import lru_cache

import idna

MAX_NAME = 255
"""Octets in a host name, as Postfix counts them (RFC 1035 section 2.3.4)."""

MAX_LABEL = 63
"""Octets in a label (RFC 1035 section 2.3.4)."""

MAX_TYPED = 4 * MAX_NAME
"""Characters of an international name; the mapping drops some characters, but never this many."""

LONGEST_ADDRESS = 45
"""Characters of an IPv6 address that ends in an IPv4 address (RFC 4291 section 2.2)."""

REMEMBERED = 4096
"""Parsed addresses in the cache: the same address is parsed several times in a row."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL = rf"(?!-)[A-Za-z0-9_-]{{1,{MAX_LABEL}}}(?<!-)"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMERIC = re.compile(r"[0-9.]*")
_BAD_CHARACTER = re.compile(r"[^A-Za-z0-9_.-]")


class HostNameError(ValueError):
    """An error in a host name; the message is the reason in plain words."""


def to_ascii(name: str) -> str:
    """Check a host name and return its A-label form.

    Args:
        name: the name as typed, in A-labels or U-labels.

    Returns:
        ``name`` unchanged if it is ASCII; otherwise its A-label form in lower case.

    Raises:
        HostNameError: the name is not valid.
    """
    text = name if name.isascii() else _mapped(name)
    if is_hostname(text):
        return text
    raise HostNameError(_flaw(text))


def is_hostname(text: str) -> bool:
    """Return whether a text is a host name in A-labels, as Postfix's valid_hostname() does."""
    return len(text) <= MAX_NAME and _NAME.fullmatch(text) is not None and not _NUMERIC.fullmatch(text)


def is_address(text: str) -> bool:
    """Return whether a text is an IPv4 or IPv6 address, without brackets, prefix length or zone."""
    return parse_address(text) is not None


def parse_address(text: str) -> Address | None:
    """Parse a literal address.

    Returns:
        The address; None for any other text, also one with leading zeros or a zone, and for ``0.1.2.3``.
    """
    if ":" not in text and not text[-1:].isdigit():  # most texts are names; this avoids an exception for each
        return None
    if len(text) > LONGEST_ADDRESS or "%" in text or "/" in text:
        return None
    return _read_address(text)


@lru_cache(REMEMBERED)
def _read_address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address) and address.packed[0] == 0 and int(address) != 0:
        return None  # Postfix accepts 0.0.0.0 but no other address of 0.0.0.0/8
    return address


def address_text(address: Address) -> str:
    """Return the canonical text of an address (RFC 5952).

    ``str`` of an IPv4-mapped address differs between Python 3.12 and 3.13; this text does not.
    """
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return f"::ffff:{address.ipv4_mapped}"
    return str(address)


def _flaw(name: str) -> str:
    """Return the reason why an ASCII name is not valid."""
    if not name:
        return "it is empty"
    bad = _BAD_CHARACTER.search(name)
    if bad:
        return f"character {bad.group()!a} is not allowed"
    return _label_flaw(name.split(".")) or (f"longer than {MAX_NAME} octets" if len(name) > MAX_NAME else "digits only")


def _label_flaw(labels: list[str]) -> str:
    if "" in labels:
        return "empty label (a dot too many)"
    if any(len(label) > MAX_LABEL for label in labels):
        return f"label longer than {MAX_LABEL} octets"
    if any(label.startswith("-") or label.endswith("-") for label in labels):
        return "label begins or ends with a hyphen"
    return ""


def _mapped(name: str) -> str:
    """Map a name as in UTS #46 section 4, non-transitional, and encode its labels."""
    if len(name) > MAX_TYPED:
        raise HostNameError(f"longer than {MAX_NAME} octets")
    try:
        mapped = idna.uts46_remap(name, std3_rules=False)
        return ".".join(_encoded(label) for label in mapped.split("."))
    except idna.InvalidCodepoint as error:
        raise HostNameError("a character is not allowed in international names") from error
    except ValueError as error:
        raise HostNameError(f"no valid international name ({error})") from error


def _encoded(label: str) -> str:
    """Encode a mapped label as an A-label after the checks of UTS #46 section 4.1."""
    if label.startswith("xn--"):
        _check_ace(label)
    if label.isascii():
        return label
    if label.startswith("-") or label.endswith("-"):
        raise HostNameError("label begins or ends with a hyphen")
    if label[2:4] == "--":
        raise HostNameError("label has hyphens in third and fourth place")
    if unicodedata.category(label[0]).startswith("M"):
        raise HostNameError("label begins with a combining mark")
    return "xn--" + label.encode("punycode").decode("ascii")


def _check_ace(label: str) -> None:
    """Check that an ``xn--`` label beside U-labels decodes to a label whose encoding is the same."""
    decoded = label[4:].encode("ascii").decode("punycode")
    if decoded.isascii() or idna.uts46_remap(decoded, std3_rules=False) != decoded:
        raise HostNameError('label begins with "xn--" but decodes to nothing valid')
    if decoded.encode("punycode").decode("ascii") != label[4:]:
        raise HostNameError('label begins with "xn--" but is not in its shortest form')
