"""The result of a benchmark: rows of one table."""

from typing import NamedTuple


class Row(NamedTuple):
    """One measurement: its name, its value with the unit, the target in words, and whether it was met.

    ``ok`` is None where there is no target: the row is there to be compared with.
    """

    name: str
    value: str
    target: str = ""
    ok: bool | None = None
