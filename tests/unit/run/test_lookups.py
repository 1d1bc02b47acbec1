"""Lookups that fall into an outage are repeated after it."""

from collections.abc import Sequence

import trio
from trio.testing import MockClock

from scanner.facts import Answer
from scanner.net.outage import MANY, Outage
from scanner.run.lookups import Lookups
from scanner.run.stats import Stats
from scanner.vocabulary import Outcome, Phase
from tests.unit import fakes

BACK = 30.0
"""The time at which the network works again."""


async def test_a_lookup_that_fails_in_an_outage_of_the_network_is_repeated(autojump_clock: MockClock) -> None:
    asked: list[float] = []

    async def back(_: object) -> bool:
        await trio.sleep(1)
        return trio.current_time() >= BACK

    async def lookup(name: str, rtype: str, *, fresh: bool = False) -> Answer:
        asked.append(trio.current_time())
        await trio.sleep(10)  # the timeout of a resolver
        if trio.current_time() < BACK:
            return fakes.failed(name, rtype)
        return fakes.answer(name, rtype, "192.0.2.1")

    network: Outage[int] = Outage(back, lambda _: None, "all")
    network.worked(0)
    lookups = Lookups(lookup, None, network, lambda _: None, Stats())
    found: list[Answer] = []

    async def ask() -> None:
        found.append(await lookups("mx.example.com", "A"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        for peer in range(1, MANY + 1):
            nursery.start_soon(network.confirmed, peer, 0.0)
    assert [answer.outcome for answer in found] == [Outcome.DATA]
    assert asked[0] == 0
    assert len(asked) == 2
    assert asked[1] >= BACK


async def test_lookups_are_counted_while_they_are_in_flight(autojump_clock: MockClock) -> None:
    stats = Stats()

    async def lookup(name: str, rtype: str, *, fresh: bool = False) -> Answer:
        await trio.sleep(2)
        return fakes.nothing(name, rtype)

    async def works(_: object) -> bool:
        return True

    def report(text: str) -> None:
        raise AssertionError(text)

    lookups = Lookups(lookup, None, Outage(works, report, "all"), report, stats)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lookups, "a.test", "MX")
        await trio.sleep(1)
        assert stats.stages[Phase.DNS] == 1
    assert stats.stages[Phase.DNS] == 0


async def test_a_question_without_an_answer_among_several_is_looked_up_alone() -> None:
    stats, alone = Stats(), []
    mx = fakes.answer("a.test", "MX", "10 mx.a.test")

    async def lookup(name: str, rtype: str, *, fresh: bool = False) -> Answer:
        alone.append((name, rtype))
        return fakes.nothing(name, rtype)

    async def together(questions: Sequence[tuple[str, str]]) -> list[Answer | None]:
        assert stats.stages[Phase.DNS] == len(questions) == 2
        return [mx, None]

    async def works(_: object) -> bool:
        return True

    outage: Outage[int] = Outage(works, lambda _: None, "all")
    found = await Lookups(lookup, together, outage, lambda _: None, stats).together(
        [("a.test", "MX"), ("b.test", "MX")]
    )
    assert (found[0], found[1].name, alone) == (mx, "b.test", [("b.test", "MX")])
    assert stats.stages[Phase.DNS] == 0


async def test_a_question_that_never_works_is_not_taken_for_one_that_worked(autojump_clock: MockClock) -> None:
    """Eight domains of which one of two questions fails for good: no outage, because the other question is answered."""

    async def lookup(name: str, rtype: str, *, fresh: bool = False) -> Answer:
        await trio.sleep(0.05)
        return fakes.failed(name, rtype) if name.startswith("a") else fakes.nothing(name, rtype)

    async def together(questions: Sequence[tuple[str, str]]) -> list[Answer | None]:
        await trio.sleep(0.05)
        return [None, fakes.nothing(*questions[1])]

    async def works(_: object) -> bool:
        return True

    outage: Outage[int] = Outage(works, lambda _: None, "all")
    messages: list[str] = []
    lookups = Lookups(lookup, together, outage, messages.append, Stats())
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for number in range(MANY):
                nursery.start_soon(lookups.together, [(f"a{number}.test", "TXT"), (f"b{number}.test", "TXT")])
    assert messages == []
