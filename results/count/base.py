"""Labels of counted properties, the numbers of domains and MX hosts with a label, and tables of these numbers."""

from dataclasses import dataclass

Word = tuple[str, str]
"""A label of a domain or MX host: the name of a table and the value of a row, such as ``("dane", "protected")``."""

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Count:
    """The number of domains and of MX hosts with a label."""

    domains: int
    hosts: int


@dataclass(frozen=True, slots=True)
class CountTable:
    """The numbers of domains and of MX hosts for each row of a table; the numbers in ``base`` are 100 percent."""

    base: Count
    rows: dict[str, Count]
