"""Attacks by MTA-STS policy hosts beside good domains, in a small form of ``policies``: counts and processor time."""

import pytest

from tests.hostile.battle import ScanResult
from tests.hostile.meter import LONGEST
from tests.hostile.policies import scanned, wrong_verdicts
from tests.hostile.policy_hosts import MANNERS
from tests.hostile.policy_kinds import POLICY_KINDS

GOOD = 20


@pytest.fixture(scope="module")
def outcomes() -> tuple[ScanResult, ScanResult]:
    """Return the scan of the good domains alone, and beside all attacks."""
    return scanned(GOOD)


def test_every_manner_is_an_attack() -> None:
    assert {kind.manner for kind in POLICY_KINDS} == set(MANNERS)


def test_the_verdicts_are_those_of_the_limits(outcomes: tuple[ScanResult, ScanResult]) -> None:
    alone, seen = outcomes
    assert len(alone.verdicts) == GOOD
    assert seen.verdicts == alone.verdicts
    assert wrong_verdicts(seen) == {}


def test_steps_and_memory_are_bounded(outcomes: tuple[ScanResult, ScanResult]) -> None:
    alone, seen = outcomes
    assert seen.busiest < LONGEST, seen.task
    assert seen.memory - alone.memory < 100
