"""The lookups before the plan: one line for each target and host, whatever happens to one of them."""

from collections.abc import Sequence
from pathlib import Path

from scanner.facts import Answer
from scanner.model import Skipped
from scanner.reasons import Reason
from scanner.scale.job import Stage
from scanner.scale.lookup_stage import (
    failed_lookups,
    find_host_addresses,
    find_routes,
    repeat_addresses,
    repeat_routes,
)
from scanner.scale.plan_files import NOT_YET, AddressLine, RouteLine, read_lines, write_lines
from scanner.settings import Settings
from scanner.vocabulary import Outcome
from tests.unit.fakes import DOMAIN, MX1, MX2, V4, V6, Question, World, addresses, failed, mx, target

SETTINGS = Settings(hosts=1)


async def test_routes(tmp_path: Path) -> None:
    """Of two MX hosts, the limit of hosts leaves one; the table has no answer for the other domain, which is a bug."""
    world = World(mx(f"10 {MX1}", f"20 {MX2}"))
    targets = [target(), target("unknown.test"), target("[192.0.2.7]:26")]
    assert await find_routes(tmp_path / "routes", iter(targets), world.ports(SETTINGS)) == 0
    found = {line.key: line for line in read_lines(tmp_path / "routes", RouteLine)}
    assert found[DOMAIN].hosts == ((MX1, 25),)
    assert found[DOMAIN].mx is not None
    assert (found["[192.0.2.7]:26"].mx, found["[192.0.2.7]:26"].hosts) == (None, (("192.0.2.7", 26),))
    assert found["unknown.test"].error.startswith("LookupError: the test's table has no answer")


async def test_addresses(tmp_path: Path) -> None:
    world = World(addresses(MX1, V4, "192.0.2.99"), unrouted=("192.0.2.99",))
    ports = world.ports(SETTINGS)
    await find_host_addresses(tmp_path / "addresses", iter([(MX1, 25), ("192.0.2.7", 26)]), ports)
    found = {line.host: line for line in read_lines(tmp_path / "addresses", AddressLine)}
    assert (found[MX1].chosen, found[MX1].skipped) == ((V4,), (Skipped("192.0.2.99", Reason.NO_ROUTE),))
    assert (found["192.0.2.7"].a, found["192.0.2.7"].chosen) == (None, ("192.0.2.7",))
    assert ports.stats.done == 2


async def test_failed_mx_lookups_are_repeated(tmp_path: Path) -> None:
    """Of three lookups that fail, the first is answered, the second fails again, and the third meets a bug."""
    tables: dict[Question, Answer | Sequence[Answer]] = {**mx(domain="good.test")}
    tables[DOMAIN, "MX"] = [failed(DOMAIN, "MX"), mx()[DOMAIN, "MX"]]
    for name in ("never.test", "bug.test"):
        tables[name, "MX"] = failed(name, "MX")
    world, path = World(tables), tmp_path / "routes"
    targets = [target(name) for name in ("good.test", "never.test", DOMAIN, "bug.test")]
    assert await find_routes(path, iter(targets), world.ports(SETTINGS)) == 3
    assert failed_lookups(Stage.ROUTES, path) == 3
    before = {line.key: line for line in read_lines(path, RouteLine)}
    del tables["bug.test", "MX"]
    assert await repeat_routes(path, targets, 2, world.ports(SETTINGS)) == 2
    found = {line.key: line for line in read_lines(path, RouteLine)}
    assert (found[DOMAIN].hosts, found[DOMAIN].again) == (((MX1, 25),), 2)
    assert [found[name] == before[name] for name in ("good.test", "never.test", "bug.test")] == [True] * 3


async def test_failed_address_lookups_are_repeated(tmp_path: Path) -> None:
    """A host that was not looked up before gets a line in any case."""
    table = addresses(MX1, V4, V6) | addresses(MX2, V4)
    tables: dict[Question, Answer | Sequence[Answer]] = {**table, (MX2, "A"): failed(MX2, "A")}
    tables[MX1, "AAAA"] = [failed(MX1, "AAAA"), table[MX1, "AAAA"]]
    world, path = World(tables), tmp_path / "addresses"
    assert await find_host_addresses(path, iter([(MX1, 25)]), world.ports(SETTINGS)) == 1
    new = AddressLine(MX2, 25, None, None, (), (), NOT_YET)
    write_lines(path, [*read_lines(path, AddressLine), new])
    assert failed_lookups(Stage.ADDRESSES, path) == 2
    assert await repeat_addresses(path, 1, world.ports(SETTINGS)) == 1
    found = {line.host: line for line in read_lines(path, AddressLine)}
    assert (found[MX1].chosen, found[MX1].again) == ((V4, V6), 1)
    assert (found[MX2].a, found[MX2].again) == (failed(MX2, "A"), 1)


async def test_an_internal_error_at_a_host_does_not_affect_the_other_hosts(tmp_path: Path) -> None:
    """The table has no answer for the other host, which is a bug; its addresses are then not known, not absent."""
    ports = World(addresses(MX1, V4)).ports(SETTINGS)
    await find_host_addresses(tmp_path / "addresses", iter([(MX2, 25), (MX1, 25)]), ports)
    found = {line.host: line for line in read_lines(tmp_path / "addresses", AddressLine)}
    assert found[MX1].chosen == (V4,)
    lost = found[MX2]
    assert (lost.chosen, lost.skipped) == ((), ())
    for answer in (lost.a, lost.aaaa):
        assert answer is not None
        assert answer.outcome is Outcome.ERROR
        assert answer.error.startswith("internal error: LookupError: the test's table has no answer")
    assert (ports.stats.done, ports.stats.internal_errors) == (2, 1)
