"""Escapes for text from outside."""

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.render.escape import MAX_QUOTE, csv_cell, json_text, safe

HIDDEN = {"Cc", "Cf", "Zl", "Zp"}
"""Categories of the characters that direct the text around them (Unicode Standard, section 4.5)."""


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


def test_csv_and_json_hide_every_character_that_directs_text() -> None:
    """Each code point of these categories, as Python's Unicode database lists them."""
    hidden = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in HIDDEN]
    assert csv_cell("a" + "".join(hidden)) == "a" + "\ufffd" * len(hidden)
    document = json.dumps(hidden, ensure_ascii=False).encode()
    shown = json_text(document)
    assert json.loads(shown) == hidden
    assert not HIDDEN & set(map(unicodedata.category, shown.decode()))


@pytest.mark.parametrize("text", ["plain", "é, 日本, e\u0301", '{"a": "\\u001b"}'])
def test_csv_and_json_keep_other_text(text: str) -> None:
    assert csv_cell(text) == text
    assert json_text(text.encode()) == text.encode()
