"""The groups of domains for the judgement: each domain is in one group, together with the domains of its first host."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.store.files import StoreError
from scanner.scale import grouping
from scanner.scale.plan import share_of
from scanner.scale.plan_files import PlanPlace, RouteLine, read_lines, write_lines
from scanner.scale.policy_stage import PolicyLine
from targets.reader import Reader
from targets.spool import Spool
from tests.unit import records, sts
from tests.unit.fakes import answer, target

FILES = 3
HOSTS = ("mx1.test", 'quo"te.test', '"hosts":[["mx2.test"', "mx3.test")


def place_in(run: Path) -> PlanPlace:
    place = PlanPlace(run)
    place.path.mkdir(parents=True)
    return place


def route(key: str, *hosts: str) -> RouteLine:
    mx = answer(key, "MX", *(f"10 {host}" for host in hosts)) if hosts else None
    return RouteLine(key, records.NOON, mx, tuple((host, 25) for host in hosts))


def policy(key: str) -> PolicyLine:
    return PolicyLine(key, key, sts.record(), sts.tlsrpt())


def spool_of(directory: Path, names: list[str]) -> Spool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("targets.spool.SMALL", 0)  # a spool with many buckets
        return Spool.make(directory, map(target, names), Reader())


def written(tmp_path: Path, hosts: dict[str, list[str]], *, policies: bool) -> tuple[PlanPlace, Spool]:
    """Write a plan whose files of routes contain the domains without regard to their hosts, and one refused target."""
    place, spool = place_in(tmp_path / "run"), spool_of(tmp_path / "spool", [*hosts, "refused.test"])
    for bucket in range(FILES):
        share = spool.targets(share_of(bucket, FILES, spool.buckets))
        names = [each.destination.key for each in share if each.destination.key in hosts]
        write_lines(place.file("routes", bucket), [route(name, *hosts[name]) for name in names])
        if policies:
            write_lines(place.file("records", bucket), map(policy, names))
    return place, spool


def groups_in(place: PlanPlace, spool: Spool) -> list[tuple[set[str], set[str]]]:
    """Return the keys of the routes and of the targets of each group."""
    return [
        (
            {line.key for line in read_lines(place.file(grouping.ROUTES, group), RouteLine)},
            {each.destination.key for each in grouping.targets(place, group, spool)},
        )
        for group in range(FILES)
    ]


@given(st.lists(st.lists(st.sampled_from(HOSTS), max_size=2), max_size=20))
def test_domains_with_the_same_first_host_are_in_one_group(hosts: list[list[str]]) -> None:
    named = {f"d{number}.test": each for number, each in enumerate(hosts)}
    with TemporaryDirectory() as directory:
        place, spool = written(Path(directory), named, policies=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(grouping, "MOST", 1000)
            patch.setattr(grouping, "HELD", 1000)
            grouping.group_domains(place, FILES, spool, sts=True)
        found = groups_in(place, spool)
        paths = [place.file(grouping.RECORDS, group) for group in range(FILES)]
        kept = [{line.key for line in read_lines(path, PolicyLine)} for path in paths]
    assert [routes for routes, _ in found] == [targets for _, targets in found] == kept
    assert sorted(key for routes, _ in found for key in routes) == sorted(named)
    of_host = {host: {n for n, (keys, _) in enumerate(found) for k in keys if named[k][:1] == [host]} for host in HOSTS}
    assert all(len(numbers) <= 1 for numbers in of_host.values())


def test_a_second_call_changes_nothing_and_an_interrupted_call_is_repeated(tmp_path: Path) -> None:
    names = {f"d{number}.test": ["mx1.test"] for number in range(4)}
    place, spool = written(tmp_path, names, policies=False)
    place.file(grouping.ROUTES, 0).write_bytes(b"of an interrupted call\n")
    grouping.group_domains(place, FILES, spool, sts=False)
    found = groups_in(place, spool)
    assert sum(len(keys) for keys, _ in found) == len(names)
    grouping.group_domains(place, FILES, spool, sts=False)
    assert groups_in(place, spool) == found
    grouping.remove_groups(place, FILES)
    assert [path.name for path in place.path.iterdir() if path.name.startswith("group")] == []


def test_the_domains_of_one_host_are_spread_if_they_are_too_many_for_a_group(tmp_path: Path) -> None:
    names = {f"d{number}.test": ["mx1.test"] for number in range(300)}
    place, spool = written(tmp_path, names, policies=False)
    grouping.group_domains(place, FILES, spool, sts=False)
    sizes = [len(keys) for keys, _ in groups_in(place, spool)]
    assert sum(sizes) == len(names)
    assert 0 < min(sizes) <= max(sizes) < len(names) * 0.9


def test_a_missing_file_of_routes_is_an_error(tmp_path: Path) -> None:
    place, spool = written(tmp_path, {"d.test": ["mx1.test"]}, policies=False)
    place.file("routes", 1).unlink()
    with pytest.raises(StoreError, match="routes-001"):
        grouping.group_domains(place, FILES, spool, sts=False)
