r"""Host names as text: one spelling, and whether a text is a host name or an address.

A name is absolute, lower case, without the final dot; the root is ``.``. Odd octets stand as ``\DDD``. Not
here: IDNA (names are A-labels by the time they arrive) and the comparison of names with certificates.
"""

import ipaddress
import re

MAX_HOSTNAME = 255  # characters, as Postfix; RFC 1035 section 2.3.4 leaves room for two fewer
_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"  # RFC 1123 section 2.1, and the underscore
_HOSTNAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMERIC = re.compile(r"[0-9.]*")


def canonical(name: str) -> str:
    """Return a name as records spell it.

    Args:
        name: a domain name in ASCII, with or without the final dot.

    Returns:
        The name in lower case and without the final dot; the root as ``.``.
    """
    lowered = name.lower()
    if lowered == "." or lowered.endswith("\\."):  # an escaped dot belongs to the last label
        return lowered
    return lowered.removesuffix(".")


def is_hostname(name: str) -> bool:
    """Return whether Postfix accepts a text as a host name.

    Args:
        name: any text; a final dot makes it no host name.

    Returns:
        True for 1 to 255 octets of labels of letters, digits, ``_`` and inner ``-``, not all of it numeric.
    """
    if len(name) > MAX_HOSTNAME or _NUMERIC.fullmatch(name):
        return False
    return _HOSTNAME.fullmatch(name) is not None


def is_address(text: str) -> bool:
    """Return whether a text is an IPv4 or IPv6 address, without brackets, prefix length or zone."""
    if "%" in text or not (":" in text or text[-1:].isdigit()):  # nearly all are host names
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def tlsa_name(base: str, port: int) -> str:
    """Return the owner name of the TLSA records of a TCP service (RFC 6698 section 3)."""
    return f"_{port}._tcp.{base}"
