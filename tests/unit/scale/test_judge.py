"""The judgement of a bucket: internal errors of single domains, and the answers for the limit of addresses."""

from pathlib import Path

import pytest

from results.store.reader import lines_path
from results.store.writer import Store
from scanner.model import DomainRecord
from scanner.reasons import Reason
from scanner.run.ports import now
from scanner.scale.grouping import ROUTES
from scanner.scale.judge import JudgedGroup, no_probe
from scanner.scale.places import write_places
from scanner.scale.plan_files import AddressLine, PlanPlace, RouteLine, read_lines, write_lines
from scanner.settings import Settings
from tests.unit import records
from tests.unit.fakes import DOMAIN, MX1, World, answer, target


def place_in(run: Path, *lines: RouteLine) -> PlanPlace:
    Store.create(run, records.header()).close()
    place = PlanPlace(run)
    place.path.mkdir()
    write_lines(place.file(ROUTES, 0), lines)
    return place


def bucket_in(place: PlanPlace, addresses: int, settings: Settings) -> JudgedGroup:
    for name in ("hosts", "certs"):
        write_places(lines_path(place.run, name), place.places(name))
    return JudgedGroup(place, 0, addresses, settings)


def line(key: str, error: str = "", *hosts: str) -> RouteLine:
    mx = answer(key, "MX", *(f"10 {host}" for host in hosts)) if hosts else None
    return RouteLine(key, now(), mx, tuple((host, 25) for host in hosts), error)


async def test_an_error_concerns_one_domain(tmp_path: Path) -> None:
    """The route of one domain failed, the host of another domain has no report, and one is out of scope."""
    place = place_in(tmp_path / "run", line(DOMAIN, "ValueError: a bug"), line("other.test", "", MX1))
    bucket = bucket_in(place, 0, Settings())
    ports = World({}).ports(Settings())
    targets = [target(), target("other.test"), target("refused.test")]
    assert await bucket.write(iter(targets), ports, [("outcome", "inconclusive")]) == 2
    found = {record.key: record.verdict for record in read_lines(place.file("judged", 0), DomainRecord)}
    assert set(found) == {DOMAIN, "other.test"}
    assert all(verdict.reasons == (Reason.INTERNAL,) for verdict in found.values())
    assert "ValueError: a bug" in found[DOMAIN].text
    assert f"MX host {MX1}: RuntimeError: no planned answer" in found["other.test"].text
    assert ports.stats.internal_errors == 2


async def test_addresses_are_read_for_domains_that_may_exceed_the_limit(tmp_path: Path) -> None:
    settings = Settings(addresses=2, domain_addresses=3)
    hosts = [f"mx{n}.secure.test" for n in range(2)]
    place = place_in(tmp_path / "run", line(DOMAIN, "", *hosts))
    lines = [
        AddressLine(host, 25, answer(host, "A", f"192.0.{n}.1", f"192.0.{n}.2"), answer(host, "AAAA"), (), ())
        for n, host in enumerate(hosts)
    ]
    write_lines(place.file("addresses", 0), lines)
    with Store.resume(tmp_path / "run") as store:
        report = records.report(key=f"{hosts[0]}:25/smtp", host=hosts[0])
        store.put_host(report, [records.cert()])
    bucket = bucket_in(place, 1, settings)
    await bucket.write(iter([target()]), World({}).ports(settings), [])
    (record,) = read_lines(place.file("judged", 0), DomainRecord)
    assert [host.reasons for host in record.hosts][1:] == [(Reason.ADDRESS_LIMIT,)]
    assert record.hosts[0].report == report.key


async def test_no_probe_is_made() -> None:
    endpoint = records.probe().endpoint
    with pytest.raises(RuntimeError, match=r"no report of mx1\.example"):
        await no_probe(endpoint, "mx1.example")
