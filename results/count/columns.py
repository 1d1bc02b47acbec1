"""Columns of the target list, such as owner or importance, and the numbers of domains by the values of a column.

The memory used grows with the number of values of the column and with the number of pairs of a failing MX host and a
value of the column.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from results.count.health import Health, domain_health
from results.store import codec
from results.store.partial import VerdictPart
from scanner.vocabulary import DomainDane

EXAMPLES = 20  # maximum number of example domains for each pair of a failing MX host and a column value

NO_VALUE = "(none)"
"""The text in reports for a domain without a value in the column by which the domains of a report are grouped."""

_NO_FIELDS: Mapping[str, str] = {}
_EMPTY = b'"fields":{}}'
_IMPORTANCE = (b'"importance":', b'"Importance":', b'"IMPORTANCE":')  # other targets are not decoded
_WORDS = {"critical": 4.0, "high": 3.0, "medium": 2.0, "normal": 2.0, "low": 1.0}
"""The numbers for the texts ``critical`` to ``low`` of the column ``importance``; a larger number is more important."""


@dataclass(frozen=True, slots=True)
class GroupCount:
    """The numbers of domains with one value of a column of the target list, by health.

    ``protected`` is the number of domains with the DANE verdict ``protected``.
    """

    value: str
    domains: int
    protected: int
    broken: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Share:
    """The domains that use a failing MX host and have one value of a column; ``examples`` names some of the domains."""

    value: str
    domains: int
    examples: tuple[str, ...]


class NamedHost(Protocol):
    """One of the MX hosts of a domain."""

    @property
    def name(self) -> str:
        """The name of the MX host."""


@dataclass(slots=True)
class _Share:
    domains: int = 0
    examples: list[str] = field(default_factory=list)


class _TargetPart(msgspec.Struct, frozen=True, gc=False):
    """The member of a target's JSON object that contains the columns of the target list."""

    fields: dict[str, str] = {}


_TARGET = msgspec.json.Decoder(_TargetPart)


class Columns:
    """Counter of domains by the values of a column; also finds the largest importance of each failing MX host."""

    def __init__(self, column: str) -> None:
        """Create a counter.

        Domains are counted by the values of ``column``, the name of a column. If ``column`` is empty, only the column
        ``importance`` is read.
        """
        self._column = column
        self._importance: dict[str, float] = {}
        self._shares: dict[str, dict[str, _Share]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, domain: str, target: bytes, verdict: VerdictPart, failing: Collection[NamedHost]) -> None:
        """Count a domain.

        Args:
            domain: the name of the domain.
            target: the JSON of the member ``target`` of the domain's record.
            verdict: the verdict of the domain.
            failing: the failing MX hosts of the domain.

        Raises:
            CodecError: the JSON does not have the form of a target.
        """
        ranked = any(name in target for name in _IMPORTANCE)
        if not self._column and not ranked:
            return
        fields = _fields(target)
        if ranked and (rank := importance(column_value(fields, "importance"))):
            for host in failing:
                self._importance[host.name] = max(rank, self._importance.get(host.name, rank))
        if self._column:
            self._count(domain, column_value(fields, self._column), verdict, failing)

    def _count(self, domain: str, value: str, verdict: VerdictPart, failing: Collection[NamedHost]) -> None:
        health = domain_health(verdict.dane, verdict.outcome, verdict.reasons)
        for state in ("", verdict.dane, f"health {health}"):
            self._counts[value, state] += 1
        for host in failing:
            share = self._shares.setdefault(host.name, {}).setdefault(value, _Share())
            share.domains += 1
            if len(share.examples) < EXAMPLES:
                share.examples.append(domain)

    @property
    def given(self) -> bool:
        """True if domains are counted by the values of a column."""
        return bool(self._column)

    def importance_of(self, host: str) -> float:
        """Return the largest importance of the domains that use a failing MX host; 0 if no importance is known."""
        return self._importance.get(host, 0.0)

    def shares_of(self, host: str) -> tuple[Share, ...]:
        """Return the domains that use a failing MX host by column value; the value with the most domains is first."""
        found = (Share(value, one.domains, tuple(one.examples)) for value, one in self._shares.get(host, {}).items())
        return tuple(sorted(found, key=lambda share: (-share.domains, share.value)))

    def counts(self) -> tuple[GroupCount, ...]:
        """Return the counts of domains for each column value; the value with the most broken domains is first."""
        count = self._counts
        found = (
            GroupCount(
                value,
                size,
                count[value, DomainDane.PROTECTED],
                count[value, f"health {Health.BROKEN}"],
                count[value, f"health {Health.UNKNOWN}"],
            )
            for (value, state), size in count.items()
            if not state
        )
        return tuple(sorted(found, key=lambda row: (-row.broken, -row.domains, row.value)))


def column_value(fields: Mapping[str, str], column: str) -> str:
    """Return the value of a column without surrounding blanks; empty if the domain does not have this column.

    Args:
        fields: the values of the list's columns for the domain, by column name.
        column: the name of the column. If no column has exactly the requested name, the case of letters in the names of
            columns is ignored.
    """
    if not column or not fields:
        return ""
    found = fields.get(column)
    if found is None:
        wanted = column.strip().casefold()
        found = next((value for name, value in fields.items() if name.strip().casefold() == wanted), "")
    return found.strip()


def importance(text: str) -> float:
    """Return the importance of a domain as a number; a larger number is more important, and 0 means unknown."""
    word = text.strip().casefold()
    if word in _WORDS:
        return _WORDS[word]
    try:
        number = float(word)
    except ValueError:
        return 0.0
    return number if abs(number) < float("inf") else 0.0  # the comparison is also false for NaN


def _fields(target: bytes) -> Mapping[str, str]:
    if target.endswith(_EMPTY):
        return _NO_FIELDS
    try:
        return _TARGET.decode(target).fields
    except codec.UNREADABLE as error:
        raise codec.CodecError(str(error)) from error
