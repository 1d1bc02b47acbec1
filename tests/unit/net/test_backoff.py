"""Back-off: how long each pause lasts."""

import pytest

from scanner.net.backoff import Backoff


def test_no_pause_before_the_first_failure() -> None:
    assert not Backoff().pauses(0)


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff()
    ends = []
    for _ in range(6):
        backoff.extend(100, first=1, longest=10)
        ends.append(backoff.until)
    assert ends == [101, 102, 104, 108, 110, 110]  # 100 + 2**n, at most 10 seconds
    assert backoff.count == 6


def test_a_pause_ends_at_its_time() -> None:
    backoff = Backoff()
    backoff.extend(100, first=1, longest=10)
    assert backoff.pauses(100.9)
    assert not backoff.pauses(101)


def test_any_number_of_failures_is_within_the_range_of_a_float() -> None:
    backoff = Backoff()
    for _ in range(5000):
        backoff.extend(0, first=1, longest=60)
    assert backoff.until == pytest.approx(60)
