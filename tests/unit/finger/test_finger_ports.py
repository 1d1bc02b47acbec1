"""Ports that use the network: connections on loopback."""

import socket

import trio

from scanner.facts import Answer
from scanner.finger.finger_ports import NetworkPorts
from scanner.vocabulary import FailureKind, Phase


async def nothing(name: str, rtype: str, *, dnssec: bool = True) -> Answer:
    raise AssertionError(f"no question is due: {name} {rtype} {dnssec}")


async def test_connections_are_made_or_refused() -> None:
    ports = NetworkPorts(nothing, seed=1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert await ports.connect("127.0.0.1", port, 5) is None
    refused = await ports.connect("127.0.0.1", port, 5)
    assert refused is not None
    assert (refused.phase, refused.kind) == (Phase.CONNECT, FailureKind.REFUSED)


async def test_an_address_that_the_kernel_refuses_is_unreachable() -> None:
    """A link-local address without its interface: EINVAL, in the words of the system."""
    failure = await NetworkPorts(nothing).connect("fe80::1", 25, 5)
    assert failure is not None
    assert (failure.kind, failure.text) == (FailureKind.UNREACHABLE, "Invalid argument")


async def test_numeric_hosts_are_known_to_the_native_name_service() -> None:
    await trio.lowlevel.checkpoint()
    assert await NetworkPorts(nothing).native("127.0.0.1") == ("127.0.0.1",)
