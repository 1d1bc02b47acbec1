"""Macros in main.cf values. Expected values: postconf(5), compared with Debian's 3.7.11."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.finger.macros import MacroError, expand

TABLE = {"a": "A", "b": "$a$a", "empty": "", "level": "3.9", "n": "10"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x", "x"),
        ("$a ${a} $(a)", "A A A"),
        ("$b.", "AA."),
        ("$$a", "$a"),
        ("$ $", "$ $"),
        ("$nothing.", "."),
        ("${a?yes}${empty?no}", "yes"),
        ("${a:no}${empty:yes}", "Ayes"),
        ("${a?{yes}:{no}} ${empty?{yes}:{no}}", "yes no"),
        ("${a?<$b>}", "<AA>"),
        ("${empty?{x}}.", "."),
        ("${{$a} == {A} ? {same} : {other}}", "same"),
        ("${{$a}!={A}?{same}:{other}}", "other"),
        ("${{9} < {$n} ? {numbers} : {texts}}", "numbers"),
        ("${{9x} < {10x} ? {numbers} : {texts}}", "texts"),
        ("${{$level} <level {3.10} ? {older} : {newer}}", "older"),
        ("${{3.6} >=level {3.6.0} ? {y}}", "y"),
    ],
)
def test_macros(text: str, value: str) -> None:
    assert expand(text, TABLE) == value


@pytest.mark.parametrize("text", ["${a", "$(a", "${{a}", "${{a} ~ {b} ? x}", "${?}", "${a?{x}", "$loop"])
def test_broken_macros_are_refused(text: str) -> None:
    with pytest.raises(MacroError):
        expand(text, {**TABLE, "loop": "$loop"})


@given(st.text("$({a?:=<})b e", max_size=24))
def test_any_value_is_expanded_or_refused(text: str) -> None:
    with contextlib.suppress(MacroError):
        expand(text, TABLE)
