"""Columns of the target list."""

import pytest

from results.count.columns import column_value, importance


@pytest.mark.parametrize(
    ("fields", "name", "expected"),
    [
        ({"owner": "Ann", "Owner": "Bob"}, "Owner", "Bob"),
        ({"OWNER ": " Ann "}, "owner", "Ann"),
        ({"owner": "Ann"}, "partner", ""),
        ({"": "Ann"}, "", ""),
        ({}, "owner", ""),
    ],
)
def test_the_value_of_a_column(fields: dict[str, str], name: str, expected: str) -> None:
    assert column_value(fields, name) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10", 10.0), ("High", 3.0), ("", 0.0), ("n/a", 0.0), ("nan", 0.0), ("inf", 0.0), ("-1", -1.0)],
)
def test_importance(text: str, expected: float) -> None:
    assert importance(text) == expected
