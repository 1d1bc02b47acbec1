"""The comparison of two verdicts, of a domain or of an address: which fields differ, counted and as text.

``diff`` compares the verdicts of two runs, ``report --rejudge`` a stored verdict with the recomputed one. Both use the
functions of this module.
"""

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from scanner.model import EndpointVerdict
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainStartTLS, Pkix, Sender, TLSState

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class DomainWords:
    """The four verdict words of a domain. The fields are compared and shown in this order."""

    dane: DomainDane
    starttls: DomainStartTLS
    outcome: DomainOutcome
    sender: Sender


@dataclass(frozen=True, slots=True)
class EndpointWords:
    """The three verdict words of an address. The fields are compared and shown in this order."""

    tls: TLSState
    dane: Dane
    pkix: Pkix


@dataclass(frozen=True, slots=True)
class DomainChange:
    """A domain whose verdict changed.

    ``reasons`` and ``text`` are those of the new verdict; for a domain that was fixed, those of the old verdict.
    ``since`` is the time of the first run in which the domain was broken, without a later run in which it was sound.
    """

    domain: str
    old: DomainWords
    new: DomainWords
    reasons: tuple[Reason, ...] = ()
    text: str = ""
    since: datetime | None = None


class _Judged(Protocol):
    @property
    def dane(self) -> DomainDane: ...
    @property
    def starttls(self) -> DomainStartTLS: ...
    @property
    def outcome(self) -> DomainOutcome: ...
    @property
    def sender(self) -> Sender: ...


def shared(value: V) -> V:
    """Return one object for all equal values, to save memory where many domains have the same verdict."""
    first: V = _first(value)
    return first


@lru_cache(maxsize=4096)
def _first(value: Hashable) -> Any:
    return value


def domain_words(verdict: _Judged) -> DomainWords:
    """Return the verdict words of a domain's verdict or state."""
    return shared(DomainWords(verdict.dane, verdict.starttls, verdict.outcome, verdict.sender))


def endpoint_words(verdict: EndpointVerdict) -> EndpointWords:
    """Return the verdict words of an address."""
    return EndpointWords(verdict.tls, verdict.dane, verdict.pkix)


def differences(old: Any, new: Any) -> Iterator[tuple[str, str]]:
    """Compare two verdicts.

    Args:
        old: ``DomainWords`` or ``EndpointWords``.
        new: an object of the same class.

    Yields:
        The name of each field that differs, and ``old > new``.
    """
    for field in fields(old):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before != after:
            yield field.name, f"{before} > {after}"


def change_text(old: Any, new: Any) -> str:
    """Return the fields that differ as text, as in ``dane protected > broken, outcome ok > fail``."""
    return ", ".join(f"{name} {change}" for name, change in differences(old, new))


class Transitions:
    """Counts of changed domains by field and ``old > new``."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}

    def add(self, old: DomainWords, new: DomainWords) -> None:
        """Count the fields of one domain that differ."""
        for name, change in differences(old, new):
            self._counts.setdefault(name, Counter())[change] += 1

    def sorted(self) -> dict[str, dict[str, int]]:
        """Return the counts of each field, the most frequent change first, equal counts by name."""
        return {
            field.name: dict(sorted(counts.items(), key=lambda row: (-row[1], row[0])))
            for field in fields(DomainWords)
            if (counts := self._counts.get(field.name))
        }
