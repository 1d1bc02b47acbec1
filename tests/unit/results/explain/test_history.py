"""The history of a failing MX host."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from results.count.failing import FailingHost
from results.count.summary import summarise
from results.explain.history import EarlierRun, earlier_runs, newly_broken_domains, newly_broken_hosts
from scanner.vocabulary import DomainDane
from tests.unit import records
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


def test_newly_broken_hosts_and_domains(tmp_path: Path) -> None:
    """A domain that no earlier run contains is not newly broken; the latest conclusive run decides."""
    sound, unknown = records.domain(), records.domain(verdict=records.verdict(dane=DomainDane.UNKNOWN))
    run = run_of(tmp_path / "run", [BROKEN, replace(BROKEN, key="new.example")])
    one = run_of(tmp_path / "1", [unknown], started=NOON - timedelta(days=1))
    two = run_of(tmp_path / "2", [sound], started=NOON - timedelta(days=2))
    bad = run_of(tmp_path / "3", [BROKEN], started=NOON - timedelta(days=3))
    for history, expected in (([], 0), ([one], 1), ([one, two], 1), ([two, bad, one], 1), ([one, bad], 0), ([bad], 0)):
        assert newly_broken_domains(run, history) == expected
    failing = summarise(run).failing
    assert newly_broken_hosts(failing, earlier_runs([two, bad])) == 1
    assert newly_broken_hosts(failing, earlier_runs([bad])) == 0
    assert newly_broken_hosts(failing, []) == 0


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("", 0),
        ("-", 0),
        ("s", 1),
        ("b", 0),
        ("f", 1),
        ("fs", 1),
        ("fb", 0),
        ("-s", 1),
        ("sb", 1),
    ],
)
def test_a_host_is_newly_broken_after_its_latest_conclusive_state(states: str, expected: int) -> None:
    """The states of the earlier runs, the newest first: sound, broken, failing inconclusively, not in the run."""
    host = frozenset(["mx"])
    no_host = frozenset[str]()
    past = [
        EarlierRun(NOON, *(host if state in among else no_host for among in ("sbf", "bf", "b"))) for state in states
    ]
    assert newly_broken_hosts([FailingHost("mx", 1, "mismatch", (), "", broken=True)], past) == expected
    assert newly_broken_hosts([FailingHost("mx", 1, "lookup_failed", (), "")], past) == 0
