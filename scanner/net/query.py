"""Client for one DNS question, which is sent to several servers until a server gives a usable answer.

Working servers are queried before servers in back-off. An answer with data and a negative answer are final: no other
server is queried. A SERVFAIL of a trusted server is final if the same question with CD set (no validation) succeeds. A
final SERVFAIL shows a failed validation, which the answer of another server must not replace. Only the rcode of the
reply to a question with CD set is used. After a timeout, and after any error other than a final SERVFAIL, the next
server is queried. Servers that timed out are queried again until the deadline of the question. If all servers fail
immediately (no process listens at the port), all servers are queried again after pauses that double, so that a resolver
can restart in the meantime.

The AD bit of an answer is used only if the server is trusted.
"""

from dataclasses import dataclass, field
from functools import partial

import trio

from scanner.core.answers import TIMEOUT, failed, interpret
from scanner.core.wire import Message, Question
from scanner.facts import Answer
from scanner.net.checking_disabled import bogus_or_refused
from scanner.net.datagrams import Datagrams
from scanner.net.exchange import Ask, Miss, NameServer, missed, new_ask, over_tcp
from scanner.net.gcra import GCRA
from scanner.net.health import ServerHealth
from scanner.vocabulary import Outcome

PAUSE = 0.1  # seconds before servers that failed immediately are queried again; the pause doubles each time
MAX_QUICK_ROUNDS = 7  # maximum number of rounds in which all servers fail immediately: 6.3 seconds of pauses

_SERVER_RCODES = ("FORMERR", "NOTIMP", "REFUSED", "BADVERS")  # response codes about the server rather than the name


@dataclass(slots=True)
class Transport:
    """The state shared by all questions of a resolver: the limit of the query rate and the local UDP ports."""

    rate: GCRA
    datagrams: Datagrams = field(default_factory=Datagrams)


@dataclass(slots=True)
class QueryDeadline:
    """The time limit of a DNS question; waits for the limit of the query rate are not counted.

    ``attempt`` is the time limit of one query in seconds; ``deadline`` and ``started`` are times of trio's clock.
    """

    attempt: float
    deadline: float
    started: float = field(default_factory=trio.current_time)

    @property
    def ms(self) -> float:
        """Milliseconds from the start until now, including the waits for the limit of the query rate."""
        return round((trio.current_time() - self.started) * 1000, 3)

    @property
    def left(self) -> bool:
        """True if there is time for another query of the question."""
        return trio.current_time() < self.deadline

    async def wait_for_rate(self, rate: GCRA) -> None:
        """Wait until the limit of the query rate allows a query; the deadline moves by the length of the wait."""
        now = trio.current_time()
        at = rate.reserve(now)
        if at > now:
            self.deadline += at - now
            await trio.sleep_until(at)

    def end_of_attempt(self) -> float:
        """Return the deadline of a DNS query that begins now."""
        return min(trio.current_time() + self.attempt, self.deadline)


class ServerQuery:
    """One DNS question to the servers of ``health``; ``dnssec`` requests validation."""

    def __init__(
        self, question: Question, health: ServerHealth, transport: Transport, deadline: QueryDeadline, *, dnssec: bool
    ) -> None:
        self._question = question
        self._health = health
        self._transport = transport
        self._deadline = deadline
        self._dnssec = dnssec

    async def run(self) -> Answer:
        """Query the DNS servers in rounds and return the answer.

        If no server replies, the answer has no rcode, and its error is the error of the last query.
        """
        pause = PAUSE
        quick_rounds = 0
        while True:
            answer, timed_out = await self._round()
            quick_rounds += not timed_out
            final = self._is_final(answer, timed_out=timed_out)
            if final or quick_rounds >= MAX_QUICK_ROUNDS or not self._deadline.left:
                return answer
            if not timed_out:
                await trio.sleep(pause)
                pause *= 2
            if not self._deadline.left:
                return answer

    def _is_final(self, answer: Answer, *, timed_out: bool) -> bool:
        """Return True if another round of queries could not improve the answer."""
        return bool(answer.rcode) and not (timed_out and answer.rcode in _SERVER_RCODES)

    async def _round(self) -> tuple[Answer, bool]:
        """Query each DNS server once; return the answer and whether any server timed out."""
        refusal: Answer | None = None
        answer: Answer | None = None
        timed_out = False
        for server in self._health.order(trio.current_time()):
            reply = await self._attempt(server)
            answer = self._read(server, reply)
            if answer.rcode == "SERVFAIL" and server.trusted:
                answer = await bogus_or_refused(answer, partial(self._attempt, server, cd=True))
            if answer.outcome is not Outcome.ERROR or answer.security is not answer.security.INDETERMINATE:
                return answer, timed_out
            timed_out = timed_out or (isinstance(reply, Miss) and reply.silent)
            refusal = refusal or (answer if answer.rcode else None)
        return refusal or answer or failed(self._question.name, self._question.rtype, TIMEOUT), timed_out

    def _read(self, server: NameServer, reply: Message | Miss) -> Answer:
        name, rtype, _ = self._question
        if isinstance(reply, Miss):
            self._health.failed(server, trio.current_time())
            return failed(name, rtype, reply.error, resolver=server.label)
        if reply.rcode in _SERVER_RCODES:
            self._health.failed(server, trio.current_time())
        else:
            self._health.succeeded(server)
        trusted = server.trusted and self._dnssec
        return interpret(reply, name, rtype, trusted=trusted, resolver=server.label, ms=self._deadline.ms)

    async def _attempt(self, server: NameServer, *, cd: bool = False) -> Message | Miss:
        """Query one server over UDP, and over TCP if the reply was truncated."""
        ask = await self._next_ask(cd=cd)
        reply = await self._transport.datagrams.ask(server, ask, self._deadline.end_of_attempt())
        if isinstance(reply, Message) and reply.tc:
            return await self._over_tcp(server, await self._next_ask(cd=cd))
        return reply

    async def _over_tcp(self, server: NameServer, ask: Ask) -> Message | Miss:
        with trio.move_on_at(self._deadline.end_of_attempt()):
            try:
                return await over_tcp(server, ask)
            except OSError as error:
                return missed(error)
        return Miss(TIMEOUT, silent=True)

    async def _next_ask(self, *, cd: bool) -> Ask:
        """Wait for the limit of the query rate; return the DNS question with a new id."""
        await self._deadline.wait_for_rate(self._transport.rate)
        return new_ask(self._question, dnssec=self._dnssec, cd=cd)
