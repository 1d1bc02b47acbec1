"""The report as data."""

from pathlib import Path

import pytest

from results.report.model import COUNTS, MEANINGS, OPEN, make_report
from scanner.vocabulary import RunState, Security
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
