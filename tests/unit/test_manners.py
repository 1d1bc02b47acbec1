"""The measures of caps and rates in server logs; expected values are counted by hand or by brute force."""

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.manners import Visit, burst, least_gap, most_at_once, visits


def at(*spans: tuple[str, float, float]) -> list[Visit]:
    return [Visit(address, "", began, ended) for address, began, ended in spans]


@pytest.mark.parametrize(
    ("seen", "most"),
    [
        (at(), 0),
        (at(("a", 0, 1), ("a", 1, 2)), 1),  # one ends, one begins
        (at(("a", 0, 1.1), ("a", 1, 2)), 2),
        (at(("a", 0, 9), ("b", 1, 9), ("a", 2, 3), ("a", 4, 5)), 2),
        (at(("a", 0, 9), ("a", 1, float("inf")), ("a", 2, 3)), 3),
    ],
)
def test_most_at_once(seen: list[Visit], most: int) -> None:
    assert most_at_once(seen, lambda visit: visit.address) == most


def test_least_gap() -> None:
    seen = at(("a", 5, 6), ("b", 5.1, 6), ("a", 7, 8), ("b", 9, 9), ("a", 8.5, 9))
    assert least_gap(seen, lambda visit: visit.address) == 1.5
    assert least_gap(seen[:2], lambda visit: visit.address) == float("inf")


@given(st.lists(st.integers(0, 40), min_size=2, max_size=12), st.sampled_from([0.5, 1.0, 3.0]))
def test_burst_is_the_maximum_of_all_intervals(times: list[int], rate: float) -> None:
    ordered = sorted(times)
    stretches = [j - i - (ordered[j] - ordered[i]) * rate for i, j in combinations(range(len(ordered)), 2)]
    assert burst(times, rate) == max(0.0, *stretches)


def test_the_log_of_a_server(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("1.5 0 open 10.64.0.25\n1.6 1 open 10.64.0.26\n1.7 0 name mx0.p0.bulk\n1.9 0 close \n")
    assert visits(log) == [
        Visit("10.64.0.25", "mx0.p0.bulk", 1.5, 1.9),
        Visit("10.64.0.26", "", 1.6, float("inf")),
    ]
