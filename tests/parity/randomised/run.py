"""Runs of random pairs, compared as the written pairs are."""

import json
import sys
from dataclasses import dataclass

from tests.lab.use import Lab
from tests.parity.cases import PairCase
from tests.parity.compare import PairVerdict, compare

AT_ONCE = 250  # pairs of one run of the driver: each has addresses of its own
LIMIT = 900.0  # seconds for one run of the driver


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """A random pair: its name, from which it can be made again, its command line and the verdict."""

    name: str
    line: tuple[str, ...]
    verdict: PairVerdict


def random_pairs(lab: Lab, seed: int, count: int) -> list[ComparedPair]:
    """Run the first pairs of a seed, and compare them."""
    found: list[ComparedPair] = []
    for first in range(0, count, AT_ONCE):
        found += _some(lab, seed, first, min(AT_ONCE, count - first))
    return found


def _some(lab: Lab, seed: int, first: int, count: int) -> list[ComparedPair]:
    driver = (sys.executable, "-m", "tests.parity.randomised.driver", str(lab.layout.state))
    own_mounts = ("unshare", "--mount", "--propagation", "private")  # for a resolv.conf of its own
    done = lab.run(*own_mounts, *driver, str(seed), str(first), str(count), timeout=LIMIT)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [
        ComparedPair(
            name,
            tuple(outcome["line"]),
            compare(PairCase(name, tuple(outcome["line"])), outcome["debian"], outcome["mxsweep"]),
        )
        for name, outcome in json.loads(done.stdout).items()
    ]
