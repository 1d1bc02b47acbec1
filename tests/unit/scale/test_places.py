"""The index of lines by key on disk: the last line of each key, keys with equal hashes, and hostile files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.store.files import StoreError
from results.store.writer import Store
from scanner.model import HostReport
from scanner.scale import places
from scanner.scale.places import CELL, PlacedLines, write_places
from tests.unit import records


def lines_in(directory: Path, *keys: str) -> tuple[Path, Path]:
    """Write a run with a report of each key, whose mode is the number of the line, and the index of its hosts."""
    with Store.create(directory / "run", records.header()) as store:
        for number, key in enumerate(keys):
            store.copy_host(
                b'{"key":"%b","host":"%d","observed_at":"%d-01-01"}\n' % (key.encode(), number, 2000 + number)
            )
    write_places(directory / "run" / "hosts.jsonl", directory / "places")
    return directory / "run" / "hosts.jsonl", directory / "places"


def read(lines: Path, path: Path, *keys: str) -> list[str | None]:
    found = PlacedLines(lines, path, dict)
    return [each and each["host"] for each in map(found.get, keys)]


def test_the_last_line_of_a_key_is_found(tmp_path: Path) -> None:
    assert read(*lines_in(tmp_path, "a", "b", "a"), "a", "b", "c") == ["2", "1", None]


def test_keys_with_equal_hashes_are_distinguished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "digest", lambda key: 7 if key in "ab" else 2**64 - 1)
    assert read(*lines_in(tmp_path, "a", "b", "c", "b"), "a", "b", "c", "d") == ["0", "3", "2", None]


@given(st.lists(st.integers(0, 300).map(str), max_size=60))
def test_every_key_is_found(keys: list[str]) -> None:
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - a directory for each example

    with TemporaryDirectory() as directory:
        lines, path = lines_in(Path(directory), *keys)
        assert path.stat().st_size == 2 * CELL * len(keys)
        last = {key: str(number) for number, key in enumerate(keys)}
        assert read(lines, path, *map(str, range(300))) == [last.get(str(key)) for key in range(300)]


def test_a_line_that_is_no_record_and_a_missing_index_are_errors(tmp_path: Path) -> None:
    lines, path = lines_in(tmp_path, "a")
    with pytest.raises(StoreError, match=r"hosts\.jsonl: "):
        PlacedLines(lines, path, HostReport).get("a")
    with pytest.raises(StoreError, match="nothing"):
        PlacedLines(lines, tmp_path / "nothing", HostReport)
