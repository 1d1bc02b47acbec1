"""The plan: from routes and addresses on disk to the files of the parts."""

from collections import defaultdict
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from scanner.net.gates import network_of
from scanner.run.ports import now
from scanner.scale.plan import (
    PlanSize,
    beyond_limit,
    buckets_for,
    hosts_of,
    make_plan,
    settings_digest,
    share_of,
    write_hosts,
)
from scanner.scale.plan_files import AddressLine, PartLine, PlanPlace, RouteLine, SplitLine, read_lines, write_lines
from scanner.settings import Caps, Settings
from tests.unit.records import answer

CAPS = Caps(per_address=1, per_provider=2)


def address_line(host: str, *addresses: str) -> AddressLine:
    return AddressLine(host, 25, answer(host, "A", *addresses), None, addresses, ())


def place_in(directory: Path) -> PlanPlace:
    place = PlanPlace(directory)
    place.path.mkdir(parents=True, exist_ok=True)
    return place


def routes(place: PlanPlace, *hosts: tuple[str, ...]) -> None:
    lines = (
        RouteLine(f"d{number}.example", now(), None, tuple((host, 25) for host in each))
        for number, each in enumerate(hosts)
    )
    write_lines(place.file("routes", 0), lines)


def test_the_hosts_of_all_routes_are_written_once(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    routes(place, ("a.example", "b.example"), ("b.example",), ())
    for _ in range(2):  # a resumed scan writes them again
        assert write_hosts(place, 1) == 2
        halves = [sorted(hosts_of(place, share_of(half, 2))) for half in range(2)]
        assert sorted(halves[0] + halves[1]) == [("a.example", 25), ("b.example", 25)]


def test_buckets() -> None:
    assert [buckets_for(count, 10) for count in (0, 1, 10, 11, 10**6)] == [1, 1, 1, 2, 256]
    assert [n for part in range(7) for n in share_of(part, 7, 20)] == list(range(20))


HOSTS = st.lists(
    st.lists(st.integers(0, 30).map(lambda n: f"192.0.{n // 4}.{n}"), max_size=4, unique=True).map(tuple), max_size=25
)


@given(HOSTS)
def test_the_parts_contain_every_address_once_and_keep_the_caps(addresses: list[tuple[str, ...]]) -> None:
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - a directory for each example

    with TemporaryDirectory() as directory:
        place = place_in(Path(directory))
        lines = [address_line(f"mx{n}.p{n % 5}.example", *each) for n, each in enumerate(addresses)]
        write_lines(place.file("addresses", 0), lines)
        routes(place, *((line.host,) for line in lines))
        index = make_plan(place, Settings(caps=CAPS), PlanSize(len(lines), 1, 1, 4))
        found: defaultdict[str, list[str]] = defaultdict(list)
        networks: defaultdict[str, set[int]] = defaultdict(set)
        providers: defaultdict[int, set[int]] = defaultdict(set)
        sizes: defaultdict[int, set[str]] = defaultdict(set)
        for entry in index.parts:
            for line in read_lines(place.file("part", entry.number), PartLine):
                found[line.host] += line.addresses
                assert line.a is not None
                assert set(line.addresses) == set(line.a.records)
                for address in line.addresses:
                    sizes[int(line.host[2 : line.host.index(".")]) % 5].add(address)
                    if entry.round == 1:
                        networks[network_of(address)].add(entry.number)
                        providers[int(line.host[2 : line.host.index(".")]) % 5].add(entry.number)
        assert {host: sorted(each) for host, each in found.items()} == {
            each.host: sorted(each.chosen) for each in lines
        }
        assert all(len(parts) == 1 for parts in networks.values())
        assert all(len(parts) == 1 for name, parts in providers.items() if len(sizes[name]) > 2)
        assert index == place.index()
        split = list(read_lines(place.split, SplitLine))
        assert len(split) == index.split
        assert all(len(line.parts) > 1 for line in split)


def test_a_host_without_addresses_is_in_a_part_too(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    write_lines(place.file("addresses", 0), [address_line("mx.example")])
    routes(place, ("mx.example",))
    index = make_plan(place, Settings(), PlanSize(1, 1, 1, 4))
    (line,) = (line for entry in index.parts for line in read_lines(place.file("part", entry.number), PartLine))
    assert (line.host, line.addresses, line.whole) == ("mx.example", (), True)


def test_hosts_beyond_the_limit_of_addresses_of_all_their_domains_are_left_out(tmp_path: Path) -> None:
    """Two addresses a host and at most three a domain: of three hosts of one domain, only the first is examined.

    The second host is also the host of another domain. The first host is examined even if it has more addresses.
    """
    place = place_in(tmp_path)
    settings = Settings(addresses=2, domain_addresses=3)
    routes(place, ("a.example", "b.example", "c.example"), ("b.example",))
    hosts = [address_line(f"{name}.example", f"192.0.{n}.1", f"192.0.{n}.2") for n, name in enumerate("abc")]
    write_lines(place.file("addresses", 0), hosts)
    assert beyond_limit(place, 1, 1, settings) == {("c.example", 25)}
    index = make_plan(place, settings, PlanSize(2, 1, 1, 1))
    lines = [line.host for entry in index.parts for line in read_lines(place.file("part", entry.number), PartLine)]
    assert sorted(lines) == ["a.example", "b.example"]


def test_the_digest_of_the_settings_changes_with_a_setting() -> None:
    assert settings_digest(Settings()) == settings_digest(Settings())
    assert settings_digest(Settings()) != settings_digest(Settings(caps=CAPS))
