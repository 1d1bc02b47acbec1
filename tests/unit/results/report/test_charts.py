"""The bar of a row of counts."""

import pytest

from results.count.summary import Count
from results.report.charts import bar
from results.report.model import CountRow, CountSection


def drawn(word: str, part: int, whole: int) -> str:
    row = CountRow(word, "", Count(part, 1))
    return str(bar(row, CountSection("issuers", "Issuers", "", Count(whole, 1), (row,))))


def test_words_are_not_in_the_bar() -> None:
    assert "secret" not in drawn("secret", 1, 1)


@pytest.mark.parametrize(("part", "whole", "expected"), [(1, 4, "25"), (4, 4, "100"), (0, 0, "0")])
def test_the_length_of_a_bar_is_the_share_of_domains(part: int, whole: int, expected: str) -> None:
    assert f'class="bar" x="0" y="0" width="{expected}" height' in drawn("x", part, whole).replace(".0", "")


def test_the_colour_follows_the_value() -> None:
    assert 'class="good"' in drawn("protected", 1, 1)
    assert 'class="bad"' in drawn("broken", 1, 1)
