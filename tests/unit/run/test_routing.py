"""The route of a destination: by MX for a mail domain, direct for a host (posttls-finger's ``[host]``)."""

import pytest

from scanner.run.host_result import HostKey
from scanner.run.routing import find_route, host_keys
from scanner.vocabulary import Mode
from targets.destination import parse_destination
from tests.unit.fakes import DOMAIN, MX1, MX2, V4, World, mx


@pytest.mark.parametrize(
    ("text", "hosts", "lookups"),
    [
        (DOMAIN, [MX1, MX2], 1),
        (f"[{DOMAIN}]", [DOMAIN], 0),
        (f"[{V4}]", [V4], 0),
    ],
)
async def test_hosts_of_a_route(text: str, hosts: list[str], lookups: int) -> None:
    zone = World(mx(f"10 {MX1}", f"20 {MX2}")).zone
    route = await find_route(parse_destination(text), zone)
    assert [each.host for each in route.hosts] == hosts
    assert zone.asked.total() == lookups


async def test_keys_have_the_port_of_the_destination() -> None:
    destination = parse_destination(f"[{DOMAIN}]:2525")
    route = await find_route(destination, World({}).zone)
    assert host_keys(route, destination, Mode.LMTP) == [HostKey(DOMAIN, 2525, Mode.LMTP)]
