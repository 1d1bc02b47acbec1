"""Percentages."""

import pytest

from results.count.percent import exact_percent, percent, share


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "-"),
        (0, 9, "0.0 %"),
        (1, 3, "33.3 %"),
        (1, 10**6, "<0.1 %"),
        (10**6 - 1, 10**6, ">99.9 %"),
        (3, 3, "100.0 %"),
    ],
)
def test_0_and_100_percent_are_exact(part: int, whole: int, text: str) -> None:
    assert share(part, whole) == text


def test_percentages_for_tables_and_programs() -> None:
    assert (percent(1, 3), percent(0, 0)) == (33.33, None)
    assert (exact_percent(1, 3), exact_percent(1, 0)) == ("33.3333", "")
