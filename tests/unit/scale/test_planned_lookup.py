"""Lookups in a part: planned answers, and questions that are passed on."""

import pytest

from scanner.facts import Answer
from scanner.scale.planned_lookup import PlannedLookup, no_lookup
from tests.unit.records import answer

PLANNED = answer("mx.example", "A", "192.0.2.1")
OTHER = answer("_25._tcp.mx.example", "TLSA", "030101aa")


async def test_only_other_questions_are_passed_on() -> None:
    asked: list[tuple[str, str, bool]] = []

    async def other(name: str, rtype: str, *, fresh: bool = False) -> Answer:
        asked.append((name, rtype, fresh))
        return OTHER

    lookup = PlannedLookup({("mx.example", "A"): PLANNED}, other)
    assert await lookup("MX.example", "A", fresh=True) is PLANNED
    assert await lookup(OTHER.name, "TLSA", fresh=True) is OTHER
    assert asked == [(OTHER.name, "TLSA", True)]


async def test_a_stage_with_all_answers_asks_nothing() -> None:
    with pytest.raises(RuntimeError, match=r"no planned answer for mx\.example A"):
        await no_lookup("mx.example", "A")
