"""The runs of a directory: which ones a clean-up removes, and what it never touches."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from results.store import collection
from results.store.collection import (
    DomainCounts,
    Retention,
    compressible,
    figures,
    latest_of,
    link_latest,
    removable,
    runs_in,
)
from results.store.files import Lock, StoreError
from results.store.reader import Run
from results.store.writer import Store
from scanner.model import TargetInfo
from scanner.vocabulary import DomainDane, RunState
from tests.unit import records
from tests.unit.records import NOON

HARD = Retention(1, 0)


def made(place: Path, at: datetime = NOON, state: RunState = RunState.COMPLETE, label: str = "") -> Path:
    """Write a run with a protected and a broken domain, whose list names a value as a verdict does."""
    with Store.create(place, records.header(started=at, label=label)) as store:
        for key, dane in (("a.example", DomainDane.PROTECTED), ("b.example", DomainDane.BROKEN)):
            target = TargetInfo(key, fields={"dane": "broken"})
            store.put_domain(
                records.domain(key=key, target=target, verdict=records.verdict(dane=dane), hosts=()), [], {}
            )
        store.finish(state, {"domains": 2}, at)
        store._write_header(records.header(started=at, label=label, state=state, finished=at))
    return place


def removed(place: Path, rule: Retention, latest: Path | None = None) -> list[str]:
    return [run.path.name for run in removable(runs_in(place)[0], rule, latest)]


@pytest.fixture
def nights(tmp_path: Path) -> Path:
    """Twenty nightly runs in three weeks (NOON and the days before)."""
    for day in range(20):
        made(tmp_path / f"night-{day:02}", NOON + timedelta(days=day))
    return tmp_path


@pytest.mark.parametrize("keep", [1, 5, 19, 20, 21])
def test_the_last_runs_are_kept(nights: Path, keep: int) -> None:
    assert removed(nights, Retention(keep, 0)) == [f"night-{day:02}" for day in range(20 - keep)]


def test_the_last_run_of_each_week_is_kept(nights: Path) -> None:
    weeks = {}
    for day in range(20):
        weeks[(NOON + timedelta(days=day)).isocalendar()[:2]] = f"night-{day:02}"
    last = list(weeks.values())
    assert len(last) in (3, 4)
    kept = {f"night-{day:02}" for day in range(20)} - set(removed(nights, Retention(1, 2)))
    assert kept == set(last[-2:])
    assert set(last) <= {f"night-{day:02}" for day in range(20)} - set(removed(nights, Retention(1, 52)))


def test_labels_are_counted_separately(tmp_path: Path) -> None:
    for number, label in enumerate(["partners", "", "partners", "own", ""]):
        made(tmp_path / f"{number}", NOON + timedelta(days=number), label=label)
    assert removed(tmp_path, HARD) == ["0", "1"]


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.PAUSED, RunState.INTERRUPTED])
def test_unfinished_runs_are_never_removed_nor_compressed(tmp_path: Path, state: RunState) -> None:
    made(tmp_path / "old", NOON - timedelta(days=400), state)
    for day in range(3):
        made(tmp_path / f"{day}", NOON + timedelta(days=day))
    assert removed(tmp_path, HARD) == ["0", "1"]
    assert [run.path.name for run in compressible(runs_in(tmp_path)[0], (), None)] == ["0", "1"]


def test_a_locked_run_is_never_removed(tmp_path: Path) -> None:
    for day in range(3):
        made(tmp_path / f"{day}", NOON + timedelta(days=day))
    found = {run.path.name: run for run in runs_in(tmp_path)[0]}
    lock = Lock(tmp_path / "0" / "run.lock")
    assert removed(tmp_path, HARD) == ["1"]
    with pytest.raises(StoreError, match="another process"):
        collection.remove(found["0"])
    lock.release()
    assert removed(tmp_path, HARD) == ["0", "1"]


def test_the_target_of_latest_is_never_removed(tmp_path: Path) -> None:
    for day in range(3):
        made(tmp_path / f"{day}", NOON + timedelta(days=day))
    assert latest_of(tmp_path) is None
    for name in ("2", "0"):
        link_latest(tmp_path / name)
    assert (tmp_path / "latest").readlink() == Path("0")
    assert removed(tmp_path, HARD, latest_of(tmp_path)) == ["1"]
    assert len(list(Run.open(tmp_path / "latest").domains())) == 2
    assert [run.path.name for run in runs_in(tmp_path)[0]] == ["0", "1", "2"]


def test_a_file_in_place_of_latest_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    with pytest.raises(StoreError, match="not a symbolic link"):
        link_latest(made(tmp_path / "run"))


def test_only_directories_with_a_run_are_touched(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "list.txt").write_text("a.example\n")
    made(tmp_path / "elsewhere" / "run")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "run")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    found, messages = runs_in(tmp_path)
    assert found == []
    assert len(messages) == 1
    assert "broken/run.json: " in messages[0]


def test_a_run_is_removed_with_all_its_files_and_no_others(tmp_path: Path) -> None:
    place = made(tmp_path / "dir" / "run")
    (place / "spool").mkdir()
    (place / "spool" / "part").write_text("x")
    (tmp_path / "kept").write_text("x")
    (place / "link").symlink_to(tmp_path)
    (found,), _ = runs_in(tmp_path / "dir")
    collection.remove(found)
    assert list((tmp_path / "dir").iterdir()) == []
    assert (tmp_path / "kept").exists()


def test_a_compressed_run_has_the_same_figures(tmp_path: Path) -> None:
    made(tmp_path / "run")
    assert figures(Run.open(tmp_path / "run")) == DomainCounts(2, 1)
    collection.compress(runs_in(tmp_path)[0][0])
    assert not list((tmp_path / "run").glob("*.jsonl"))
    assert figures(Run.open(tmp_path / "run")) == DomainCounts(2, 1)
    assert compressible(runs_in(tmp_path)[0], (), None) == []
