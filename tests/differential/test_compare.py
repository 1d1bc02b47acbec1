"""The bounded form of the comparison: fixed seeds; ``python -m tests.differential`` has the long form."""

import pytest

from scanner.core.x509 import issuing
from scanner.core.x509.issuing import Acceptance
from tests.differential import compare
from tests.differential.chains import make
from tests.differential.compare import DRAFTED
from tests.differential.faults import ARRANGED

BLOCK = 150
"""Cases of one test."""


@pytest.mark.parametrize("first", range(0, 4 * BLOCK, BLOCK))
def test_paths_are_judged_as_the_library_judges_them(first: int) -> None:
    tally = compare.paths(range(first, first + BLOCK))
    assert [str(difference) for difference in tally.differences] == []
    assert tally.judged > 0.9 * BLOCK
    assert tally.accepted > 0.2 * BLOCK


def test_paths_and_records_are_judged_as_the_program_judges_them() -> None:
    tally = compare.by_program(range(5000, 5025))
    assert [str(difference) for difference in tally.differences] == []
    assert tally.judged > 30


def test_a_seed_makes_the_same_faults_each_time() -> None:
    first, second = (make(7, DRAFTED, ARRANGED) for _ in range(2))
    assert (first.faults, len(first.chain), len(first.roots)) == (second.faults, len(second.chain), len(second.roots))


def test_a_check_that_is_missing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuing, "acceptance", lambda _path, _key=b"": Acceptance(accepted=True))
    assert compare.paths(range(BLOCK)).differences
