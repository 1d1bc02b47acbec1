"""A test whether this machine has a route to an address, by the kernel's routing table and without sending a packet."""

import errno
import socket
from collections.abc import Callable
from functools import cache
from ipaddress import ip_address

_ANYWHERE = {socket.AF_INET: "192.88.99.1", socket.AF_INET6: "2001:4860:4860::8888"}
"""One public address of each address family; a machine without a default route has no route to the address."""

_NO_ROUTE = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_ANY_PORT = 9


def has_route(address: str) -> bool:
    """Return False if this machine has no connectivity of the address's family (IPv4 or IPv6).

    A machine has no connectivity of an address family if the machine has a route neither to the address nor to the
    public address of the family. An address without a route is still probed if its family has connectivity, and the
    probe records the failure.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return _routed(family, address) or _connected(family)


class Routes:
    """The results of ``has_route`` in a scan by address family.

    After the result for an address family was True once, the result for the family stays True.
    """

    def __init__(self, has_route: Callable[[str], bool] = has_route) -> None:
        self._has_route = has_route
        self._seen: set[bool] = set()

    def __call__(self, address: str) -> bool:
        """Return False if this machine has had no connectivity of the address's family so far."""
        family = ":" in address
        if family not in self._seen and self._has_route(address):
            self._seen.add(family)
        return family in self._seen


def source_addresses() -> tuple[str, ...]:
    """Return the source addresses of this machine for connections to public addresses, at most one of each family."""
    found = []
    for family, address in _ANYWHERE.items():
        try:
            source = _source(family, address)
        except OSError:
            continue
        if reaches(source, address):
            found.append(source)
    return tuple(found)


@cache
def _connected(family: socket.AddressFamily) -> bool:
    return _routed(family, _ANYWHERE[family])


def _routed(family: socket.AddressFamily, address: str) -> bool:
    """Return whether this machine has a route to an address.

    Connecting a UDP socket finds the route without a packet.
    """
    try:
        source = _source(family, address)
    except OSError as error:
        return error.errno not in _NO_ROUTE
    return reaches(source, address)


def _source(family: socket.AddressFamily, address: str) -> str:
    with socket.socket(family, socket.SOCK_DGRAM) as trial:
        trial.connect((address, _ANY_PORT))
        source: str = trial.getsockname()[0]
        return source


def reaches(source: str, address: str) -> bool:
    """Return False if the chosen source address is link-local (RFC 4291 section 2.5.6) and the destination is not.

    A machine whose only address of an address family is link-local gets no answer from hosts beyond its link, even with
    a default route.
    """
    return not ip_address(source).is_link_local or ip_address(address).is_link_local
