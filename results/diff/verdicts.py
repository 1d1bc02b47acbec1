"""Comparison of two verdicts of a domain or an address, field by field, as counts and as text.

``diff`` uses this module to compare verdicts of several runs, and ``report --rejudge`` to compare stored verdicts with
recomputed verdicts.
"""

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from scanner.model import EndpointVerdict
from scanner.reasons import Reason
from scanner.vocabulary import (
    Dane,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    DomainSTS,
    Mechanism,
    Pkix,
    Sender,
    TLSState,
)

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class DomainWords:
    """The verdict values of a domain, in the order in which the values are compared and printed.

    ``sts`` and ``mechanism`` are None if the run did not examine MTA-STS, and in this case are not compared.
    """

    dane: DomainDane
    starttls: DomainStartTLS
    outcome: DomainOutcome
    sender: Sender
    sts: DomainSTS | None = None
    mechanism: Mechanism | None = None


@dataclass(frozen=True, slots=True)
class EndpointWords:
    """The verdict values (TLS, DANE, PKIX) of an address, in the order in which the values are compared and printed."""

    tls: TLSState
    dane: Dane
    pkix: Pkix


@dataclass(frozen=True, slots=True)
class DomainChange:
    """A domain whose verdict changed between the compared runs.

    ``reasons`` and ``text`` belong to the new verdict, or to the old verdict if the domain was fixed. ``since`` is the
    time at which the domain was first observed as broken after its last sound state. ``group`` is the domain's value in
    the column of the target list by which changes are grouped.
    """

    domain: str
    old: DomainWords
    new: DomainWords
    reasons: tuple[Reason, ...] = ()
    text: str = ""
    since: datetime | None = None
    group: str = ""


class _Judged(Protocol):
    @property
    def dane(self) -> DomainDane: ...
    @property
    def starttls(self) -> DomainStartTLS: ...
    @property
    def outcome(self) -> DomainOutcome: ...
    @property
    def sender(self) -> Sender: ...
    @property
    def sts(self) -> DomainSTS | None: ...
    @property
    def mechanism(self) -> Mechanism | None: ...


def shared(value: V) -> V:
    """Return the same object for equal values, which saves memory if many domains have equal verdicts."""
    first: V = _first(value)
    return first


@lru_cache(maxsize=4096)
def _first(value: Hashable) -> Any:
    return value


def domain_words(verdict: _Judged) -> DomainWords:
    """Return the values of a domain's verdict, taken from a verdict record or from a ``DomainState``."""
    words = DomainWords(verdict.dane, verdict.starttls, verdict.outcome, verdict.sender, verdict.sts, verdict.mechanism)
    return shared(words)


def endpoint_words(verdict: EndpointVerdict) -> EndpointWords:
    """Return the verdict values (TLS, DANE, PKIX) of an address."""
    return EndpointWords(verdict.tls, verdict.dane, verdict.pkix)


def differences(old: Any, new: Any) -> Iterator[tuple[str, str]]:
    """Compare two verdicts.

    Args:
        old: ``DomainWords`` or ``EndpointWords``.
        new: an object of the same class as ``old``.

    Yields:
        The name of each differing field, and the text ``old > new`` with both values. A field that is None in one of
        the two verdicts is treated as equal in both verdicts.
    """
    for field in fields(old):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before != after and None not in (before, after):
            yield field.name, f"{before} > {after}"


def change_text(old: Any, new: Any) -> str:
    """Return the fields whose values differ as text, for example ``dane protected > broken, outcome ok > fail``."""
    return ", ".join(f"{name} {change}" for name, change in differences(old, new))


class Transitions:
    """The numbers of changed domains by field and by the text ``old > new``."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}

    def add(self, old: DomainWords, new: DomainWords) -> None:
        """Count the verdict fields of one domain that differ between ``old`` and ``new``."""
        for name, change in differences(old, new):
            self._counts.setdefault(name, Counter())[change] += 1

    def sorted(self) -> dict[str, dict[str, int]]:
        """Return the numbers of changes for each field.

        In the result, the most frequent change is first, and changes with equal counts are sorted by name.
        """
        return {
            field.name: dict(sorted(counts.items(), key=lambda row: (-row[1], row[0])))
            for field in fields(DomainWords)
            if (counts := self._counts.get(field.name))
        }
