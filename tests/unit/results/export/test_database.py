"""A run in DuckDB, and the documented queries."""

import re
from datetime import timedelta, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from results.export.database import QueryError, load, plain
from results.store.files import StoreError
from results.store.reader import Run
from tests.unit import records

needs_duckdb = pytest.mark.skipif(find_spec("duckdb") is None, reason="DuckDB is an extra")
PAGE = (Path(__file__).parents[4] / "docs" / "queries.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


@needs_duckdb
def test_the_documented_queries_are_found() -> None:
    assert len(QUERIES) >= 10


@needs_duckdb
@pytest.mark.parametrize("sql", QUERIES)
def test_every_documented_query_runs(run: Run, later: Run, sql: str) -> None:
    with load(run, later) as database:
        names, rows = database.ask(sql)
        assert names
        list(rows)


@needs_duckdb
def test_the_documented_python_runs(run: Run, later: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.path.parent)
    for name, opened in {"RUN": run, "OLD": run, "NEW": later}.items():
        Path(name).symlink_to(opened.path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - a page of this repository
    assert (len(names["frame"]), len(names["broken"]), names["shares"].num_rows) == (1, 1, 4)


@needs_duckdb
def test_wrong_sql_is_an_error(run: Run) -> None:
    with load(run) as database, pytest.raises(QueryError, match="nowhere"):
        database.ask("SELECT nothing FROM nowhere")


@needs_duckdb
def test_duckdb_installs_nothing(run: Run) -> None:
    with load(run) as database:
        _, rows = database.ask("SELECT current_setting('autoinstall_known_extensions')")
        assert list(rows) == [(False,)]


@needs_duckdb
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{place}/secret')",
        "SELECT * FROM read_csv('{place}/secret')",
        "SELECT * FROM '{place}/secret.csv'",
        "SELECT * FROM glob('{place}/*')",
        "COPY domains TO '{place}/copy.csv'",
        "EXPORT DATABASE '{place}/copy'",
        "ATTACH '{place}/copy.duckdb'",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "SET temp_directory = '{place}'",
        "PRAGMA profiling_output = '{place}/profile'",
        "INSTALL httpfs",
        "LOAD httpfs",
    ],
)
def test_sql_reaches_no_other_file(run: Run, tmp_path: Path, sql: str) -> None:
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "secret.csv").write_text("secret\n1\n")
    before = sorted(tmp_path.iterdir())
    with load(run) as database, pytest.raises(QueryError, match=r"disabled|locked|does not exist"):
        list(database.ask(sql.format(place=tmp_path))[1])
    assert sorted(tmp_path.iterdir()) == before


@needs_duckdb
def test_files_on_request(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ranks.csv").write_text("domain,place\na.example,7\n")
    sql = f"SELECT place FROM domains JOIN '{tmp_path}/ranks.csv' USING (domain)"  # noqa: S608 - a path of this test
    with load(run, allow_files=True) as database:
        assert list(database.ask(sql)[1]) == [(7,)]


@needs_duckdb
def test_sql_reaches_no_file_after_a_further_table_was_filled(run: Run) -> None:
    with load(run) as database:
        list(database.ask("SELECT * FROM domains")[1])
        assert len(list(database.ask("SELECT * FROM routes JOIN certs ON true")[1])) == 2
        with pytest.raises(QueryError, match="disabled"):
            database.ask(f"SELECT * FROM read_text('{run.path}/run.json')")  # noqa: S608 - a path of this test
        with pytest.raises(QueryError, match="disabled"):
            database.ask(f"COPY domains TO '{run.path}/domains.jsonl'")


@needs_duckdb
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT run, count(*) FROM domains GROUP BY run ORDER BY run", [("later", 2), ("run", 2)]),
        ("SELECT domain, run FROM current ORDER BY domain", [("a.example", "later"), ("b.example", "run")]),
        ("SELECT sum(domains) FROM hosts GROUP BY run ORDER BY run", [(2,), (2,)]),
        ("SELECT DISTINCT country FROM current", [("nl",)]),
        ("SELECT count(*) FROM query_table('dom' || 'ains')", [(4,)]),
        ("SELECT run FROM runs ORDER BY started", [("run",), ("later",)]),
        ("SELECT typeof(observed_at) FROM DOMAINS LIMIT 1", [("TIMESTAMP WITH TIME ZONE",)]),
    ],
)
def test_runs_together(run: Run, later: Run, sql: str, expected: list[tuple[object, ...]]) -> None:
    file = later.path / "domains.jsonl"
    file.write_bytes(
        file.read_bytes().replace(b'{"key":"b.example"', b'{"key":"c.example"')
        if "current" in sql
        else file.read_bytes()
    )
    with load(later, run) as database:
        found = list(database.ask(sql)[1])
    if "domain, run" in sql:
        expected = [*expected, ("c.example", "later")]
    assert found == expected


@needs_duckdb
def test_tables_that_are_not_named_are_not_read(run: Run) -> None:
    (run.path / "hosts.jsonl").write_text("corrupt\n")
    with load(run) as database:
        assert list(database.ask("SELECT count(*) FROM domains")[1]) == [(2,)]
        assert ("hosts",) in list(database.ask("SELECT table_name FROM information_schema.tables")[1])
        with pytest.raises(StoreError, match="hosts"):
            database.ask("SELECT * FROM hosts")


def test_times_are_rfc_3339_text() -> None:
    assert plain([records.NOON.replace(tzinfo=None), 1, None, True]) == ["2026-09-01T12:00:00.250000Z", 1, None, True]
    east = records.NOON.astimezone(timezone(timedelta(hours=2)))
    assert plain([east, ["a", None]]) == ["2026-09-01T12:00:00.250000Z", ["a", None]]
