"""A count of domains and of MX hosts, and a table of such counts with what they are shares of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Count:
    """How many domains a word concerns, and how many MX hosts."""

    domains: int
    hosts: int


@dataclass(frozen=True, slots=True)
class CountTable:
    """Words with their counts, those with most domains first, and what the counts are shares of."""

    base: Count
    rows: dict[str, Count]
