"""Breakers: when they open, for how long, and what is remembered."""

from scanner.model import HeldBack
from scanner.net import breakers
from scanner.net.breakers import REFUSALS, Breakers

KEY, OTHER = "a.example", "b.example"


def test_a_rebuff_opens_for_a_while_that_doubles_up_to_a_limit() -> None:
    found = Breakers(first=10, longest=35)
    at = 0.0
    for seconds in (10, 20, 35, 35):
        found.turned_away(KEY, at)
        assert found.is_open(KEY, at + seconds - 0.1)
        assert not found.is_open(KEY, at + seconds)
        assert not found.is_open(OTHER, at)
        at += 100


def test_those_who_were_in_flight_when_it_opened_count_no_more() -> None:
    found = Breakers(first=10, longest=1000)
    for at in (0.0, 1.0, 9.9):
        found.turned_away(KEY, at)
    assert not found.is_open(KEY, 10)
    found.turned_away(KEY, 10)
    assert not found.is_open(KEY, 30)


def test_refusals_count_in_a_row_only() -> None:
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


def test_an_address_that_refuses_again_and_again_is_one() -> None:
    found = Breakers(first=10, longest=10)
    for _ in range(3 * REFUSALS):
        found.refused(KEY, "192.0.2.1", 0)
    assert not found.is_open(KEY, 0)


def test_whoever_has_turned_us_away_once_is_treated_with_care_for_good() -> None:
    found = Breakers(first=1, longest=1)
    assert not found.careful(KEY)
    found.turned_away(KEY, 0)
    found.accepted(KEY)
    assert found.careful(KEY)


def test_those_who_are_well_are_not_remembered() -> None:
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


def test_those_that_most_was_put_off_for_come_first() -> None:
    found = Breakers(first=10, longest=100)
    found.turned_away(KEY, 0)
    found.turned_away(OTHER, 4)
    for key in (OTHER, OTHER, KEY, "never.example"):
        found.put_off(key, 5)
    assert found.open(5) == [HeldBack(OTHER, 2, 9), HeldBack(KEY, 1, 5)]
    found.put_off(KEY, 11)  # it is not for this one's sake any more
    assert found.open(11) == [HeldBack(OTHER, 2, 3)]
    found.turned_away(KEY, 11)
    assert found.open(13.5) == [HeldBack(OTHER, 2, 0.5), HeldBack(KEY, 0, 17.5)]
