"""Paper tables of small runs whose numbers can be counted by hand."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from results.paper.tables import paper_tables
from results.render.tables import Cell
from results.store.reader import Run
from results.store.writer import Store
from scanner.facts import TLSARecord
from scanner.model import DomainRecord, EndpointReport, Route, RouteHost
from scanner.reasons import Reason
from scanner.vocabulary import (
    Dane,
    DomainDane,
    DomainSTS,
    Mechanism,
    Outcome,
    RunState,
    Security,
    Unusable,
)
from tests.unit import records, sts
from tests.unit.records import NOON
from tests.unit.results.paper.runs import GOOD, PLAIN, domain, host, written


def rows(run: Run, name: str, *history: Run) -> dict[tuple[Cell, ...], tuple[Cell, ...]]:
    """A table's rows: labels, and the other cells."""
    (table,) = (table for table in paper_tables(run, history) if table.key == name)
    labels = table.columns.index("domains") if "domains" in table.columns else 1
    return {row[:labels]: row[labels:] for row in table.rows}


def test_t1_counts_domains_and_distinct_hosts(run: Run) -> None:
    found = rows(run, "T1")
    assert found["funnel", "all domains"] == (5, 100.0, 2, 100.0)
    assert found["funnel", "take mail"] == (4, 80.0, 2, 100.0)
    assert found["funnel", "usable TLSA records of such a host"] == (3, 60.0, 1, 50.0)
    assert found["MX", "null MX"] == (1, 20.0, 0, 0.0)
    assert found["MX", "MX records"] == (4, 80.0, 2, 100.0)
    assert found["DANE", "protected"] == (2, 40.0, 1, 50.0)
    assert found["DANE", "partial"] == (1, 20.0, 2, 100.0)


def test_t2_counts_a_domain_by_what_got_furthest(run: Run) -> None:
    found = rows(run, "T2")
    assert found["TLS established",] == (3, 60.0, 1, 50.0)
    assert found["not offered",] == (1, 20.0, 1, 50.0)
    assert found["no address",] == (1, 20.0, 0, 0.0)
    assert sum(cells[0] for cells in found.values() if isinstance(cells[0], int)) == 5


def test_t3_counts_records_hosts_and_domains(tmp_path: Path) -> None:
    bad = TLSARecord(3, 1, 3, "00", Unusable.MATCHING_TYPE)
    pins = [records.MATCHING, replace(records.MATCHING, data="ff" * 32), bad]
    one = host("one.example", records.probe(), pins=pins)
    domains = [domain("a.example", ("one.example", 10, Dane.OK)), domain("b.example", ("good.example", 10, Dane.OK))]
    (table,) = (t for t in paper_tables(written(tmp_path / "run", domains, [one, GOOD])) if t.key == "T3")
    assert table.rows == (
        ("3 1 1", 3, 2, 100.0, 2, 100.0),
        ("3 1 3", 1, 1, 50.0, 1, 50.0),
        ("unusable: matching-type", None, 1, 50.0, 1, 50.0),
    )


def test_t6_and_t7_rank_providers(run: Run) -> None:
    found = rows(run, "T6")
    assert found[1, "good.example"][:2] == (3, 60.0)
    assert found[1, "good.example"][4:6] == (2, 66.67)
    (table,) = (t for t in paper_tables(run) if t.key == "T7")
    assert table.rows == ((1, 75.0, 100.0, None, 75.0), (2, 100.0, 100.0, None, 100.0))


def test_t9_tells_where_records_are_missing(tmp_path: Path) -> None:
    good, plain = "good.example", "plain.example"
    domains = [
        domain("all.example", (good, 10, Dane.OK)),
        domain("first.example", (good, 10, Dane.OK), (plain, 20, Dane.NONE)),
        domain("last.example", (plain, 10, Dane.NONE), (good, 20, Dane.OK)),
        domain("wrong.example", (good, 10, Dane.MISMATCH)),
        domain("none.example", (plain, 10, Dane.NONE)),
    ]
    found = rows(written(tmp_path / "run", domains, [GOOD, PLAIN]), "T9")
    assert [found["published", where][0] for where in ("all MX hosts", "primary MX hosts only", "some MX hosts")] == [
        2,
        1,
        1,
    ]
    assert found["matching", "no MX host"][0] == 1
    assert found["published", "all MX hosts"][1] == 50.0


def test_t10_agrees_with_the_report_and_has_days_to_expiry(run: Run) -> None:
    found = rows(run, "T10")
    assert found["version", "TLSv1.3"] == (3, 100.0, 1, 100.0)
    assert found["post-quantum group", "yes"][0] == 3
    assert found["days to expiry", "14-30"] == (3, 100.0, 1, 100.0)  # the certificate ends on 29 September


def test_t11_needs_a_history(tmp_path: Path, run: Run) -> None:
    assert not any(table.key == "T11" for table in paper_tables(run))
    with Store.create(tmp_path / "old", records.header(started=NOON - timedelta(days=1))) as store:
        store.finish(RunState.COMPLETE, {}, NOON)
    found = rows(run, "T11", Run.open(tmp_path / "old"))
    assert found["never-updated",][0] == 0


def test_t13_tells_families_apart(tmp_path: Path) -> None:
    v4, v6 = EndpointReport("192.0.2.1", (records.probe(),)), EndpointReport("2001:db8::1", (records.refused(),))
    other = EndpointReport("192.0.2.2", (records.probe(handshake=records.handshake(chain=(records.ISSUER_DIGEST,))),))
    both = replace(GOOD, key="both:25/smtp", host="both", endpoints=(v4, v6))
    four = replace(GOOD, key="four:25/smtp", host="four", endpoints=(v4, other))
    domains = [domain("a.example", ("both", 10, Dane.OK)), domain("b.example", ("four", 10, Dane.OK))]
    found = rows(written(tmp_path / "run", domains, [both, four]), "T13")
    assert found["hosts with several addresses",][::2] == (2, 2)
    assert found["hosts with IPv4 and IPv6",][::2] == (1, 1)
    assert found["reachable",][::2] == (1, 1)
    assert found["reachable, IPv4 against IPv6",] == (1, 100.0, 1, 100.0)
    assert found["certificate",][::2] == (1, 1)
    assert found["certificate, IPv4 against IPv6",][::2] == (0, 0)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (domain("a.example", ("x", 10, Dane.OK)), "MX records"),
        (replace(domain("a.example", ("x", 10, Dane.OK)), route=Route((RouteHost("x", 0),))), "host named itself"),
        (
            replace(
                domain("a.example", ("x", 10, Dane.OK)),
                route=Route((RouteHost("x", 0),), records.answer("a.example", "MX", outcome=Outcome.NODATA)),
            ),
            "implicit MX",
        ),
        (
            records.domain(
                route=Route(
                    (), records.answer("a", "MX", outcome=Outcome.ERROR, security=Security.BOGUS), final=Reason.MX_BOGUS
                ),
                hosts=(),
            ),
            "MX bogus",
        ),
        (
            records.domain(hosts=(), verdict=records.verdict(reasons=(Reason.NXDOMAIN,))),
            "no such domain, or no address",
        ),
        (
            records.domain(hosts=(), verdict=records.verdict(reasons=(Reason.MX_TARGETS_UNRESOLVABLE,))),
            "MX hosts without address",
        ),
    ],
)
def test_kinds_of_mx(tmp_path: Path, record: DomainRecord, expected: str) -> None:
    found = rows(written(tmp_path / "run", [record], []), "T1")
    assert [label for part, label in found if part == "MX" and found[part, label][0]] == [expected]


def test_mta_sts(tmp_path: Path, run: Run) -> None:
    assert "T14" not in [table.key for table in paper_tables(run)]
    good = ("good.example", 10, Dane.OK)
    protected = replace(domain("a.example", good, dane=DomainDane.PROTECTED), sts=sts.report(sts.policy()))
    invalid = replace(domain("b.example", good), sts=sts.report(b"x"), tlsrpt=sts.tlsrpt())
    judged = [
        replace(protected, verdict=replace(protected.verdict, sts=DomainSTS.PROTECTED, mechanism=Mechanism.BOTH)),
        replace(invalid, verdict=replace(invalid.verdict, sts=DomainSTS.INVALID, mechanism=Mechanism.OPPORTUNISTIC)),
        domain("c.example", good),
    ]
    found = rows(written(tmp_path / "sts", judged, [GOOD]), "T14")
    steps = {label: cells[0] for (part, label), cells in found.items() if part == "step"}
    assert steps == {"examined": 2, "record": 2, "policy": 1, "enforce": 1, "protected": 1}
    assert found["step", "policy"] == (1, 50.0, 1, 100.0)
    assert {label: cells[0] for (part, label), cells in found.items() if part == "DANE and MTA-STS"} == {
        "DANE protected, MTA-STS protected": 1,
        "DANE none, MTA-STS invalid": 1,
    }
    assert found["TLSRPT record", "absent"][:2] == (1, 50.0)
