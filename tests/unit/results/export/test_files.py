"""The tables of a run as CSV, SQLite and Parquet files."""

import csv
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from results.export import files as export
from results.export.rows import ROWS
from results.store.files import StoreError
from results.store.reader import Run
from tests.unit import records
from tests.unit.results.export.conftest import FORMULA

needs_duckdb = pytest.mark.skipif(find_spec("duckdb") is None, reason="DuckDB is an extra")


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
        counts = [len(database.execute(f"SELECT * FROM {name}").fetchall()) for name in ROWS]  # noqa: S608 - names of this project
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
