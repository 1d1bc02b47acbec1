"""Questions to a validating resolver: ``Resolver.lookup`` brings an ``Answer``, whatever the network does.

The servers are asked in turn until one gives an answer. A truncated reply is asked for again over TCP. A
server that refuses (SERVFAIL, REFUSED, NOTIMP) sends us to the next; when all were heard and none answered, a
SERVFAIL of a trusted server is followed by the same question without validation (CD set), which tells a bogus
answer from a broken one. Nothing but the rcode of that reply is used. Silence is retried until the question's
time is up.

The AD bit counts when the server is on loopback or the settings trust it. Nothing is cached, and like
questions in flight are not joined: who asks twice is answered twice.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import trio

from scanner.core.answers import (
    NOT_A_NAME,
    TIMEOUT,
    bogus,
    failed,
    interpret,
    joined,
    shows_bogus,
    unfinished,
)
from scanner.core.wire import Message, Question, WireError, decode, query
from scanner.model import Answer
from scanner.net.exchange import Ask, Miss, Server, new_ask, over_tcp, over_udp, server_at
from scanner.settings import DNSSettings

RESOLV_CONF = Path("/etc/resolv.conf")
PORT = 53
MAX_SYSTEM_SERVERS = 3  # what the C library reads of resolv.conf (MAXNS)
BACK_OFF = 0.1  # seconds before servers that failed at once are tried again
MAX_QUICK_ROUNDS = 3  # rounds in which all failed at once: a restart takes moments, a missing route stays

_ASK_THE_NEXT = ("SERVFAIL", "REFUSED", "NOTIMP")

_Exchange = Callable[[Server, Ask], Awaitable[Message | Miss]]


def system_servers(path: Path = RESOLV_CONF) -> tuple[tuple[str, int], ...]:
    """Read which servers this machine uses.

    Args:
        path: a file in the format of resolv.conf(5).

    Returns:
        (address, port) of at most three servers in their order; as the C library has it, 127.0.0.1 when the
        file names none or cannot be read.
    """
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        text = ""
    lines = (line.split() for line in text.splitlines())
    named = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
    servers = [(address, PORT) for address in named if _is_server(address)]
    return tuple(servers[:MAX_SYSTEM_SERVERS]) or (("127.0.0.1", PORT),)


def _is_server(address: str) -> bool:
    try:
        server_at(address, PORT, trust=False)
    except ValueError:
        return False
    return True


@asynccontextmanager
async def open_resolver(settings: DNSSettings) -> AsyncIterator["Resolver"]:
    """Open a resolver for as long as the block runs.

    Args:
        settings: servers (empty: those of resolv.conf), trust, times and limits.

    Yields:
        The resolver. Nothing runs between its lookups; a cache or shared sockets would live here.

    Raises:
        ValueError: when a server of the settings is no address.
    """
    await trio.lowlevel.checkpoint()
    yield Resolver(settings)


class Resolver:
    """Asks the servers of ``DNSSettings``, at most ``in_flight`` questions at once."""

    def __init__(self, settings: DNSSettings) -> None:
        self._settings = settings
        servers = settings.servers or system_servers()
        self._servers = [server_at(*at, trust=settings.trust, bind=settings.bind) for at in servers]
        self._slots = trio.Semaphore(settings.in_flight)

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """Ask one question.

        Args:
            name: an absolute name.
            rtype: the type wanted, such as ``MX``.
            dnssec: ask for validation; without it the security is ``indeterminate``.

        Returns:
            The answer; whatever went wrong is in it. It takes ``total`` seconds at most, the wait for one of
            the ``in_flight`` slots not counted.
        """
        async with self._slots:
            deadline = trio.current_time() + self._settings.total
            answer = await self._ask(name, rtype, deadline, dnssec=dnssec)
            while unfinished(answer):  # each round adds an alias, and too many of them finish it as an error
                rest = await self._ask(answer.rname, rtype, deadline, dnssec=dnssec)
                answer = joined(answer, rest)
            return answer

    async def _ask(self, name: str, rtype: str, deadline: float, *, dnssec: bool) -> Answer:
        started = trio.current_time()
        try:
            question = decode(query(name, rtype, 0)).question
        except WireError:
            question = None
        if question is None:
            return failed(name, rtype, NOT_A_NAME)
        answer = await self._search(question, deadline, dnssec=dnssec)
        return replace(answer, ms=round((trio.current_time() - started) * 1000, 3))

    async def _search(self, question: Question, deadline: float, *, dnssec: bool) -> Answer:
        """Go round the servers until one answers, all have refused, or the time is up."""
        answer = failed(question.name, question.rtype, TIMEOUT)
        quick_rounds = 0
        while trio.current_time() < deadline and quick_rounds < MAX_QUICK_ROUNDS:
            if quick_rounds:
                await trio.sleep(BACK_OFF)
            search = _Round(self._settings, question, deadline, dnssec=dnssec)
            answer = await search.ask(self._servers)
            for server in search.silent:
                self._demote(server)
            if answer.rcode:
                return answer
            quick_rounds += not search.silent
        return answer

    def _demote(self, server: Server) -> None:
        """Let a silent server be asked last from now on: not every question need wait for it."""
        self._servers.remove(server)
        self._servers.append(server)


class _Round:
    """One question put to each server once; ``silent`` then lists those that were waited for in vain."""

    def __init__(self, settings: DNSSettings, question: Question, deadline: float, *, dnssec: bool) -> None:
        self._settings = settings
        self._question = question
        self._deadline = deadline
        self._dnssec = dnssec
        self.silent: list[Server] = []

    async def ask(self, servers: list[Server]) -> Answer:
        """Ask; without any reply (no rcode in the answer) the last failure says why."""
        refusals: list[tuple[Server, Answer]] = []
        answer = failed(self._question.name, self._question.rtype, TIMEOUT)
        for server in tuple(servers):
            reply = await self._try(server)
            answer = self._missed(server, reply) if isinstance(reply, Miss) else self._read(server, reply)
            if answer.rcode in _ASK_THE_NEXT:
                refusals.append((server, answer))
            elif answer.rcode:
                return answer
        return await self._refused(refusals) if refusals else answer

    def _missed(self, server: Server, miss: Miss) -> Answer:
        if miss.silent:
            self.silent.append(server)
        return failed(self._question.name, self._question.rtype, miss.error, resolver=server.label)

    def _read(self, server: Server, reply: Message) -> Answer:
        trusted = server.trusted and self._dnssec
        name, rtype, _ = self._question
        return interpret(reply, name, rtype, trusted=trusted, resolver=server.label)

    async def _refused(self, refusals: list[tuple[Server, Answer]]) -> Answer:
        """Choose among refusals; find out whether a trusted server's SERVFAIL was validation's work."""
        for server, answer in refusals:
            if answer.rcode == "SERVFAIL" and server.trusted:
                unchecked = await self._try(server, cd=True)
                shown = isinstance(unchecked, Message) and shows_bogus(answer, unchecked)
                return bogus(answer) if shown else answer
        return refusals[0][1]

    async def _try(self, server: Server, *, cd: bool = False) -> Message | Miss:
        """Ask one server once, over TCP too where its datagram was truncated."""
        reply = await self._timed(over_udp, server, cd=cd)
        if isinstance(reply, Message) and reply.tc:
            reply = await self._timed(over_tcp, server, cd=cd)
        return reply

    async def _timed(self, exchange: _Exchange, server: Server, *, cd: bool) -> Message | Miss:
        ask = new_ask(self._question, dnssec=self._dnssec, cd=cd)
        ends = min(trio.current_time() + self._settings.attempt, self._deadline)
        with trio.move_on_at(ends):
            try:
                return await exchange(server, ask)
            except OSError as error:
                return Miss(error.strerror or str(error))
        return Miss(TIMEOUT, silent=True)
