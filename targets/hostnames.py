"""Checks of host names and literal addresses, by the rules of Postfix.

A host name has 1 to 255 octets in labels of 1 to 63 letters, digits, ``_`` and ``-``. No label of a host name begins or
ends with a hyphen. No label of a host name is empty, so a trailing dot is an error. A text that consists only of digits
and dots is not a host name. A name with non-ASCII characters is mapped by UTS #46 (non-transitional) and its labels are
encoded by RFC 3492. The rules for bidirectional text and joiners are not applied, as in Postfix. Emoji are accepted,
because names such as ``xn--53h.example`` exist in the DNS.

A literal address is IPv4 in four decimal octets, or IPv6 as in RFC 4291 section 2.2 without a zone. An IPv4 address
that contains an octet with leading zeros is rejected, because C libraries parse such octets as octal numbers and people
read such octets as decimal numbers. In the network 0.0.0.0/8, only the address 0.0.0.0 is accepted, as in Postfix.
"""

import ipaddress
import re
import unicodedata
from functools import lru_cache

import idna

MAX_NAME = 255
"""Maximum length in octets of a host name, as in Postfix (RFC 1035 section 2.3.4)."""

MAX_LABEL = 63
"""Maximum length in octets of a label (RFC 1035 section 2.3.4)."""

MAX_ENCODED = 253
"""Maximum length in octets of a converted international name (UTS #46 section 4.2, VerifyDnsLength)."""

MAX_TYPED = 4 * MAX_NAME
"""Maximum length in characters of an international name before the UTS #46 mapping, which can remove characters."""

LONGEST_ADDRESS = 45
"""Maximum length in characters of a literal address: IPv6 with an IPv4 suffix (RFC 4291 section 2.2)."""

REMEMBERED = 4096
"""Maximum number of parsed addresses in the cache; the same address is often parsed several times in a row."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL = rf"(?!-)[A-Za-z0-9_-]{{1,{MAX_LABEL}}}(?<!-)"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMERIC = re.compile(r"[0-9.]*")
_BAD_CHARACTER = re.compile(r"[^A-Za-z0-9_.-]")


UTS46_ERRORS = {
    "EMPTY_LABEL": "empty label (a dot too many)",
    "LABEL_TOO_LONG": f"label longer than {MAX_LABEL} octets",
    "DOMAIN_NAME_TOO_LONG": f"longer than {MAX_ENCODED} octets",
    "LEADING_HYPHEN": "label begins or ends with a hyphen",
    "TRAILING_HYPHEN": "label begins or ends with a hyphen",
    "HYPHEN_3_4": "label has hyphens in third and fourth place",
    "LEADING_COMBINING_MARK": "label begins with a combining mark",
    "DISALLOWED": "a character is not allowed in international names",
    "PUNYCODE": 'label begins with "xn--" but decodes to nothing valid',
    "INVALID_ACE_LABEL": 'label begins with "xn--" but decodes to nothing valid',
}
"""Descriptions of the UTS #46 errors, by ICU's error names and in ICU's order."""


class HostNameError(ValueError):
    """Error: a text is not a host name. The message of the error is the reason why the text is not a host name.

    ``uts46`` contains the keys of ``UTS46_ERRORS`` that apply to the text.
    """

    def __init__(self, text: str, uts46: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.uts46 = uts46
        self.name = ""
        """The international name that could not be converted."""


def to_ascii(name: str) -> str:
    """Check a host name and return its A-label form.

    Args:
        name: the name as typed, in A-labels or U-labels.

    Returns:
        ``name`` unchanged if ``name`` is ASCII; otherwise its A-label form in lower case.

    Raises:
        HostNameError: the name is not a host name.
    """
    try:
        return _checked(name if name.isascii() else _mapped(name))
    except HostNameError as error:
        error.name = "" if name.isascii() else name
        raise


def _checked(text: str) -> str:
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
        The address, or None for any other text. Addresses with leading zeros, with a zone (``%eth0``) or in 0.0.0.0/8
        are not accepted, except for ``0.0.0.0``.
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

    ``str`` of an IPv4-mapped address differs between Python 3.12 and 3.13, but this function returns the same text in
    every version of Python.
    """
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return f"::ffff:{address.ipv4_mapped}"
    return str(address)


def _flaw(name: str) -> str:
    """Return the reason why an ASCII text is not a host name; an empty text for a host name."""
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


# --- international names --------------------------------------------------------------------------------------


class _Flags:
    """The UTS #46 errors (section 4) that were found in one name."""

    def __init__(self) -> None:
        self._found: set[str] = set()

    def add(self, flag: str, *, when: bool = True) -> None:
        """Record the error ``flag``, a key of ``UTS46_ERRORS``, if ``when`` is true."""
        if when:
            self._found.add(flag)

    def check(self) -> None:
        """Raise HostNameError if the name has any error."""
        flags = tuple(flag for flag in UTS46_ERRORS if flag in self._found)
        if flags:
            raise HostNameError(UTS46_ERRORS[flags[0]], flags)


def _mapped(name: str) -> str:
    """Map an international name by UTS #46 section 4, non-transitional, and encode each label."""
    flags = _Flags()
    try:
        labels = idna.uts46_remap(name[: MAX_TYPED + 1], std3_rules=False).split(".")
    except ValueError as error:
        raise HostNameError(UTS46_ERRORS["DISALLOWED"], ("DISALLOWED",)) from error
    if len(labels) > 1 and not labels[-1]:
        labels, dot = labels[:-1], "."  # the empty root label; UTS #46 permits one trailing dot
    else:
        dot = ""
    text = ".".join([_encoded(label, flags) for label in labels])
    flags.add("DOMAIN_NAME_TOO_LONG", when=len(text) > MAX_ENCODED or len(name) > MAX_TYPED)
    flags.check()
    return text + dot


def _encoded(label: str, flags: _Flags) -> str:
    """Return one mapped label as an A-label, and record its errors (UTS #46 section 4.1)."""
    flags.add("EMPTY_LABEL", when=not label)
    if label.startswith("xn--"):
        _check_ace(label, flags)
        encoded = label
    else:
        flags.add("LEADING_HYPHEN", when=label.startswith("-"))
        flags.add("TRAILING_HYPHEN", when=label.endswith("-"))
        flags.add("HYPHEN_3_4", when=label[2:4] == "--")
        flags.add("LEADING_COMBINING_MARK", when=unicodedata.category(label[:1] or " ").startswith("M"))
        encoded = label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
    flags.add("LABEL_TOO_LONG", when=len(encoded) > MAX_LABEL)
    return encoded


def _check_ace(label: str, flags: _Flags) -> None:
    """Record an error for an ``xn--`` label that is not the encoding of an allowed U-label."""
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
    except ValueError:
        flags.add("PUNYCODE")
        return
    try:
        good = not decoded.isascii() and idna.uts46_remap(decoded, std3_rules=False) == decoded
    except ValueError:
        good = False
    flags.add("INVALID_ACE_LABEL", when=not good or decoded.encode("punycode").decode("ascii") != label[4:])
