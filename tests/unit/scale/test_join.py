"""The join of hosts: reports of several parts become one report, and parts that disagree are examined again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from results.store import index as indexes
from results.store.reader import Run
from results.store.writer import Store
from scanner.model import EndpointReport, HostReport, Skipped
from scanner.reasons import Reason
from scanner.scale import join
from scanner.scale.join import AGAIN_PART, agree, join_hosts, merged, write_again
from scanner.scale.plan_files import (
    AddressLine,
    PartEntry,
    PartLine,
    PlanIndex,
    PlanPlace,
    SplitLine,
    read_lines,
    write_lines,
)
from tests.unit import records
from tests.unit.records import NOON, answer, cert, header, probe

FIRST, SECOND = "192.0.2.1", "2001:db8::1"
LINE = AddressLine(
    "mx1.example",
    25,
    answer("mx1.example", "A", FIRST),
    answer("mx1.example", "AAAA", SECOND),
    (FIRST, SECOND),
    (Skipped("10.0.0.1", Reason.OPTED_OUT),),
)
SPLIT = SplitLine("mx1.example:25:smtp", (1, 2), LINE)
INDEX = PlanIndex(tuple(PartEntry(n, 1, 1, 1) for n in (1, 2)), 1, 1, 1, 1, 1, {}, "")


def endpoint(address: str) -> EndpointReport:
    return EndpointReport(address, (probe(address),))


def report(address: str) -> HostReport:
    """Make the report of the part that contains one address of the host."""
    return replace(records.report(), a=None, aaaa=None, endpoints=(endpoint(address),), skipped=())


def test_a_merged_report_contains_the_endpoints_of_all_parts_in_the_order_of_one_process() -> None:
    late = replace(report(FIRST), observed_at=NOON + timedelta(seconds=5))
    whole = merged(SPLIT, [report(SECOND), late])
    assert [each.address for each in whole.endpoints] == [FIRST, SECOND]
    assert (whole.a, whole.aaaa, whole.skipped) == (LINE.a, LINE.aaaa, LINE.skipped)
    assert whole.observed_at == report(SECOND).observed_at


def other_tlsa(found: HostReport) -> HostReport:
    return replace(found, tlsa=replace(found.tlsa, records=()))


def test_parts_agree_if_their_tlsa_lookups_have_the_same_result() -> None:
    assert agree(SPLIT, [report(FIRST), report(SECOND)])
    assert not agree(SPLIT, [report(FIRST), other_tlsa(report(SECOND))])
    assert not agree(SPLIT, [report(FIRST)])
    assert not agree(SPLIT, [])


SAMPLE = {"from": "mx9.example:25/smtp"}


def matching(address: str) -> HostReport:
    return replace(report(address), endpoints=(replace(endpoint(address), dane=records.evidence()),))


def test_a_host_that_was_inferred_in_one_part_requires_a_clean_result_in_every_part() -> None:
    """The sample of a part has not seen the addresses of the other part."""
    inferred = replace(matching(FIRST), inferred=SAMPLE)
    assert agree(SPLIT, [inferred, matching(SECOND)])
    assert agree(SPLIT, [matching(FIRST), replace(matching(SECOND), inferred=SAMPLE)])
    assert not agree(SPLIT, [inferred, report(SECOND)])  # without evidence of a match
    refused = replace(report(SECOND), endpoints=(EndpointReport(SECOND, (records.refused(SECOND),)),))
    assert not agree(SPLIT, [inferred, refused])
    assert agree(SPLIT, [matching(FIRST), refused])


def test_a_merged_report_is_inferred_if_a_part_is() -> None:
    inferred = replace(matching(SECOND), inferred=SAMPLE)
    assert merged(SPLIT, [matching(FIRST), inferred]).inferred == SAMPLE
    assert merged(SPLIT, [matching(FIRST), matching(SECOND)]).inferred is None


def run_of(place: PlanPlace, number: int, *reports: HostReport) -> None:
    place.part(number).parent.mkdir(exist_ok=True)
    with Store.create(place.part(number), header()) as store:
        for each in reports:
            store.put_host(each, [cert()])


def place_in(directory: Path, second: HostReport) -> PlanPlace:
    """Write a plan of two parts whose runs contain one address of the host each."""
    place = PlanPlace(directory)
    place.path.mkdir()
    write_lines(place.split, [SPLIT])
    alone = replace(report(FIRST), key="mx9.example:25/smtp", host="mx9.example")
    run_of(place, 1, report(FIRST), alone)
    run_of(place, 2, second)
    return place


def test_hosts_are_joined_once(tmp_path: Path) -> None:
    place = place_in(tmp_path, report(SECOND))
    assert write_again(place, INDEX) == 0
    with Store.create(tmp_path / "joined", header()) as store:
        join_hosts(place, INDEX, store)
        join_hosts(place, INDEX, store)
    joined = Run.open(tmp_path / "joined")
    found = {each.key: [e.address for e in each.endpoints] for each in joined.hosts()}
    assert found == {"mx9.example:25/smtp": [FIRST], "mx1.example:25:smtp": [FIRST, SECOND]}
    assert (tmp_path / "joined" / "hosts.jsonl").read_bytes().count(b"\n") == 2
    assert [each.sha256 for each in joined.certs()] == [cert().sha256]


def test_a_late_host_is_examined_once_and_its_whole_report_counts(tmp_path: Path) -> None:
    """The parts agree, but another address of the host was found after the plan was made."""
    place = place_in(tmp_path, report(SECOND))
    line = PartLine(SPLIT.key, LINE.host, LINE.port, LINE.chosen, LINE.a, LINE.aaaa)
    assert write_again(place, INDEX, [line]) == 1
    assert list(read_lines(place.file("part", AGAIN_PART), PartLine)) == [line]
    whole = replace(report(FIRST), observed_at=NOON + timedelta(hours=1))
    run_of(place, AGAIN_PART, whole)
    for name in ("joined", "joined again"):
        with Store.create(tmp_path / name, header()) as store:
            join_hosts(place, INDEX, store)
            join_hosts(place, INDEX, store)
        assert [each for each in Run.open(tmp_path / name).hosts() if each.key == SPLIT.key] == [whole]


def test_a_host_whose_parts_disagree_is_examined_again_as_a_whole(tmp_path: Path) -> None:
    place = place_in(tmp_path, other_tlsa(report(SECOND)))
    assert write_again(place, INDEX) == 1
    (line,) = read_lines(place.file("part", AGAIN_PART), PartLine)
    assert (line.key, line.whole, line.a, line.aaaa) == (SPLIT.key, True, LINE.a, LINE.aaaa)
    whole = replace(other_tlsa(report(FIRST)), endpoints=(endpoint(SECOND),))
    run_of(place, AGAIN_PART, whole)
    with Store.create(tmp_path / "joined", header()) as store:
        join_hosts(place, INDEX, store)
    assert whole in list(Run.open(tmp_path / "joined").hosts())


def test_a_host_without_the_report_of_a_part_is_examined_again_and_not_joined(tmp_path: Path) -> None:
    place = place_in(tmp_path, replace(report(SECOND), key="mx8.example:25/smtp", host="mx8.example"))
    assert write_again(place, INDEX) == 1
    with Store.create(tmp_path / "joined", header()) as store:
        join_hosts(place, INDEX, store)
    assert SPLIT.key not in {each.key for each in Run.open(tmp_path / "joined").hosts()}


def test_many_hosts_are_joined_in_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver opens the run in its main thread; the index of more hosts than it remembers is on disk."""
    monkeypatch.setattr(indexes, "REMEMBERED", 1)
    place = place_in(tmp_path, report(SECOND))
    write_again(place, INDEX)
    with Store.create(tmp_path / "joined", header()) as store, ThreadPoolExecutor(1) as threads:
        for _ in range(2):
            threads.submit(join_hosts, place, INDEX, store).result()
    assert (tmp_path / "joined" / "hosts.jsonl").read_bytes().count(b"\n") == 2


def test_hosts_with_equal_hashes_are_all_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host in one part whose hash is that of a host in several parts is not lost."""
    monkeypatch.setattr(join, "digest", lambda _: 7)
    place = place_in(tmp_path, report(SECOND))
    assert write_again(place, INDEX) == 0
    assert not list(place.path.glob("pieces*"))
    with Store.create(tmp_path / "joined", header()) as store:
        join_hosts(place, INDEX, store)
    found = {each.key: len(each.endpoints) for each in Run.open(tmp_path / "joined").hosts()}
    assert found == {"mx9.example:25/smtp": 1, SPLIT.key: 2}


def test_the_order_of_the_records_is_no_difference() -> None:
    first, second = replace(records.MATCHING, usage=2), records.MATCHING
    one, two = (
        replace(each, tlsa=replace(each.tlsa, records=found))
        for each, found in ((report(FIRST), (first, second)), (report(SECOND), (second, first)))
    )
    assert agree(SPLIT, [one, two])
