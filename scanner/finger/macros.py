"""Expansion of ``$name`` and similar macros in main.cf values (postconf(5)).

* ``$name``, ``${name}`` and ``$(name)`` give the value of a parameter, or nothing if the parameter has no value.
* ``${name?text}`` and ``${name?{text}}`` give ``text`` if the value of the parameter is not empty, else nothing.
* ``${name:text}`` and ``${name:{text}}`` give ``text`` if the value of the parameter is empty, else the value.
* ``${name?{text}:{other}}`` gives ``text`` if the value of the parameter is not empty, else ``other``.
* ``${{a} == {b} ? {text} : {other}}`` gives ``text`` if the comparison (== != < <= > >=) of a and b is true, else
  ``other``; a and b are compared as numbers if both are numbers, else as texts.
* ``${{a} <level {b} ? {text} : {other}}`` is a comparison of a and b as compatibility levels (<level ==level ...).
* ``$$`` gives a dollar sign.

The values of parameters and the texts in macros may contain further macros, which are expanded too. ``expand`` raises
``MacroError`` for a macro that is malformed or that refers to itself.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

MAX_DEPTH = 100
"""Maximum nesting depth of macros, as in Postfix."""

_NAME = re.compile(r"[A-Za-z0-9_]+")
_OPERATOR = re.compile(r"\s*(==|!=|<=|>=|<|>)(level)?\s*")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CLOSING = {"{": "}", "(": ")"}


class MacroError(ValueError):
    """Error: the expansion of a main.cf value failed; the message is Postfix's message."""


def expand(text: str, table: Mapping[str, str], name: str = "", depth: int = 0) -> str:
    """Return the value of a main.cf parameter with all macros expanded.

    Args:
        text: the value.
        table: the unexpanded parameters by name.
        name: the name of the parameter whose value is ``text``.
        depth: the number of macros in which ``text`` is nested.

    Raises:
        MacroError: a macro is malformed, or refers to itself.
    """
    if depth > MAX_DEPTH:
        raise MacroError(f'unreasonable macro call nesting: "{name}"')
    parts = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        value, at = _macro(text, dollar + 1, table, depth)
        parts.append(value)
    return "".join([*parts, text[at:]])


def _macro(text: str, at: int, table: Mapping[str, str], depth: int) -> tuple[str, int]:
    """Return the value of the macro whose dollar sign precedes ``at``, and the position after the macro."""
    first = text[at : at + 1]
    if first == "$":
        return "$", at + 1
    if first in _CLOSING:
        end = _closed(text, at)
        return _bracketed(text[at + 1 : end - 1], table, depth), end
    found = _NAME.match(text, at)
    if found is None:
        return "$", at
    return _value(found[0], table, depth), found.end()


def _closed(text: str, at: int) -> int:
    """Return the position after the bracket that matches the opening bracket at ``at``."""
    opening, closing = text[at], _CLOSING[text[at]]
    level = 0
    for index in range(at, len(text)):
        level += (text[index] == opening) - (text[index] == closing)
        if level == 0:
            return index + 1
    raise MacroError(f'truncated macro reference: "{text}"')


def _value(name: str, table: Mapping[str, str], depth: int) -> str:
    return expand(table.get(name, ""), table, name, depth + 1)


def _bracketed(inside: str, table: Mapping[str, str], depth: int) -> str:
    inside = inside.strip()
    if inside.startswith("{"):
        truth, rest = _comparison(inside, table, depth)
        return _chosen(truth, "", rest, table, depth)
    found = _NAME.match(inside)
    if found is None:
        raise MacroError(f'bad macro reference: "{inside}"')
    value = _value(found[0], table, depth)
    rest = inside[found.end() :].strip()
    return _chosen(bool(value), value, rest, table, depth) if rest else value


def _comparison(inside: str, table: Mapping[str, str], depth: int) -> tuple[bool, str]:
    end = _closed(inside, 0)
    sign = _OPERATOR.match(inside, end)
    if sign is None or inside[sign.end() : sign.end() + 1] != "{":
        raise MacroError(f'bad operator in macro: "{inside}"')
    last = _closed(inside, sign.end())
    sides = (inside[1 : end - 1], inside[sign.end() + 1 : last - 1])
    left, right = (expand(side.strip(), table, depth=depth + 1) for side in sides)
    compare = _COMPARE[sign[1]]
    if sign[2]:
        return compare(_level(left), _level(right)), inside[last:].strip()
    if left.isdecimal() and right.isdecimal():
        return compare(int(left), int(right)), inside[last:].strip()
    return compare(left, right), inside[last:].strip()


def _level(text: str) -> tuple[int, ...]:
    """Return a compatibility level, ``major.minor.patch``, as a tuple; missing parts are 0."""
    numbers = [int(part) for part in text.split(".") if part.isdecimal()]
    return (*numbers, 0, 0, 0)[:3]


def _chosen(truth: bool, value: str, rest: str, table: Mapping[str, str], depth: int) -> str:  # noqa: FBT001 - a truth value it is
    """Return the expanded text after ``?`` if the condition of a macro is true, else the expanded text after ``:``.

    If the condition is true and ``rest`` contains no text after ``?``, return ``value``. If the condition is false and
    ``rest`` contains no text after ``:``, return an empty text.
    """
    then = None
    if rest.startswith("?"):
        then, rest = _text(rest[1:])
    otherwise = _text(rest[1:])[0] if rest.startswith(":") else None
    due = then if truth else otherwise
    if due is not None:
        return expand(due, table, depth=depth + 1)
    return value if truth else ""


def _text(rest: str) -> tuple[str, str]:
    """Return the text at the beginning of ``rest`` (in braces, or up to the end) and the remainder of ``rest``."""
    rest = rest.strip()
    if not rest.startswith("{"):
        return rest, ""
    end = _closed(rest, 0)
    return rest[1 : end - 1].strip(), rest[end:].strip()
