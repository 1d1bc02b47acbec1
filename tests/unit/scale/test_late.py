"""The hosts that are examined late: those of late routes and those with late addresses, each once."""

from pathlib import Path

from scanner.scale.late import address_files, late_lines, write_late_hosts
from scanner.scale.plan_files import (
    NOT_YET,
    AddressLine,
    PartEntry,
    PartLine,
    PlanIndex,
    PlanPlace,
    RouteLine,
    read_lines,
    write_lines,
)
from scanner.settings import Settings
from tests.unit.records import NOON, answer

INDEX = PlanIndex((PartEntry(1, 1, 1, 1),), 1, 1, 0, 1, 1, {}, "")


def route(domain: str, *hosts: str, again: int = 0) -> RouteLine:
    return RouteLine(domain, NOON, answer(domain, "MX"), tuple((host, 25) for host in hosts), again=again)


def line(host: str, *chosen: str, again: int = 0) -> AddressLine:
    return AddressLine(host, 25, answer(host, "A", *chosen), answer(host, "AAAA"), chosen, (), again)


def plan(tmp_path: Path, routes: list[RouteLine], addresses: list[AddressLine], *planned: str) -> PlanPlace:
    """Write a plan of one file each, whose part 1 contains the hosts ``planned``."""
    place = PlanPlace(tmp_path)
    place.path.mkdir()
    write_lines(place.file("routes", 0), routes)
    write_lines(place.file("addresses", 0), addresses)
    write_lines(place.file("part", 1), [PartLine(f"{host}:25/smtp", host, 25, (), None, None) for host in planned])
    return place


def test_only_unknown_hosts_of_late_routes_are_looked_up(tmp_path: Path) -> None:
    routes = [route("a.test", "mx.a"), route("b.test", "mx.a", "mx.b", again=1), route("c.test", "mx.c", again=2)]
    place = plan(tmp_path, routes, [line("mx.a", "192.0.2.1")], "mx.a")
    assert address_files(place, INDEX) == 1
    assert write_late_hosts(place, INDEX) == 2
    assert address_files(place, INDEX) == 2
    assert [(each.host, each.again) for each in read_lines(place.file("addresses", 1), AddressLine)] == [
        ("mx.b", NOT_YET),
        ("mx.c", NOT_YET),
    ]
    assert write_late_hosts(place, INDEX) == 0
    assert {each.host for each in late_lines(place, INDEX, Settings())} == {"mx.b", "mx.c"}


def test_without_a_late_answer_nothing_is_examined_late(tmp_path: Path) -> None:
    place = plan(tmp_path, [route("a.test", "mx.a")], [line("mx.a", "192.0.2.1")], "mx.a")
    assert write_late_hosts(place, INDEX) == 0
    assert late_lines(place, INDEX, Settings()) == []


def test_a_host_with_late_addresses_is_examined_with_all_addresses(tmp_path: Path) -> None:
    addresses = [line("mx.a", "192.0.2.1"), line("mx.b", "192.0.2.2", "192.0.2.3", again=1)]
    place = plan(tmp_path, [route("a.test", "mx.a", "mx.b")], addresses, "mx.a", "mx.b")
    (found,) = late_lines(place, INDEX, Settings())
    assert (found.host, found.addresses, found.whole) == ("mx.b", ("192.0.2.2", "192.0.2.3"), True)


def test_a_host_beyond_the_limit_of_a_domain_is_examined_if_a_late_route_needs_it(tmp_path: Path) -> None:
    """With at most one address a domain, the second host of a.test is in no part, until b.test uses it."""
    addresses = [line("mx.a", "192.0.2.1"), line("mx.b", "192.0.2.2"), line("mx.c", "192.0.2.3")]
    routes = [route("a.test", "mx.a", "mx.b"), route("b.test", "mx.b", "mx.c", again=1)]
    place = plan(tmp_path, routes, addresses, "mx.a")
    found = late_lines(place, INDEX, Settings(domain_addresses=1))
    assert [each.host for each in found] == ["mx.b"]
