"""The files of the plan: whole or not there, and refused when they are damaged."""

from pathlib import Path

import pytest

from results.store.files import StoreError
from scanner.run.ports import now
from scanner.scale.plan_files import PlanIndex, PlanPlace, RouteLine, read_lines, whole_file, write_lines

LINE = RouteLine("d.example", now(), None, (("mx.example", 25),))


def test_lines(tmp_path: Path) -> None:
    path = tmp_path / "routes"
    assert write_lines(path, [LINE, LINE]) == 2
    assert list(read_lines(path, RouteLine)) == [LINE, LINE]


def test_a_file_that_is_not_finished_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "routes"
    with pytest.raises(TypeError), whole_file(path) as file:
        file.writelines([b"half", "text"])  # type: ignore[list-item] # an error after the first octets
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "routes"
    path.write_bytes(b"{}\n")
    with pytest.raises(StoreError, match="routes:1: "):
        list(read_lines(path, RouteLine))
    with pytest.raises(StoreError, match="missing: No such file"):
        list(read_lines(tmp_path / "missing", RouteLine))


def test_the_index(tmp_path: Path) -> None:
    place = PlanPlace(tmp_path)
    assert place.index() is None
    place.path.mkdir()
    (place.path / "index.json").write_text("[]")
    with pytest.raises(StoreError, match=r"index\.json: "):
        place.index()


def test_rounds() -> None:
    assert PlanIndex((), 0, 0, 0, 0, 0, {}, "").round(1) == ()
