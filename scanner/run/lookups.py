"""The DNS lookups of a scan, repeated after an outage of the resolver or of the network."""

from collections.abc import Callable
from typing import Any

import trio

from scanner.facts import Answer
from scanner.net.outage import Outage
from scanner.run.ports import DNSLookup
from scanner.run.stats import Stats
from scanner.vocabulary import Outcome, Phase, Security

TRIES = 5
"""Lookups of one question at most, if each falls into an outage."""


class Lookups:
    """A ``DNSLookup`` that waits while there is an outage, and repeats what failed in one.

    Args:
        lookup: makes one lookup.
        network: the outage detector of the connections.
        report: receives messages for the user about an outage of the DNS.
        stats: counts the lookups in flight.
    """

    def __init__(self, lookup: DNSLookup, network: Outage[Any], report: Callable[[str], None], stats: Stats) -> None:
        self._lookup = lookup
        self._network = network
        self._stages = stats.stages
        self._outage: Outage[tuple[str, str]] = Outage(self._works, report, "the DNS")

    async def __call__(self, name: str, rtype: str, *, fresh: bool = False) -> Answer:
        """Return the answer to (name, rtype)."""
        self._stages[Phase.DNS] += 1
        try:
            return await self._ask(name, rtype, fresh=fresh)
        finally:
            self._stages[Phase.DNS] -= 1

    async def _ask(self, name: str, rtype: str, *, fresh: bool) -> Answer:
        for _ in range(TRIES):
            await self._network.wait_until_over()
            await self._outage.wait_until_over()
            began = trio.current_time()
            answer = await self._lookup(name, rtype, fresh=fresh)
            if _answered(answer):
                self._outage.worked((name, rtype))
                break
            if await self._outage.confirmed((name, rtype), began) and not self._network.overlaps(began):
                break
        return answer

    async def _works(self, question: tuple[str, str]) -> bool:
        return _answered(await self._lookup(*question, fresh=True))


def _answered(answer: Answer) -> bool:
    """Return whether a resolver answered; an answer that fails validation counts."""
    return answer.outcome is not Outcome.ERROR or answer.security is Security.BOGUS
