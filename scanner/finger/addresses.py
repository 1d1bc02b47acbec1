"""Destination to candidate addresses, as posttls-finger looks them up: MX, then every host's addresses, in its order.

Random within a preference, as the real program is; the generator of randomness is the caller's.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from scanner.core import route
from scanner.core.answers import postfix_text
from scanner.core.names import is_address, is_hostname
from scanner.model import Answer, Route
from scanner.vocabulary import Outcome, Reason, Security
from targets.destination import Destination, Kind

Lookup = Callable[[str, str], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address to try. ``host`` is the name that was asked for, ``rname`` the owner of the address record."""

    host: str
    rname: str
    address: str
    port: int
    preference: int = 0
    security: Security = Security.INSECURE


@dataclass(slots=True)
class Found:
    """What the lookups brought: candidates in the order of trying, lines to print on the way, the last error."""

    candidates: list[Candidate] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    error: str = ""
    route: Route | None = None


async def find(destination: Destination, lookup: Lookup, *, family: str, protocols: str, rng: random.Random) -> Found:
    """Look a destination up.

    Args:
        destination: whom to reach.
        lookup: asks one DNS question.
        family: ``ipv4`` or ``ipv6`` go first among equal preferences, ``any`` stays mixed.
        protocols: ``inet_protocols``: families that are asked for at all.
        rng: shuffles equals.
    """
    found = Found()
    if destination.kind is Kind.UNIX:
        found.candidates = [Candidate(destination.nexthop, destination.nexthop, destination.host, 0)]
        return found
    way = await _way(destination, lookup, found)
    if way.final is not None:
        found.error = _final_text(destination, way)
        return found
    rtypes = [r for r, words in (("A", ("all", "ipv4")), ("AAAA", ("all", "ipv6"))) if _asked(protocols, words)]
    for hop in way.hosts:
        await _host(hop.host, hop.preference, destination.port, rtypes, lookup, found)
    if not found.candidates and route.mx_security(way) is not None:
        found.lines.append(f"warning: no MX host for {destination.host} has a valid address record")
    _order(found.candidates, family, rng)
    return found


def _asked(protocols: str, words: tuple[str, ...]) -> bool:
    return any(word in words for word in protocols.replace(",", " ").lower().split())


async def _way(destination: Destination, lookup: Lookup, found: Found) -> Route:
    asciified = [f"{u} asciified to {a}" for u, a in destination.asciified]
    if destination.kind is not Kind.DOMAIN:
        found.lines += asciified
        found.route = route.direct(destination.host)
        return found.route
    found.lines += asciified
    way = found.route = route.from_mx(destination.host, await lookup(destination.host, "MX"))
    if Reason.IMPLICIT_MX in way.reasons:
        found.lines += asciified
    if way.mx is not None:
        found.lines += _odd_targets(destination.host, way.mx)
    return way


def _odd_targets(domain: str, mx: Answer) -> list[str]:
    lines = []
    for record in mx.records:
        target = record.partition(" ")[2]
        if is_address(target):
            lines.append(f"warning: numeric domain name in resource data of MX record for {domain}: {target}")
        elif target not in ("", ".") and not is_hostname(target):
            lines.append(f"warning: malformed domain name in resource data of MX record for {domain}: {target}")
    return lines


def _final_text(destination: Destination, way: Route) -> str:
    if way.final is Reason.NULL_MX:
        return f"Domain {destination.host} does not accept mail (nullMX)"
    if way.mx is not None and way.mx.outcome is Outcome.ERROR:
        return postfix_text(way.mx)
    return f"Name service error for name={destination.host} type=MX: Malformed or unexpected name server reply"


async def _host(host: str, preference: int, port: int, rtypes: list[str], lookup: Lookup, found: Found) -> None:
    if is_address(host):
        found.candidates.append(Candidate(host, host, host, port, preference))
        return
    answers = [await lookup(host, rtype) for rtype in rtypes]
    hits = [answer for answer in answers if answer.outcome is Outcome.DATA]
    for answer in hits:
        for address in answer.records:
            rname = answer.rname or host
            found.candidates.append(Candidate(host, rname, address, port, preference, answer.security))
    if not hits and answers:
        found.error = postfix_text(max(answers, key=_softness))


def _softness(answer: Answer) -> tuple[int, str]:
    """The softer error is the one told; of equals the last (AAAA comes after A)."""
    hard = answer.outcome is not Outcome.ERROR
    retry = answer.outcome is Outcome.ERROR and answer.rcode in ("", "SERVFAIL", "REFUSED", "NOTIMP", "NOERROR")
    return (0 if hard else 2 if retry else 1), answer.rtype


def _order(candidates: list[Candidate], family: str, rng: random.Random) -> None:
    rng.shuffle(candidates)
    first = {"ipv4": 0, "ipv6": 1}.get(family)
    candidates.sort(key=lambda c: (c.preference, first is not None and (":" in c.address) != bool(first)))
