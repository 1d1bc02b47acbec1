"""Every DNS question of a scan, with an eye on whether the resolver, or the network behind it, is gone altogether."""

from collections.abc import Callable
from typing import Any

import trio

from scanner.facts import Answer
from scanner.net.outage import Outage
from scanner.run.ports import Lookup
from scanner.run.stats import Stats
from scanner.vocabulary import Outcome, Phase, Security

TRIES = 5
"""Questions asked again after an outage: a network that goes away more often is measured another day."""

Question = tuple[str, str]


class Lookups:
    """Asks; a question that failed while all failed is asked again when some are answered again.

    Args:
        lookup: asks one question.
        network: the outages of connections: while there is one, nothing is asked either.
        tell: takes what the user should hear about an outage.
        stats: counts the questions that are under way.
    """

    def __init__(self, lookup: Lookup, network: Outage[Any], tell: Callable[[str], None], stats: Stats) -> None:
        self._lookup = lookup
        self._network = network
        self._stages = stats.stages
        self._outage: Outage[Question] = Outage(self._works, tell, "the DNS")

    async def __call__(self, name: str, rtype: str, *, fresh: bool = False) -> Answer:
        """The answer to (name, rtype)."""
        self._stages[Phase.DNS] += 1
        try:
            return await self._ask(name, rtype, fresh=fresh)
        finally:
            self._stages[Phase.DNS] -= 1

    async def _ask(self, name: str, rtype: str, *, fresh: bool) -> Answer:
        for _ in range(TRIES):
            await self._network.over()
            await self._outage.over()
            began = trio.current_time()
            answer = await self._lookup(name, rtype, fresh=fresh)
            if _answered(answer):
                self._outage.worked((name, rtype))
                break
            if await self._outage.believed((name, rtype), began) and not self._network.hit(began):
                break
        return answer

    async def _works(self, question: Question) -> bool:
        return _answered(await self._lookup(*question, fresh=True))


def _answered(answer: Answer) -> bool:
    """Was there an answer? One that fails validation is one."""
    return answer.outcome is not Outcome.ERROR or answer.security is Security.BOGUS
