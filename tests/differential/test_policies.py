"""5,000 random MTA-STS policies and records: no difference from an independent parser without an explanation."""

import random

import pytest

from tests.differential import policies

SEEDS = range(5000)


def test_policies() -> None:
    tally, unexplained = policies.compare(SEEDS)
    assert unexplained == []
    assert tally["valid"] > 0.15 * len(SEEDS)
    assert tally["invalid"] > 0.2 * len(SEEDS)
    assert all(tally[rule] for rule in policies.RULES), tally  # every rule is needed


def test_a_wrong_result_is_not_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "ours", lambda _: ("enforce", ("other.example",), 86_400))
    assert len(policies.compare(range(100))[1]) > 20


def test_records() -> None:
    texts = [policies.record(random.Random(seed)) for seed in SEEDS]
    assert [text for text in texts if policies.records_differ(text)] == []
