"""Destination to candidate addresses, as posttls-finger looks them up: MX or SRV, then every host's addresses.

Random within a preference, as the real program is; the generator of randomness is the caller's. Of several failed
lookups for a host the softest tells why, and of equally soft ones the last. What ends in no address has no candidates
and an ``error``. TLSA records are not looked up here, and no connection is made.

Two of its oddities are not copied: an SRV record's port holds also where the host's addresses came from the native
name service, and every TLSA lookup is for the port that is then connected to.
"""

import random
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import trio

from scanner.core import route
from scanner.core.answers import ALIAS_LOOP, NOT_A_NAME, failed, postfix_text
from scanner.core.names import is_address
from scanner.facts import Answer
from scanner.finger import services
from scanner.finger.options import Options
from scanner.finger.services import odd_targets
from scanner.model import Route
from scanner.reasons import Reason
from scanner.vocabulary import Level, Outcome, Security
from targets.destination import Kind

MAX_RECORDS = 100
"""Postfix's limit for a list of DNS records, that of all addresses included (``dns_rr_list_limit``)."""

_FAMILIES = {"A": ("all", "ipv4"), "AAAA": ("all", "ipv6")}
_SOFT_RCODES = ("", "SERVFAIL", "REFUSED", "NOTIMP", "NOERROR", "NXDOMAIN")
"""With these an error may pass: no reply, a server in trouble, or a reply that cannot be understood."""


class Lookup(Protocol):
    """Asks one DNS question; without ``dnssec`` neither AD nor DO is set."""

    async def __call__(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """The answer."""


Native = Callable[[str], Awaitable[Sequence[str] | str]]
"""Asks the native name service for a host's addresses; a text says why there are none."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address to try. ``host`` is the name that was asked for, ``rname`` the owner of the address record."""

    host: str
    rname: str
    address: str
    port: int
    preference: int = 0
    security: Security = Security.INSECURE

    @property
    def nap(self) -> str:
        """``host[address]:port``; a UNIX socket has no port."""
        return f"{self.host}[{self.address}]:{self.port}" if self.port else f"{self.host}[{self.address}]"


@dataclass(slots=True)
class Found:
    """What the lookups brought: candidates in the order of trying, lines to print on the way, the last error."""

    candidates: list[Candidate] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    error: str = ""
    route: Route | None = None


async def native_addresses(host: str) -> Sequence[str] | str:
    """Ask the native name service (getaddrinfo), which also knows /etc/hosts."""
    try:
        found = await trio.socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return f"unable to look up host {host}: {error.strerror}"
    except UnicodeError:
        return f"unable to look up host {host}: Name or service not known"
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


async def find(options: Options, lookup: Lookup, *, rng: random.Random, native: Native = native_addresses) -> Found:
    """Look a destination up.

    Args:
        options: the destination and how to look it up: ``-a -h -M -R``, and the parameter ``inet_protocols``.
        lookup: asks one DNS question.
        rng: shuffles equals.
        native: asks the native name service.
    """
    return await _Search(options, lookup, rng, native).run()


class _Search:
    """One look-up of a destination."""

    def __init__(self, options: Options, lookup: Lookup, rng: random.Random, native: Native) -> None:
        self._options = options
        self._destination = options.destination
        self._ask_dns = lookup
        self._ask_native = native
        self._rng = rng
        self._found = Found()
        protocols = options.parameters.get("inet_protocols", "all").replace(",", " ").lower().split()
        self._rtypes = [rtype for rtype, words in _FAMILIES.items() if set(words) & set(protocols)]

    async def run(self) -> Found:
        """Do it."""
        destination, found = self._destination, self._found
        if destination.kind is Kind.UNIX:
            found.candidates = [Candidate(destination.nexthop, destination.nexthop, destination.host, 0)]
        elif self._options.srv and not destination.lmtp and not destination.raw.startswith("["):
            await self._services()
        elif destination.kind is Kind.DOMAIN:
            await self._exchangers()
        else:
            self._tell_asciified()
            await self._host(destination.host)
        return found

    # --- the ways to hosts ------------------------------------------------------------------------------------

    async def _host(self, host: str) -> None:
        """The host itself is what was asked for."""
        if self._found.route is None:
            self._found.route = route.direct(host)
        await self._addresses(Candidate(host, host, "", self._destination.port), dnssec=True)
        self._shuffle()

    async def _exchangers(self) -> None:
        """RFC 5321 section 5.1: MX, and without any the domain itself."""
        found, domain = self._found, self._destination.host
        self._tell_asciified()
        answer = await self._lookup(domain, "MX")
        way = found.route = route.from_mx(domain, answer)
        found.lines += odd_targets(answer)
        if way.final is not None:
            found.error = _final_text(way, answer)
        elif Reason.IMPLICIT_MX in way.reasons:
            self._tell_asciified()
            await self._host(domain)
        else:
            hosts = [Candidate(h.host, h.host, "", self._destination.port, h.preference) for h in way.hosts]
            await self._all(hosts, answer)
            self._none_found("MX", self._destination.nexthop)
            self._shuffle()

    async def _services(self) -> None:
        """RFC 2782, with neither MX nor address records to fall back on."""
        found, destination = self._found, self._destination
        prefix = f"_{destination.service or 'smtp'}._tcp."
        found.lines += [f"{prefix}{u} asciified to {prefix}{a}" for u, a in destination.asciified]
        answer = await self._lookup(f"{prefix}{destination.host}", "SRV")
        found.lines += odd_targets(answer)
        records = services.parse(answer)
        found.error = services.refusal(answer, records)
        found.route = Route((), mx=answer, names=tuple(dict.fromkeys((answer.rname or answer.name, answer.name))))
        if found.error:
            return
        hosts = [
            Candidate(record.target, record.target, "", record.port, record.priority)
            for record in services.ordered(records, self._rng)
        ]
        await self._all(hosts, answer)
        self._none_found("SRV", f"{prefix}{destination.nexthop}")

    async def _all(self, hosts: list[Candidate], via: Answer) -> None:
        """The addresses of all hosts; those behind insecure records need no DNSSEC if nothing is made of it."""
        if len(hosts) > MAX_RECORDS:
            self._found.lines.append(_over_limit(via.name, via.rtype))
        dnssec = via.security is Security.SECURE or self._options.insecure_mx is not Level.MAY
        for host in hosts[:MAX_RECORDS]:
            await self._addresses(host, dnssec=dnssec)

    def _none_found(self, rtype: str, name: str) -> None:
        if not self._found.candidates:
            self._found.lines.append(f"warning: no {rtype} host for {name} has a valid address record")

    def _tell_asciified(self) -> None:
        self._found.lines += [f"{u} asciified to {a}" for u, a in self._destination.asciified]

    def _shuffle(self) -> None:
        """Into the order of trying; ``any`` leaves the families mixed."""
        candidates = self._found.candidates
        self._rng.shuffle(candidates)
        first = {"ipv4": 0, "ipv6": 1}.get(self._options.family)
        candidates.sort(key=lambda c: (c.preference, first is not None and (":" in c.address) != bool(first)))

    # --- the addresses of one host ----------------------------------------------------------------------------

    async def _addresses(self, host: Candidate, *, dnssec: bool) -> None:
        """Add the addresses of a host; the name service is asked only where DNS says that there are none."""
        if is_address(host.host) and self._wanted(host.host):
            self._add(replace(host, address=host.host))
            return
        if "dns" in self._options.host_lookup and not await self._from_dns(host, dnssec=dnssec):
            return
        if "native" in self._options.host_lookup:
            await self._from_native(host)

    async def _from_dns(self, host: Candidate, *, dnssec: bool) -> bool:
        """Ask DNS; true when it says that there is no address."""
        if is_address(host.host):  # of a family that is not wanted
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
        self._found.error = postfix_text(worst)
        return worst.outcome is not Outcome.ERROR

    async def _from_native(self, host: Candidate) -> None:
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

    def _add(self, candidate: Candidate) -> None:
        candidates, lines = self._found.candidates, self._found.lines
        if len(candidates) < MAX_RECORDS:
            candidates.append(candidate)
            return
        last = candidates[-1]
        line = _over_limit(last.host, "AAAA" if ":" in last.address else "A")
        if line not in lines:
            lines.append(line)

    async def _lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """Ask DNS. What cannot be asked for, and an alias that never ends, is not there: Postfix has it so."""
        answer = await self._ask_dns(name, rtype, dnssec=dnssec)
        if answer.outcome is not Outcome.ERROR or answer.error not in (ALIAS_LOOP, NOT_A_NAME):
            return answer
        if answer.error == ALIAS_LOOP:
            self._found.lines.append(f"warning: dns_lookup: {postfix_text(answer)}")
        return replace(answer, outcome=Outcome.NODATA)


def _final_text(way: Route, mx: Answer) -> str:
    if way.final is Reason.NULL_MX:
        return f"Domain {mx.name} does not accept mail (nullMX)"
    return postfix_text(mx) or services.malformed(mx)


def _softness(answer: Answer) -> int:
    """How likely it is that the next time brings more."""
    if answer.outcome is not Outcome.ERROR:
        return 0
    return 2 if answer.rcode in _SOFT_RCODES else 1


def _over_limit(name: str, rtype: str) -> str:
    return (
        f"warning: DNS record count limit ({MAX_RECORDS}) exceeded"
        f" -- dropping excess record(s) after qname={name} qtype={rtype}"
    )
