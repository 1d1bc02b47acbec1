"""Reading a run: its header, and each line file as records."""

import json
from pathlib import Path
from typing import Any

import pytest

from results.store import codec
from results.store import reader as runs
from results.store.files import StoreError
from results.store.reader import Run, inconclusive, keys
from results.store.writer import Store
from scanner.vocabulary import DomainOutcome, RunState
from tests.unit import records


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "first"


def test_no_run_is_told_apart_from_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no run here"):
        Run.open(tmp_path)
    (tmp_path / "run.json").write_bytes(b"{")
    with pytest.raises(StoreError, match=r"run\.json: "):
        Run.open(tmp_path)


@pytest.mark.parametrize("line", [b"\x00\x00\n", b'{"key":"a.example"}\n'])
def test_a_line_that_is_no_record_is_named(place: Path, line: bytes) -> None:
    Store.create(place, records.header()).close()
    (place / "domains.jsonl").write_bytes(line)
    with pytest.raises(StoreError, match=r"domains\.jsonl: "):
        list(Run.open(place).domains())


def test_a_line_that_is_no_json_is_named(place: Path) -> None:
    Store.create(place, records.header()).close()
    (place / "hosts.jsonl").write_bytes(b'{"key":"a.example"\n')
    with pytest.raises(StoreError, match=r"hosts\.jsonl: "):
        list(Run.open(place).hosts())


def test_a_missing_file_has_no_lines(place: Path) -> None:
    Store.create(place, records.header()).close()
    (place / "rejects.jsonl").unlink()
    assert list(Run.open(place).rejects()) == []


def test_keys_are_cut_out(place: Path) -> None:
    place.mkdir(parents=True)
    file = place / "domains.jsonl"
    lines = [records.domain(key=key) for key in ("b.example", "[192.0.2.1]", 'unix:/a"b', "a.example")]
    file.write_bytes(b"".join(map(codec.encode, lines)) + b'{"key":"torn')
    assert list(keys(file)) == ["b.example", "[192.0.2.1]", 'unix:/a"b', "a.example"]
    assert list(keys(place / "missing.jsonl")) == []


def test_the_last_word_of_a_domain_counts(place: Path) -> None:
    place.mkdir(parents=True)
    good = records.domain()
    unknown = records.domain(verdict=records.verdict(outcome=DomainOutcome.INCONCLUSIVE))
    texts = [unknown, json_in_text(good), good, replace_key(good, "b"), replace_key(unknown, "b")]
    (place / "domains.jsonl").write_bytes(b"".join(map(codec.encode, texts)))
    assert list(inconclusive(place)) == ["b"]


def replace_key(record: object, key: str) -> object:
    return json.loads(codec.encode(record)) | {"key": key}


def json_in_text(record: object) -> object:
    return json.loads(codec.encode(record)) | {"key": "c", "raw": runs._INCONCLUSIVE.decode()}


def header_file(place: Path, **changes: Any) -> None:
    file = place / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    """A complete run with a domain."""
    with Store.create(tmp_path / "run", records.header()) as store:
        store.put_domain(records.domain(), [records.report()], {records.DIGEST: records.cert()})
        store.finish(RunState.COMPLETE, {"domains": 1}, records.NOON)
    return tmp_path / "run"


def test_a_run_of_a_newer_schema_names_both_versions(complete: Path) -> None:
    header_file(complete, schema=7, version="3.1.0", state="unheard of")
    with pytest.raises(StoreError, match=r"schema 7, written by mxsweep 3\.1\.0; this version reads schemas up to 1"):
        Run.open(complete)


@pytest.mark.parametrize("name", ["certs", "hosts", "domains"])
def test_a_complete_run_has_all_its_files(complete: Path, name: str) -> None:
    (complete / f"{name}.jsonl").unlink()
    with pytest.raises(StoreError, match=f"{name}.jsonl: missing, although the run is complete"):
        Run.open(complete)
    header_file(complete, state="interrupted")
    Run.open(complete)


def test_a_complete_run_has_lines(complete: Path) -> None:
    (complete / "domains.jsonl").write_bytes(b"")
    with pytest.raises(StoreError, match=r"domains\.jsonl: empty, although the run is complete with 1 domains"):
        Run.open(complete)
    header_file(complete, totals={"domains": 0})
    assert list(Run.open(complete).domains()) == []
