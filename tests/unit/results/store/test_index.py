"""The index of lines that were written."""

from datetime import timedelta
from pathlib import Path

import pytest

from results.store import index as indexes
from results.store.files import StoreError
from results.store.index import Index, Place
from results.store.writer import Store
from tests.unit import records
from tests.unit.records import DIGEST, NOON

CERTS = {DIGEST: records.cert()}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A run with a domain, that was killed."""
    place = tmp_path / "run"
    with Store.create(place, records.header()) as store:
        store.put_domain(records.domain(), [records.report()], CERTS)
        store.put_reject("list", 3, "x y", "no name")
    return place


def test_the_index_leaves_no_file(place: Path) -> None:
    with Store.resume(place):
        assert not list(place.glob("index*"))


def test_an_index_on_a_disk_that_fails(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"missing/index\.tmp: "):
        Index(tmp_path / "missing")


def test_an_index_finds_what_it_no_longer_remembers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "REMEMBERED", 2)
    index = Index(tmp_path)
    for number in range(5):
        index.put_host(f"{number}", NOON, Place(number, 10))
        index.put_cert(bytes([number]), Place(number, 20))
    later = NOON + timedelta(minutes=1)
    index.put_host("0", later, Place(50, 10))
    assert index.host("0") == (later.timestamp(), Place(50, 10))
    assert [index.host(f"{number}") for number in range(1, 6)] == [
        *((NOON.timestamp(), Place(number, 10)) for number in range(1, 5)),
        None,
    ]
    assert [index.cert(bytes([number])) for number in range(6)] == [*(Place(n, 20) for n in range(5)), None]
    index.close()
