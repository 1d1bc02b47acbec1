"""Table of address prefixes with longest-prefix match.

The table contains one dictionary for each prefix length. A search takes one dictionary access for each length (129 at
most), independent of the number of prefixes.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import Generic, TypeVar

from targets.hostnames import Address

Network = IPv4Network | IPv6Network
Value = TypeVar("Value")


class PrefixTable(Generic[Value]):
    """A map from IPv4 and IPv6 networks to values. If a network has several values, the first value is kept."""

    def __init__(self, rows: Iterable[tuple[Network, Value]] = ()) -> None:
        self._lengths: dict[tuple[int, int], dict[int, Value]] = {}
        for network, value in rows:
            networks = self._lengths.setdefault((network.version, network.prefixlen), {})
            networks.setdefault(int(network.network_address) >> _host_bits(network), value)
        self._lengths = dict(sorted(self._lengths.items(), reverse=True))

    def __bool__(self) -> bool:
        return bool(self._lengths)

    def find(self, address: Address) -> Value | None:
        """Return the value of the longest prefix that contains an address, or None if no prefix contains it."""
        number = int(address)
        for (version, length), networks in self._lengths.items():
            if version == address.version:
                value = networks.get(number >> (address.max_prefixlen - length))
                if value is not None:
                    return value
        return None


def _host_bits(network: Network) -> int:
    return network.max_prefixlen - network.prefixlen
