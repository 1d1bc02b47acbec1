"""One scan of the lab told in every way: all numbers agree, and nothing changes when it is judged again."""

import csv
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from results.count.summary import summarise
from results.diff.compare import compare
from results.diff.rejudge import Rejudge, rejudge
from results.export import files as export
from results.export.database import load
from results.export.metrics import metrics
from results.paper.tables import paper_tables
from results.render.tables import Cell
from results.store.reader import Run
from scanner.net import truststore
from tests.lab.use import Lab
from tests.sweep import Scan

pytestmark = pytest.mark.lab

FIELDS = ("outcome", "sender", "dane", "starttls")


@pytest.fixture(scope="module")
def run(scan: Scan) -> Run:
    return Run.open(scan.run)


def test_report_and_csv_agree(run: Run, tmp_path: Path) -> None:
    summary = summarise(run)
    paths = {path.stem: path for path in export.to_csv([run], tmp_path)}
    rows = {}
    for name, path in paths.items():
        with path.open(newline="") as file:
            rows[name] = list(csv.DictReader(file))
    for field in FIELDS:
        assert Counter(row[field] for row in rows["domains"]) == getattr(summary, field)
    assert Counter(reason for row in rows["domains"] for reason in row["all_reasons"].split()) == summary.reasons
    assert Counter(row["dane"] for row in rows["hosts"] if row["dane"]) == summary.host_dane
    assert len(rows["hosts"]) == summary.hosts
    assert len(rows["endpoints"]) == summary.endpoints
    for column, table in (("tls_version", summary.tls_versions), ("cipher", summary.ciphers)):
        assert Counter(row[column] for row in rows["endpoints"] if row[column]) == table


def test_report_and_sql_agree(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    summary = summarise(run)
    (path,) = export.to_sqlite([run], tmp_path)
    with load(run) as database, closing(sqlite3.connect(path)) as sqlite:
        for field in FIELDS:
            sql = f"SELECT {field}, count(*) FROM domains GROUP BY {field}"  # noqa: S608 - our own names
            assert dict(database.ask(sql)[1]) == getattr(summary, field)
            assert dict(sqlite.execute(sql).fetchall()) == getattr(summary, field)
        sql = "SELECT provider, count(DISTINCT domain) FROM routes JOIN hosts USING (host_key) GROUP BY provider"
        assert (
            dict(sqlite.execute(sql).fetchall()).items() <= {row.name: row.domains for row in summary.providers}.items()
        )


def column(rows: Sequence[tuple[Cell, ...]], place: int) -> int:
    return sum(cell for row in rows if isinstance(cell := row[place], int))


def test_report_and_paper_agree(run: Run) -> None:
    summary = summarise(run)
    tables = {table.key: table for table in paper_tables(run)}
    assert {row[1]: row[2] for row in tables["T1"].rows if row[0] == "DANE" and row[2]} == summary.dane
    steps = [row[2] for row in tables["T1"].rows if row[0] == "funnel"]
    assert steps[:3] == [summary.funnel.domains, summary.funnel.with_mail, summary.funnel.mx_secure]
    assert column([row for row in tables["T1"].rows if row[0] == "MX"], 2) == summary.funnel.domains
    assert column(tables["T2"].rows, 1) == summary.funnel.domains
    assert column(tables["T2"].rows, 3) == summary.hosts
    (established,) = (row for row in tables["T2"].rows if row[0] == "TLS established")
    shaken = summary.tables["tls_versions"].base
    assert (established[1], established[3]) == (shaken.domains, shaken.hosts)
    assert column(tables["T5"].rows, 3) == summary.host_dane["mismatch"]


def test_report_and_metrics_agree(run: Run) -> None:
    summary = summarise(run)
    text = metrics(run)
    for word, count in summary.dane.items():
        assert f'\nmxsweep_domains_by_dane{{verdict="{word}"}} {count}\n' in text


def test_judged_again_nothing_changes(run: Run, lab: Lab) -> None:
    """The same code, level, time and trusted roots: every record is the same, evidence included."""
    trust = truststore.load(str(lab.root_pem), None)
    judge = Rejudge(run, trust)
    assert [old.key for old in run.domains() if judge.record(old) != old] == []
    assert [old.key for old in run.hosts() if judge.report(old.key) != old] == []
    found = rejudge(run, trust)
    assert (found.left, found.changed, found.endpoints) == (0, [], [])


def test_a_run_does_not_differ_from_itself(run: Run) -> None:
    found = compare([run, run])
    assert found.compared == summarise(run).funnel.domains
    news = (found.added, found.removed, found.new_broken, found.fixed, found.changed, found.mx, found.certificates)
    assert news == ([],) * len(news)
    assert (found.tlsa, found.rollovers, found.flapping, found.transitions) == ([], [], [], {})
