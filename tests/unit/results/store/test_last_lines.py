"""The lines of a file that count: the last one of each key, without a torn one."""

import json
from pathlib import Path

import pytest

from results.store import last_lines as last_lines_module
from results.store.files import StoreError
from results.store.last_lines import keyed_lines, last_lines, last_places
from results.store.reader import Run
from results.store.writer import Store
from tests.unit import records


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "first"


def lines(place: Path, name: str) -> list[bytes]:
    return (place / f"{name}.jsonl").read_bytes().splitlines()


def test_the_last_line_of_a_domain_counts(place: Path) -> None:
    retried = records.domain(hosts=())
    with Store.create(place, records.header()) as store:
        for record in (records.domain(), records.domain(key="b.example"), records.domain(), retried):
            store.put_domain(record, [], {})
    assert len(lines(place, "domains")) == 4
    assert list(Run.open(place).domains()) == [records.domain(key="b.example"), retried]


def test_the_last_line_counts_even_where_hashes_collide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_lines_module, "_FILTER_BITS", 8)
    path = tmp_path / "x.jsonl"
    written = [json.dumps({"key": f"k{n % 50}", "n": n}).encode() + b"\n" for n in range(120)]
    path.write_bytes(b"".join(written))
    assert list(last_lines(path)) == written[70:]


def test_a_torn_last_line_is_no_line(place: Path) -> None:
    with Store.create(place, records.header()) as store:
        store.put_domain(records.domain(), [], {})
        store.put_domain(records.domain(key="b.example"), [], {})
    path = place / "domains.jsonl"
    whole = path.read_bytes()
    for end in range(whole.index(b"\n") + 1, len(whole), 50):
        path.write_bytes(whole[:end])
        assert [record.key for record in Run.open(place).domains()] == ["a.example"]


def test_what_is_appended_while_reading_is_not_seen(place: Path) -> None:
    with Store.create(place, records.header()) as store:
        store.put_domain(records.domain(), [], {})
        store.sync()
        reader = Run.open(place).domains()
        assert next(reader) == records.domain()
        store.put_domain(records.domain(key="b.example"), [], {})
        store.sync()
        assert list(reader) == []


def test_a_place_is_that_of_the_last_line_of_a_key(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b'{"key":"a"}\n{"key":"b"}\n{"key":"a","n":1}\n{"key":"c')
    assert last_places(path) == {"a": 24, "b": 12}
    assert last_places(path, {"a", "nowhere"}) == {"a": 24}
    assert last_places(tmp_path / "missing") == {}
    assert [(start, key) for start, key, _ in keyed_lines(path)] == [(0, "a"), (12, "b"), (24, "a")]


def test_a_line_without_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"[]\n")
    with pytest.raises(StoreError, match="lines: line 1: the line does not begin with a key"):
        last_places(path)
