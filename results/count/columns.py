"""Columns of the target list, such as owner or importance: the value of a domain, and the order of importance."""

from collections.abc import Mapping

_WORDS = {"critical": 4.0, "high": 3.0, "medium": 2.0, "normal": 2.0, "low": 1.0}
"""Numbers for common words; a larger number is more important."""


def column_value(fields: Mapping[str, str], column: str) -> str:
    """Return the value of a column without surrounding blanks; empty if the domain does not have this column.

    Args:
        fields: the columns of the domain by name.
        column: the name. A name in other case is used if there is no column with exactly this name.
    """
    if not column or not fields:
        return ""
    found = fields.get(column)
    if found is None:
        wanted = column.strip().casefold()
        found = next((value for name, value in fields.items() if name.strip().casefold() == wanted), "")
    return found.strip()


def importance(text: str) -> float:
    """Return the importance of a domain as a number; a larger number is more important, 0 for an unknown value."""
    word = text.strip().casefold()
    if word in _WORDS:
        return _WORDS[word]
    try:
        number = float(word)
    except ValueError:
        return 0.0
    return number if abs(number) < float("inf") else 0.0  # also false for NaN
