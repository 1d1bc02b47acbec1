import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.net.gcra import GCRA

# Expected values: the virtual scheduling algorithm of ITU-T I.371 annex A, by hand; the clock is a list of numbers.


@pytest.mark.parametrize(
    ("rate", "burst", "asked_at", "go_at"),
    [
        (1, 1, [0, 0, 0], [0, 1, 2]),  # one per second
        (1, 1, [0, 5, 5], [0, 5, 6]),  # idle time does not accumulate
        (1, 3, [0, 0, 0, 0, 0], [0, 0, 0, 1, 2]),  # three at once, then at the rate
        (1, 3, [0, 0, 0, 2, 2, 2], [0, 0, 0, 2, 2, 3]),  # two seconds restore two of the burst
        (4, 1, [10, 10.5, 10.6], [10, 10.5, 10.75]),
        (0.5, 2, [0, 1, 1], [0, 1, 2]),
    ],
)
def test_reservations(rate: float, burst: float, asked_at: list[float], go_at: list[float]) -> None:
    gate = GCRA(rate, burst)
    assert [gate.reserve(now) for now in asked_at] == pytest.approx(go_at)


@given(
    rate=st.floats(0.1, 1000),
    burst=st.integers(1, 50),
    waits=st.lists(st.floats(0, 2), min_size=2, max_size=60),
)
def test_no_interval_has_more_events_than_rate_and_burst(rate: float, burst: int, waits: list[float]) -> None:
    gate = GCRA(rate, burst)
    now, times = 0.0, []
    for wait in waits:
        now += wait
        times.append(gate.reserve(now))
        assert times[-1] >= now
    for first, begin in enumerate(times):
        for last, end in enumerate(times[first:], first):
            assert last - first + 1 <= burst + rate * (end - begin) + 1e-6 * (1 + rate * end)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_events_below_the_rate_never_wait(moments: list[float]) -> None:
    gate = GCRA(2, 1)
    now = 0.0
    for extra in moments:
        now += 0.5 + extra
        assert gate.reserve(now) == now


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (math.nan, 1), (1, 0.5)])
def test_invalid_rates(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        GCRA(rate, burst)
