"""The address lookup of posttls-finger: from a destination, over MX or SRV records, to host addresses.

Addresses of equal preference are returned in random order, as in posttls-finger; the random generator is a parameter of
``find``. If several lookups for a host fail, the last temporary error is reported, or the last error if no error is
temporary. A destination that resolves to no address yields an empty list and an error. Other modules do the TLSA
lookups and open the connections.

This module differs from posttls-finger in two points: the port of an SRV record also applies to addresses from the
native name service, and the name of the TLSA lookup contains the port of the connection.
"""

import random
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import trio

from scanner.core import route
from scanner.core.answers import ALIAS_LOOP, NOT_A_NAME, failed, postfix_text
from scanner.core.names import is_address, is_hostname
from scanner.facts import Answer
from scanner.finger import srv
from scanner.finger.options import Options
from scanner.model import Route
from scanner.reasons import Reason
from scanner.vocabulary import Level, Outcome, Security
from targets.destination import Kind

MAX_RECORDS = 100
"""Maximum number of records of one RRset, and of all addresses together, as in Postfix (``dns_rr_list_limit``)."""

_PART = r"(?:0[xX][0-9A-Fa-f]+|[0-9]+)"
_INET_ATON = re.compile(rf"{_PART}(?:\.{_PART}){{0,3}}")
"""Numeric IPv4 addresses as the C library parses them: one to four decimal, octal or hexadecimal numbers."""

_FAMILIES = {"A": ("all", "ipv4"), "AAAA": ("all", "ipv6")}
_SOFT_RCODES = ("", "SERVFAIL", "REFUSED", "NOTIMP", "NOERROR", "NXDOMAIN")
"""Response codes of DNS lookups that failed with a temporary error; the code is empty if no reply was received.

If a failed lookup has the code NOERROR or NXDOMAIN, a reply was received but could not be used.
"""


class AskDNS(Protocol):
    """A function that sends one DNS query; without ``dnssec``, the query has neither the AD bit nor the DO bit."""

    async def __call__(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """Return the answer to one DNS query."""


Native = Callable[[str], Awaitable[Sequence[str] | str]]
"""A function that returns the addresses of a host from the native name service, or a text about the error."""


@dataclass(frozen=True, slots=True)
class HostAddress:
    """An address of a host; ``host`` is the queried name, ``rname`` the owner name of the address record."""

    host: str
    rname: str
    address: str
    port: int
    preference: int = 0
    security: Security = Security.INSECURE

    @property
    def nap(self) -> str:
        """The text ``host[address]:port``; for a UNIX socket, ``host[address]``."""
        return f"{self.host}[{self.address}]:{self.port}" if self.port else f"{self.host}[{self.address}]"


@dataclass(slots=True)
class AddressLookup:
    """The result of an address lookup: addresses in the order of connection attempts, lines to print, last error."""

    addresses: list[HostAddress] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    error: str = ""
    route: Route | None = None


async def native_addresses(host: str) -> Sequence[str] | str:
    """Return the addresses of a host from the native name service (getaddrinfo, which reads /etc/hosts)."""
    try:
        found = await trio.socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return f"unable to look up host {host}: {error.strerror}"
    except UnicodeError:
        return f"unable to look up host {host}: Name or service not known"
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


async def find(
    options: Options, lookup: AskDNS, *, rng: random.Random, native: Native = native_addresses
) -> AddressLookup:
    """Look up a destination and return its addresses, the lines to print, and the last error.

    Args:
        options: the command line; the search uses the destination, the options ``-a -h -M -R`` and the parameter
            ``inet_protocols``.
        lookup: function that sends one DNS query.
        rng: random generator for the order of addresses of equal preference.
        native: function that queries the native name service.
    """
    return await _Search(options, lookup, rng, native).run()


class _Search:
    """The state of one address lookup."""

    def __init__(self, options: Options, lookup: AskDNS, rng: random.Random, native: Native) -> None:
        self._options = options
        self._destination = options.destination
        self._ask_dns = lookup
        self._ask_native = native
        self._rng = rng
        self._found = AddressLookup()
        protocols = options.parameters.get("inet_protocols", "all").replace(",", " ").lower().split()
        self._rtypes = [rtype for rtype, words in _FAMILIES.items() if set(words) & set(protocols)]

    async def run(self) -> AddressLookup:
        """Look up the addresses of the destination and return the result of the search."""
        destination, found = self._destination, self._found
        if destination.kind is Kind.UNIX:
            found.addresses = [HostAddress(destination.nexthop, destination.nexthop, destination.host, 0)]
        elif self._options.srv and not destination.lmtp and not destination.raw.startswith("["):
            await self._services()
        elif destination.kind is Kind.DOMAIN:
            await self._exchangers()
        else:
            self._report_asciified()
            await self._host(destination.host)
        return found

    # --- from the destination to hosts ------------------------------------------------------------------------

    async def _host(self, host: str) -> None:
        """Look up the addresses of a host without an MX lookup, and sort them into the order of connection attempts."""
        if self._found.route is None:
            self._found.route = route.direct(host)
        await self._addresses(HostAddress(host, host, "", self._destination.port), dnssec=True)
        self._shuffle()

    async def _exchangers(self) -> None:
        """Look up the addresses of the MX hosts, or of the domain if it has no MX records (RFC 5321 section 5.1)."""
        found, domain = self._found, self._destination.host
        self._report_asciified()
        answer = await self._lookup(domain, "MX")
        way = found.route = route.from_mx(domain, answer)
        found.lines += srv.odd_targets(answer)
        if way.final is not None:
            found.error = _final_text(way, answer)
        elif Reason.IMPLICIT_MX in way.reasons:
            self._report_asciified()
            await self._host(domain)
        else:
            hosts = [HostAddress(h.host, h.host, "", self._destination.port, h.preference) for h in way.hosts]
            await self._all(hosts, answer)
            self._none_found("MX", self._destination.nexthop)
            self._shuffle()

    async def _services(self) -> None:
        """Look up the addresses of SRV targets (RFC 2782), without a fallback to MX or address records."""
        found, destination = self._found, self._destination
        prefix = f"_{destination.service or 'smtp'}._tcp."
        found.lines += [f"{prefix}{u} asciified to {prefix}{a}" for u, a in destination.asciified]
        answer = await self._lookup(f"{prefix}{destination.host}", "SRV")
        found.lines += srv.odd_targets(answer)
        records = srv.parse(answer)
        found.error = srv.refusal(answer, records)
        found.route = Route((), mx=answer, names=tuple(dict.fromkeys((answer.rname or answer.name, answer.name))))
        if found.error:
            return
        hosts = [
            HostAddress(record.target, record.target, "", record.port, record.priority)
            for record in srv.ordered(records, self._rng)
        ]
        await self._all(hosts, answer)
        self._none_found("SRV", f"{prefix}{destination.nexthop}")

    async def _all(self, hosts: list[HostAddress], via: Answer) -> None:
        """Look up the addresses of all hosts; with ``-M may`` and insecure MX records, do not request DNSSEC."""
        if len(hosts) > MAX_RECORDS:
            self._found.lines.append(over_limit(via.name, via.rtype))
        dnssec = via.security is Security.SECURE or self._options.insecure_mx is not Level.MAY
        for host in hosts[:MAX_RECORDS]:
            await self._addresses(host, dnssec=dnssec)

    def _none_found(self, rtype: str, name: str) -> None:
        if not self._found.addresses:
            self._found.lines.append(f"warning: no {rtype} host for {name} has a valid address record")

    def _report_asciified(self) -> None:
        self._found.lines += [f"{u} asciified to {a}" for u, a in self._destination.asciified]

    def _shuffle(self) -> None:
        """Sort the addresses by preference, then by the address family that ``-a`` prefers, then at random."""
        addresses = self._found.addresses
        self._rng.shuffle(addresses)
        first = {"ipv4": 0, "ipv6": 1}.get(self._options.family)
        addresses.sort(key=lambda c: (c.preference, first is not None and (":" in c.address) != bool(first)))

    # --- the addresses of one host ----------------------------------------------------------------------------

    async def _addresses(self, host: HostAddress, *, dnssec: bool) -> None:
        """Add the addresses of a host; query the native name service only if DNS returns no address."""
        address = numeric_address(host.host)
        if address and self._wanted(address):
            self._add(replace(host, address=address))
            return
        if "dns" in self._options.host_lookup and not await self._from_dns(host, dnssec=dnssec):
            return
        if "native" in self._options.host_lookup:
            await self._from_native(host)

    async def _from_dns(self, host: HostAddress, *, dnssec: bool) -> bool:
        """Add the addresses of a host from DNS; return True if the answers contain neither an address nor an error."""
        if numeric_address(host.host):  # an address of a family that inet_protocols excludes
            self._found.error = postfix_text(failed(host.host, "A", NOT_A_NAME))
            return True
        answers = [await self._lookup(host.host, rtype, dnssec=dnssec) for rtype in self._rtypes]
        hits = [answer for answer in answers if answer.outcome is Outcome.DATA]
        for answer in hits:
            for address in answer.records:
                rname = answer.rname or host.host
                self._add(replace(host, rname=rname, address=address, security=answer.security))
        if hits or not answers:
            return False
        worst = max(reversed(answers), key=_softness)
        self._found.error = no_data_text(worst)
        return worst.outcome is not Outcome.ERROR

    async def _from_native(self, host: HostAddress) -> None:
        addresses = await self._ask_native(host.host)
        if isinstance(addresses, str):
            self._found.error = addresses
            return
        wanted = [address for address in addresses if self._wanted(address)]
        for address in wanted:
            self._add(replace(host, address=address))
        if not wanted:
            self._found.error = f"{host.host}: host not found"

    def _wanted(self, address: str) -> bool:
        return ("AAAA" if ":" in address else "A") in self._rtypes

    def _add(self, host_address: HostAddress) -> None:
        addresses, lines = self._found.addresses, self._found.lines
        if len(addresses) < MAX_RECORDS:
            addresses.append(host_address)
            return
        last = addresses[-1]
        line = over_limit(last.host, "AAAA" if ":" in last.address else "A")
        if line not in lines:
            lines.append(line)

    async def _lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """Return the DNS answer; as in Postfix, an invalid name or an alias loop is treated as an empty RRset."""
        answer = await self._ask_dns(name, rtype, dnssec=dnssec)
        if answer.outcome is not Outcome.ERROR or answer.error not in (ALIAS_LOOP, NOT_A_NAME):
            return answer
        if answer.error == NOT_A_NAME and is_hostname(name):  # a host name for Postfix, but too long for the C library
            return replace(answer, rcode="FORMERR", error="")
        if answer.error == ALIAS_LOOP:
            self._found.lines.append(f"warning: dns_lookup: {postfix_text(answer)}")
        return replace(answer, outcome=Outcome.NODATA)


def _final_text(way: Route, mx: Answer) -> str:
    if way.final is Reason.NULL_MX:
        return f"Domain {mx.name} does not accept mail (nullMX)"
    return no_data_text(mx) or srv.malformed(mx)


def numeric_address(host: str) -> str:
    """Return the address that a numeric host name denotes (``192.0.2.1``, ``0x7f.1``); empty for any other name."""
    if is_address(host):
        return host
    if not _INET_ATON.fullmatch(host):
        return ""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return ""


def no_data_text(answer: Answer) -> str:
    """Return the error text of a DNS answer without records.

    If the queried name is an alias, the text names the alias target.
    """
    behind = answer.outcome is Outcome.NODATA and bool(answer.rname)
    return postfix_text(replace(answer, name=answer.rname) if behind else answer)


def _softness(answer: Answer) -> int:
    """Return the rank of a lookup's error: 0 for no error, 1 for a permanent error, 2 for a temporary error."""
    if answer.outcome is not Outcome.ERROR:
        return 0
    return 2 if answer.rcode in _SOFT_RCODES else 1


def over_limit(name: str, rtype: str) -> str:
    """Return Postfix's warning about an RRset with more than ``MAX_RECORDS`` records."""
    return (
        f"warning: DNS record count limit ({MAX_RECORDS}) exceeded"
        f" -- dropping excess record(s) after qname={name} qtype={rtype}"
    )
