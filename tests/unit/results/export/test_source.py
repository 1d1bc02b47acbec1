"""The files that DuckDB reads: the line file itself if it is whole, else a copy of its valid last lines."""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from results.export import source
from results.export.database import load
from results.export.source import Sources
from results.export.tables import DOMAINS
from results.store.corrupt import CorruptLines
from results.store.files import StoreError
from results.store.reader import Run
from tests.fuzz.documents import DEEP

pytestmark = pytest.mark.skipif(find_spec("duckdb") is None, reason="DuckDB is an extra")

DOMAINS_OF = "SELECT domain, dane FROM domains ORDER BY ALL"
TABLES_OF_DOMAINS = ("domains", "routes")


def lines_of(run: Run, name: str = "domains") -> list[bytes]:
    return (run.path / f"{name}.jsonl").read_bytes().splitlines(keepends=True)


def rewrite(run: Run, *lines: bytes, name: str = "domains") -> None:
    (run.path / f"{name}.jsonl").write_bytes(b"".join(lines))


def rows(run: Run, sql: str = DOMAINS_OF) -> list[tuple[object, ...]]:
    with load(run) as database:
        return list(database.ask(sql)[1])


def test_a_whole_file_is_not_copied(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "last_records", None)
    assert rows(run) == [("a.example", "protected"), ("b.example", "broken")]


def test_only_the_last_line_of_a_key_counts(run: Run) -> None:
    first, second = lines_of(run)
    rewrite(run, first.replace(b'"protected"', b'"partial"'), second, first)
    assert rows(run) == [("a.example", "protected"), ("b.example", "broken")]
    assert rows(run, "SELECT domain, dane FROM routes ORDER BY ALL") == [("a.example", "ok"), ("b.example", "mismatch")]


def test_a_last_line_without_hosts_removes_the_routes_of_an_earlier_line(run: Run) -> None:
    first, second = lines_of(run)
    start, end = first.index(b'"hosts":[{"host":"mx1.example","preference":10,"report"'), first.index(b'"verdict":')
    rewrite(run, first, second, first[:start] + b'"hosts":[],' + first[end:])
    assert rows(run, "SELECT domain FROM routes") == [("b.example",)]


@pytest.mark.parametrize("tail", [b'{"key":"torn', b"\x00\x00"])
def test_an_incomplete_last_line_is_not_read(run: Run, tail: bytes) -> None:
    rewrite(run, *lines_of(run), tail)
    assert len(rows(run)) == 2
    first, second = lines_of(run)[:2]
    rewrite(run, first, second.rstrip())
    assert rows(run) == [("a.example", "protected")]


CORRUPT = {
    "binary": b"\xff\xfe\x00",
    "no JSON": b'{"key":"c.example"',
    "missing members": b'{"key":"c.example"}',
    "wrong type": b'{"key":"c.example","verdict":7,"route":{},"hosts":[]}',
    "deep nesting": b'{"key":"c.example","target":' + DEEP + b"}",
    "huge integer": b'{"key":"c.example","schema":' + b"9" * 5000 + b"}",
    "no key": b'{"verdict":{}}',
}


@pytest.mark.parametrize("line", CORRUPT.values(), ids=CORRUPT)
@pytest.mark.parametrize("table", [*TABLES_OF_DOMAINS, "domains JOIN routes USING (domain)"])
def test_a_corrupt_line_is_skipped_and_counted_or_an_error(run: Run, table: str, line: bytes) -> None:
    first, second = lines_of(run)
    rewrite(run, first, line + b"\n", second)
    with pytest.raises(StoreError, match="line 2"):
        rows(run, f"SELECT * FROM {table}")  # noqa: S608 - names of this module
    corrupt = CorruptLines()
    assert len(rows(Run.open(run.path, corrupt), f"SELECT * FROM {table}")) == 2  # noqa: S608 - names of this module
    assert "1 corrupt line skipped, the first is line 2" in corrupt.summaries()[0]


def changed(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda line: line.replace(old, new, 1)


@pytest.mark.parametrize(
    "change",
    [
        changed(b'"outcome":"ok","sender"', b'"outcome":"splendid","sender"'),
        changed(b'"raw":"A.example"', b'"raw":null'),
        changed(b'"observed_at":"2026', b'"observed_at":"99999'),
        changed(b'"rank":1234', b'"rank":"one"'),
    ],
)
def test_a_value_that_no_record_has_is_corrupt(run: Run, change: Callable[[bytes], bytes]) -> None:
    first, second = lines_of(run)
    assert change(first) != first
    rewrite(run, change(first), second)
    with pytest.raises(StoreError, match="line 1"):
        rows(run, "SELECT * FROM domains")


def test_a_repeated_member_has_its_last_value(run: Run) -> None:
    first, second = lines_of(run)
    rewrite(run, first.replace(b'"country":"nl"', b'"country":"de","country":"nl"'), second)
    assert rows(run, "SELECT country FROM domains") == [("nl",), ("nl",)]


def test_missing_files_are_empty(run: Run) -> None:
    (run.path / "certs.jsonl").unlink()
    assert rows(run, "SELECT count(*) FROM certs") == [(0,)]


@pytest.mark.parametrize("name", ["domains", "certs", "hosts"])
def test_a_fifo_is_not_read(run: Run, name: str) -> None:
    (run.path / f"{name}.jsonl").unlink()
    os.mkfifo(run.path / f"{name}.jsonl")
    with pytest.raises(StoreError, match="not a regular file"):
        rows(run, f"SELECT * FROM {name}")  # noqa: S608 - names of this test


def test_temporary_files_are_removed(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    sources = Sources(place)
    with sources.temporary([{"host": "a"}]) as path:
        assert path.read_bytes() == b'{"host":"a"}\n'
    for confined in (False, True):
        sources.confined = confined
        with next(sources.of(DOMAINS, run)) as path:
            assert path.read_bytes() == b"".join(lines_of(run))
            assert path.is_symlink() is not confined
    assert list(place.iterdir()) == [sources.nothing]
