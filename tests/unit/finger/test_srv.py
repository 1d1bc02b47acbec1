"""The order of SRV records (RFC 2782)."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from scanner.finger import srv
from scanner.finger.srv import SRVRecord


def test_weights_draw_the_first_in_proportion() -> None:
    """RFC 2782: of weights 1 and 3, and 0 in front, a number from 0 to 4 picks: 0 -> z, 1 -> a, 2..4 -> b."""
    records = [SRVRecord(0, 1, 25, "a.test"), SRVRecord(0, 3, 25, "b.test"), SRVRecord(0, 0, 25, "z.test")]
    rng = random.Random(7)
    first = Counter(srv.ordered(records, rng)[0].target for _ in range(10000))
    # The number that lies on a's bound belongs to it when it stands before b; shuffled, a and b share that luck.
    assert 0.17 < first["z.test"] / 10000 < 0.23
    assert 0.17 < first["a.test"] / 10000 < 0.23
    assert 0.57 < first["b.test"] / 10000 < 0.63


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 65535), st.integers(0, 65535)), max_size=8), st.integers())
def test_any_srv_rrset_is_put_into_the_order_of_its_priorities(numbers: list[tuple[int, int, int]], seed: int) -> None:
    records = [SRVRecord(*three, f"h{i}.test") for i, three in enumerate(numbers)]
    order = srv.ordered(records, random.Random(seed))
    assert sorted(order, key=lambda r: r.priority) == order
    assert Counter(order) == Counter(records)
