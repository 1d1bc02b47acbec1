"""The tables of names in a report."""

from dataclasses import replace
from pathlib import Path

from results.count.columns import NO_VALUE
from results.count.summary import summarise
from results.report.listings import listings
from tests.unit import records
from tests.unit.results.explain.test_worklist import BROKEN, run_of


def test_rejected_lines_are_those_of_the_header(tmp_path: Path) -> None:
    """run.json counts all rejected lines."""
    run = run_of(tmp_path / "run", [records.domain()])
    header = replace(run.header, reject_reasons={"not-a-domain": 3})
    tables = listings(summarise(run), header, "")
    assert next(table for table in tables if table.key == "rejects").rows == (("not-a-domain", 3),)


def test_the_first_column_names_the_rows(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [records.domain(), replace(BROKEN, key="b.example")])
    tables = {table.key: table for table in listings(summarise(run, 60, "owner"), run.header, "owner")}
    assert list(tables) == ["by-column", "providers", "post-quantum", "expiring", "slowest"]
    assert tables["by-column"].rows == ((NO_VALUE, 2, 1, 1, 0),)
    assert tables["providers"].rows == (("mx1.example", 2, 1, 1, 1, 2, 1),)
    assert tables["post-quantum"].rows == (("mx1.example", 1, 1, 0, 0, 0.0),)
    assert tables["expiring"].rows == (("mx1.example", 2, "2026-09-29"),)
    assert tables["slowest"].rows[0][:2] == ("mx1.example", "192.0.2.1")
