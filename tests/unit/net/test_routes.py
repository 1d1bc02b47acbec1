"""Routes by address family: a family that had a route once keeps it."""

from scanner.net.routes import Routes


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
