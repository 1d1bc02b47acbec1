"""Charts of a section."""

from results.count.summary import Count
from results.report.charts import chart
from results.report.model import CountRow, CountSection


def section(word: str, part: int, whole: int) -> CountSection:
    return CountSection("issuers", "Issuers", "", Count(whole, 1), (CountRow(word, "", Count(part, 1)),))


def test_words_are_escaped() -> None:
    drawn = str(chart(section("<a&\"b'>", 1, 1)))
    assert "<a&" not in drawn
    assert "&lt;a&amp;" in drawn


def test_the_length_of_a_bar_is_the_share_of_domains() -> None:
    assert 'width="100"' in str(chart(section("x", 1, 4))).replace(".0", "")
    assert ">25.0 %<" in str(chart(section("x", 1, 4)))
    assert ">-<" in str(chart(section("x", 0, 0)))
