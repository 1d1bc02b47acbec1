"""Tables of a run, in every form, and the documented queries."""

import csv
import json
import re
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from results.export import files as export
from results.export.database import load
from results.export.rows import ROWS, Flattener, columns
from results.store.files import StoreError
from results.store.reader import Run
from results.store.writer import Store
from scanner.cli.commands import export as export_command
from scanner.cli.commands import query as query_command
from scanner.cli.errors import CliError, Exit
from scanner.model import EndpointReport, HostVerdict
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, RunState
from tests.unit import records

needs_duckdb = pytest.mark.skipif(find_spec("duckdb") is None, reason="DuckDB is an extra")
QUERIES = re.findall(r"```sql\n(.*?)```", (Path(__file__).parents[4] / "docs" / "queries.md").read_text(), re.DOTALL)
FORMULA = "=HYPERLINK(1)"


def broken_host() -> HostVerdict:
    return records.host_verdict(dane=Dane.MISMATCH, reasons=(Reason.TLSA_MISMATCH,))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two domains at one host, which the second sees as broken; its second address refuses."""
    path = tmp_path / "run"
    with Store.create(path, records.header()) as store:
        store.put_host(records.report(), [records.cert()])
        store.put_domain(records.domain(), [], {})
        verdict = records.verdict(dane=DomainDane.BROKEN, reasons=(Reason.TLSA_MISMATCH,), text=FORMULA)
        store.put_domain(records.domain(key="b.example", verdict=verdict, hosts=(broken_host(),)), [], {})
        store.finish(RunState.COMPLETE, {}, records.NOON)
    return Run.open(path)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_for_each(run: Run, tmp_path: Path) -> None:
    paths = {path.stem: path for path in export.to_csv(run, tmp_path / "out")}
    assert [len(rows_of(paths[name])) for name in ROWS] == [2, 2, 1, 2, 1]
    first, second = rows_of(paths["domains"])
    assert (first["domain"], first["dane"], first["rank"]) == ("a.example", "protected", "1234")
    assert first["all_reasons"] == "some-addresses-unreachable connection-refused"
    assert first["observed_at"] == "2026-09-01T12:00:00.250000Z"
    assert (second["dane"], second["provider"]) == ("broken", "mx1.example")
    (host,) = rows_of(paths["hosts"])
    assert (host["domains"], host["dane"], host["tlsa"]) == ("2", "mismatch", "usable")
    reached, refused = rows_of(paths["endpoints"])
    assert (reached["tls_version"], reached["leaf"], reached["tlsa_matched"]) == ("TLSv1.3", records.DIGEST, "true")
    assert (reached["family"], refused["family"]) == ("4", "6")
    assert (refused["failure_kind"], refused["failure_code"], refused["tls_version"]) == ("refused", "111", "")


def test_csv_holds_no_formula(run: Run, tmp_path: Path) -> None:
    export.to_csv(run, tmp_path / "out")
    assert rows_of(tmp_path / "out" / "domains.csv")[1]["text"] == "'" + FORMULA


def test_sqlite_has_the_same_rows_typed(run: Run, tmp_path: Path) -> None:
    (path,) = export.to_sqlite(run, tmp_path)
    with closing(sqlite3.connect(path)) as database:
        counts = [len(database.execute(f"SELECT * FROM {name}").fetchall()) for name in ROWS]  # noqa: S608 - our own names
        assert counts == [2, 2, 1, 2, 1]
        assert database.execute("SELECT text, rank FROM domains WHERE domain = 'b.example'").fetchone() == (
            FORMULA,
            1234,
        )
        row = database.execute("SELECT tlsa_matched, failure_code, started FROM endpoints WHERE family = 4").fetchone()
        assert row == (1, None, "2026-09-01T12:00:00.250000Z")


@needs_duckdb
def test_parquet_has_the_same_rows_typed(run: Run, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    paths = export.to_parquet(run, tmp_path / "o'ut")
    assert [path.stem for path in paths] == list(ROWS)
    for path, expected in zip(paths, [2, 2, 1, 2, 1], strict=True):
        assert duckdb.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone()[0] == expected
    row = duckdb.execute("SELECT started, tlsa_matched FROM read_parquet(?)", [str(paths[3])]).fetchone()
    assert row == (records.NOON.replace(tzinfo=None), True)


@pytest.mark.parametrize("form", list(export.FORMATS))
def test_nothing_is_overwritten(run: Run, tmp_path: Path, form: str) -> None:
    paths = export.FORMATS[form](run, tmp_path / "out")
    before = [path.read_bytes() for path in paths]
    with pytest.raises(StoreError, match="nothing is overwritten"):
        export.FORMATS[form](run, tmp_path / "out")
    assert [path.read_bytes() for path in paths] == before


def test_columns_have_types_that_every_form_knows() -> None:
    for kind in ROWS.values():
        assert set(columns(kind).values()) <= {str, int, float, bool, datetime}


def test_an_address_without_any_session_has_a_row(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Store.create(path, records.header()) as store:
        alone = replace(records.report(), endpoints=(EndpointReport("192.0.2.1", (records.refused("192.0.2.1"),)),))
        store.put_host(alone, [])
        store.finish(RunState.COMPLETE, {}, records.NOON)
    tables = {name: list(rows) for name, rows in Flattener(Run.open(path)).tables()}
    assert tables["endpoints"][0].leaf is None
    assert tables["hosts"][0].dane == ""  # no domain has told


# --- queries --------------------------------------------------------------------------------------------------


def ask(run: Run, *arguments: str) -> Result:
    return CliRunner().invoke(query_command, [str(run.path), *arguments], standalone_mode=False)


@needs_duckdb
def test_the_documented_queries_are_found() -> None:
    assert len(QUERIES) >= 10


@needs_duckdb
@pytest.mark.parametrize("sql", QUERIES)
def test_every_documented_query_runs(run: Run, sql: str) -> None:
    with load(run) as database:
        names, rows = database.ask(sql)
        assert names
        list(rows)


@needs_duckdb
def test_a_query_brings_what_the_run_holds(run: Run) -> None:
    lines = ask(run, "SELECT domain, rank, dane = 'broken' AS b FROM domains ORDER BY 1", "--format", "json").output
    assert [json.loads(line) for line in lines.splitlines()] == [
        {"domain": "a.example", "rank": 1234, "b": False},
        {"domain": "b.example", "rank": 1234, "b": True},
    ]
    assert ask(run, "SELECT 1 AS x, text FROM domains", "--format", "csv").output == f"x,text\n1,\n1,'{FORMULA}\n"
    assert "b.example" in ask(run, "SELECT domain FROM domains").output


@needs_duckdb
def test_wrong_sql_is_the_users_error(run: Run) -> None:
    error = ask(run, "SELECT nothing FROM nowhere").exception
    assert isinstance(error, CliError)
    assert "nowhere" in str(error)
    assert error.code is Exit.USAGE


def test_without_duckdb_one_line_says_what_to_install(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)  # what an import statement takes for "not installed"
    for result in (
        ask(run, "SELECT 1"),
        CliRunner().invoke(
            export_command, [str(run.path), "--format", "parquet", "-o", str(tmp_path / "p")], standalone_mode=False
        ),
    ):
        assert isinstance(result.exception, CliError)
        assert "pip install 'mxsweep[export]'" in str(result.exception)
        assert result.exception.code is Exit.UNFIT
    result = CliRunner().invoke(export_command, [str(run.path), "-o", str(tmp_path / "csv")], standalone_mode=False)
    assert result.exception is None
