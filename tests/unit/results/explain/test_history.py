"""The history of a failing MX host."""

from datetime import timedelta
from pathlib import Path

from tests.unit.records import NOON
from tests.unit.results.explain.test_worklist import BROKEN, earlier, run_of, tasks_of


def test_history_has_the_begin_of_a_failure(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [BROKEN])
    history = [
        earlier(tmp_path, "one", 1, broken=True),
        earlier(tmp_path, "two", 2, broken=True),
        earlier(tmp_path, "three", 3, broken=False),
        earlier(tmp_path, "four", 4, broken=True),
    ]
    (task,) = tasks_of(run, *history)
    assert task.since == NOON - timedelta(days=2)
    (task,) = tasks_of(run, history[2])
    assert (task.since, task.new) == (None, True)


def test_runs_without_the_host_are_ignored(tmp_path: Path) -> None:
    other = run_of(tmp_path / "other", [], started=NOON - timedelta(days=1))
    (task,) = tasks_of(run_of(tmp_path / "run", [BROKEN]), other, earlier(tmp_path, "two", 2, broken=True))
    assert task.since == NOON - timedelta(days=2)
