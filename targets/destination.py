"""The destination grammar of posttls-finger.

    domain   domain:   domain:service            an MX lookup is due
    [host]   [host]:   [host]:service            this host, no MX lookup
    [ipv6:2001:db8::1]   [::1]   192.0.2.1       this address, brackets or not (IPv6 needs them)
    inet:…   unix:/path                          with LMTP only; with LMTP no name gets an MX lookup

A bare destination is split at its last colon. Errors carry the words of posttls-finger as their text and
plainer words beside it. Nothing is looked up here but service names, first in a built-in table, then in the
system's.

One deliberate difference: an IPv4 octet with leading zeros is an error here, posttls-finger reads it as
octal.
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
"""Services whose port does not depend on the system's database (Postfix's ``known_tcp_ports``)."""

_DIGITS = re.compile(r"[0-9]+")
_IPV6_TAG = "ipv6:"


class Kind(StrEnum):
    """What a destination names, and so what has to be looked up."""

    DOMAIN = "domain"  # MX, then addresses
    HOST = "host"  # addresses
    ADDRESS = "address"  # nothing
    UNIX = "unix"  # nothing: a path


class DestinationError(ValueError):
    """The text is no destination.

    ``str`` of it is what posttls-finger prints after ``fatal: ``; ``reason`` says the same in plain words.
    """

    def __init__(self, text: str, reason: str = "") -> None:
        super().__init__(text)
        self.reason = reason or text


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to, as typed and as understood.

    ``raw`` is the text as typed, less an ``inet:`` prefix; ``nexthop`` its host part as typed. ``host`` is
    the host part in A-labels, case kept, or the literal address as typed, or the path of a UNIX socket.
    ``service`` is as typed, empty if none was; ``port`` is 0 for UNIX sockets. ``asciified`` holds (U-name,
    A-name) if the name had to be converted.
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
        """Identity: equal for two texts that mean the same, lower case, the protocol's own port left out."""
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


class _Parts(NamedTuple):
    host: str
    service: str
    bracketed: bool


def known_services(text: str | None) -> Mapping[str, int]:
    """Services and their ports as Postfix's ``known_tcp_ports`` lists them: ``name=name=port``, with commas between.

    None is Postfix's own list. An entry that names no port is passed over.
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
    """Read a destination.

    Args:
        text: the destination as typed.
        lmtp: LMTP is spoken: ``inet:`` and ``unix:`` are known, names are hosts.
        default_port: port where none is given; None means that of ``smtp``, or 24 with LMTP.
        known: ports of services, which go before the system's.

    Returns:
        The destination.

    Raises:
        DestinationError: the text is no destination.
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


def _split(raw: str) -> _Parts:
    """Tell host and service apart, as Postfix's host_port() does."""
    if raw.startswith("["):
        return _split_bracketed(raw)
    host, colon, service = raw.rpartition(":")
    if not colon:
        host, service = raw, ""
    if not host:
        raise _described("missing host information", raw, "no host name")
    return _Parts(host, service, bracketed=False)


def _split_bracketed(raw: str) -> _Parts:
    host, bracket, rest = raw[1:].partition("]")
    if not bracket:
        raise _described('missing "]"', raw, 'no "]" after "["')
    if rest and not rest.startswith(":"):
        raise _described('garbage after "]"', raw, 'what follows "]" is no port')
    if host[: len(_IPV6_TAG)].lower() == _IPV6_TAG:
        host = host[len(_IPV6_TAG) :]
        if not isinstance(parse_address(host), IPv6Address):
            raise _described("malformed IPv6 address", raw, 'no IPv6 address after "ipv6:"')
    return _Parts(host, rest[1:], bracketed=True)


def _host(parts: _Parts, raw: str, *, lmtp: bool) -> tuple[Kind, str]:
    """Judge the host part; a service that cannot be one is told here too, after the host, as Postfix does."""
    if parse_address(parts.host) is not None:
        kind, host = Kind.ADDRESS, parts.host
    else:
        kind = Kind.HOST if parts.bracketed or lmtp else Kind.DOMAIN
        try:
            host = to_ascii(parts.host)
        except HostNameError as error:
            what = "valid hostname or network address required"
            raise _described(what, raw, f"no valid host name: {error}") from error
    if parts.service[:1] in set("0123456789") and not _DIGITS.fullmatch(parts.service):
        raise _described("garbage after numerical service", raw, f"no valid port: {parts.service!a}")
    return kind, host


def _port(service: str, raw: str, known: Mapping[str, int]) -> int:
    """The port of a service by number, built-in name or the system's database, in this order."""
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
    except (OSError, ValueError) as error:  # unknown; or NUL or surrogates in it
        reason = f"no port and no known service: {service[:40]!a}"
        raise DestinationError(f"unknown service: {service}/tcp", reason) from error


def _described(what: str, raw: str, reason: str) -> DestinationError:
    return DestinationError(f"{what} in server description: {raw}", reason)
