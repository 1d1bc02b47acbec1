"""Random pairs of fixed seeds; ``python -m tests.parity --random N`` runs others."""

import pytest

from tests.lab.use import Lab
from tests.parity.randomised.run import random_pairs

SEEDS = (11, 12, 13)
PAIRS = 40
"""Pairs of each seed: some twenty seconds in all on an idle machine."""


@pytest.mark.lab
@pytest.mark.parametrize("seed", SEEDS)
def test_random_pairs(lab: Lab, seed: int) -> None:
    pairs = random_pairs(lab, seed, PAIRS)
    assert len(pairs) == PAIRS
    different = [f"{pair.name} {pair.line}\n{pair.verdicts}" for pair in pairs if not pair.equal]
    assert different == []
