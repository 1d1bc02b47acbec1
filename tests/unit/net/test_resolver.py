import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
import trio
import trio.testing

from scanner.core.answers import ALIAS_LOOP, MALFORMED, NOT_A_NAME, TIMEOUT
from scanner.facts import Answer
from scanner.net import query as search
from scanner.net.exchange import server_at
from scanner.net.gcra import GCRA
from scanner.net.health import ServerHealth
from scanner.net.query import MAX_QUICK_ROUNDS
from scanner.net.resolver import open_resolver, system_servers
from scanner.settings import DNSSettings
from scanner.vocabulary import Outcome, Security

# A server on loopback with a table of replies by name. A query for another name fails the test.
# dnspython makes the messages.


@dataclass
class ReceivedQuery:
    """One query as the server received it."""

    query: dns.message.Message
    tcp: bool
    peer: tuple[str, int]

    @property
    def cd(self) -> bool:
        return bool(self.query.flags & dns.flags.CD)

    def pack(self, message: dns.message.Message, size: int = 65535) -> bytes:
        wire = message.to_wire(max_size=size)
        return len(wire).to_bytes(2) + wire if self.tcp else wire


Reply = Callable[[ReceivedQuery], Awaitable[list[bytes]]]


@dataclass
class Script:
    """The server: ``table`` has its replies, ``seen`` the queries."""

    nursery: trio.Nursery
    port: int = 0
    table: dict[str, Reply] = field(default_factory=dict)
    seen: list[ReceivedQuery] = field(default_factory=list)
    serve_tcp: Callable[[trio.SocketStream], Awaitable[None]] | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        (listener,) = await trio.open_tcp_listeners(port, host=host)
        self.port = listener.socket.getsockname()[1]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        udp = trio.socket.socket(family, socket.SOCK_DGRAM)
        await udp.bind((host, self.port))
        self.nursery.start_soon(self._serve_udp, udp)
        self.nursery.start_soon(trio.serve_listeners, self._serve_tcp, [listener])

    async def _serve_udp(self, udp: trio.socket.SocketType) -> None:
        with udp:
            while True:
                wire, peer = await udp.recvfrom(4096)
                self.nursery.start_soon(self._answer_udp, udp, wire, peer)

    async def _answer_udp(self, udp: trio.socket.SocketType, wire: bytes, peer: tuple[str, int]) -> None:
        for datagram in await self._answer(ReceivedQuery(dns.message.from_wire(wire), tcp=False, peer=peer)):
            with contextlib.suppress(OSError):  # the client may have closed
                await udp.sendto(datagram, peer)

    async def _serve_tcp(self, stream: trio.SocketStream) -> None:
        if self.serve_tcp is not None:
            await self.serve_tcp(stream)
            return
        async with stream:
            wire = await stream.receive_some(4096)
            for octets in await self._answer(ReceivedQuery(dns.message.from_wire(wire[2:]), tcp=True, peer=("", 0))):
                await stream.send_all(octets)
                await trio.testing.wait_all_tasks_blocked()

    async def _answer(self, asked: ReceivedQuery) -> list[bytes]:
        self.seen.append(asked)
        name = asked.query.question[0].name.to_text(omit_final_dot=True)
        return await self.table[name](asked)

    @property
    def settings(self) -> DNSSettings:
        return DNSSettings(servers=(("127.0.0.1", self.port),), attempt=0.2, total=0.5)

    async def lookup(self, name: str, rtype: str = "MX", **changes: Any) -> Answer:
        return await ask(replace(self.settings, **changes), name, rtype)


async def ask(given: DNSSettings, name: str, rtype: str = "MX") -> Answer:
    with trio.fail_after(5):
        async with open_resolver(given) as resolver:
            return await resolver.lookup(name, rtype)


@pytest.fixture
async def server(nursery: trio.Nursery) -> Script:
    script = Script(nursery)
    await script.start()
    return script


def made(
    asked: ReceivedQuery, *records: str, rcode: str = "NOERROR", ede: int | None = None, ad: bool = True
) -> dns.message.Message:
    """Return a reply; records are lines of a master file."""
    reply = dns.message.make_response(asked.query, recursion_available=True)
    if ad:
        reply.flags |= dns.flags.AD
    for line in records:
        owner, rtype, rdata = line.split(" ", 2)
        reply.answer.append(dns.rrset.from_text(owner, 300, "IN", rtype, rdata))
    if ede is not None:
        reply.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.make(ede))])
    reply.set_rcode(dns.rcode.from_text(rcode))
    return reply


def says(*records: str, rcode: str = "NOERROR", ede: int | None = None, ad: bool = True) -> Reply:
    async def reply(asked: ReceivedQuery) -> list[bytes]:
        return [asked.pack(made(asked, *records, rcode=rcode, ede=ede, ad=ad))]

    return reply


async def nothing(asked: ReceivedQuery) -> list[bytes]:
    return []


MX = "a.example. MX 10 mx.example."


async def test_an_answer(server: Script) -> None:
    server.table["a.example"] = says(MX)
    answer = await server.lookup("A.example.")
    assert (answer.name, answer.outcome, answer.security) == ("a.example", Outcome.DATA, Security.SECURE)
    assert answer.records == ("10 mx.example",)
    assert answer.resolver == f"127.0.0.1:{server.port}"
    assert answer.ms > 0
    (asked,) = server.seen
    assert (asked.cd, asked.query.ednsflags & dns.flags.DO) == (False, dns.flags.DO)


async def test_a_plain_question_is_not_validated(server: Script) -> None:
    server.table["a.example"] = says(MX)
    async with open_resolver(server.settings) as resolver:
        answer = await resolver.lookup("a.example", "MX", dnssec=False)
    assert (answer.outcome, answer.security) == (Outcome.DATA, Security.INDETERMINATE)
    assert server.seen[0].query.edns == -1


async def test_ids_and_ports_differ(server: Script) -> None:
    server.table["a.example"] = says(MX)
    for _ in range(8):
        await server.lookup("a.example")
    assert len({asked.query.id for asked in server.seen}) > 1
    assert len({asked.peer[1] for asked in server.seen}) > 1


# RFC 5452 section 9.1: a reply must match in id, question and source.
def strays(asked: ReceivedQuery) -> list[bytes]:
    wrong_id = made(asked, "a.example. MX 10 evil.example.")
    wrong_id.id ^= 1
    wrong_name = dns.message.make_response(dns.message.make_query("b.example", "MX", id=asked.query.id))
    wrong_type = dns.message.make_response(dns.message.make_query("a.example", "A", id=asked.query.id))
    wrong_class = dns.message.make_response(dns.message.make_query("a.example", "MX", "CH", id=asked.query.id))
    no_question = dns.message.make_response(asked.query)
    no_question.question = []
    messages = (wrong_id, wrong_name, wrong_type, wrong_class, no_question, asked.query)
    return [b"", b"garbage", made(asked, MX).to_wire()[:-3], *(m.to_wire() for m in messages)]


async def test_datagrams_that_are_no_reply_are_ignored(server: Script) -> None:
    async def reply(asked: ReceivedQuery) -> list[bytes]:
        return [*strays(asked), asked.pack(made(asked, MX))]

    server.table["a.example"] = reply
    assert (await server.lookup("a.example")).records == ("10 mx.example",)
    assert len(server.seen) == 1


@pytest.mark.parametrize("which", range(9))
async def test_each_of_them_alone_is_a_timeout(server: Script, which: int) -> None:
    async def reply(asked: ReceivedQuery) -> list[bytes]:
        return [strays(asked)[which]]

    server.table["a.example"] = reply
    answer = await server.lookup("a.example")
    assert (answer.outcome, answer.error, answer.records) == (Outcome.ERROR, TIMEOUT, ())
    assert len(server.seen) > 1


async def test_a_reply_from_elsewhere_never_arrives(server: Script) -> None:
    async def reply(asked: ReceivedQuery) -> list[bytes]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            elsewhere.sendto(made(asked, "a.example. MX 10 evil.example.").to_wire(), asked.peer)
        return [asked.pack(made(asked, MX))]

    server.table["a.example"] = reply
    assert (await server.lookup("a.example")).records == ("10 mx.example",)


async def test_a_flood_ends_the_attempt(server: Script, short_pauses: None) -> None:
    async def reply(asked: ReceivedQuery) -> list[bytes]:
        return [b"x"] * 1100

    server.table["a.example"] = reply
    answer = await server.lookup("a.example", attempt=3.0, total=4.0)
    assert (answer.outcome, answer.error) == (Outcome.ERROR, "flooded with datagrams that are not a reply")


async def test_a_query_is_repeated_after_a_timeout(server: Script) -> None:
    async def reply(asked: ReceivedQuery) -> list[bytes]:
        return [asked.pack(made(asked, MX))] if len(server.seen) > 1 else []

    server.table["a.example"] = reply
    assert (await server.lookup("a.example", total=3.0)).outcome is Outcome.DATA
    assert len(server.seen) == 2


async def test_queries_are_repeated_until_the_deadline(server: Script) -> None:
    server.table["a.example"] = nothing
    await server.lookup("a.example", attempt=0.05, total=1.0)
    assert len(server.seen) > MAX_QUICK_ROUNDS


def truncating(over_tcp: Reply) -> Reply:
    async def reply(asked: ReceivedQuery) -> list[bytes]:
        if asked.tcp:
            return await over_tcp(asked)
        short = made(asked)
        short.flags |= dns.flags.TC
        return [asked.pack(short)]

    return reply


async def test_a_truncated_reply_is_fetched_over_tcp(server: Script) -> None:
    many = [f"a.example. MX {n} mx{n}.example." for n in range(400)]
    server.table["a.example"] = truncating(says(*many))
    answer = await server.lookup("a.example", attempt=2.0, total=2.0)
    assert (answer.outcome, len(answer.records), answer.records[1]) == (Outcome.DATA, 400, "1 mx1.example")
    assert [asked.tcp for asked in server.seen] == [False, True]


async def test_tcp_in_single_octets(server: Script) -> None:
    async def drips(asked: ReceivedQuery) -> list[bytes]:
        wire = asked.pack(made(asked, MX))
        return [wire[at : at + 1] for at in range(len(wire))]

    server.table["a.example"] = truncating(drips)
    assert (await server.lookup("a.example", attempt=2.0, total=2.0)).records == ("10 mx.example",)


def raw(*octets: bytes) -> Reply:
    async def reply(asked: ReceivedQuery) -> list[bytes]:
        return list(octets)

    return reply


async def still_truncated(asked: ReceivedQuery) -> list[bytes]:
    reply = made(asked, MX)
    reply.flags |= dns.flags.TC
    return [asked.pack(reply)]


@pytest.mark.parametrize(
    ("over_tcp", "error"),
    [
        (raw(), MALFORMED),
        (raw(b"\0"), MALFORMED),
        (raw(b"\0\x05abc"), MALFORMED),
        (raw(b"\0\x05abcdefgh"), MALFORMED),
        (raw(b"\0\0"), MALFORMED),
        (still_truncated, "truncated reply"),
    ],
)
async def test_bad_tcp_replies(server: Script, over_tcp: Reply, error: str) -> None:
    server.table["a.example"] = truncating(over_tcp)
    answer = await server.lookup("a.example", attempt=2.0, total=2.0)
    assert (answer.outcome, answer.error) == (Outcome.ERROR, error)


async def test_a_tcp_connection_that_is_reset(server: Script) -> None:
    async def reset(stream: trio.SocketStream) -> None:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await stream.receive_some(1)
        await stream.aclose()

    server.serve_tcp = reset
    server.table["a.example"] = truncating(nothing)
    answer = await server.lookup("a.example", attempt=2.0, total=2.0)
    assert (answer.outcome, answer.error) == (Outcome.ERROR, "connection lost")


async def test_a_silent_tcp_server_has_its_deadline(server: Script) -> None:
    async def stuck(asked: ReceivedQuery) -> list[bytes]:
        await trio.sleep_forever()
        return []

    server.table["a.example"] = truncating(stuck)
    assert (await server.lookup("a.example")).error == TIMEOUT


@pytest.mark.parametrize(
    ("rcode", "outcome", "error"),
    [
        ("NXDOMAIN", Outcome.NXDOMAIN, ""),
        ("FORMERR", Outcome.ERROR, "FORMERR"),
        ("REFUSED", Outcome.ERROR, "REFUSED"),
        ("NOTIMP", Outcome.ERROR, "NOTIMP"),
        ("YXDOMAIN", Outcome.ERROR, "YXDOMAIN"),
        ("BADVERS", Outcome.ERROR, "BADVERS"),
    ],
)
async def test_rcodes_are_final(server: Script, rcode: str, outcome: Outcome, error: str) -> None:
    server.table["a.example"] = says(rcode=rcode)
    answer = await server.lookup("a.example")
    assert (answer.outcome, answer.rcode, answer.error, len(server.seen)) == (outcome, rcode, error, 1)


async def test_a_server_that_cannot_read_the_question_need_not_repeat_it(server: Script) -> None:
    async def reply(asked: ReceivedQuery) -> list[bytes]:
        unread = made(asked, rcode="FORMERR")
        unread.question = []
        return [asked.pack(unread)]

    server.table["a.example"] = reply
    assert (await server.lookup("a.example")).error == "FORMERR"


def servfail_then(unchecked: Reply, ede: int | None = None) -> Reply:
    async def reply(asked: ReceivedQuery) -> list[bytes]:
        return await (unchecked if asked.cd else says(rcode="SERVFAIL", ede=ede, ad=False))(asked)

    return reply


# What a query without validation (RFC 4035 section 3.2.2) shows about a SERVFAIL.
@pytest.mark.parametrize(
    ("script", "security", "error"),
    [
        (servfail_then(says(MX)), Security.BOGUS, "DNSSEC validation failed"),
        (servfail_then(says(rcode="NXDOMAIN")), Security.BOGUS, "DNSSEC validation failed"),
        (servfail_then(says(MX), 7), Security.BOGUS, "DNSSEC validation failed: EDE 7 (Signature Expired)"),
        (servfail_then(says(MX), 22), Security.INDETERMINATE, "SERVFAIL"),
        (servfail_then(says(rcode="SERVFAIL")), Security.INDETERMINATE, "SERVFAIL"),
        (servfail_then(nothing), Security.INDETERMINATE, "SERVFAIL"),
        (servfail_then(truncating(says(MX))), Security.BOGUS, "DNSSEC validation failed"),
    ],
)
async def test_bogus_or_broken(server: Script, script: Reply, security: Security, error: str) -> None:
    server.table["a.example"] = script
    answer = await server.lookup("a.example")
    assert (answer.outcome, answer.rcode, answer.records) == (Outcome.ERROR, "SERVFAIL", ())
    assert (answer.security, answer.error) == (security, error)
    assert [asked.cd for asked in server.seen][:2] == [False, True]


async def test_an_untrusted_server_does_not_prove_bogus(server: Script) -> None:
    server.table["a.example"] = servfail_then(says(MX))
    async with open_resolver(server.settings) as resolver:
        resolver._health = ServerHealth([replace(known, trusted=False) for known in resolver._health.servers])
        answer = await resolver.lookup("a.example", "MX")
    assert (answer.security, answer.error, len(server.seen)) == (Security.INDETERMINATE, "SERVFAIL", 1)


def two(first: int, second: int) -> DNSSettings:
    return DNSSettings(servers=(("127.0.0.1", first), ("127.0.0.1", second)), attempt=0.2, total=2.0)


@pytest.fixture
async def other(nursery: trio.Nursery) -> Script:
    script = Script(nursery)
    await script.start()
    return script


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP"])
async def test_a_refusal_leads_to_the_next_server(server: Script, other: Script, rcode: str) -> None:
    server.table["a.example"] = says(rcode=rcode)
    other.table["a.example"] = says(MX)
    answer = await ask(two(server.port, other.port), "a.example")
    assert (answer.outcome, answer.resolver) == (Outcome.DATA, f"127.0.0.1:{other.port}")
    # after a SERVFAIL comes a query without validation, which fails too
    assert [asked.cd for asked in server.seen] == ([False, True] if rcode == "SERVFAIL" else [False])
    assert len(other.seen) == 1


async def test_no_other_server_overrules_a_bogus_answer(server: Script, other: Script) -> None:
    server.table["a.example"] = servfail_then(says(MX))
    other.table["a.example"] = says(MX)
    answer = await ask(two(server.port, other.port), "a.example")
    assert (answer.outcome, answer.security, len(other.seen)) == (Outcome.ERROR, Security.BOGUS, 0)


async def test_validation_is_checked_once_if_all_servers_fail(server: Script, other: Script) -> None:
    server.table["a.example"] = says(rcode="REFUSED")
    other.table["a.example"] = servfail_then(says(MX))
    answer = await ask(two(server.port, other.port), "a.example")
    assert answer.security is Security.BOGUS
    assert ([a.cd for a in server.seen], [a.cd for a in other.seen]) == ([False], [False, True])


async def test_a_server_that_timed_out_is_queried_last_afterwards(server: Script, other: Script) -> None:
    server.table["a.example"] = nothing
    other.table["a.example"] = says(MX)
    with trio.fail_after(5):
        async with open_resolver(two(server.port, other.port)) as resolver:
            answers = [await resolver.lookup("a.example", "MX") for _ in range(3)]
    assert [a.outcome for a in answers] == [Outcome.DATA] * 3
    assert (len(server.seen), len(other.seen)) == (1, 3)


async def test_a_closed_port_leads_to_the_next_server(server: Script) -> None:
    server.table["a.example"] = says(MX)
    answer = await ask(two(closed_port(), server.port), "a.example")
    assert (answer.outcome, len(server.seen)) == (Outcome.DATA, 1)


def closed_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PAUSE", 0.001)


async def test_a_closed_port_is_an_error_without_a_timeout(short_pauses: None) -> None:
    given = DNSSettings(servers=(("127.0.0.1", closed_port()),), attempt=30.0, total=60.0)
    answer = await ask(given, "a.example")
    assert (answer.outcome, answer.security) == (Outcome.ERROR, Security.INDETERMINATE)
    assert answer.error == "Connection refused"
    assert answer.ms >= 2 ** (MAX_QUICK_ROUNDS - 1) - 1  # 1 ms, doubled each round


async def test_a_failing_send_is_an_error_without_a_timeout(short_pauses: None) -> None:
    # The kernel refuses datagrams to the broadcast address without SO_BROADCAST (ip(7), EACCES).
    answer = await ask(DNSSettings(servers=(("255.255.255.255", 53),), attempt=30.0, total=60.0), "a.example")
    assert (answer.outcome, answer.error) == (Outcome.ERROR, "Permission denied")


async def test_ipv6(nursery: trio.Nursery) -> None:
    script = Script(nursery)
    await script.start("::1")
    script.table["a.example"] = truncating(says(MX))
    given = DNSSettings(servers=(("::1", script.port),), attempt=2.0, total=2.0, bind="127.0.0.1")
    answer = await ask(given, "a.example")
    assert (answer.outcome, answer.security, answer.resolver) == (
        Outcome.DATA,
        Security.SECURE,
        f"[::1]:{script.port}",
    )


async def test_the_local_address_can_be_set(server: Script) -> None:
    server.table["a.example"] = says(MX)
    await server.lookup("a.example", bind="127.0.0.2")
    assert server.seen[0].peer[0] == "127.0.0.2"


def test_trusted_servers() -> None:
    assert server_at("127.0.0.53", 53, trust=False).trusted
    assert server_at("::1", 53, trust=False).trusted
    assert not server_at("192.0.2.1", 53, trust=False).trusted
    assert server_at("192.0.2.1", 53, trust=True).trusted
    assert not server_at("fe80::1%eth0", 53, trust=False).trusted


@pytest.mark.parametrize("name", ["", "a..example", "a" * 64, "b\u00fccher.example"])
async def test_invalid_names(server: Script, name: str) -> None:
    answer = await server.lookup(name)
    assert (answer.outcome, answer.error, server.seen) == (Outcome.ERROR, NOT_A_NAME, [])


async def test_an_alias_without_its_target_in_the_reply_is_followed(server: Script) -> None:
    server.table["a.example"] = says("a.example. CNAME b.example.")
    server.table["b.example"] = says("b.example. MX 10 mx.example.", ad=False)
    answer = await server.lookup("a.example")
    assert (answer.name, answer.rname, answer.records) == ("a.example", "b.example", ("10 mx.example",))
    assert (answer.security, answer.aliases[0].security) == (Security.INSECURE, Security.SECURE)


async def test_each_alias_of_an_insecure_answer_is_queried(server: Script) -> None:
    """AD covers a whole reply; RFC 7672 section 2.2.2 needs the security of the first alias alone."""
    records = ("a.example. CNAME b.example.", "b.example. CNAME c.example.", "c.example. A 192.0.2.1")

    def hop(record: str, *, ad: bool) -> Reply:
        async def reply(asked: ReceivedQuery) -> list[bytes]:
            of_hop = asked.query.question[0].rdtype == dns.rdatatype.CNAME
            return await (says(record, ad=ad) if of_hop else says(*records, ad=False))(asked)

        return reply

    server.table["a.example"], server.table["b.example"] = hop(records[0], ad=True), hop(records[1], ad=False)
    answer = await server.lookup("a.example", "A")
    assert [alias.security for alias in answer.aliases] == [Security.SECURE, Security.INSECURE]
    server.table["b.example"] = nothing
    answer = await server.lookup("a.example", "A")
    assert [alias.security for alias in answer.aliases] == [Security.SECURE, Security.INDETERMINATE]
    assert (answer.outcome, answer.security) == (Outcome.DATA, Security.INSECURE)


async def test_aliases_in_a_circle_end(server: Script) -> None:
    server.table["a.example"] = says("a.example. CNAME b.example.")
    server.table["b.example"] = says("b.example. CNAME a.example.")
    answer = await server.lookup("a.example")
    assert (answer.error, len(server.seen)) == (ALIAS_LOOP, 2)


async def test_endless_aliases_end(server: Script) -> None:
    for n in range(20):
        server.table[f"n{n}.example"] = says(f"n{n}.example. CNAME n{n + 1}.example.")
    answer = await server.lookup("n0.example", attempt=2.0, total=4.0)
    assert (answer.error, len(server.seen)) == (ALIAS_LOOP, 11)


async def test_in_flight_limit_and_deadlines_that_start_after_it(server: Script) -> None:
    answer_now = trio.Event()

    async def reply(asked: ReceivedQuery) -> list[bytes]:
        await answer_now.wait()
        return [asked.pack(made(asked, MX))]

    server.table["a.example"] = reply
    answers = []
    given = DNSSettings(servers=server.settings.servers, in_flight=2, attempt=3.0, total=3.0)
    with trio.fail_after(5):
        async with open_resolver(given) as resolver, trio.open_nursery() as askers:

            async def one() -> None:
                answers.append(await resolver.lookup("a.example", "MX", fresh=True))

            for _ in range(5):
                askers.start_soon(one)
            while len(server.seen) < 2:
                await trio.testing.wait_all_tasks_blocked(0.01)
            assert len(server.seen) == 2
            answer_now.set()
    assert [a.outcome for a in answers] == [Outcome.DATA] * 5


async def test_a_cancelled_lookup_releases_its_slot(server: Script) -> None:
    server.table["silent.example"] = nothing
    server.table["a.example"] = says(MX)
    given = DNSSettings(servers=server.settings.servers, in_flight=1)
    with trio.fail_after(5):
        async with open_resolver(given) as resolver:
            with trio.move_on_after(0.05):
                await resolver.lookup("silent.example", "MX")
            assert (await resolver.lookup("a.example", "MX")).outcome is Outcome.DATA


HOST = "mx.example. A 192.0.2.1"


async def test_a_host_is_queried_once_within_its_ttl(server: Script) -> None:
    server.table["mx.example"] = says(HOST)
    async with open_resolver(server.settings) as resolver:
        answers = [await resolver.lookup(name, "A") for name in ("mx.example", "MX.Example.")]
        assert (answers[0], len(server.seen)) == (answers[1], 1)
        await resolver.lookup("mx.example", "A", dnssec=False)
        await resolver.lookup("mx.example", "A", fresh=True)
    assert len(server.seen) == 3


async def test_a_fresh_answer_replaces_the_cached_one(server: Script) -> None:
    async with open_resolver(server.settings) as resolver:
        server.table["mx.example"] = says(HOST)
        await resolver.lookup("mx.example", "A")
        server.table["mx.example"] = says("mx.example. A 192.0.2.2")
        await resolver.lookup("mx.example", "A", fresh=True)
        assert (await resolver.lookup("mx.example", "A")).records == ("192.0.2.2",)


@pytest.mark.parametrize("reply", [says(rcode="SERVFAIL"), says(rcode="REFUSED"), nothing])
async def test_failures_are_not_cached(server: Script, reply: Reply) -> None:
    async with open_resolver(server.settings) as resolver:
        server.table["mx.example"] = reply
        assert (await resolver.lookup("mx.example", "A")).outcome is Outcome.ERROR
        server.table["mx.example"] = says(HOST)
        assert (await resolver.lookup("mx.example", "A")).outcome is Outcome.DATA


async def test_an_answer_in_parts_is_not_cached(server: Script) -> None:
    """The TTL of its aliases is not known."""
    server.table["mx.example"] = says("mx.example. CNAME b.example.")
    server.table["b.example"] = says("b.example. A 192.0.2.1")
    async with open_resolver(server.settings) as resolver:
        answer = await resolver.lookup("mx.example", "A")
        assert (answer.outcome, answer.ttl, len(resolver.cache)) == (Outcome.DATA, 0, 0)


async def test_an_empty_reply_at_the_end_of_aliases_is_queried_once(server: Script) -> None:
    server.table["mx.example"] = says("mx.example. CNAME b.example.")
    server.table["b.example"] = says()
    answer = await server.lookup("mx.example", "A")
    assert (answer.outcome, answer.rname, len(server.seen)) == (Outcome.NODATA, "b.example", 2)


class Held:
    """A reply that waits for an event."""

    def __init__(self) -> None:
        self.let_go = trio.Event()

    async def __call__(self, asked: ReceivedQuery) -> list[bytes]:
        await self.let_go.wait()
        return [asked.pack(made(asked, HOST))]


async def seen_by(server: Script, count: int) -> None:
    while len(server.seen) < count:
        await trio.testing.wait_all_tasks_blocked(0.001)


async def test_equal_questions_in_flight_share_the_answer(server: Script) -> None:
    held = server.table["mx.example"] = Held()
    answers: list[Answer] = []
    given = replace(server.settings, attempt=3.0, total=3.0)
    with trio.fail_after(5):
        async with open_resolver(given) as resolver, trio.open_nursery() as askers:

            async def one() -> None:
                answers.append(await resolver.lookup("mx.example", "A"))

            for _ in range(10):
                askers.start_soon(one)
            await seen_by(server, 1)
            held.let_go.set()
    assert (len(answers), len(set(answers)), len(server.seen)) == (10, 1, 1)


async def test_a_cancelled_asker_does_not_affect_the_others(server: Script) -> None:
    held = server.table["mx.example"] = Held()
    answers: list[Answer] = []
    given = replace(server.settings, attempt=3.0, total=3.0)
    with trio.fail_after(5):
        async with open_resolver(given) as resolver, trio.open_nursery() as askers:

            async def first() -> None:
                with gone:
                    await resolver.lookup("mx.example", "A")

            async def other() -> None:
                answers.append(await resolver.lookup("mx.example", "A"))

            gone = trio.CancelScope()
            askers.start_soon(first)
            await seen_by(server, 1)
            askers.start_soon(other)
            askers.start_soon(other)
            await trio.testing.wait_all_tasks_blocked()
            gone.cancel()
            await seen_by(server, 2)
            held.let_go.set()
    assert [answer.outcome for answer in answers] == [Outcome.DATA] * 2
    assert len(server.seen) == 2


async def test_the_rate_counts_every_query(server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    places = []

    def reserve(self: GCRA, now: float) -> float:
        places.append(now)
        return now

    monkeypatch.setattr(GCRA, "reserve", reserve)
    server.table["a.example"] = servfail_then(truncating(says(MX)))
    await server.lookup("a.example")
    assert len(places) == len(server.seen) == 3  # the query, the one without validation, and that over TCP


# (reply of the first resolver, reply of the second, recorded second opinion)
@pytest.mark.parametrize(
    ("first", "second", "outcome", "security", "disagrees"),
    [
        (servfail_then(says(MX)), says(MX, ad=False), Outcome.DATA, Security.INSECURE, True),
        (servfail_then(says(MX)), servfail_then(says(MX)), Outcome.ERROR, Security.BOGUS, False),
        (says(rcode="SERVFAIL"), servfail_then(says(MX)), Outcome.ERROR, Security.BOGUS, True),
        (says(rcode="SERVFAIL"), says(rcode="NXDOMAIN"), Outcome.NXDOMAIN, Security.SECURE, True),
        (says(rcode="SERVFAIL"), says(rcode="SERVFAIL"), Outcome.ERROR, Security.INDETERMINATE, False),
        (nothing, says(MX), Outcome.DATA, Security.SECURE, True),
        (nothing, nothing, Outcome.ERROR, Security.INDETERMINATE, False),
    ],
)
async def test_a_second_opinion_is_recorded_and_changes_nothing(
    server: Script, other: Script, first: Reply, second: Reply, outcome: Outcome, security: Security, *, disagrees: bool
) -> None:
    server.table["a.example"], other.table["a.example"] = first, second
    alone = await server.lookup("a.example")
    answer = await server.lookup("a.example", confirm=(("127.0.0.1", other.port),))
    assert alone.outcome is Outcome.ERROR
    assert replace(answer, second=None, ms=0) == replace(alone, ms=0)
    assert answer.second is not None
    assert (answer.second.resolver, answer.second.outcome) == (f"127.0.0.1:{other.port}", outcome)
    assert (answer.second.security, answer.second.disagrees) == (security, disagrees)


async def test_no_second_opinion_after_an_answer(server: Script, other: Script) -> None:
    server.table["a.example"] = says(rcode="NXDOMAIN")
    answer = await server.lookup("a.example", confirm=(("127.0.0.1", other.port),))
    assert (answer.second, other.seen) == (None, [])


async def test_a_server_that_timed_out_is_queried_again_after_a_refusal(server: Script, other: Script) -> None:
    async def reply(asked: ReceivedQuery) -> list[bytes]:
        return [asked.pack(made(asked, MX))] if len(other.seen) > 1 else []

    server.table["a.example"] = says(rcode="REFUSED")
    other.table["a.example"] = reply
    assert (await ask(two(server.port, other.port), "a.example")).outcome is Outcome.DATA


async def test_a_restarted_resolver_is_found(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at first: the pauses between the rounds leave time for a restart."""
    monkeypatch.setattr(search, "PAUSE", 0.02)
    script = Script(nursery)
    script.table["a.example"] = says(MX)
    port = closed_port()
    answers: list[Answer] = []

    async def asker() -> None:
        answers.append(await ask(DNSSettings(servers=(("127.0.0.1", port),)), "a.example"))

    async with trio.open_nursery() as askers:
        askers.start_soon(asker)
        await trio.sleep(0.01)
        await script.start(port=port)
    assert answers[0].outcome is Outcome.DATA


async def test_an_empty_reply_of_a_server_that_does_not_recurse_is_no_negative(server: Script) -> None:
    async def reply(asked: ReceivedQuery) -> list[bytes]:
        lame = made(asked)
        lame.flags &= ~dns.flags.RA
        return [asked.pack(lame)]

    server.table["a.example"] = reply
    answer = await server.lookup("a.example")
    assert (answer.outcome, answer.error) == (Outcome.ERROR, "the server does not recurse")


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("nameserver 192.0.2.1\n", (("192.0.2.1", 53),)),
        (
            "# comment\nsearch example\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 # near\n",
            (("192.0.2.1", 53), ("2001:db8::1", 53)),
        ),
        ("nameserver fe80::1%eth0", (("fe80::1%eth0", 53),)),
        ("".join(f"nameserver 192.0.2.{n}\n" for n in range(5)), tuple((f"192.0.2.{n}", 53) for n in range(3))),
        ("nameserver resolver.example\nnameserver\nnameservers 192.0.2.1\n", (("127.0.0.1", 53),)),
        ("", (("127.0.0.1", 53),)),
    ],
)
def test_servers_of_the_system(tmp_path: Path, text: str, servers: tuple[tuple[str, int], ...]) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(text)
    assert system_servers(file) == servers


def test_no_resolv_conf_means_the_local_server(tmp_path: Path) -> None:  # resolv.conf(5)
    assert system_servers(tmp_path / "none") == (("127.0.0.1", 53),)


async def test_no_servers_in_the_settings_means_those_of_the_system() -> None:
    async with open_resolver(DNSSettings()) as resolver:
        labels = [server.label for server in resolver._health.servers]
    assert labels == [server_at(*at, trust=False).label for at in system_servers()]


# --- several questions at the same time ---------------------------------------------------------------------------


def patient(server: Script) -> DNSSettings:
    """Return settings with which a reply arrives in time even on a busy machine."""
    return replace(server.settings, attempt=1.0, total=2.0)


async def test_several_questions_are_sent_before_the_first_reply(server: Script) -> None:
    both = trio.Event()

    async def when_both_arrived(asked: ReceivedQuery) -> list[bytes]:
        if len(server.seen) == 2:
            both.set()
        await both.wait()
        return [asked.pack(made(asked, rcode="NXDOMAIN"))]

    server.table = {"a.example": when_both_arrived, "b.example": when_both_arrived}
    async with open_resolver(patient(server)) as resolver:
        found = await resolver.lookup_together([("a.example", "MX"), ("b.example", "MX")])
    assert [answer and answer.outcome for answer in found] == [Outcome.NXDOMAIN] * 2


async def test_several_questions_are_answered_in_their_order(server: Script) -> None:
    server.table = {"a.example": says(MX), "b.example": says(rcode="NXDOMAIN")}
    server.table["c.example"] = says("c.example. TXT two")
    async with open_resolver(patient(server)) as resolver:
        found = await resolver.lookup_together([("A.example.", "MX"), ("b.example", "TXT"), ("c.example", "TXT")])
    assert [answer and (answer.name, answer.outcome, answer.records) for answer in found] == [
        ("a.example", Outcome.DATA, ("10 mx.example",)),
        ("b.example", Outcome.NXDOMAIN, ()),
        ("c.example", Outcome.DATA, ('"two"',)),
    ]
    assert len({asked.peer[1] for asked in server.seen}) == 3, "each question has a port of its own"


async def test_an_answer_in_the_cache_is_not_queried_with_the_others(server: Script) -> None:
    server.table["a.example"] = says("a.example. A 192.0.2.1", rcode="NOERROR")
    async with open_resolver(patient(server)) as resolver:
        first = await resolver.lookup("a.example", "A")
        server.table["a.example"] = says("a.example. AAAA 2001:db8::1")
        both = await resolver.lookup_together([("a.example", "A"), ("a.example", "AAAA")])
        again = await resolver.lookup_together([("a.example", "AAAA"), ("a.example", "A")])
    assert both[0] is first
    assert again == [both[1], both[0]]
    assert len(server.seen) == 2


async def _truncates(asked: ReceivedQuery) -> list[bytes]:
    reply = made(asked, MX)
    reply.flags |= dns.flags.TC
    return [asked.pack(reply)]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(nothing, id="timeout"),
        pytest.param(says(rcode="SERVFAIL"), id="SERVFAIL"),
        pytest.param(
            says("a.example. CNAME b.example.", "b.example. MX 10 mx.example.", ad=False), id="insecure alias"
        ),
        pytest.param(says("a.example. CNAME c.example."), id="alias without its target"),
        pytest.param(_truncates, id="truncated"),
    ],
)
async def test_a_question_whose_first_reply_completes_no_answer_needs_a_lookup(server: Script, reply: Reply) -> None:
    server.table = {"a.example": reply, "b.example": says("b.example. MX 10 mx.example.")}
    async with open_resolver(patient(server)) as resolver:
        found = await resolver.lookup_together([("a.example", "MX"), ("b.example", "MX"), ("a..example", "MX")])
    assert [answer and answer.records for answer in found] == [None, ("10 mx.example",), None]
    assert len(server.seen) == 2


async def test_a_secure_alias_needs_no_other_query(server: Script) -> None:
    server.table["a.example"] = says("a.example. CNAME b.example.", "b.example. MX 10 mx.example.")
    async with open_resolver(patient(server)) as resolver:
        (answer,) = await resolver.lookup_together([("a.example", "MX")])
    assert answer is not None
    assert (answer.records, answer.rname) == (("10 mx.example",), "b.example")


async def test_each_answer_of_several_has_the_time_of_its_own_reply(server: Script) -> None:
    server.table = {"a.example": says(MX), "b.example": nothing}
    async with open_resolver(patient(server)) as resolver:
        quick, silent = await resolver.lookup_together([("a.example", "MX"), ("b.example", "MX")])
    assert silent is None
    assert quick is not None
    assert quick.ms < 1000 * patient(server).attempt


async def test_equal_groups_of_address_questions_in_flight_are_sent_once(server: Script) -> None:
    async def address(asked: ReceivedQuery) -> list[bytes]:
        rtype = dns.rdatatype.to_text(asked.query.question[0].rdtype)
        return [asked.pack(made(asked, f"a.example. {rtype} {'192.0.2.1' if rtype == 'A' else '2001:db8::1'}"))]

    server.table["a.example"] = address
    async with open_resolver(patient(server)) as resolver, trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(resolver.lookup_together, [("a.example", "A"), ("a.example", "AAAA")])
    assert len(server.seen) == 2


async def test_questions_together_need_a_slot_each(server: Script) -> None:
    async with open_resolver(replace(patient(server), in_flight=1)) as resolver:
        assert await resolver.lookup_together([("a.example", "MX"), ("b.example", "MX")]) == [None, None]
    assert server.seen == []
