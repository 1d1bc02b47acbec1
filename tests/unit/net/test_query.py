"""One question to several servers, with scripted replies in place of the network."""

from collections.abc import Callable, Sequence

import pytest
import trio
import trio.testing

from scanner.core.answers import TIMEOUT
from scanner.core.wire import Message, Question
from scanner.facts import Answer
from scanner.net.datagrams import Datagrams, TimedReply
from scanner.net.exchange import Ask, Miss, NameServer, server_at
from scanner.net.gcra import GCRA
from scanner.net.health import ServerHealth
from scanner.net.query import MAX_QUICK_ROUNDS, PAUSE, ServerQuery, Transport
from scanner.settings import DNSSettings
from scanner.vocabulary import Outcome, Security

FIRST, SECOND = (server_at(f"192.0.2.{n}", 53, trust=True) for n in (1, 2))
QUESTION = Question("a.example", "A")


def message(rcode: str) -> Message:
    return Message(1, qr=True, tc=False, aa=False, ra=True, ad=True, rcode=rcode, question=QUESTION)


NXDOMAIN, SERVFAIL = message("NXDOMAIN"), message("SERVFAIL")
SILENT = Miss(TIMEOUT, silent=True)
REFUSED_PORT = Miss("Connection refused")


class ScriptedDatagrams(Datagrams):
    """Replies from a function of the server; a silent one takes the whole attempt."""

    def __init__(self, script: Callable[[NameServer], Message | Miss]) -> None:
        super().__init__()
        self._script = script
        self.asked: list[NameServer] = []

    async def ask(self, server: NameServer, asks: Sequence[Ask], until: float) -> list[TimedReply]:
        assert [ask.question for ask in asks] == [QUESTION]
        self.asked.append(server)
        reply = self._script(server)
        silent = isinstance(reply, Miss) and reply.silent
        await trio.sleep_until(until if silent else trio.current_time())
        return [(reply, trio.current_time())]


async def run(
    script: Callable[[NameServer], Message | Miss], servers: Sequence[NameServer] = (FIRST, SECOND), total: float = 20
) -> tuple[Answer, list[NameServer]]:
    datagrams = ScriptedDatagrams(script)
    settings = DNSSettings(attempt=5, total=total)
    query = ServerQuery(ServerHealth(servers), Transport(GCRA(1e6), datagrams), settings, dnssec=True)
    answer = await query.run(QUESTION)
    return answer, datagrams.asked


async def test_a_timeout_leads_to_the_next_server(autojump_clock: trio.testing.MockClock) -> None:
    answer, asked = await run(lambda server: SILENT if server is FIRST else NXDOMAIN)
    assert (answer.outcome, asked) == (Outcome.NXDOMAIN, [FIRST, SECOND])


async def test_servers_that_time_out_are_queried_until_the_deadline(autojump_clock: trio.testing.MockClock) -> None:
    answer, asked = await run(lambda _: SILENT)
    assert (answer.outcome, answer.error) == (Outcome.ERROR, TIMEOUT)
    assert (trio.current_time(), len(asked)) == (20, 4)  # 20 s in attempts of 5 s


async def test_servers_that_fail_at_once_are_queried_after_pauses(autojump_clock: trio.testing.MockClock) -> None:
    answer, asked = await run(lambda _: REFUSED_PORT)
    assert (answer.error, len(asked)) == ("Connection refused", 2 * MAX_QUICK_ROUNDS)
    assert trio.current_time() == pytest.approx(PAUSE * (2 ** (MAX_QUICK_ROUNDS - 1) - 1), abs=0.001)


async def test_an_error_reply_is_kept_if_no_server_answers(autojump_clock: trio.testing.MockClock) -> None:
    answer, _ = await run(lambda server: SERVFAIL if server is FIRST else REFUSED_PORT)
    assert (answer.rcode, answer.security) == ("SERVFAIL", Security.INDETERMINATE)


async def test_the_wait_for_the_rate_moves_the_deadline(autojump_clock: trio.testing.MockClock) -> None:
    """Three queries, of which the second and third wait five seconds: 15 s of silence and 10 s of waits."""
    datagrams = ScriptedDatagrams(lambda _: SILENT)
    settings = DNSSettings(attempt=5, total=15)
    query = ServerQuery(ServerHealth([FIRST]), Transport(GCRA(0.1), datagrams), settings, dnssec=True)
    await query.run(QUESTION)
    assert len(datagrams.asked) == 3
    assert trio.current_time() == pytest.approx(25.0)


async def test_a_server_that_stopped_replying_is_in_back_off_despite_its_first_reply() -> None:
    class StopsReplying(Datagrams):
        async def ask(self, server: NameServer, asks: Sequence[Ask], until: float) -> list[TimedReply]:
            del server, asks
            return [(SILENT, until), (NXDOMAIN, until)]

    health = ServerHealth([FIRST, SECOND])
    query = ServerQuery(health, Transport(GCRA(1e6), StopsReplying()), DNSSettings(), dnssec=True)
    answers = await query.first_answers([QUESTION, QUESTION])
    assert [answer and answer.outcome for answer in answers] == [None, Outcome.NXDOMAIN]
    assert health.order(trio.current_time()) == (SECOND, FIRST)
