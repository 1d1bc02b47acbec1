"""DNS messages of the greatest size take little processor time."""

import pytest

from tests.hostile.messages import Case, cases, spent
from tests.hostile.meter import LONGEST

MADE = cases()


@pytest.mark.parametrize("case", MADE.values(), ids=MADE.keys())
def test_a_message_is_decoded_in_a_short_step(case: Case) -> None:
    assert len(case[2]) <= 65_535
    assert spent(case) < LONGEST
