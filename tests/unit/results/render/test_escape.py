"""Escapes for text from outside."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.render.escape import MAX_QUOTE, safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, é, 日本", "plain text, é, 日本"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\r\n", "a"),
        ("a\r\nb", "a\\x0d b"),
        ("\u202eabc", "\\u202eabc"),
        ("\U000e0041", "\\U000e0041"),
        ("e\u0301", "e\\u0301"),
        ("\x9b", "\\x9b"),
        ("\udc80", "\\udc80"),
        ("[red]", "[red]"),
    ],
)
def test_invisible_characters_are_escaped(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text())
def test_no_control_character_remains(text: str) -> None:
    assert all(unicodedata.category(c)[0] not in "CM" and (c == " " or c.isprintable()) for c in safe(text))


def test_long_text_is_cut() -> None:
    assert safe("x" * (MAX_QUOTE + 1)) == "x" * MAX_QUOTE + "…"
    assert safe("x" * MAX_QUOTE) == "x" * MAX_QUOTE
