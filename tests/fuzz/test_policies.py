"""Records, policies and responses of MTA-STS from random octets, with fixed seeds."""

import random

import pytest

from tests.fuzz import policies

INPUTS = 300


@pytest.mark.parametrize("check", range(len(policies.CHECKS)))
def test_random_octets_show_no_fault(check: int) -> None:
    for seed in range(INPUTS):
        policies.CHECKS[check](random.Random(seed))
