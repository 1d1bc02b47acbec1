"""One question put to a circle of servers until one answers: ``Search.run`` brings an ``Answer``.

The servers are asked in the order of their health. Data and clean negatives end the search. So does a SERVFAIL of a
trusted server when the same question without validation (CD set) shows that validation is what failed: no other
server may overrule that. Nothing but the rcode of that reply is used. Any other refusal leads to the next server,
and so does silence. Servers that failed without a word are asked again until the time is up; where all failed at
once (nobody listens) after pauses that double, so that a resolver may be restarted in the meantime.

The AD bit counts when the server is trusted.
"""

from dataclasses import dataclass, field

import trio

from scanner.core.answers import TIMEOUT, bogus, failed, interpret, shows_bogus
from scanner.core.wire import Message, Question
from scanner.facts import Answer
from scanner.net.datagrams import Datagrams
from scanner.net.exchange import Ask, Miss, Server, missed, new_ask, over_tcp
from scanner.net.gcra import GCRA
from scanner.net.health import Health
from scanner.vocabulary import Outcome

PAUSE = 0.1  # seconds before servers that failed at once are tried again; it doubles
MAX_QUICK_ROUNDS = 7  # rounds in which all failed at once, 6.3 seconds of pauses: a restart takes less

_OF_THE_SERVER = ("FORMERR", "NOTIMP", "REFUSED", "BADVERS")  # rcodes that say more of the server than of the name


@dataclass(slots=True)
class Means:
    """What all questions of a resolver share: how fast they may leave, and through which ports."""

    rate: GCRA
    datagrams: Datagrams = field(default_factory=Datagrams)


@dataclass(slots=True)
class Patience:
    """How long a question may take; the wait for a place in the rate is not counted."""

    attempt: float
    deadline: float
    started: float = field(default_factory=trio.current_time)

    @property
    def ms(self) -> float:
        """Milliseconds until now, the waits for the rate among them."""
        return round((trio.current_time() - self.started) * 1000, 3)

    @property
    def left(self) -> bool:
        """True while there is time for another try."""
        return trio.current_time() < self.deadline

    async def turn(self, rate: GCRA) -> None:
        """Wait for a place in the rate; the deadline moves with the wait."""
        now = trio.current_time()
        at = rate.reserve(now)
        if at > now:
            self.deadline += at - now
            await trio.sleep_until(at)

    def end_of_try(self) -> float:
        """When a try that begins now has to end."""
        return min(trio.current_time() + self.attempt, self.deadline)


class Search:
    """The search for the answer to one question."""

    def __init__(self, question: Question, circle: Health, means: Means, patience: Patience, *, dnssec: bool) -> None:
        self._question = question
        self._circle = circle
        self._means = means
        self._patience = patience
        self._dnssec = dnssec

    async def run(self) -> Answer:
        """Go round the servers; without any reply (no rcode in the answer) the last failure says why."""
        pause = PAUSE
        quick_rounds = 0
        while True:
            answer, silent = await self._round()
            quick_rounds += not silent
            if self._final(answer, silent=silent) or quick_rounds >= MAX_QUICK_ROUNDS or not self._patience.left:
                return answer
            if not silent:
                await trio.sleep(pause)
                pause *= 2
            if not self._patience.left:
                return answer

    def _final(self, answer: Answer, *, silent: bool) -> bool:
        """Tell whether there is nothing to be had by asking again."""
        return bool(answer.rcode) and not (silent and answer.rcode in _OF_THE_SERVER)

    async def _round(self) -> tuple[Answer, bool]:
        """Ask each server once; also tell whether one was waited for in vain."""
        refusal: Answer | None = None
        answer = failed(self._question.name, self._question.rtype, TIMEOUT)
        silent = False
        for server in self._circle.order(trio.current_time()):
            reply = await self._try(server)
            answer = self._read(server, reply)
            if answer.rcode == "SERVFAIL" and server.trusted:
                answer = await self._validated(server, answer)
            if answer.outcome is not Outcome.ERROR or answer.security is not answer.security.INDETERMINATE:
                return answer, silent
            silent = silent or (isinstance(reply, Miss) and reply.silent)
            refusal = refusal or (answer if answer.rcode else None)
        return refusal or answer, silent

    def _read(self, server: Server, reply: Message | Miss) -> Answer:
        name, rtype, _ = self._question
        if isinstance(reply, Miss):
            self._circle.failed(server, trio.current_time())
            return failed(name, rtype, reply.error, resolver=server.label)
        if reply.rcode in _OF_THE_SERVER:
            self._circle.failed(server, trio.current_time())
        else:
            self._circle.succeeded(server)
        trusted = server.trusted and self._dnssec
        return interpret(reply, name, rtype, trusted=trusted, resolver=server.label, ms=self._patience.ms)

    async def _validated(self, server: Server, refused: Answer) -> Answer:
        """Find out whether a trusted server's SERVFAIL was validation's work."""
        unchecked = await self._try(server, cd=True)
        shown = isinstance(unchecked, Message) and shows_bogus(refused, unchecked)
        return bogus(refused) if shown else refused

    async def _try(self, server: Server, *, cd: bool = False) -> Message | Miss:
        """Ask one server once, over TCP too where its datagram was truncated."""
        ask = await self._turn(cd=cd)
        reply = await self._means.datagrams.ask(server, ask, self._patience.end_of_try())
        if isinstance(reply, Message) and reply.tc:
            return await self._by_tcp(server, await self._turn(cd=cd))
        return reply

    async def _by_tcp(self, server: Server, ask: Ask) -> Message | Miss:
        with trio.move_on_at(self._patience.end_of_try()):
            try:
                return await over_tcp(server, ask)
            except OSError as error:
                return missed(error)
        return Miss(TIMEOUT, silent=True)

    async def _turn(self, *, cd: bool) -> Ask:
        """Wait for a place in the rate; the question under a new id."""
        await self._patience.turn(self._means.rate)
        return new_ask(self._question, dnssec=self._dnssec, cd=cd)
