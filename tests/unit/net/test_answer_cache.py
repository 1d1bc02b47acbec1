from typing import Any

import pytest

from scanner.facts import Answer
from scanner.net.answer_cache import AnswerCache, CacheKey
from scanner.vocabulary import Outcome, Security


def answer(rtype: str = "A", outcome: Outcome = Outcome.DATA, ttl: int = 60, **more: Any) -> Answer:
    return Answer("a.example", rtype, outcome, Security.SECURE, ttl=ttl, **more)


KEY = CacheKey("a.example", "A", True)  # noqa: FBT003 - a field of the key


def test_an_answer_is_cached_for_its_ttl() -> None:
    cache = AnswerCache()
    kept = answer(ttl=60)
    cache.put(KEY, kept, 1000.0)
    assert cache.get(KEY, 1059.9) is kept
    assert cache.get(KEY, 1060.0) is None
    assert len(cache) == 0


def test_validated_and_unvalidated_answers_are_separate() -> None:
    cache = AnswerCache()
    cache.put(KEY._replace(dnssec=False), answer(), 0)
    assert cache.get(KEY, 1) is None


# RFC 2308 section 5 allows caching of negative answers; failures (section 7) are never cached here.
@pytest.mark.parametrize(
    ("made", "kept"),
    [
        (answer(), True),
        (answer(outcome=Outcome.NODATA), True),
        (answer(outcome=Outcome.NXDOMAIN), True),
        (answer(outcome=Outcome.ERROR), False),
        (answer(ttl=0), False),
        (answer(records=tuple(map(str, range(100)))), True),
        (answer(records=tuple(map(str, range(101)))), False),
        (answer(outcome=Outcome.NODATA, ttl=0), False),
        (answer("MX"), False),
        (answer("TXT"), False),
        (answer("TLSA"), True),
    ],
)
def test_kinds_of_answers(made: Answer, kept: bool) -> None:  # noqa: FBT001 - a table
    cache = AnswerCache()
    key = KEY._replace(rtype=made.rtype)
    cache.put(key, made, 0)
    assert (cache.get(key, 0) is made) == kept


def test_a_failure_removes_the_cached_answer() -> None:
    cache = AnswerCache()
    cache.put(KEY, answer(), 0)
    cache.put(KEY, answer(outcome=Outcome.ERROR), 1)
    assert cache.get(KEY, 2) is None


def test_the_least_recently_used_answer_is_removed_first() -> None:
    cache = AnswerCache(limit=2)
    keys = [KEY._replace(name=name) for name in "abc"]
    cache.put(keys[0], answer(), 0)
    cache.put(keys[1], answer(), 0)
    cache.get(keys[0], 1)
    cache.put(keys[2], answer(), 1)
    assert [cache.get(key, 2) is not None for key in keys] == [True, False, True]
    assert len(cache) == 2
