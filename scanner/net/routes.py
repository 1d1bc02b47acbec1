"""Can this machine send to an address at all? Asked of the kernel's routing table; no packet is sent."""

import errno
import socket
from collections.abc import Callable
from functools import cache

_ANYWHERE = {socket.AF_INET: "192.88.99.1", socket.AF_INET6: "2001:4860:4860::8888"}
"""One address far away for each family: no route to it means no default route."""

_NO_ROUTE = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_ANY_PORT = 9


def has_route(address: str) -> bool:
    """False when the address cannot be reached because this machine has no connectivity of its family.

    A family is lacking when neither the address nor the world at large has a route. An address without a route on a
    machine that has the family otherwise is left to the probe, which will say what happened.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return _routed(family, address) or _connected(family)


class Routes:
    """The same for the length of a scan: a family that had a route once is not lacking because a link is down."""

    def __init__(self, asked: Callable[[str], bool] = has_route) -> None:
        self._asked = asked
        self._seen: set[bool] = set()

    def __call__(self, address: str) -> bool:
        """False when this machine has had no connectivity of the address's family so far."""
        family = ":" in address
        if family not in self._seen and self._asked(address):
            self._seen.add(family)
        return family in self._seen


@cache
def _connected(family: socket.AddressFamily) -> bool:
    return _routed(family, _ANYWHERE[family])


def _routed(family: socket.AddressFamily, address: str) -> bool:
    """Connecting a UDP socket looks the route up and sends nothing."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.connect((address, _ANY_PORT))
    except OSError as error:
        return error.errno not in _NO_ROUTE
    return True
