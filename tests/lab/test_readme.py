"""README.md shows what the commands print."""

import pytest

from tests.lab.readme import README, comparable, outputs, shown
from tests.lab.use import Lab


@pytest.mark.lab
def test_the_readme_shows_real_output(lab: Lab) -> None:
    """``python -m tests.lab.readme`` writes it anew."""
    expected = {name: comparable(text) for name, text in outputs(lab).items()}
    assert {name: comparable(text) for name, text in shown(README.read_text()).items()} == expected


def test_what_differs_between_two_labs_is_left_out_of_the_comparison() -> None:
    assert comparable("took 3 s, until 2026-12-28  0.5") == comparable("took 4 s, until 2027-01-01 0.7")
    assert comparable("dane broken") != comparable("dane ok")
