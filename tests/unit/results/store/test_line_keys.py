"""Keys and strings cut out of lines without parsing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.store import codec, line_keys
from tests.unit import records

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)  # text that UTF-8 can encode


@pytest.mark.parametrize(
    ("record", "key"),
    [
        (records.domain(), "a.example"),
        (records.report(), "mx1.example:25:smtp"),
        (records.cert(), records.DIGEST),
        (records.reject(), "list.csv:9"),
    ],
)
def test_the_key_is_the_first_member_and_is_cut_out(record: Any, key: str) -> None:
    assert line_keys.key_of(codec.encode(record)) == key


@given(TEXT)
def test_any_key_is_cut_out_as_it_was(key: str) -> None:
    assert line_keys.key_of(codec.encode(records.reject(key=key))) == key


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b'{"key":"a',
        b'{"key":1}',
        b'["key"]',
        b'{"key":"\xff"}',
        b'{"key":"\\ud800"}',
        b'{"key":"a\\',
    ],
)
def test_a_line_without_key_is_refused(line: bytes) -> None:
    with pytest.raises(codec.CodecError):
        line_keys.key_of(line)


def test_a_key_is_found_though_another_tool_put_blanks_into_the_line() -> None:
    assert line_keys.key_of(b'{ "key" : "a.example", "schema": 1 }') == "a.example"
