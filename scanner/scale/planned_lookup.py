"""A DNS lookup that returns the answers in the plan of a scan from memory, and looks up all other questions."""

from collections.abc import Mapping

from scanner.facts import Answer
from scanner.run.ports import DNSLookup

Question = tuple[str, str]
"""The name and the record type of a DNS question."""


class PlannedLookup:
    """A ``DNSLookup`` (lookup function) for one part of a scan.

    Args:
        answers: the planned answers by question in lower case; for a part of the scan, the A and AAAA answers contain
            only the addresses of the part.
        lookup: the lookup function for questions without a planned answer.
    """

    def __init__(self, answers: Mapping[Question, Answer], lookup: DNSLookup) -> None:
        self._answers = answers
        self._lookup = lookup

    async def __call__(self, name: str, rtype: str, *, fresh: bool = False) -> Answer:
        """Return the planned answer, even if ``fresh`` demands an uncached answer; look up unplanned questions."""
        planned = self._answers.get((name.lower(), rtype))
        return await self._lookup(name, rtype, fresh=fresh) if planned is None else planned


async def no_lookup(name: str, rtype: str, *, fresh: bool = False) -> Answer:
    """Raise a ``RuntimeError`` for every DNS question; for the judgement of domains, whose DNS answers are stored."""
    raise RuntimeError(f"no planned answer for {name} {rtype}{' without a cache' if fresh else ''}")
