"""Runs as DuckDB relations and data frames."""

import gc
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import results
from results.export.database import MissingExtraError, QueryError
from results.export.frames import RunDatabase
from results.store.reader import Run
from tests.unit import records

pytestmark = pytest.mark.skipif(find_spec("duckdb") is None, reason="DuckDB is an extra")

SQL = "SELECT domain, dane, reasons_list, observed_at FROM domains ORDER BY domain"
FIRST = {"domain": "a.example", "dane": "protected", "reasons_list": [], "observed_at": records.NOON}


def test_a_relation_of_one_run(run: Run) -> None:
    opened = results.open(run.path)
    assert opened.sql("SELECT dane FROM domains ORDER BY 1").fetchall() == [("broken",), ("protected",)]
    assert opened.table("hosts").filter("domains = 2").project("host").fetchall() == [("mx1.example",)]
    assert opened.table("certs").columns[0] == "sha256"
    assert "a.example" in repr(opened.table("domains"))


def test_relations_of_several_runs(run: Run, later: Run) -> None:
    database = results.database(run.path, results.open(later.path))
    grouped = database.sql("SELECT run, count(*) AS n FROM domains GROUP BY run ORDER BY run")
    assert grouped.fetchall() == [("later", 2), ("run", 2)]
    assert database.table("current").aggregate("run, count(*)").fetchall() == [("later", 2)]


def test_pandas(run: Run) -> None:
    frame = results.open(run.path).sql(SQL).df()
    row = frame.to_dict("records")[0]
    assert row | {"reasons_list": list(row["reasons_list"])} == FIRST


def test_pyarrow(run: Run) -> None:
    table = results.open(run.path).sql(SQL).arrow()
    assert table.to_pylist()[0] == FIRST


def test_polars(run: Run) -> None:
    frame = results.open(run.path).sql(SQL).pl()
    assert frame.to_dicts()[0] == FIRST


@pytest.mark.parametrize(("method", "package"), [("df", "pandas"), ("arrow", "pyarrow"), ("pl", "polars")])
def test_a_missing_package_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, method: str, package: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    relation = results.open(run.path).table("domains")
    with pytest.raises(MissingExtraError) as raised:
        getattr(relation, method)()
    assert str(raised.value) == f"{method}() needs {package}: pip install 'mxsweep[{package}]'"


def test_sql_does_not_read_variables(run: Run) -> None:
    domain_owners = results.open(run.path).table("domains").df()
    with pytest.raises(QueryError, match="domain_owners does not exist"):
        results.open(run.path).sql("FROM domain_owners")
    assert len(domain_owners) == 2


def test_wrong_names_and_sql(run: Run) -> None:
    with pytest.raises(KeyError):
        results.open(run.path).table("nothing")
    with pytest.raises(QueryError, match="nowhere"):
        results.open(run.path).sql("FROM nowhere")
    with pytest.raises(AttributeError):
        results.open(run.path).table("domains").nothing  # noqa: B018 - the access is the test


def test_the_database_exists_as_long_as_its_relations(run: Run) -> None:
    relation = RunDatabase([run]).table("domains")
    gc.collect()
    assert len(relation.fetchall()) == 2


def test_the_temporary_directory_is_removed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    database = RunDatabase([run])
    assert len(list(place.iterdir())) == 1
    del database
    gc.collect()
    assert list(place.iterdir()) == []
