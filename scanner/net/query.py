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

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import trio

from scanner.core.answers import TIMEOUT, failed, interpret, unfinished
from scanner.core.wire import Message, Question
from scanner.facts import Answer
from scanner.net.checking_disabled import bogus_or_refused
from scanner.net.datagrams import Datagrams, TimedReply
from scanner.net.exchange import Miss, NameServer, missed, new_ask, over_tcp
from scanner.net.gcra import GCRA
from scanner.net.health import ServerHealth
from scanner.settings import DNSSettings
from scanner.vocabulary import Outcome, Security

PAUSE = 0.1  # seconds before servers that failed immediately are queried again; the pause doubles each time
MAX_QUICK_ROUNDS = 7  # maximum number of rounds in which all servers fail immediately: 6.3 seconds of pauses

_SERVER_RCODES = ("FORMERR", "NOTIMP", "REFUSED", "BADVERS")  # response codes about the server rather than the name


@dataclass(slots=True)
class Transport:
    """The state shared by all questions of a resolver: the limit of the query rate and the local UDP ports."""

    rate: GCRA
    datagrams: Datagrams = field(default_factory=Datagrams)


class ServerQuery:
    """The queries of a DNS question, and of the questions for its alias targets, to the servers of ``health``.

    Args:
        health: the DNS servers, in the order in which they are queried.
        transport: the state shared by all questions of the resolver.
        settings: the time limits of one query and of all queries, which begin now; waits for the limit of the query
            rate are not counted.
        dnssec: request validation.
    """

    def __init__(self, health: ServerHealth, transport: Transport, settings: DNSSettings, *, dnssec: bool) -> None:
        self._health = health
        self._transport = transport
        self._attempt_limit = settings.attempt
        self._started = trio.current_time()
        self._deadline = self._started + settings.total
        self._dnssec = dnssec

    def ms(self, at: float) -> float:
        """Return the milliseconds from the start until a time, including the waits for the limit of the query rate."""
        return round((at - self._started) * 1000, 3)

    async def run(self, question: Question) -> Answer:
        """Query the DNS servers in rounds and return the answer to one question.

        If no server replies, the answer has no rcode, and its error is the error of the last query.
        """
        pause = PAUSE
        quick_rounds = 0
        while True:
            answer, timed_out = await self._round(question)
            quick_rounds += not timed_out
            final = self._is_final(answer, timed_out=timed_out)
            if final or quick_rounds >= MAX_QUICK_ROUNDS:
                return answer
            if not timed_out and trio.current_time() < self._deadline:
                await trio.sleep(pause)
                pause *= 2
            if trio.current_time() >= self._deadline:
                return answer

    async def first_answers(self, questions: Sequence[Question]) -> list[Answer | None]:
        """Send several questions at the same time to the first server, and wait for the replies.

        Returns:
            For each question, the answer in the reply; None if no reply completes the answer. An insecure answer with
            aliases is not complete, because the DNSSEC state of each alias is unknown.
        """
        server = self._health.order(trio.current_time())[0]
        until = max([await self._begin_attempt() for _ in questions])
        asks = [new_ask(question, dnssec=self._dnssec, cd=False) for question in questions]
        replies = await self._transport.datagrams.ask(server, asks, until)
        # a server that no longer replies has failed, even if it sent the first of the replies
        lost = next((reply for reply, _ in replies if isinstance(reply, Miss)), None)
        self._note(server, lost or replies[-1][0])
        return [self._complete(server, *each) for each in zip(questions, replies, strict=True)]

    def _complete(self, server: NameServer, question: Question, received: TimedReply) -> Answer | None:
        answer = self._read(server, question, received)
        partial_chain = bool(answer.aliases) and answer.security is Security.INSECURE
        return None if answer.outcome is Outcome.ERROR or unfinished(answer) or partial_chain else answer

    def _is_final(self, answer: Answer, *, timed_out: bool) -> bool:
        """Return True if another round of queries could not improve the answer."""
        return bool(answer.rcode) and not (timed_out and answer.rcode in _SERVER_RCODES)

    async def _round(self, question: Question) -> tuple[Answer, bool]:
        """Query each DNS server once; return the answer and whether any server timed out."""
        refusal: Answer | None = None
        answer: Answer | None = None
        timed_out = False
        for server in self._health.order(trio.current_time()):
            received = reply, _ = await self._attempt(server, question)
            self._note(server, reply)
            answer = self._read(server, question, received)
            if answer.rcode == "SERVFAIL" and server.trusted:
                answer = await bogus_or_refused(answer, partial(self._unchecked, server, question))
            if answer.outcome is not Outcome.ERROR or answer.security is not Security.INDETERMINATE:
                return answer, timed_out
            timed_out = timed_out or (isinstance(reply, Miss) and reply.silent)
            refusal = refusal or (answer if answer.rcode else None)
        return refusal or answer or failed(question.name, question.rtype, TIMEOUT), timed_out

    def _note(self, server: NameServer, reply: Message | Miss) -> None:
        """Record whether a server replied with anything except an error of the server."""
        if isinstance(reply, Miss) or reply.rcode in _SERVER_RCODES:
            self._health.failed(server, trio.current_time())
        else:
            self._health.succeeded(server)

    def _read(self, server: NameServer, question: Question, received: TimedReply) -> Answer:
        (name, rtype, _), (reply, at) = question, received
        if isinstance(reply, Miss):
            return failed(name, rtype, reply.error, resolver=server.label)
        trusted = server.trusted and self._dnssec
        return interpret(reply, name, rtype, trusted=trusted, resolver=server.label, ms=self.ms(at))

    async def _unchecked(self, server: NameServer, question: Question) -> Message | Miss:
        """Return the reply of a server to a question with CD set."""
        return (await self._attempt(server, question, cd=True))[0]

    async def _attempt(self, server: NameServer, question: Question, *, cd: bool = False) -> TimedReply:
        """Query one server over UDP, and over TCP if the reply was truncated."""
        until = await self._begin_attempt()
        ask = new_ask(question, dnssec=self._dnssec, cd=cd)
        (received,) = await self._transport.datagrams.ask(server, (ask,), until)
        if not isinstance(received[0], Message) or not received[0].tc:
            return received
        reply: Message | Miss = Miss(TIMEOUT, silent=True)
        with trio.move_on_at(await self._begin_attempt()):
            try:
                reply = await over_tcp(server, new_ask(question, dnssec=self._dnssec, cd=cd))
            except OSError as error:
                reply = missed(error)
        return reply, trio.current_time()

    async def _begin_attempt(self) -> float:
        """Wait until the limit of the query rate allows a query; return the deadline of the query.

        The deadline of the question moves by the length of the wait.
        """
        now = trio.current_time()
        at = self._transport.rate.reserve(now)
        if at > now:
            self._deadline += at - now
            await trio.sleep_until(at)
            now = trio.current_time()
        return min(now + self._attempt_limit, self._deadline)
