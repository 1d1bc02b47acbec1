"""The route of a destination: its MX hosts, or the host that it names; and the keys of the hosts on the route."""

from scanner.core import route
from scanner.model import Route
from scanner.run.host_result import HostKey
from scanner.run.ports import DNSLookup
from scanner.vocabulary import Mode
from targets.destination import Destination, Kind


async def find_route(destination: Destination, lookup: DNSLookup) -> Route:
    """Return the route to a destination: the MX hosts of a mail domain, or the host that the destination names."""
    if destination.kind is not Kind.DOMAIN:
        return route.direct(destination.host)
    return route.from_mx(destination.host, await lookup(destination.host, "MX"))


def host_keys(found: Route, destination: Destination, mode: Mode) -> list[HostKey]:
    """Return the keys of the hosts on a route, in the order of the route."""
    return [HostKey(each.host, destination.port, mode) for each in found.hosts]
