"""Breakers: when they open, for how long, and what is remembered."""

from scanner.model import HeldBack
from scanner.net import breakers
from scanner.net.breakers import REFUSALS, Breakers

KEY, OTHER = "a.example", "b.example"


def test_a_rejection_opens_the_breaker_for_a_time_that_doubles_up_to_a_limit() -> None:
    found = Breakers(first=10, longest=35)
    at = 0.0
    for seconds in (10, 20, 35, 35):
        found.rejected(KEY, at)
        assert found.is_open(KEY, at + seconds - 0.1)
        assert not found.is_open(KEY, at + seconds)
        assert not found.is_open(OTHER, at)
        at += 100


def test_rejections_while_the_breaker_is_open_do_not_count() -> None:
    found = Breakers(first=10, longest=1000)
    for at in (0.0, 1.0, 9.9):
        found.rejected(KEY, at)
    assert not found.is_open(KEY, 10)
    found.rejected(KEY, 10)
    assert not found.is_open(KEY, 30)


def test_only_refusals_in_a_row_open_the_breaker() -> None:
    found = Breakers(first=10, longest=10)
    for _ in range(3):
        for number in range(REFUSALS - 1):
            found.refused(KEY, str(number), 0)
        found.accepted(KEY)
    assert not found.is_open(KEY, 0)
    for number in range(REFUSALS):
        found.refused(KEY, str(number), 0)
    assert found.is_open(KEY, 0)
    assert [each.name for each in found.open(0)] == [KEY]
    assert found.open(10) == []


def test_repeated_refusals_of_one_address_count_once() -> None:
    found = Breakers(first=10, longest=10)
    for _ in range(3 * REFUSALS):
        found.refused(KEY, "192.0.2.1", 0)
    assert not found.is_open(KEY, 0)


def test_a_breaker_that_opened_once_is_remembered_as_such() -> None:
    found = Breakers(first=1, longest=1)
    assert not found.has_opened(KEY)
    found.rejected(KEY, 0)
    found.accepted(KEY)
    assert found.has_opened(KEY)


def test_a_breaker_without_refusals_takes_no_memory() -> None:
    found = Breakers(first=1, longest=1)
    found.accepted(KEY)
    found.refused(KEY, "1", 0)
    assert len(found) == 1
    found.accepted(KEY)
    assert len(found) == 0


def test_memory_is_bounded() -> None:
    found = Breakers(first=1, longest=1)
    for number in range(breakers.KNOWN + 10):
        found.refused(str(number), "1", 0)
    assert len(found) == breakers.KNOWN


def test_open_breakers_are_sorted_by_deferred_connections() -> None:
    found = Breakers(first=10, longest=100)
    found.rejected(KEY, 0)
    found.rejected(OTHER, 4)
    for key in (OTHER, OTHER, KEY, "never.example"):
        found.defer(key, 5)
    assert found.open(5) == [HeldBack(OTHER, 2, 9), HeldBack(KEY, 1, 5)]
    found.defer(KEY, 11)  # this breaker is closed by then
    assert found.open(11) == [HeldBack(OTHER, 2, 3)]
    found.rejected(KEY, 11)
    assert found.open(13.5) == [HeldBack(OTHER, 2, 0.5), HeldBack(KEY, 0, 17.5)]


def test_the_back_off_of_another_process_is_continued() -> None:
    """The provider gets one connection at a time, and its next back-off is as long as if one process had begun all."""
    first, second = Breakers(first=10, longest=1000), Breakers(first=10, longest=1000)
    first.rejected(KEY, 0)
    first.refused(OTHER, "192.0.2.1", 0)
    assert {key: (each.count, each.until) for key, each in first.openings().items()} == {KEY: (1, 10)}
    second.restore(KEY, 1, 4, 500)
    assert (second.is_open(KEY, 503.9), second.is_open(KEY, 504), second.has_opened(KEY)) == (True, False, True)
    assert [each.name for each in second.open(501)] == [KEY]
    second.rejected(KEY, 510)
    assert second.is_open(KEY, 529.9)
    assert not second.is_open(KEY, 530)


def test_a_back_off_from_a_file_has_limits() -> None:
    found = Breakers(first=10, longest=35)
    found.restore(KEY, 10**9, 10**9, 0)
    assert not found.is_open(KEY, 35)
    found.restore(KEY, -5, -5, 0)
    assert found.openings()[KEY].count == 1
    assert not found.is_open(KEY, 0)
