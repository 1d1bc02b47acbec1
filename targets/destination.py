"""Parser of destinations in the syntax of posttls-finger.

* The forms ``domain``, ``domain:`` and ``domain:service`` name a mail domain, which needs an MX lookup.
* The forms ``[host]``, ``[host]:`` and ``[host]:service`` name a host, without an MX lookup.
* ``[ipv6:2001:db8::1]``, ``[::1]`` and ``192.0.2.1`` are addresses; only IPv6 requires brackets.
* The forms ``inet:…`` and ``unix:/path`` are allowed only for LMTP, where a name is a host without an MX lookup.

A destination without brackets is split into host and service at its last colon. An error about a destination contains
posttls-finger's message and a simpler reason. A service name is converted to a port by a built-in table, or else by the
system's services database.

One difference from posttls-finger is deliberate: an IPv4 octet with leading zeros is an error in mxsweep, whereas
posttls-finger parses the octet as an octal number.
"""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address
from typing import NamedTuple

from targets.hostnames import HostNameError, address_text, parse_address, to_ascii

SMTP_PORT = 25
LMTP_PORT = 24
MAX_PORT = 65535

KNOWN_SERVICES = {
    "lmtp": LMTP_PORT,
    "smtp": SMTP_PORT,
    "smtps": 465,
    "submissions": 465,
    "submission": 587,
}
"""Built-in ports by service name, as in Postfix's parameter ``known_tcp_ports``."""

_DIGITS = re.compile(r"[0-9]+")
_IPV6_TAG = "ipv6:"


class Kind(StrEnum):
    """The type of a destination, which determines the necessary DNS lookups."""

    DOMAIN = "domain"  # requires MX and address lookups
    HOST = "host"  # requires address lookups
    ADDRESS = "address"  # requires no lookup
    UNIX = "unix"  # the path of a socket; requires no lookup


class DestinationError(ValueError):
    """Error: the syntax of a destination is wrong.

    The message of the error is posttls-finger's text after ``fatal: ``; ``reason`` describes the same error in simpler
    words.
    """

    def __init__(self, text: str, reason: str = "") -> None:
        super().__init__(text)
        self.reason = reason or text


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination in its typed and parsed forms.

    ``raw`` is the typed text without an ``inet:`` prefix; ``nexthop`` is the host part as typed. ``host`` is the host
    part in A-labels with upper and lower case as typed, or the literal address as typed, or the path of a UNIX socket.
    ``service`` is the service as typed, empty if no service was typed; ``port`` is 0 for UNIX sockets. ``asciified``
    contains the pair (U-label name, A-label name) if the name was converted.
    """

    raw: str
    nexthop: str
    host: str
    kind: Kind
    service: str
    port: int
    lmtp: bool = False
    asciified: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """The normalised text of the destination: lower case, without the default port of the protocol.

        Different spellings of the same destination have the same key.
        """
        if self.kind is Kind.UNIX:
            return f"unix:{self.host}"
        default = LMTP_PORT if self.lmtp else SMTP_PORT
        port = "" if self.port == default else f":{self.port}"
        return f"{self._key_host()}{port}"

    def _key_host(self) -> str:
        address = parse_address(self.host) if self.kind is Kind.ADDRESS else None
        if address is not None:
            tag = _IPV6_TAG if isinstance(address, IPv6Address) else ""
            return f"[{tag}{address_text(address)}]"
        return self.host.lower() if self.kind is Kind.DOMAIN else f"[{self.host.lower()}]"


class _HostPort(NamedTuple):
    host: str
    service: str
    bracketed: bool


def known_services(text: str | None) -> Mapping[str, int]:
    """Parse a value of Postfix's ``known_tcp_ports``: entries ``name=name=port``, separated by commas or white space.

    Args:
        text: the value of ``known_tcp_ports``; None means Postfix's default.

    Returns:
        The port of each service name; an entry whose port is not a number from 1 to 65535 is ignored.
    """
    if text is None:
        return KNOWN_SERVICES
    known: dict[str, int] = {}
    for entry in re.split(r"[, \t\r\n]+", text):
        *names, port = entry.split("=")
        if _DIGITS.fullmatch(port) and 0 < int(port) <= MAX_PORT:
            known.update(dict.fromkeys(names, int(port)))
    return known


def parse_destination(
    text: str,
    *,
    lmtp: bool = False,
    default_port: int | None = None,
    known: Mapping[str, int] = KNOWN_SERVICES,
) -> Destination:
    """Parse a destination.

    Args:
        text: the destination as typed.
        lmtp: true to use the LMTP syntax, in which ``inet:`` and ``unix:`` are prefixes and names are hosts.
        default_port: port of a destination without a port; None means the port ``known["smtp"]``, or 24 with LMTP.
        known: ports by service name, which take precedence over the system's services database.

    Returns:
        The destination.

    Raises:
        DestinationError: the text is not a destination.
    """
    if lmtp and text.startswith("unix:"):
        return _unix(text)
    raw = text.removeprefix("inet:") if lmtp else text
    parts = _split(raw)
    kind, host = _host(parts, raw, lmtp=lmtp)
    if default_port is None:
        default_port = LMTP_PORT if lmtp else known.get("smtp", SMTP_PORT)
    port = _port(parts.service, raw, known) if parts.service else default_port
    asciified = () if parts.host.isascii() else ((parts.host, host),)
    return Destination(raw, parts.host, host, kind, parts.service, port, lmtp, asciified)


def _unix(text: str) -> Destination:
    path = text.removeprefix("unix:")
    if not path:
        raise _described("missing host information", text, "no path after unix:")
    if "\0" in path:
        raise _described("valid hostname or network address required", text, "NUL in the path")
    return Destination(text, path, path, Kind.UNIX, "", 0, lmtp=True)


def _split(raw: str) -> _HostPort:
    """Split a destination into host and service, as Postfix's function host_port() does."""
    if raw.startswith("["):
        return _split_bracketed(raw)
    host, colon, service = raw.rpartition(":")
    if not colon:
        host, service = raw, ""
    if not host:
        raise _described("missing host information", raw, "no host name")
    return _HostPort(host, service, bracketed=False)


def _split_bracketed(raw: str) -> _HostPort:
    host, bracket, rest = raw[1:].partition("]")
    if not bracket:
        raise _described('missing "]"', raw, 'no "]" after "["')
    if rest and not rest.startswith(":"):
        raise _described('garbage after "]"', raw, 'the text after "]" is not a port')
    if host[: len(_IPV6_TAG)].lower() == _IPV6_TAG:
        host = host[len(_IPV6_TAG) :]
        if not isinstance(parse_address(host), IPv6Address):
            raise _described("malformed IPv6 address", raw, 'no IPv6 address after "ipv6:"')
    return _HostPort(host, rest[1:], bracketed=True)


def _host(parts: _HostPort, raw: str, *, lmtp: bool) -> tuple[Kind, str]:
    """Check the host part of a destination, then the syntax of its service; Postfix checks both in this order.

    Return the type of destination and the host.
    """
    if parse_address(parts.host) is not None:
        kind, host = Kind.ADDRESS, parts.host
    else:
        kind = Kind.HOST if parts.bracketed or lmtp else Kind.DOMAIN
        try:
            host = to_ascii(parts.host)
        except HostNameError as error:
            what = "valid hostname or network address required"
            raise _described(what, raw, f"not a valid host name: {error}") from error
    if parts.service[:1] in set("0123456789") and not _DIGITS.fullmatch(parts.service):
        raise _described("garbage after numerical service", raw, f"not a valid port: {parts.service!a}")
    return kind, host


def _port(service: str, raw: str, known: Mapping[str, int]) -> int:
    """Return the port of a service: a number, a known name, or a name in the system's services database."""
    if _DIGITS.fullmatch(service):
        number = service.lstrip("0")
        if not number or len(number) > len(str(MAX_PORT)) or int(number) > MAX_PORT:
            text = f"bad network port: {service} for destination: {raw}"
            raise DestinationError(text, f"port is not in 1..{MAX_PORT}: {service[:20]}")
        return int(number)
    if service in known:
        return known[service]
    try:
        return socket.getservbyname(service, "tcp")
    except (OSError, ValueError) as error:  # OSError: unknown service; ValueError: NUL or surrogates
        reason = f"no port and no known service: {service[:40]!a}"
        raise DestinationError(f"unknown service: {service}/tcp", reason) from error


def _described(what: str, raw: str, reason: str) -> DestinationError:
    return DestinationError(f"{what} in server description: {raw}", reason)
