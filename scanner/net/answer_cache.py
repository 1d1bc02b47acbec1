"""Answers kept for their TTL, so that a host shared by many domains is asked about once.

Kept are data and clean negatives. An error is never kept: what could not be told now may be told in a second. MX
answers are not kept either: a scan asks for each domain's MX once, and a million of them would push out the hosts.
Not here: a clock; the caller says what time it is.
"""

from collections import OrderedDict
from typing import NamedTuple

from scanner.facts import Answer
from scanner.vocabulary import Outcome

MAX_ANSWERS = 20_000  # some 20 MB at about 1 KB each; the resolver itself keeps what is pushed out
_NOT_KEPT = ("MX",)


class Key(NamedTuple):
    """What was asked: name, type, and whether with validation."""

    name: str
    rtype: str
    dnssec: bool


class AnswerCache:
    """The answers that were used last, ``limit`` at most."""

    def __init__(self, limit: int = MAX_ANSWERS) -> None:
        self._limit = limit
        self._kept: OrderedDict[Key, tuple[float, Answer]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key, now: float) -> Answer | None:
        """Find an answer whose TTL is not over.

        Args:
            key: what is asked.
            now: the time in seconds.

        Returns:
            The answer as it came, its TTL too; None when there is none.
        """
        expires, answer = self._kept.get(key, (now, None))
        if expires <= now:
            self._kept.pop(key, None)
            return None
        self._kept.move_to_end(key)
        return answer

    def put(self, key: Key, answer: Answer, now: float) -> None:
        """Keep an answer, if it is one to keep; it takes the place of an older one."""
        self._kept.pop(key, None)
        if answer.outcome is Outcome.ERROR or answer.ttl <= 0 or key.rtype in _NOT_KEPT:
            return
        self._kept[key] = (now + answer.ttl, answer)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)
