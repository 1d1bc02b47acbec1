"""Compressed line files: every reader gets the same records, and hostile or damaged files are one clear error."""

import gzip
from pathlib import Path

import pytest

from results.store import packed
from results.store.by_key import find
from results.store.files import StoreError
from results.store.reader import LINE_FILES, Run, inconclusive, lines_path, own_path
from results.store.writer import Store
from scanner.model import DomainRecord
from scanner.vocabulary import RunState
from tests.unit import records
from tests.unit.records import DIGEST, NOON


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A complete run with two domains, one of which has an earlier line."""
    with Store.create(tmp_path / "run", records.header()) as store:
        for key in ("a.example", "b.example", "a.example"):
            store.put_domain(records.domain(key=key), [records.report()], {DIGEST: records.cert()})
        store.put_reject("list", 3, "x y", "no name")
        store.finish(RunState.COMPLETE, {"domains": 2}, NOON)
    return tmp_path / "run"


def contents(place: Path) -> list[object]:
    run = Run.open(place)
    found = find(run, "domains", DomainRecord, {"a.example"})
    return [
        list(run.domains()),
        list(run.hosts()),
        list(run.certs()),
        list(run.rejects()),
        found,
        [*inconclusive(place)],
    ]


def gzipped(path: Path) -> None:
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


@pytest.mark.parametrize("pack", [gzipped, packed.compress], ids=["gz", "zst"])
def test_a_compressed_run_reads_the_same(place: Path, pack: object) -> None:
    before = contents(place)
    for name in LINE_FILES:
        pack(own_path(place, name))  # type: ignore[operator] # a function from a path
    assert not list(place.glob("*.jsonl"))
    assert contents(place) == before
    assert lines_path(place, "domains") == lines_path(place, "domains"), "unpacked once"


def test_without_zstd_the_format_is_gzip(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = own_path(place, "domains").read_bytes()
    monkeypatch.setattr(packed, "_zstd", lambda: None)
    file = packed.compress(own_path(place, "domains"))
    assert (file.name, gzip.decompress(file.read_bytes())) == ("domains.jsonl.gz", before)


def test_the_uncompressed_file_is_read_if_there_are_both(place: Path) -> None:
    own_path(place, "domains").with_name("domains.jsonl.gz").write_bytes(b"interrupted")
    assert len(list(Run.open(place).domains())) == 2


@pytest.mark.parametrize("suffix", packed.SUFFIXES)
@pytest.mark.parametrize("damage", ["nothing", "garbage", "cut"])
def test_a_damaged_file_is_one_error_that_names_it(place: Path, suffix: str, damage: str) -> None:
    file = own_path(place, "domains")
    content = gzip.compress(file.read_bytes()) if suffix == ".gz" else packed.compress(file).read_bytes()
    file.unlink(missing_ok=True)
    broken = {"nothing": b"", "garbage": b"\0" * 100, "cut": content[: len(content) // 2]}[damage]
    file.with_name(f"domains.jsonl{suffix}").write_bytes(broken)
    if damage == "nothing" and suffix == ".gz":
        assert list(Run.open(place).domains()) == []  # gzip's own rule: an empty file is an empty stream
        return
    with pytest.raises(StoreError, match=f"domains.jsonl{suffix}: "):
        list(Run.open(place).domains())


@pytest.mark.parametrize("suffix", packed.SUFFIXES)
def test_a_file_that_unpacks_without_end_is_refused(place: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MIN_BOUND", 1_000_000)
    file = own_path(place, "domains")
    file.write_bytes(b" " * 20_000_000)
    gzipped(file) if suffix == ".gz" else packed.compress(file)
    with pytest.raises(StoreError, match="more than 400 times its size"):
        list(Run.open(place).domains())


def test_a_compressed_run_is_not_continued(place: Path) -> None:
    gzipped(own_path(place, "hosts"))
    with pytest.raises(StoreError, match=r"hosts\.jsonl\.gz: a compressed run cannot be continued"):
        Store.resume(place)
    assert not own_path(place, "hosts").exists()
