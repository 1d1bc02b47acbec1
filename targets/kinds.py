"""Recognition of lists whose lines are not plain destinations but, for example, URLs, e-mail addresses or zone records.

A list is rejected as a whole if most of its first lines have the same format of ``ListKind``, and the user has set no
option that permits this format. A single line that is not a destination is rejected with a hint about the format of the
line. With ``--accept``, the host of a URL or of an e-mail address is scanned.
"""

import re
from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import StrEnum
from ipaddress import IPv6Address, ip_network

from targets.hostnames import is_address, is_hostname, parse_address

SAMPLE = 100
"""Number of lines at the beginning of a list from which its format and layout are recognised."""


class ListKind(StrEnum):
    """The format of a list whose lines are not plain destinations."""

    URL = "URLs"
    EMAIL = "e-mail addresses"
    HOSTS = "a hosts file"
    ZONE = "a zone file"
    POLICY = "a policy map"
    JSON = "JSON lines"
    ADBLOCK = "an ad blocker's list"


class Accept(StrEnum):
    """Formats of lines from which the host is extracted: the values of ``--accept``."""

    URLS = "urls"
    EMAILS = "emails"


WHOLE_LIST = {
    ListKind.URL: "--accept urls takes the host of each",
    ListKind.EMAIL: "--accept emails takes the domain of each",
    ListKind.HOSTS: "--column 2 takes the names",
    ListKind.ZONE: "--format zone takes the names that have NS records",
    ListKind.POLICY: "--column 1 takes the names",
    ListKind.JSON: "--column NAME takes that member of each",
    ListKind.ADBLOCK: "list the domains alone, one per line",
}
"""For each format, the advice in the error message about a list in this format, such as the option to use."""

_HINTS = {
    ListKind.URL: "a URL: list its host name alone, or use --accept urls",
    ListKind.EMAIL: "an e-mail address: list what follows the @, or use --accept emails",
    ListKind.HOSTS: "a line of a hosts file: list the name alone, or use --column 2",
    ListKind.ZONE: "a line of a zone file: list the name alone, or use --format zone",
    ListKind.POLICY: "a line of a policy map: list the name alone, or use --column 1",
    ListKind.JSON: "a JSON object: list the name alone, or use --column NAME",
    ListKind.ADBLOCK: "a rule of an ad blocker: list the domain alone",
}

_LEVELS = "none|may|encrypt|dane|dane-only|fingerprint|verify|secure"
_TYPES = "SOA|NS|MX|A|AAAA|CNAME|DNAME|TXT|DS|CDS|RRSIG|NSEC|NSEC3|NSEC3PARAM|DNSKEY|CDNSKEY|TLSA|CAA|SRV|PTR|HTTPS"
_TTL = r"(?:[0-9]+[smhdw]?\s+)?"
_ZONE = re.compile(
    rf"\$(?:ORIGIN|TTL|INCLUDE|GENERATE)\b|\S*\s+{_TTL}(?:(?:IN|CH|HS)\s+)?{_TTL}(?:{_TYPES})\s+\S", re.IGNORECASE
)
_POLICY = re.compile(rf"[^\s,;]+\s+(?:{_LEVELS})(?:\s.*)?", re.IGNORECASE)
_ADBLOCK = re.compile(r"(?:@@)?\|\|\S+|\[adblock.*", re.IGNORECASE)
_PATH = re.compile(r"(?:[\w-]+\.)+[A-Za-z][\w-]*(?::[0-9]+)?/\S*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|//(?=\S)")
_EMAIL = re.compile(r"(?:mailto:)?[^\s@/]+@[^\s@/]+", re.IGNORECASE)
_ANGLE = re.compile(r'.*<([^<>]*)>"?')


def kind_of(text: str) -> ListKind | None:
    """Return the format of a line or cell, or None if the text may be a destination."""
    bare = text.strip()
    if is_hostname(bare):  # most texts
        return None
    tests = (
        (_SCHEME.match(bare) or _PATH.fullmatch(bare), ListKind.URL),
        ("@" in bare and _EMAIL.fullmatch(_addr_spec(bare)), ListKind.EMAIL),
        (bare.startswith("{"), ListKind.JSON),
        (_ADBLOCK.fullmatch(bare), ListKind.ADBLOCK),
        (_is_hosts_line(bare), ListKind.HOSTS),
        (_ZONE.match(text), ListKind.ZONE),
        (_POLICY.fullmatch(bare), ListKind.POLICY),
    )
    return next((kind for found, kind in tests if found), None)


def _is_hosts_line(text: str) -> bool:
    first, *rest = text.split(maxsplit=1)[:2] or [""]
    return bool(rest) and is_address(first)


def dominant(texts: Iterable[str]) -> ListKind | None:
    """Return the format that more than half of the texts have, or None."""
    kinds = [kind_of(text) for text in texts]
    counts = Counter(kind for kind in kinds if kind is not None)
    kind, count = next(iter(counts.most_common(1)), (None, 0))
    return kind if 2 * count > len(kinds) else None


def host_of(text: str, accept: AbstractSet[Accept]) -> str:
    """Return the host of an accepted URL or e-mail address; return any other text unchanged."""
    if not accept:
        return text
    kind = kind_of(text)
    if kind is ListKind.URL and Accept.URLS in accept:
        return _url_host(text.strip())
    if kind is ListKind.EMAIL and Accept.EMAILS in accept:
        return _addr_spec(text.strip()).rpartition("@")[2]
    return text


def accepted(kind: ListKind | None, accept: AbstractSet[Accept]) -> bool:
    """Return whether URLs or mail addresses (``kind``) are accepted as input lines, so that ``host_of`` is applied."""
    return (kind is ListKind.URL and Accept.URLS in accept) or (kind is ListKind.EMAIL and Accept.EMAILS in accept)


def hint(text: str) -> str:
    """Return the error text for a text with a known fault, such as an empty line or a URL; else an empty text."""
    if text and is_hostname(text):  # most texts
        return ""
    kind = kind_of(text)
    if kind is not None:
        return _HINTS[kind]
    hints = (
        (not text, "no domain in this line"),
        (text.startswith("*."), "a wildcard: list the domain itself"),
        ("\n" in text, "a line break in the domain"),
        (_are_names(text), "several names: list one per line"),
        (len(text.split()) > 1, "not a valid host name: it contains white space"),
        ("/" in text and _is_network(text), "a network: list domains, hosts or single addresses"),
        ("@" in text, "an e-mail address: list what follows the @"),
        (isinstance(parse_address(text), IPv6Address), "an IPv6 address has to stand in brackets"),
    )
    return next((words for found, words in hints if found), "")


def _addr_spec(text: str) -> str:
    """Return the address of ``Name <address>`` or ``mailto:address`` (RFC 5322 section 3.4)."""
    found = _ANGLE.fullmatch(text)
    return (found[1] if found else text).strip()


def _url_host(url: str) -> str:
    """Return the host of a URL (RFC 3986 section 3.2), without user and port."""
    authority = re.split(r"[/?#\\]", _SCHEME.sub("", url, count=1), maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    return host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]


def _are_names(text: str) -> bool:
    names = re.split(r"[\s,;]+", text.strip())
    return len(names) > 1 and all("." in name and is_hostname(name) for name in names)


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
