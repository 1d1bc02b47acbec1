"""``targets.special`` against IANA's registries, row by row (RFC 6890; source and date in ``tests/iana/README.md``)."""

import csv
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import pytest

from targets.special import _REACHABLE, _blocks, embedded_ipv4, special_purpose

IANA = Path(__file__).parents[2] / "iana"
ROWS = [tuple(row.values()) for name in ("ipv4", "ipv6") for row in csv.DictReader((IANA / f"{name}.csv").open())]

BY_IPV4_ADDRESS = {"2002::/16", "64:ff9b::/96"}
"""Blocks whose addresses hold an IPv4 address that decides."""

BEYOND = {"224.0.0.0/4", "::/0", "::/96", "fec0::/10", "ff00::/8", "2000::/3"}
"""Our rows that the registries do not have: multicast, and what RFC 4291 has not made global unicast."""


@pytest.mark.parametrize(("block", "name", "reachable"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_of_the_registry(block: str, name: str, reachable: str) -> None:
    """Only "True" is reachable; a deprecated block (no value) and "N/A" are not, but 6to4 goes by its IPv4 address."""
    if block in BY_IPV4_ADDRESS or block == "0.0.0.0/32":
        return
    network = ip_network(block)
    found = {special_purpose(str(network[0])), special_purpose(str(network[-1]))}  # one end may be a row of its own
    expected = None if reachable == "True" else name
    assert any(one == expected or (expected and one and one.startswith(f"{expected} (")) for one in found)


def test_our_rows_are_those_of_the_registries() -> None:
    ours = {str(network) for network, _ in _blocks()}
    theirs = {row[0] for row in ROWS}
    assert ours - theirs == BEYOND
    assert theirs - ours == {"0.0.0.0/32"}  # within 0.0.0.0/8, with the same answer
    reachable = {row[0] for row in ROWS if row[2] == "True"}
    assert {block for block, _ in _REACHABLE} - BEYOND - {"2002::/16"} == reachable


@pytest.mark.parametrize(
    ("address", "inner", "expected"),
    [
        ("2002:808:808::1", "8.8.8.8", None),
        ("2002:a00:1::1", "10.0.0.1", "6to4 (Private-Use)"),
        ("64:ff9b::808:808", "8.8.8.8", None),
        ("64:ff9b::7f00:1", "127.0.0.1", "IPv4-IPv6 Translat. (Loopback)"),
        ("::ffff:8.8.8.8", "8.8.8.8", "IPv4-mapped Address"),
        ("2606:4700::1111", None, None),
    ],
)
def test_an_embedded_ipv4_address(address: str, inner: str | None, expected: str | None) -> None:
    """RFC 3056 section 2 and RFC 6052 section 2.1: where the IPv4 address stands."""
    parsed = ip_address(address)
    assert isinstance(parsed, IPv6Address)
    assert embedded_ipv4(parsed) == (IPv4Address(inner) if inner else None)
    assert special_purpose(address) == expected
