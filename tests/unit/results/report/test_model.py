"""The report as data."""

from datetime import timedelta
from pathlib import Path

import pytest

from results.count.summary import Count
from results.report.model import COUNTS, MEANINGS, OPEN, make_report
from scanner.core import rollup
from scanner.model import RouteHost
from scanner.reasons import Reason
from scanner.vocabulary import DomainDane, DomainOutcome, RunState, Security
from tests.unit import records
from tests.unit.records import NOON
from tests.unit.results.explain.test_worklist import BROKEN, run_of


def test_a_section_by_its_key(tmp_path: Path) -> None:
    report = make_report(run_of(tmp_path / "run", [records.domain(key="b.example"), BROKEN]))
    rows = {row.word: (row.meaning, row.count.domains) for row in report.table("outcome").rows}
    assert rows == {"ok": ("mail is delivered", 1), "fail": ("mail is not delivered", 1)}
    with pytest.raises(StopIteration):
        report.table("moon")


def test_the_steps_to_protection_have_names(tmp_path: Path) -> None:
    report = make_report(run_of(tmp_path / "run", [records.domain()]))
    assert [row.word for row in report.table("funnel").rows] == [
        "all",
        "take mail",
        "signed MX",
        "TLSA",
        "match",
        "protected",
    ]
    assert report.title == f"Run of {NOON:%Y-%m-%d %H:%M} UTC: {RunState.COMPLETE}, took 1 h 00 min"


def test_every_closed_section_has_its_meanings() -> None:
    keys = {key for key, _, _ in COUNTS}
    assert set(MEANINGS) <= keys
    assert set(OPEN) <= keys
    for key in ("dnssec_mx", "dnssec_host", "dnssec_tlsa"):
        assert set(MEANINGS[key]) == {*Security, "not asked"}


def test_the_number_of_explained_hosts_is_limited(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [BROKEN])
    assert len(make_report(run).tasks) == 1
    limited = make_report(run, top=0)
    assert (len(limited.tasks), limited.failing) == (0, 1)


def test_the_figures(tmp_path: Path) -> None:
    """Newly broken domains are known only with an earlier run."""
    gone = records.verdict(dane=DomainDane.NO_MAIL, outcome=DomainOutcome.NO_MAIL, reasons=(Reason.NXDOMAIN,))
    domains = [records.domain(key="b.example"), records.domain(key="c.example", hosts=(), verdict=gone), BROKEN]
    run = run_of(tmp_path / "run", domains)
    past = run_of(tmp_path / "past", [records.domain()], started=NOON - timedelta(days=1))
    alone, compared = make_report(run).figures, make_report(run, history=[past]).figures
    assert {row.word: row.count for row in alone.rows} == {
        "protected": Count(1, 1),
        "broken": Count(1, 1),
        "unknown": Count(0, 0),
        "absent": Count(1, 0),
    }
    assert {row.word: row.count for row in compared.rows}["newly broken"] == Count(1, 1)
    assert compared.base == Count(3, 1)


def test_domains_above_a_limit_are_listed_with_their_hosts(tmp_path: Path) -> None:
    limits = (Reason.HOST_LIMIT, Reason.ADDRESS_LIMIT)
    examined = [
        records.host_verdict(host="mx1.example", reasons=(Reason.ADDRESS_LIMIT,)),
        records.host_verdict(reasons=()),
    ]
    beyond = [rollup.unexamined(RouteHost(f"mx{place}.example", 50), Reason.HOST_LIMIT) for place in range(3, 6)]
    verdict = records.verdict(reasons=limits)
    above = records.domain(key="above.example", verdict=verdict, hosts=(*examined, *beyond))
    report = make_report(run_of(tmp_path / "run", [records.domain(key="b.example"), above]))
    (listing,) = [listing for listing in report.listings if listing.key == "limited"]
    assert listing.rows == (("above.example", 3, "mx1.example"),)
