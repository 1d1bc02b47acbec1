"""A cache of DNS answers for their TTL, so that a scan queries the records of an MX host shared by many domains once.

The cache contains answers with data and negative answers (NODATA, NXDOMAIN). Answers with an error are not cached,
because a repeated query may succeed. MX and TXT answers are not cached: a scan queries MX and TXT records once for each
domain, and a million MX or TXT answers would displace the answers about hosts. Answers with more than ``MAX_RECORDS``
records are not cached. The caller passes the current time to each method as an argument.
"""

from collections import OrderedDict
from typing import NamedTuple

from scanner.facts import Answer
from scanner.vocabulary import Outcome

MAX_ANSWERS = 20_000  # maximum number of answers: about 20 MB at 1 KB each; the resolver itself also caches answers
MAX_RECORDS = 100  # maximum number of records of a cached answer; a hostile zone could otherwise fill the memory
NOT_CACHED = ("MX", "TXT")


class CacheKey(NamedTuple):
    """The cache key of a DNS question: canonical name, type, and whether DNSSEC validation was requested."""

    name: str
    rtype: str
    dnssec: bool


class AnswerCache:
    """A cache of at most ``limit`` DNS answers, which removes the least recently used answer first."""

    def __init__(self, limit: int = MAX_ANSWERS) -> None:
        self._limit = limit
        self._entries: OrderedDict[CacheKey, tuple[float, Answer]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: CacheKey, now: float) -> Answer | None:
        """Return a cached answer whose TTL has not expired.

        Args:
            key: the cache key of the question.
            now: the time in seconds of a monotonic clock.

        Returns:
            The answer as it was received, with its original TTL; None if the cache contains no answer with an unexpired
            TTL.
        """
        expires, answer = self._entries.get(key, (now, None))
        if expires <= now:
            self._entries.pop(key, None)
            return None
        self._entries.move_to_end(key)
        return answer

    def put(self, key: CacheKey, answer: Answer, now: float) -> None:
        """Replace the cached answer to a question; if the new answer may not be cached, only remove the old answer."""
        self._entries.pop(key, None)
        if answer.outcome is Outcome.ERROR or answer.ttl <= 0 or key.rtype in NOT_CACHED:
            return
        if len(answer.records) > MAX_RECORDS:
            return
        self._entries[key] = (now + answer.ttl, answer)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)
