"""The longest prefix counts, and the first of equal ones."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from targets.prefixes import Network, PrefixTable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _around(address: Address) -> st.SearchStrategy[Network]:
    lengths = st.integers(0, address.max_prefixlen)
    return lengths.map(lambda length: ipaddress.ip_network((address, length), strict=False))


NETWORKS = st.lists(st.ip_addresses().flatmap(_around))


def test_the_first_of_equal_networks_counts() -> None:
    network = ipaddress.ip_network("192.0.2.0/24")
    table = PrefixTable([(network, "a"), (network, "b")])
    assert table.find(ipaddress.ip_address("192.0.2.9")) == "a"
    assert (bool(table), bool(PrefixTable[str]())) == (True, False)


@given(networks=NETWORKS, other=st.ip_addresses())
def test_finds_the_longest_network_that_covers_an_address(networks: list[Network], other: Address) -> None:
    table = PrefixTable([(network, network) for network in networks])
    for address in (other, *(network.network_address for network in networks)):
        covering = [network for network in networks if address in network]
        assert table.find(address) == max(covering, key=lambda network: network.prefixlen, default=None)
