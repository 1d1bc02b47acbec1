"""Values of a run that no scan writes: where the first one is."""

import json
from pathlib import Path
from typing import Any

import pytest

from results.store.flaws import flaw_of
from results.store.reader import Run
from results.store.writer import Store
from tests.unit import records

DIGEST = records.DIGEST


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A run with two domains."""
    with Store.create(tmp_path / "run", records.header()) as store:
        for key in ("a.example", "b.example"):
            store.put_domain(records.domain(key=key), [records.report()], {DIGEST: records.cert()})
    return tmp_path / "run"


def change(file: Path, line: int, path: tuple[Any, ...], value: Any) -> None:
    """Replace one value of a line."""
    lines = file.read_text().splitlines() if file.suffix == ".jsonl" else [file.read_text()]
    document = json.loads(lines[line - 1])
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    lines[line - 1] = json.dumps(document, separators=(",", ":"))
    file.write_text("".join(f"{text}\n" for text in lines))


def test_a_run_of_a_scan_has_none(place: Path) -> None:
    assert flaw_of(Run.open(place)) is None


@pytest.mark.parametrize(
    ("name", "line", "path", "value", "where"),
    [
        ("run.json", 1, ("started",), "9999-12-31T23:59:59Z", "run.json: a time is out of range"),
        ("run.json", 1, ("started",), "2026-01-01T00:00:00", "run.json: started is out of range"),
        ("run.json", 1, ("settings", "x"), 1 << 70, "run.json: x is out of range"),
        ("domains.jsonl", 2, ("observed_at",), "0001-01-01T00:00:00Z", "domains.jsonl: line 2: observed_at is"),
        ("certs.jsonl", 1, ("sha256",), "x" * 64, "certs.jsonl: line 1: sha256 is out of range"),
        ("certs.jsonl", 1, ("not_after",), "2026-01-01T00:00:00", "certs.jsonl: line 1: not_after is"),
        ("hosts.jsonl", 1, ("a", "ttl"), 10**30, "hosts.jsonl: line 1: ttl is out of range"),
    ],
)
def test_where_it_is(place: Path, name: str, line: int, path: tuple[Any, ...], value: Any, where: str) -> None:
    change(place / name, line, path, value)
    assert where in (flaw_of(Run.open(place)) or "")


def test_a_certificate_without_an_end_is_sound(place: Path) -> None:
    """RFC 5280 section 4.1.2.5: 99991231235959Z means no well-defined expiration."""
    change(place / "certs.jsonl", 1, ("not_after",), "9999-12-31T23:59:59Z")
    assert flaw_of(Run.open(place)) is None


def test_corrupt_lines_are_not_its_business(place: Path) -> None:
    (place / "domains.jsonl").write_bytes(b"\xff\n" + (place / "domains.jsonl").read_bytes())
    assert flaw_of(Run.open(place)) is None
