"""Conditions of ``mxsweep diff --fail-on``: changes after which the command ends with exit code 4."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from results.diff.compare import Comparison
from results.diff.groups import ChangeKind
from results.render.words import number

NAMES = ("new-broken", "new-unknown", "removed", "shrunk=PERCENT%")
"""The texts that ``--fail-on`` accepts as a condition, as named in help and error messages."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of ``--fail-on``: ``name`` is the text before ``=``, ``percent`` the number after ``shrunk=``."""

    name: str
    percent: float = 0.0


def parse(text: str) -> Condition:
    """Parse a condition of ``--fail-on``, such as ``new-broken`` or ``shrunk=10%``.

    Raises:
        ValueError: the text is not a condition of ``--fail-on``.
    """
    shrunk = re.fullmatch(r"shrunk=(\d{1,3}(?:\.\d+)?)%?", text)
    if shrunk is not None:
        return Condition("shrunk", float(shrunk[1]))
    if text in _TESTS and text != "shrunk":
        return Condition(text)
    raise ValueError(f"{text}: {', '.join(NAMES[:-1])} or {NAMES[-1]} was expected")


def violation(found: Comparison, condition: Condition) -> str:
    """Return a sentence that states how a comparison meets a condition; an empty text if the condition is not met."""
    return _TESTS[condition.name](found, condition)


def _kind(kind: ChangeKind, text: str) -> Callable[[Comparison, Condition], str]:
    def test(found: Comparison, _condition: Condition) -> str:
        count, groups = found.counts.get(kind), [group for group in found.groups if group.kind is kind]
        if count is None or not groups:
            return ""
        first = groups[0]
        example = f", first {first.host or first.domains[0]} ({first.words})"
        return f"{number(count.hosts, 'MX host')} and {number(count.domains, 'domain')} are {text}{example}"

    return test


def _removed(found: Comparison, _condition: Condition) -> str:
    if not found.removed:
        return ""
    count = len(found.removed)
    verb = "is" if count == 1 else "are"
    return f"{number(count, 'domain')} {verb} no longer in the list, first {found.removed[0].domain}"


def _shrunk(found: Comparison, condition: Condition) -> str:
    """Return a sentence if the number of domains fell by ``percent`` % or more since the last complete earlier run.

    The result is empty if the newest run is not complete.
    """
    *earlier, new = found.runs
    old = next((run for run in reversed(earlier) if run.complete), None)
    if old is None or not new.complete or not old.domains:
        return ""
    lost = 100 * (old.domains - new.domains) / old.domains
    if lost < condition.percent or lost <= 0:
        return ""
    return f"the number of domains fell from {old.domains:,} to {new.domains:,}, by {lost:.1f} %"


_TESTS: dict[str, Callable[[Comparison, Condition], str]] = {
    "new-broken": _kind(ChangeKind.NEW_BROKEN, "newly broken"),
    "new-unknown": _kind(ChangeKind.NEW_UNKNOWN, "newly unknown"),
    "removed": _removed,
    "shrunk": _shrunk,
}
