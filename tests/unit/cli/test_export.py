"""The commands export and query on a stored run."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from scanner.cli.commands import main
from tests.unit.results.export.conftest import FORMULA, written

needs_duckdb = pytest.mark.skipif(find_spec("duckdb") is None, reason="DuckDB is an extra")
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def run(tmp_path: Path) -> str:
    return str(written(tmp_path / "run").path)


@needs_duckdb
def test_query_in_every_format(run: str, capfd: Capture) -> None:
    sql = "SELECT domain, rank, dane = 'broken' AS b FROM domains ORDER BY 1"
    assert main(["query", run, sql, "--format", "json"]) == 0
    assert [json.loads(line) for line in capfd.readouterr().out.splitlines()] == [
        {"domain": "a.example", "rank": 1234, "b": False},
        {"domain": "b.example", "rank": 1234, "b": True},
    ]
    assert main(["query", run, "SELECT 1 AS x, text FROM domains", "--format", "csv"]) == 0
    assert capfd.readouterr().out.splitlines() == ["x,text", "1,", f"1,'{FORMULA}"]
    assert main(["query", run, "SELECT domain FROM domains"]) == 0
    assert "b.example" in capfd.readouterr().out


@needs_duckdb
def test_query_of_two_runs(run: str, tmp_path: Path, capfd: Capture) -> None:
    later = str(written(tmp_path / "later").path)
    sql = "SELECT run, count(*) AS domains FROM domains GROUP BY run ORDER BY run"
    assert main(["query", run, later, sql, "--format", "csv"]) == 0
    assert capfd.readouterr().out.splitlines() == ["run,domains", "later,2", "run,2"]


@needs_duckdb
def test_lists_in_every_format(run: str, capfd: Capture) -> None:
    sql = "SELECT reasons_list, reasons FROM domains ORDER BY domain DESC LIMIT 1"
    assert main(["query", run, sql, "--format", "json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"reasons_list": ["tlsa-mismatch"], "reasons": "tlsa-mismatch"}
    assert main(["query", run, sql, "--format", "csv"]) == 0
    assert capfd.readouterr().out.splitlines()[1] == '"[""tlsa-mismatch""]",tlsa-mismatch'
    assert main(["query", run, sql]) == 0
    assert '["tlsa-mismatch"]' in capfd.readouterr().out


def test_a_run_is_named_once(run: str, tmp_path: Path, capfd: Capture) -> None:
    assert main(["export", run, f"{run}/.", "-o", str(tmp_path / "out")]) == 2
    assert capfd.readouterr().err == f"mxsweep: {run}: the run is named twice\n"


def test_query_needs_a_run_and_a_query(run: str, capfd: Capture) -> None:
    for words in ([run], [run, run]):
        assert main(["query", *words]) == 2
        expected = f"mxsweep: {run}: the last argument has to be an SQL query\n"
        assert capfd.readouterr().err == expected
    assert main(["query", "SELECT 1"]) == 2
    assert capfd.readouterr().err == "mxsweep: a RUN before the SQL query was expected\n"


@needs_duckdb
def test_a_run_without_data_of_a_table_that_is_not_named(run: str, capfd: Capture) -> None:
    (Path(run) / "hosts.jsonl").write_text("corrupt\n")
    assert main(["query", run, "SELECT count(*) AS n FROM domains", "--format", "csv"]) == 0
    shown = capfd.readouterr()
    assert (shown.out.splitlines(), shown.err) == (["n", "2"], "")


@needs_duckdb
def test_wrong_sql_is_a_usage_error(run: str, capfd: Capture) -> None:
    assert main(["query", run, "SELECT nothing FROM nowhere"]) == 2
    assert "nowhere" in capfd.readouterr().err


def test_without_duckdb_the_message_has_the_command_to_install_it(
    run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)  # an import statement treats None as "not installed"
    for arguments in (["query", run, "SELECT 1"], ["export", run, "--format", "parquet", "-o", str(tmp_path / "p")]):
        assert main(arguments) == 3
        assert "pip install 'mxsweep[export]'" in capfd.readouterr().err
    assert main(["export", run, "-o", str(tmp_path / "csv")]) == 0
