"""Questions and the network they travel by: what fails while it is gone is asked again."""

import trio
from trio.testing import MockClock

from scanner.facts import Answer
from scanner.net.outage import MANY, Outage
from scanner.run.lookups import Lookups
from scanner.run.stats import Stats
from scanner.vocabulary import Outcome
from tests.unit import fakes

BACK = 30.0
"""When the network is there again."""


async def test_a_question_that_fails_while_the_network_is_gone_is_asked_again(autojump_clock: MockClock) -> None:
    asked: list[float] = []

    async def back(_: object) -> bool:
        await trio.sleep(1)
        return trio.current_time() >= BACK

    async def lookup(name: str, rtype: str, *, fresh: bool = False) -> Answer:
        asked.append(trio.current_time())
        await trio.sleep(10)  # a resolver's patience
        if trio.current_time() < BACK:
            return fakes.failed(name, rtype)
        return fakes.answer(name, rtype, "192.0.2.1")

    network: Outage[int] = Outage(back, lambda _: None, "all")
    network.worked(0)
    lookups = Lookups(lookup, network, lambda _: None, Stats())
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
