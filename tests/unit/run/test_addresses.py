"""The addresses of an MX host: order, choice, and the reasons why an address is skipped."""

import pytest

from scanner.run.addresses import HostAddresses, choose_addresses, find_addresses
from scanner.settings import Settings
from scanner.vocabulary import Family, Outcome
from targets.scope import Exclusions, Scope
from tests.unit import fakes
from tests.unit.fakes import MX1, V4, V4B, V6, World, addresses, missing


def found(*listed: str) -> HostAddresses:
    table = addresses(MX1, *listed)
    return HostAddresses(table[MX1, "A"], table[MX1, "AAAA"], ())


def test_addresses_are_sorted_by_family_and_octets() -> None:
    listed = ["192.0.2.10", "192.0.2.9", "2001:db8::10", "2001:db8::9"]
    assert found(*listed).all == ("192.0.2.9", "192.0.2.10", "2001:db8::9", "2001:db8::10")


async def test_an_address_literal_is_not_looked_up() -> None:
    literal = await find_addresses(V4, World({}).ports(Settings()))
    assert (literal.answers, literal.all) == ((), (V4,))


async def test_both_families_are_looked_up_also_for_a_missing_host() -> None:
    ports = World(missing(MX1)).ports(Settings())
    answers = (await find_addresses(MX1, ports)).answers
    assert [(answer.rtype, answer.outcome) for answer in answers] == [
        ("A", Outcome.NXDOMAIN),
        ("AAAA", Outcome.NXDOMAIN),
    ]


@pytest.mark.parametrize(
    ("what", "listed", "scope", "settings", "unrouted", "chosen", "skipped"),
    [
        ("special-purpose", [V4, "9.9.9.9"], Scope(), Settings(), (), ["9.9.9.9"], {V4: "address-not-public"}),
        (
            "opted out by name",
            [V4, V6],
            Scope(allow_private=True, exclusions=Exclusions(names={MX1: "l 1"})),
            Settings(),
            (),
            [],
            {V4: "opted-out", V6: "opted-out"},
        ),
        ("no route", [V4, V6], fakes.World({}).scope, Settings(), (V6,), [V4], {V6: "no-route"}),
        (
            "limit",
            [V4, V4B, V6],
            fakes.World({}).scope,
            Settings(addresses=1),
            (),
            [V4],
            {V4B: "address-limit", V6: "address-limit"},
        ),
        (
            "skipped addresses do not count for the limit",
            [V4, "9.9.9.9"],
            Scope(),
            Settings(addresses=1),
            (),
            ["9.9.9.9"],
            {V4: "address-not-public"},
        ),
        (
            "IPv4 only",
            [V4, V6],
            fakes.World({}).scope,
            Settings(family=Family.IPV4),
            (),
            [V4],
            {V6: "family-excluded"},
        ),
        (
            "only the other family",
            [V6],
            fakes.World({}).scope,
            Settings(family=Family.IPV4),
            (),
            [],
            {V6: "family-excluded"},
        ),
    ],
)
def test_choice(
    what: str,
    listed: list[str],
    scope: Scope,
    settings: Settings,
    unrouted: tuple[str, ...],
    chosen: list[str],
    skipped: dict[str, str],
) -> None:
    ports = World({}, scope=scope, unrouted=unrouted).ports(settings)
    probed, left_out = choose_addresses(MX1, found(*listed).all, ports)
    assert probed == chosen
    assert {each.address: str(each.reason) for each in left_out} == skipped
