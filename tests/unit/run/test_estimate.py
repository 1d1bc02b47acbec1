"""The estimate of a scan, by DNS lookups only."""

import pytest

from scanner.run.estimate import PROBE_SECONDS, estimate
from scanner.settings import Caps, Settings
from targets.lists import Reject, Target
from targets.scope import Exclusions, Scope
from tests.unit import fakes
from tests.unit.fakes import MX1, MX2, V4, V4B, V6, World, addresses, missing, mx, target


async def test_hosts_addresses_and_providers_are_counted_without_a_connection() -> None:
    dns = (
        mx(f"10 {MX1}", f"20 {MX2}")
        | mx(f"10 {MX1}", domain="shares.test")
        | mx("0 .", domain="nomail.test")
        | fakes.rows(fakes.failed("broken.test", "MX"))
        | missing("literal.test")
        | addresses(MX1, V4, V6)
        | addresses(MX2, V4B)
    )
    scope = Scope(allow_private=True, exclusions=Exclusions(names={"no.test": "line 1"}))
    world = World(dns, {}, scope, unrouted=(V6,))
    domains = (fakes.DOMAIN, "shares.test", "nomail.test", "broken.test", "no.test", "[literal.test]", f"[{V4}]")
    items: list[Target | Reject] = [*(target(name) for name in domains), Reject("list.txt", 9, "???", "no domain")]
    found = await estimate(items, world.ports(Settings()))
    world.check()
    assert (found.domains, found.rejects, len(found.hosts)) == (6, 2, 4)
    assert found.connections == {(V4, 25): 2, (V4B, 25): 1}  # under two names, which may have different SNI
    assert found.providers == {"secure.test": 2, V4: 1}
    assert found.skipped == {"no-route": 1}
    assert world.net.calls == []


@pytest.mark.parametrize(
    ("caps", "rounds"),
    [
        (Caps(total=1, per_address=9, per_network=9), 6),
        (Caps(total=9, per_address=1, per_network=9), 3),
        (Caps(total=9, per_address=9, per_network=1), 5),
        (Caps(total=9, per_address=9, per_network=2), 2.5),
    ],
)
async def test_the_tightest_cap_determines_the_duration(caps: Caps, rounds: float) -> None:
    dns = addresses("a.test", V4, V4B) | addresses("b.test", V4, V4B) | addresses("c.test", V4, "198.51.100.1")
    ports = World(dns).ports(Settings(caps=caps))
    found = await estimate([target(f"[{name}.test]") for name in "abc"], ports)
    assert found.seconds(ports.settings.caps) == rounds * PROBE_SECONDS


async def test_an_empty_list_takes_no_time() -> None:
    ports = World({}).ports(Settings())
    assert (await estimate([], ports)).seconds(ports.settings.caps) == 0
