"""DNS messages of the greatest size are decoded with a bounded number of function calls."""

import pytest

from tests.fuzz.fuzzer import bounded
from tests.hostile.messages import Case, cases, spent

CALLS_PER_OCTET = 2  # a decoder with a quadratic step makes hundreds
MADE = cases()


@pytest.mark.parametrize("case", MADE.values(), ids=MADE.keys())
def test_a_message_is_decoded_in_a_short_step(case: Case) -> None:
    assert len(case[2]) <= 65_535
    with bounded(CALLS_PER_OCTET * len(case[2])):
        spent(case)
