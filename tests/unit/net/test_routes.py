"""Routes by address family: a family that had a route once keeps it."""

import pytest

from scanner.net.routes import Routes, reaches


def test_a_family_that_had_a_route_keeps_it() -> None:
    up = {"192.0.2.1", "192.0.2.2"}
    routes = Routes(lambda address: address in up)
    assert not routes("2001:db8::1")
    assert routes("192.0.2.1")
    up.clear()
    assert routes("192.0.2.2")
    assert not routes("2001:db8::1")
    up.add("2001:db8::1")
    assert routes("2001:db8::1")


@pytest.mark.parametrize(
    ("source", "address", "reached"),
    [
        ("2001:db8::2", "2001:db8::1", True),
        ("fd00::2", "2001:db8::1", True),  # a prefix may be translated (RFC 6296)
        ("192.168.0.2", "192.0.2.1", True),
        ("fe80::2", "2001:db8::1", False),
        ("fe80::2%eth0", "2001:db8::1", False),
        ("169.254.0.2", "192.0.2.1", False),
        ("fe80::2", "fe80::1", True),
    ],
)
def test_a_link_local_address_alone_is_no_connectivity(source: str, address: str, *, reached: bool) -> None:
    assert reaches(source, address) is reached
