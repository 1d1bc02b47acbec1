"""Words, their counts in domains and in MX hosts, and tables of such counts."""

from dataclasses import dataclass

Word = tuple[str, str]
"""The name of a table and a word in it."""

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Count:
    """How many domains a word concerns, and how many MX hosts."""

    domains: int
    hosts: int


@dataclass(frozen=True, slots=True)
class CountTable:
    """The counts of the words of one table, those with most domains first; ``base`` is 100 % of each column."""

    base: Count
    rows: dict[str, Count]
