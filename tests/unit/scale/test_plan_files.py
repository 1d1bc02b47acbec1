"""The files of the plan: whole or not there, and refused when they are damaged."""

import os
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


def test_the_unfinished_file_of_a_killed_process_with_the_same_id_is_replaced(tmp_path: Path) -> None:
    """The first process of a container always has the same id."""
    path = tmp_path / "routes"
    path.with_name(f"{path.name}.{os.getpid()}.new").write_bytes(b"half")
    with whole_file(path) as file:
        file.write(b"whole")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("routes", b"whole")]


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
