"""Runs of random pairs, compared as the written pairs are."""

import json
import sys
from dataclasses import dataclass
from typing import Any

from tests.lab.use import Lab
from tests.parity.cases import PairCase
from tests.parity.compare import PairVerdict, compare

AT_ONCE = 250  # pairs of one run of the driver: each has addresses of its own
LIMIT = 900.0  # seconds for one run of the driver


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """A random pair: its name, from which it can be made again, its command line and the verdict of each attempt.

    A pair with several attempts had a difference in each attempt but the last.
    """

    name: str
    line: tuple[str, ...]
    verdicts: tuple[PairVerdict, ...]

    @property
    def equal(self) -> bool:
        """Whether the last attempt has no difference."""
        return not self.verdicts[-1].difference

    @property
    def unsteady(self) -> bool:
        """Whether every attempt has a difference, but not the same."""
        return not self.equal and len({verdict.difference for verdict in self.verdicts}) > 1

    @property
    def difference(self) -> str:
        """The difference that every attempt has; empty if there is none."""
        return "" if self.equal or self.unsteady else self.verdicts[0].difference


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
    return [_compared(name, found) for name, found in json.loads(done.stdout).items()]


def _compared(name: str, found: dict[str, Any]) -> ComparedPair:
    case = PairCase(name, tuple(found["line"]))
    return ComparedPair(name, case.line, tuple(compare(case, a["debian"], a["mxsweep"]) for a in found["attempts"]))
