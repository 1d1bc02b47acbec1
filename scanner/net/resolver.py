"""Questions to a validating resolver: ``Resolver.lookup`` brings an ``Answer``, whatever the network does.

How one question is put to the servers is ``search``'s business. Here questions are spared and paced: answers are
kept for their TTL, like questions in flight are asked once, so many are in flight at most, and so many queries are
sent a second. Where the servers fail, the resolvers of ``confirm`` may be asked for a second opinion, which is
written beside the answer and changes nothing in it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import trio

from scanner.core.answers import NOT_A_NAME, failed, joined, second_opinion, unfinished
from scanner.core.names import canonical
from scanner.core.wire import Question, WireError, asked
from scanner.facts import Alias, Answer
from scanner.net.answer_cache import AnswerCache, Key
from scanner.net.exchange import server_at
from scanner.net.gcra import GCRA
from scanner.net.health import Health
from scanner.net.query import Means, Patience, Search
from scanner.settings import DNSSettings
from scanner.vocabulary import Outcome, Security

RESOLV_CONF = Path("/etc/resolv.conf")
PORT = 53
MAX_SYSTEM_SERVERS = 3  # what the C library reads of resolv.conf (MAXNS)
BURST = 0.1  # seconds' worth of queries that may leave at once: a tick of the scheduler, no flood


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
        The resolver.

    Raises:
        ValueError: when a server of the settings is no address.
    """
    await trio.lowlevel.checkpoint()
    resolver = Resolver(settings)
    try:
        yield resolver
    finally:
        resolver.close()


@dataclass(slots=True)
class _Flight:
    """A question in flight; without an answer once ``done`` its asker was cancelled. Few are waited for by others."""

    done: trio.Event | None = None
    answer: Answer | None = None


class Resolver:
    """Asks the servers of ``DNSSettings``; ``cache`` holds what it has heard."""

    def __init__(self, settings: DNSSettings) -> None:
        servers = settings.servers or system_servers()
        self._settings = settings
        self._circle = Health([server_at(*at, trust=settings.trust, bind=settings.bind) for at in servers])
        # an opinion is taken as given, even if somebody on the way may have changed it
        self._confirm = Health([server_at(*at, trust=True, bind=settings.bind) for at in settings.confirm])
        self._slots = trio.Semaphore(settings.in_flight)
        self._means = Means(GCRA(settings.rate, max(1.0, settings.rate * BURST)))
        self._flights: dict[Key, _Flight] = {}
        self.cache = AnswerCache()

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True, fresh: bool = False) -> Answer:
        """Ask one question.

        Args:
            name: an absolute name.
            rtype: the type wanted, such as ``MX``.
            dnssec: ask for validation; without it the security is ``indeterminate``.
            fresh: ask the servers now, whatever was heard before or is being asked already.

        Returns:
            The answer; whatever went wrong is in it. It takes ``total`` seconds at most, and as long again for a
            second opinion or for what each hop of an insecure answer's aliases is worth; the wait for one of the
            ``in_flight`` slots and for the rate is not counted.
        """
        key = Key(canonical(name), rtype, dnssec)
        if fresh:
            return await self._ask(key)
        while True:
            kept = self.cache.get(key, trio.current_time())
            if kept is not None:
                await trio.lowlevel.checkpoint()
                return kept
            flight = self._flights.get(key)
            if flight is None:
                return await self._lead(key)
            if flight.done is None:
                flight.done = trio.Event()
            await flight.done.wait()
            if flight.answer is not None:
                return flight.answer

    def close(self) -> None:
        """Close what was opened for the lookups; those that come later open it again."""
        self._means.datagrams.close()

    async def _lead(self, key: Key) -> Answer:
        """Ask for all who want to know; if this asker is cancelled, another one of them begins anew."""
        flight = self._flights[key] = _Flight()
        try:
            flight.answer = await self._ask(key)
            return flight.answer
        finally:
            del self._flights[key]
            if flight.done is not None:
                flight.done.set()

    async def _ask(self, key: Key) -> Answer:
        question = _question(key)
        if question is None:
            await trio.lowlevel.checkpoint()
            return failed(key.name, key.rtype, NOT_A_NAME)
        await _acquire(self._slots)
        try:
            answer = await self._whole(question, self._circle, dnssec=key.dnssec)
            if answer.outcome is Outcome.ERROR and self._confirm.servers:
                second = await self._whole(question, self._confirm, dnssec=key.dnssec)
                answer = replace(answer, second=second_opinion(answer, second))
        finally:
            self._slots.release()
        if answer.security is Security.INSECURE and answer.aliases:
            answer = replace(answer, aliases=await self._each(answer.aliases))
        self.cache.put(key, answer, trio.current_time())
        return answer

    async def _each(self, aliases: tuple[Alias, ...]) -> tuple[Alias, ...]:
        """Find out which hops are secure: AD covers a whole reply, so each is asked for on its own."""
        known: dict[str, Security] = {}
        with trio.move_on_after(self._settings.total):
            for alias in aliases:
                told = await self.lookup(alias.owner, "CNAME")
                if told.records == (alias.target,):
                    known[alias.owner] = told.security
        return tuple(replace(alias, security=known.get(alias.owner, alias.security)) for alias in aliases)

    async def _whole(self, question: Question, circle: Health, *, dnssec: bool) -> Answer:
        """Ask, and go on asking where a reply follows aliases to a name of which it says nothing."""
        now = trio.current_time()
        patience = Patience(self._settings.attempt, now + self._settings.total, now)
        answer = part = await Search(question, circle, self._means, patience, dnssec=dnssec).run()
        while unfinished(part) and answer.outcome is Outcome.NODATA:  # each part adds an alias, up to their limit
            onward = question._replace(name=answer.rname)
            part = await Search(onward, circle, self._means, patience, dnssec=dnssec).run()
            answer = joined(answer, part)
        if answer.outcome is Outcome.ERROR or answer.aliases:  # any other was the last to be heard
            answer = replace(answer, ms=patience.ms)
        return answer


async def _acquire(slots: trio.Semaphore) -> None:
    """Take a slot, at once if one is free: the question that follows is checkpoint enough."""
    try:
        slots.acquire_nowait()
    except trio.WouldBlock:
        await slots.acquire()


def _question(key: Key) -> Question | None:
    """Spell a question as replies do; None for what cannot be asked."""
    try:
        return asked(key.name, key.rtype)
    except WireError:
        return None
