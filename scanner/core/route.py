"""The route of a domain: the MX hosts of an MX answer, in the order in which a sender tries them.

The route follows RFC 5321 section 5.1 (MX and implicit MX), RFC 7505 (null MX), RFC 7672 section 2.2.1 (reference
identifiers), and Postfix in cases that no RFC specifies. A route contains the names of the MX hosts, but not their
addresses.
"""

from collections.abc import Iterable

from scanner.core.names import is_address, is_hostname
from scanner.facts import Answer
from scanner.model import Route, RouteHost
from scanner.reasons import Reason
from scanner.vocabulary import Outcome, Security

_NO_SUCH_MX = (Outcome.NODATA, Outcome.NXDOMAIN)


def direct(host: str) -> Route:
    """Return the route to a destination without MX lookup: ``[host]``, an address or an LMTP destination."""
    return Route(hosts=(RouteHost(host, 0),))


def from_mx(domain: str, mx: Answer) -> Route:
    """Return the route of an MX answer; after NODATA or NXDOMAIN, the domain itself is the host (implicit MX)."""
    if mx.outcome is Outcome.ERROR:
        bogus = mx.security is Security.BOGUS
        final = Reason.MX_BOGUS if bogus else Reason.MX_LOOKUP_FAILED
        return Route((), mx=mx, reasons=(final,), final=final, text=mx.error)
    if mx.outcome in _NO_SUCH_MX:
        return Route((RouteHost(domain, 0),), mx=mx, reasons=(Reason.IMPLICIT_MX,))
    return _explicit(domain, mx)


def _explicit(domain: str, mx: Answer) -> Route:
    pairs = [_pair(text) for text in mx.records]
    targets = [target for _, target in pairs]
    if "" in targets or "." in targets:
        # RFC 7505 requires a null MX to be the only MX record; Postfix also accepts it beside other records.
        return Route((), mx=mx, reasons=(Reason.NULL_MX,), final=Reason.NULL_MX)
    acceptable = {target for target in targets if is_address(target) or is_hostname(target)}
    hosts = tuple([RouteHost(target, preference) for preference, target in sorted(pairs) if target in acceptable])
    reasons = _oddities(mx, targets, acceptable)
    if not hosts:
        final = Reason.MX_TARGETS_UNRESOLVABLE
        return Route((), mx=mx, reasons=(*reasons, final), final=final)
    # For an alias, its name and the RRset's owner are reference identifiers, the owner first (RFC 7672 section 3.2.2).
    names = (domain,) if mx.rname.lower() in ("", domain.lower()) else (mx.rname, domain)
    return Route(hosts, mx=mx, names=names, reasons=reasons)


def _pair(text: str) -> tuple[int, str]:
    preference, _, target = text.partition(" ")
    return int(preference), target


def _oddities(mx: Answer, targets: list[str], acceptable: set[str]) -> tuple[Reason, ...]:
    found: list[Reason] = []
    if mx.security is Security.INSECURE:
        found.append(Reason.MX_INSECURE)
    if any(map(is_address, targets)):
        found.append(Reason.MX_TARGET_NUMERIC)
    if not acceptable.issuperset(targets):
        found.append(Reason.MX_TARGET_INVALID)
    return tuple(found)


def mx_security(route: Route) -> Security | None:
    """Return the DNSSEC state of the MX RRset; None if no MX RRset exists, as for an implicit MX."""
    if route.mx is None or route.mx.outcome is not Outcome.DATA:
        return None
    return route.mx.security


TRUST = (Security.SECURE, Security.INDETERMINATE, Security.INSECURE, Security.BOGUS)
"""The DNSSEC states, the strongest first."""


def weakest(states: Iterable[Security]) -> Security:
    """Return the weakest DNSSEC state of several answers: a host is as secure as its least secure address family."""
    return max(states, key=TRUST.index)
