"""``mxsweep finger`` and Debian's posttls-finger print the same, but for the rows of the normaliser."""

import re

import pytest

from scanner.finger.options import SHORT
from tests.parity.alone import ALONE, LoneCase
from tests.parity.cases import CASES, PairCase
from tests.parity.compare import Outcome, compare, lines_of
from tests.parity.normaliser import ROWS
from tests.parity.run import README, ParityRun

pytestmark = pytest.mark.lab

NOT_IN_DEBIAN = set("RxX")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pair(pairs: ParityRun, case: PairCase) -> None:
    verdict = compare(case, pairs.outcomes[f"{case.name}.debian"], pairs.outcomes[f"{case.name}.mxsweep"])
    assert not verdict.difference, f"{' '.join(case.line)}\n{verdict.difference}"


@pytest.mark.parametrize("case", ALONE, ids=lambda case: case.name)
def test_alone(pairs: ParityRun, case: LoneCase) -> None:
    assert_says(pairs.outcomes[f"{case.name}.alone"], case.status, case.expected)
    if case.debian:
        assert_says(pairs.outcomes[f"{case.name}.quirk"], case.debian_status, case.debian)


def assert_says(outcome: Outcome, status: int, expected: tuple[str, ...]) -> None:
    assert outcome["status"] == status
    lines = iter(lines_of(outcome))
    for wanted in expected:
        assert any(line.startswith(wanted) for line in lines), (wanted, outcome["out"])


def test_every_row_is_needed(pairs: ParityRun) -> None:
    needed = {row for verdict in pairs.verdicts().values() for row in verdict.rows}
    assert {row.name for row in ROWS if not row.random_only} - needed == set()


def test_the_readme_has_the_table() -> None:
    text = README.read_text()
    counts = dict(re.findall(r"^\| (.+?) \| (\d+) \|", text, re.MULTILINE))
    assert int(counts["pairs"]) == len(CASES) >= 250
    assert int(counts["different"]) == 0
    rows = [row for row in ROWS if not row.random_only]
    assert [name for name in counts if name.startswith("allowed")] == [
        f"allowed difference “{row.name}”" for row in rows
    ]
    assert [row.why for row in rows if row.why not in text] == []
    assert [row.name for row in ROWS if row.name not in text] == []


def test_every_option_is_there_at_least_twice() -> None:
    options = {letter for letter in SHORT if letter != ":"} - NOT_IN_DEBIAN
    seen = {letter: sum(any(_has(word, letter) for word in (*c.line, *c.extra)) for c in CASES) for letter in options}
    assert {letter: count for letter, count in seen.items() if count < 2} == {}


def _has(word: str, letter: str) -> bool:
    """Return whether an option is in a word, alone or in a cluster."""
    return re.fullmatch(r"-[cCfSvw]*[A-Za-z]+", word) is not None and letter in word


def test_pairs_are_told_apart() -> None:
    assert len({case.name for case in CASES} | {case.name for case in ALONE}) == len(CASES) + len(ALONE)
