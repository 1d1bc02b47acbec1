"""The tables of a run as CSV, SQLite and Parquet files."""

import csv
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from results.export import files as export
from results.export.tables import TABLES
from results.store.corrupt import CorruptLines
from results.store.files import StoreError
from results.store.reader import Run
from tests.unit import records
from tests.unit.results.export.conftest import FORMULA

needs_duckdb = pytest.mark.skipif(find_spec("duckdb") is None, reason="DuckDB is an extra")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_for_each(run: Run, tmp_path: Path) -> None:
    paths = {path.stem: path for path in export.to_csv([run], tmp_path / "out")}
    assert [len(rows_of(paths[name])) for name in TABLES] == [2, 2, 1, 2, 1, 0, 1]
    first, second = rows_of(paths["domains"])
    assert (first["domain"], first["dane"], first["rank"]) == ("a.example", "protected", "1234")
    assert first["all_reasons"] == "some-addresses-unreachable connection-refused"
    assert first["observed_at"] == "2026-09-01T12:00:00.250000Z"
    assert first["all_reasons_list"] == '["some-addresses-unreachable","connection-refused"]'
    assert (first["run"], first["fields"], first["country"]) == ("run", '{"country":"nl"}', "nl")
    assert (second["dane"], second["provider"]) == ("broken", "mx1.example")
    (host,) = rows_of(paths["hosts"])
    assert (host["domains"], host["dane"], host["tlsa"]) == ("2", "mismatch", "usable")
    reached, refused = rows_of(paths["endpoints"])
    assert (reached["tls_version"], reached["leaf"], reached["tlsa_matched"]) == ("TLSv1.3", records.DIGEST, "true")
    assert (reached["family"], refused["family"]) == ("4", "6")
    assert (refused["failure_kind"], refused["failure_code"], refused["tls_version"]) == ("refused", "111", "")


def test_csv_holds_no_formula(run: Run, tmp_path: Path) -> None:
    export.to_csv([run], tmp_path / "out")
    assert rows_of(tmp_path / "out" / "domains.csv")[1]["text"] == "'" + FORMULA


def test_sqlite_has_the_same_rows_typed(run: Run, tmp_path: Path) -> None:
    (path,) = export.to_sqlite([run], tmp_path)
    with closing(sqlite3.connect(path)) as database:
        counts = [len(database.execute(f"SELECT * FROM {name}").fetchall()) for name in TABLES]  # noqa: S608 - names of this project
        assert counts == [2, 2, 1, 2, 1, 0, 1]
        assert database.execute("SELECT text, rank FROM domains WHERE domain = 'b.example'").fetchone() == (
            FORMULA,
            1234,
        )
        row = database.execute("SELECT tlsa_matched, failure_code, started FROM endpoints WHERE family = 4").fetchone()
        assert row == (1, None, "2026-09-01T12:00:00.250000Z")


@needs_duckdb
def test_parquet_has_the_same_rows_typed(run: Run, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    paths = export.to_parquet([run], tmp_path / "o'ut")
    assert [path.stem for path in paths] == list(TABLES)
    for path, expected in zip(paths, [2, 2, 1, 2, 1, 0, 1], strict=True):
        assert duckdb.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone()[0] == expected
    row = duckdb.execute("SELECT started, tlsa_matched FROM read_parquet(?)", [str(paths[3])]).fetchone()
    assert row == (records.NOON, True)


@pytest.mark.parametrize("form", list(export.FORMATS))
def test_nothing_is_overwritten(run: Run, tmp_path: Path, form: str) -> None:
    paths = export.FORMATS[form]([run], tmp_path / "out")
    before = [path.read_bytes() for path in paths]
    with pytest.raises(StoreError, match="nothing is overwritten"):
        export.FORMATS[form]([run], tmp_path / "out")
    assert [path.read_bytes() for path in paths] == before


OLD_COLUMNS = {
    "domains": "domain outcome sender dane starttls level reasons all_reasons tlsrpt text mx_outcome mx_security"
    " mx_hosts provider rank source line raw observed_at",
    "routes": "domain host_key host preference dane starttls sender votes conclusive reasons text",
    "hosts": "host_key host port mode provider domains dane tlsa tlsa_reason tlsa_base_domain tlsa_records a_outcome"
    " a_security aaaa_outcome aaaa_security addresses skipped observed_at",
    "endpoints": "host_key host address family started ms probes starttls tls_version cipher tls_group signature"
    " sni leaf chain tlsa_matched tlsa_depth tlsa_record pkix_trusted pkix_error banner failure_phase"
    " failure_kind failure_code failure_text defects",
    "certs": "sha256 spki_sha256 subject issuer issuer_cn dns_names not_before not_after key_type key_bits curve"
    " signature_algorithm is_ca self_issued parse_error",
}


@pytest.mark.parametrize(("table", "names"), OLD_COLUMNS.items())
def test_the_columns_of_0_1_0_keep_their_places(run: Run, tmp_path: Path, table: str, names: str) -> None:
    paths = {path.stem: path for path in export.to_csv([run], tmp_path / "out")}
    with paths[table].open(newline="") as file:
        assert " ".join(next(csv.reader(file))).startswith(f"{names} ")


def test_two_runs_in_the_same_tables(run: Run, later: Run, tmp_path: Path) -> None:
    paths = {path.stem: path for path in export.to_csv([run, later], tmp_path / "out")}
    assert [(row["run"], row["domain"]) for row in rows_of(paths["domains"])] == [
        *(("run", "a.example"), ("run", "b.example")),
        *(("later", "a.example"), ("later", "b.example")),
    ]
    assert [row["run"] for row in rows_of(paths["runs"])] == ["run", "later"]
    (sqlite,) = export.to_sqlite([run, later], tmp_path / "out")
    with closing(sqlite3.connect(sqlite)) as database:
        assert database.execute("SELECT run, count(*) FROM hosts GROUP BY run ORDER BY run").fetchall() == [
            ("later", 1),
            ("run", 1),
        ]


@needs_duckdb
def test_a_duckdb_database_of_two_runs(run: Run, later: Run, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    (path,) = export.to_duckdb([run, later], tmp_path / "o'ut")
    with duckdb.connect(str(path), read_only=True) as database:
        assert database.execute("SELECT run, count(*) FROM domains GROUP BY run ORDER BY run").fetchall() == [
            ("later", 2),
            ("run", 2),
        ]
        assert database.execute("SELECT DISTINCT run FROM current").fetchall() == [("later",)]


@needs_duckdb
def test_an_export_to_duckdb_that_fails_leaves_no_file(run: Run, tmp_path: Path) -> None:
    (run.path / "hosts.jsonl").write_text("corrupt\n")
    with pytest.raises(StoreError, match="line 1"):
        export.to_duckdb([run], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_json_lines_are_a_run_of_last_lines(run: Run, tmp_path: Path) -> None:
    file = run.path / "domains.jsonl"
    first, *rest = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first.replace(b'"protected"', b'"partial"') + b"".join(rest) + first + b'{"key":"torn')
    paths = export.to_jsonl([run], tmp_path / "out")
    assert [path.name for path in paths] == ["run.json", "certs.jsonl", "hosts.jsonl", "domains.jsonl", "rejects.jsonl"]
    assert (tmp_path / "out" / "domains.jsonl").read_bytes() == b"".join([*rest, first])
    again = Run.open(tmp_path / "out")
    assert (again.header, list(again.hosts())) == (run.header, list(run.hosts()))


def test_json_lines_of_two_runs(run: Run, later: Run, tmp_path: Path) -> None:
    paths = export.to_jsonl([run, later], tmp_path / "out")
    assert {path.parent for path in paths} == {tmp_path / "out" / "run", tmp_path / "out" / "later"}


def test_json_lines_without_a_corrupt_line(run: Run, tmp_path: Path) -> None:
    with (run.path / "domains.jsonl").open("ab") as file:
        file.write(b'{"key":"c.example"}\n')
    with pytest.raises(StoreError, match="line 3"):
        export.to_jsonl([run], tmp_path / "strict")
    export.to_jsonl([Run.open(run.path, CorruptLines())], tmp_path / "out")
    assert len(list(Run.open(tmp_path / "out").domains())) == 2
