"""Recognition of special-purpose addresses, which are not globally reachable unicast addresses.

The tables are the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890, as of July 2026).
An address is globally reachable if the longest matching block is marked "globally reachable" in the registry, or if no
block matches. In addition to the blocks of the registries, this module treats multicast addresses (RFC 5771, RFC 4291)
as not globally reachable, and IPv6 addresses outside 2000::/3, which RFC 4291 reserves. For some blocks, the registries
state "N/A": this module treats Teredo, ORCHID and 6to4 relay anycast addresses as not globally reachable.

An IPv6 address that embeds an IPv4 address (mapped, compatible, translated, 6to4) is globally reachable only if the
IPv4 address is globally reachable, because packets to the IPv6 address may reach the IPv4 address.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

from targets.hostnames import Address
from targets.prefixes import Network, PrefixTable


class _Block(NamedTuple):
    name: str
    reachable: bool


_NOT_REACHABLE = (
    ("0.0.0.0/8", '"This network"'),
    ("10.0.0.0/8", "Private-Use"),
    ("100.64.0.0/10", "Shared Address Space"),
    ("127.0.0.0/8", "Loopback"),
    ("169.254.0.0/16", "Link Local"),
    ("172.16.0.0/12", "Private-Use"),
    ("192.0.0.0/24", "IETF Protocol Assignments"),
    ("192.0.0.0/29", "IPv4 Service Continuity Prefix"),
    ("192.0.0.8/32", "IPv4 dummy address"),
    ("192.0.0.170/32", "NAT64/DNS64 Discovery"),
    ("192.0.0.171/32", "NAT64/DNS64 Discovery"),
    ("192.0.2.0/24", "Documentation (TEST-NET-1)"),
    ("192.88.99.0/24", "Deprecated (6to4 Relay Anycast)"),
    ("192.88.99.2/32", "6a44-relay anycast address"),
    ("192.168.0.0/16", "Private-Use"),
    ("198.18.0.0/15", "Benchmarking"),
    ("198.51.100.0/24", "Documentation (TEST-NET-2)"),
    ("203.0.113.0/24", "Documentation (TEST-NET-3)"),
    ("224.0.0.0/4", "Multicast"),
    ("240.0.0.0/4", "Reserved"),
    ("255.255.255.255/32", "Limited Broadcast"),
    ("::/0", "Reserved by IETF"),
    ("::/128", "Unspecified Address"),
    ("::1/128", "Loopback Address"),
    ("::/96", "IPv4-compatible Address"),
    ("::ffff:0:0/96", "IPv4-mapped Address"),
    ("64:ff9b:1::/48", "IPv4-IPv6 Translat."),
    ("100::/64", "Discard-Only Address Block"),
    ("100:0:0:1::/64", "Dummy IPv6 Prefix"),
    ("2001::/23", "IETF Protocol Assignments"),
    ("2001::/32", "TEREDO"),
    ("2001:2::/48", "Benchmarking"),
    ("2001:10::/28", "Deprecated (previously ORCHID)"),
    ("2001:db8::/32", "Documentation"),
    ("3fff::/20", "Documentation"),
    ("5f00::/16", "Segment Routing (SRv6) SIDs"),
    ("fc00::/7", "Unique-Local"),
    ("fe80::/10", "Link-Local Unicast"),
    ("fec0::/10", "Deprecated (Site-Local)"),
    ("ff00::/8", "Multicast"),
)

_REACHABLE = (
    ("192.0.0.9/32", "Port Control Protocol Anycast"),
    ("192.0.0.10/32", "Traversal Using Relays around NAT Anycast"),
    ("192.31.196.0/24", "AS112-v4"),
    ("192.52.193.0/24", "AMT"),
    ("192.175.48.0/24", "Direct Delegation AS112 Service"),
    ("2000::/3", "Global Unicast"),
    ("64:ff9b::/96", "IPv4-IPv6 Translat."),
    ("2001:1::1/128", "Port Control Protocol Anycast"),
    ("2001:1::2/128", "Traversal Using Relays around NAT Anycast"),
    ("2001:1::3/128", "DNS-SD Service Registration Protocol Anycast"),
    ("2001:3::/32", "AMT"),
    ("2001:4:112::/48", "AS112-v6"),
    ("2001:20::/28", "ORCHIDv2"),
    ("2001:30::/28", "Drone Remote ID Protocol Entity Tags (DETs) Prefix"),
    ("2002::/16", "6to4"),
    ("2620:4f:8000::/48", "Direct Delegation AS112 Service"),
)

_CARRIERS = (
    ("::/96", 0),
    ("::ffff:0:0/96", 0),
    ("64:ff9b::/96", 0),
    ("2002::/16", 80),
)
"""IPv6 blocks that embed an IPv4 address, and the number of bits after the IPv4 address (RFC 4291, 6052 and 3056)."""


def _blocks() -> list[tuple[Network, _Block]]:
    tables = ((_NOT_REACHABLE, False), (_REACHABLE, True))
    return [(ip_network(text), _Block(name, reachable)) for rows, reachable in tables for text, name in rows]


_BLOCKS = PrefixTable(_blocks())
_SHIFTS = PrefixTable((ip_network(text), shift) for text, shift in _CARRIERS)


def special_purpose(address: str) -> str | None:
    """Return the name of the special-purpose block of an address.

    Args:
        address: an IPv4 or IPv6 address; a zone (``%eth0``) is ignored.

    Returns:
        The block's name in the registry, then in parentheses the block name of an embedded IPv4 address that is not
        globally reachable; None for a globally reachable address.

    Raises:
        ValueError: the text is not an address.
    """
    parsed = ip_address(address)
    block = _BLOCKS.find(parsed)
    if block is None:
        return None
    inner = embedded_ipv4(parsed)
    carried = _BLOCKS.find(inner) if inner is not None else None
    if carried is not None and not carried.reachable:
        return f"{block.name} ({carried.name})"
    return None if block.reachable else block.name


def embedded_ipv4(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address embeds, or None."""
    if not isinstance(address, IPv6Address) or int(address) <= 1:  # ``::`` and ``::1`` embed no IPv4 address
        return None
    shift = _SHIFTS.find(address)
    return None if shift is None else IPv4Address(int(address) >> shift & 0xFFFFFFFF)
