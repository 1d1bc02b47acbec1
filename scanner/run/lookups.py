"""DNS lookups of a scan, which are repeated after an outage of the resolver or of the network."""

from collections.abc import Callable, Sequence
from typing import Any

import trio

from scanner.facts import Answer
from scanner.net.outage import PATIENCE, Outage
from scanner.run.ports import DNSLookup, DNSQuestion, DNSTogether
from scanner.run.stats import Stats
from scanner.vocabulary import Outcome, Phase, Security

TRIES = 5
"""Maximum number of lookups for one question if each lookup overlaps an outage."""


class Lookups:
    """A ``DNSLookup`` (lookup function) that waits for the end of an outage.

    A lookup that failed during an outage is repeated.

    Args:
        lookup: function that makes one lookup.
        together: function that sends several questions at the same time; None makes single lookups.
        network: the outage detector of the connections to mail servers.
        report: function that gets messages for the user about an outage of the DNS.
        stats: counters, of which ``dns`` is the number of lookups in flight.
        patience: maximum duration in seconds of the pause of all lookups in an outage if no lookup has ever succeeded.
    """

    def __init__(
        self,
        lookup: DNSLookup,
        together: DNSTogether | None,
        network: Outage[Any],
        report: Callable[[str], None],
        stats: Stats,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._lookup = lookup
        self._together = together
        self._network = network
        self._stages = stats.stages
        self._outage: Outage[tuple[str, str]] = Outage(self._works, report, "the DNS", patience=patience)

    async def __call__(self, name: str, rtype: str, *, fresh: bool = False) -> Answer:
        """Return the answer for a name and record type; with ``fresh``, the cache is not used."""
        self._stages[Phase.DNS] += 1
        try:
            for _ in range(TRIES):
                for outage in (self._network, self._outage):
                    if outage.active:  # usually not, and then a coroutine less for each question
                        await outage.wait_until_over()
                began = trio.current_time()
                answer = await self._lookup(name, rtype, fresh=fresh)
                if _answered(answer):
                    self._outage.worked((name, rtype))
                    break
                if await self._outage.confirmed((name, rtype), began) and not self._network.overlaps(began):
                    break
            return answer
        finally:
            self._stages[Phase.DNS] -= 1

    async def together(self, questions: Sequence[DNSQuestion]) -> list[Answer]:
        """Return the answers for several names and record types, whose questions are sent at the same time.

        A question without an answer in its first reply is sent again as a single lookup.
        """
        found: list[Answer | None] = [None] * len(questions)
        if self._together is not None and not (self._network.active or self._outage.active):
            self._stages[Phase.DNS] += len(questions)
            try:
                found = await self._together(questions)
            finally:
                self._stages[Phase.DNS] -= len(questions)
            answered = next((question for answer, question in zip(found, questions, strict=True) if answer), None)
            if answered is not None:
                self._outage.worked(answered)
        return [answer or await self(*question) for answer, question in zip(found, questions, strict=True)]

    async def _works(self, question: tuple[str, str]) -> bool:
        return _answered(await self._lookup(*question, fresh=True))


def _answered(answer: Answer) -> bool:
    """Return whether a resolver answered; a failed DNSSEC validation is also an answer."""
    return answer.outcome is not Outcome.ERROR or answer.security is Security.BOGUS
