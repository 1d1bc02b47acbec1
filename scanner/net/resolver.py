"""DNS questions to a validating resolver; a failed question returns an ``Answer`` that describes the failure.

The module ``query`` sends one question to the servers. This module limits the queries: answers are cached for their
TTL, equal lookups in flight are made once, and the questions in flight and the queries per second are limited. If all
servers fail, the resolvers of the setting ``confirm`` are also queried; their answer (second opinion) is recorded, but
does not change the outcome of the question.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import trio

from scanner.core.answers import NOT_A_NAME, failed, joined, second_opinion, unfinished
from scanner.core.names import canonical
from scanner.core.wire import Question, WireError, asked
from scanner.facts import Alias, Answer
from scanner.net.answer_cache import NOT_CACHED, AnswerCache, CacheKey
from scanner.net.exchange import server_at
from scanner.net.gcra import GCRA
from scanner.net.health import ServerHealth
from scanner.net.query import ServerQuery, Transport
from scanner.net.single_flight import SingleFlight
from scanner.settings import DNSSettings
from scanner.vocabulary import Outcome, Security

RESOLV_CONF = Path("/etc/resolv.conf")
PORT = 53
MAX_SYSTEM_SERVERS = 3  # maximum number of servers that the C library reads from resolv.conf (MAXNS)
BURST = 0.1  # queries of this time in seconds may be sent at once: a tick of the scheduler


def system_servers(path: Path = RESOLV_CONF) -> tuple[tuple[str, int], ...]:
    """Read the DNS servers of this machine.

    Args:
        path: the path of a file in the format of resolv.conf(5).

    Returns:
        address and port of at most three servers in the order of the file. As in the C library, the server is
        127.0.0.1 if the file contains no server or cannot be read.
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
    """Open a resolver for the duration of the ``async with`` block.

    Args:
        settings: servers (if empty, the servers in resolv.conf), trust, time limits and rates.

    Yields:
        The resolver.

    Raises:
        ValueError: a server in the settings is not an IP address.
    """
    await trio.lowlevel.checkpoint()
    resolver = Resolver(settings)
    try:
        yield resolver
    finally:
        resolver.close()


class Resolver:
    """A DNS client with an answer cache (``cache``) for the servers of ``DNSSettings``."""

    def __init__(self, settings: DNSSettings) -> None:
        servers = settings.servers or system_servers()
        self._settings = settings
        self._health = ServerHealth([server_at(*at, trust=settings.trust, bind=settings.bind) for at in servers])
        # a second opinion is recorded as received, although an attacker may have changed it
        self._confirm = ServerHealth([server_at(*at, trust=True, bind=settings.bind) for at in settings.confirm])
        self._slots = trio.Semaphore(settings.in_flight)
        self._transport = Transport(GCRA(settings.rate, max(1.0, settings.rate * BURST)))
        self._in_flight: SingleFlight[CacheKey, Answer] = SingleFlight(limit=0)
        self._together: SingleFlight[tuple[CacheKey, ...], Mapping[CacheKey, Answer | None]] = SingleFlight(limit=0)
        self.cache = AnswerCache()

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True, fresh: bool = False) -> Answer:
        """Return the answer to one question, from the cache or from the servers.

        Args:
            name: an absolute name.
            rtype: the record type, such as ``MX``.
            dnssec: request validation; without validation, the DNSSEC state of the answer is ``indeterminate``.
            fresh: query the servers now, without the cache and without sharing a question in flight.

        Returns:
            The answer, or an answer that describes the failure, after at most ``settings.total`` seconds. After a
            failure, the queries to the resolvers of ``settings.confirm`` may take ``settings.total`` seconds more.
            After an insecure answer with aliases, the queries for the DNSSEC state of the aliases may take
            ``settings.total`` seconds more. The waits for one of the ``settings.in_flight`` slots and for the limit of
            the query rate are not counted in ``settings.total``.
        """
        key = CacheKey(canonical(name), rtype, dnssec)
        if fresh:
            return await self._ask(key)
        cached = self.cache.get(key, trio.current_time())
        if cached is not None:
            await trio.lowlevel.checkpoint()
            return cached
        return await self._in_flight.get(key, lambda: self._ask(key))

    async def lookup_together(
        self, questions: Sequence[tuple[str, str]], *, dnssec: bool = True
    ) -> list[Answer | None]:
        """Send several questions at the same time, and wait once for all replies, which needs less processor time.

        Equal questions are sent once only if they are sent together with the same other questions.

        Args:
            questions: for each question, an absolute name and a record type.
            dnssec: request validation, as in ``lookup``.

        Returns:
            For each question, the answer from the cache or in the first reply, after at most ``settings.attempt``
            seconds; None if the question needs ``lookup``, because the first reply is missing or does not complete the
            answer, or because no slot is free.
        """
        keys = [CacheKey(canonical(name), rtype, dnssec) for name, rtype in questions]
        now = trio.current_time()
        answers = {key: self.cache.get(key, now) for key in keys}
        wanted = {key: question for key in keys if not answers[key] and (question := _question(key))}
        if not wanted:
            await trio.lowlevel.checkpoint()
            return [answers[key] for key in keys]
        if any(key.rtype in NOT_CACHED for key in wanted):  # records of one domain, which no other task looks up
            found = await self._ask_together(wanted, dnssec=dnssec)
        else:
            found = await self._together.get(tuple(wanted), lambda: self._ask_together(wanted, dnssec=dnssec))
        return [answers[key] or found.get(key) for key in keys]

    async def _ask_together(
        self, wanted: Mapping[CacheKey, Question], *, dnssec: bool
    ) -> Mapping[CacheKey, Answer | None]:
        if self._slots.value < len(wanted):
            await trio.lowlevel.checkpoint()
            return {}
        for _ in wanted:
            self._slots.acquire_nowait()
        began = trio.current_time()
        try:
            query = ServerQuery(self._health, self._transport, self._settings, dnssec=dnssec)
            found = dict(zip(wanted, await query.first_answers(tuple(wanted.values())), strict=True))
        finally:
            for _ in wanted:
                self._slots.release()
        for key, answer in found.items():
            if answer is not None:
                self.cache.put(key, answer, began)
        return found

    def close(self) -> None:
        """Close the sockets of the resolver; a later lookup opens new sockets."""
        self._transport.datagrams.close()

    async def _ask(self, key: CacheKey) -> Answer:
        question = _question(key)
        if question is None:
            await trio.lowlevel.checkpoint()
            return failed(key.name, key.rtype, NOT_A_NAME)
        if self._slots.value:  # a free slot needs no trio checkpoint, because the query has checkpoints
            self._slots.acquire_nowait()
        else:
            await self._slots.acquire()
        try:
            answer = await self._follow_aliases(question, self._health, dnssec=key.dnssec)
            if answer.outcome is Outcome.ERROR and self._confirm.servers:
                second = await self._follow_aliases(question, self._confirm, dnssec=key.dnssec)
                answer = replace(answer, second=second_opinion(answer, second))
        finally:
            self._slots.release()
        if answer.security is Security.INSECURE and answer.aliases:
            answer = replace(answer, aliases=await self._alias_security(answer.aliases))
        self.cache.put(key, answer, trio.current_time())
        return answer

    async def _alias_security(self, aliases: tuple[Alias, ...]) -> tuple[Alias, ...]:
        """Return the aliases, each with its DNSSEC state, by a query for each alias.

        The AD bit of one reply covers all records of the reply and does not show the state of a single alias.
        """
        known: dict[str, Security] = {}
        with trio.move_on_after(self._settings.total):
            for alias in aliases:
                answer = await self.lookup(alias.owner, "CNAME")
                if answer.records == (alias.target,):
                    known[alias.owner] = answer.security
        return tuple(replace(alias, security=known.get(alias.owner, alias.security)) for alias in aliases)

    async def _follow_aliases(self, question: Question, health: ServerHealth, *, dnssec: bool) -> Answer:
        """Send a DNS question; if the reply ends at an alias without records of its target, query the target."""
        query = ServerQuery(health, self._transport, self._settings, dnssec=dnssec)
        answer = part = await query.run(question)
        while unfinished(part) and answer.outcome is Outcome.NODATA:  # each part adds an alias, up to a limit
            part = await query.run(question._replace(name=answer.rname))
            answer = joined(answer, part)
        if answer.outcome is Outcome.ERROR or answer.aliases:  # any other answer already has the time of its only reply
            answer = replace(answer, ms=query.ms(trio.current_time()))
        return answer


def _question(key: CacheKey) -> Question | None:
    """Return a DNS question with its name spelled as in decoded replies; None if it cannot be encoded."""
    try:
        return asked(key.name, key.rtype)
    except WireError:
        return None
