"""From an MX answer to the hosts that take a domain's mail, in the order in which a sender tries them.

RFC 5321 section 5.1 (MX and implicit MX), RFC 7505 (null MX), RFC 7672 section 2.2.1 (which names count), and what
Postfix makes of the odd cases. Address lookups are not made here: a route names hosts, not addresses.
"""

from collections.abc import Iterable

from scanner.core.names import is_address, is_hostname
from scanner.facts import Answer
from scanner.model import Route, RouteHost
from scanner.reasons import Reason
from scanner.vocabulary import Outcome, Security

_NO_SUCH_MX = (Outcome.NODATA, Outcome.NXDOMAIN)


def direct(host: str) -> Route:
    """The route to a host that was named itself (``[host]``, an address, LMTP): no MX lookup is due."""
    return Route(hosts=(RouteHost(host, 0),))


def from_mx(domain: str, mx: Answer) -> Route:
    """The route that an MX answer leads to. Only a clean "there is no MX" may fall back to the domain itself."""
    if mx.outcome is Outcome.ERROR:
        bogus = mx.security is Security.BOGUS
        final = Reason.MX_BOGUS if bogus else Reason.MX_LOOKUP_FAILED
        return Route((), mx=mx, reasons=(final,), final=final, text=mx.error)
    if mx.outcome in _NO_SUCH_MX:
        return Route((RouteHost(domain, 0),), mx=mx, reasons=(Reason.IMPLICIT_MX,))
    return _explicit(domain, mx)


def _explicit(domain: str, mx: Answer) -> Route:
    pairs = [_pair(text) for text in mx.records]
    if any(target in ("", ".") for _, target in pairs):
        # RFC 7505 wants a null MX to stand alone; beside others Postfix still takes it at its word.
        return Route((), mx=mx, reasons=(Reason.NULL_MX,), final=Reason.NULL_MX)
    hosts = tuple(RouteHost(target, preference) for preference, target in sorted(pairs) if _acceptable(target))
    reasons = _oddities(mx, [target for _, target in pairs])
    if not hosts:
        final = Reason.MX_TARGETS_UNRESOLVABLE
        return Route((), mx=mx, reasons=(*reasons, final), final=final)
    # Behind an alias both names count, the RRset's owner first (RFC 7672 section 3.2.2).
    names = (domain,) if mx.rname.lower() in ("", domain.lower()) else (mx.rname, domain)
    return Route(hosts, mx=mx, names=names, reasons=reasons)


def _pair(text: str) -> tuple[int, str]:
    preference, _, target = text.partition(" ")
    return int(preference), target


def _acceptable(target: str) -> bool:
    return is_address(target) or is_hostname(target)


def _oddities(mx: Answer, targets: list[str]) -> tuple[Reason, ...]:
    found: list[Reason] = []
    if mx.security is Security.INSECURE:
        found.append(Reason.MX_INSECURE)
    if any(is_address(target) for target in targets):
        found.append(Reason.MX_TARGET_NUMERIC)
    if not all(_acceptable(target) for target in targets):
        found.append(Reason.MX_TARGET_INVALID)
    return tuple(found)


def mx_security(route: Route) -> Security | None:
    """Security of the MX RRset that was used, None where no MX RRset plays a part (implicit MX included)."""
    if route.mx is None or route.mx.outcome is not Outcome.DATA:
        return None
    return route.mx.security


_TRUST = (Security.SECURE, Security.INDETERMINATE, Security.INSECURE, Security.BOGUS)


def weakest(states: Iterable[Security]) -> Security:
    """The least of several answers' security: a host is as secure as its least secure address family."""
    return max(states, key=_TRUST.index)
