"""The UDP port of each question, its reuse, and the delivery of replies and errors to the task that asked."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import trio
import trio.lowlevel
import trio.testing

from scanner.core.answers import TIMEOUT
from scanner.core.wire import Message, Question
from scanner.net import datagrams as module
from scanner.net.datagrams import Datagrams
from scanner.net.exchange import Ask, Miss, NameServer, new_ask, server_at

RESPONSE = b"\x81\x80"

Sent = tuple[bytes, tuple[str, int]]


class UDPPeer:
    """A name server controlled by the test: the received questions, and replies to them."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(1)
        self.server = server_at("127.0.0.1", self.sock.getsockname()[1], trust=True)
        self.ports = Datagrams()
        self.heard: list[Message | Miss] = []

    async def ask(self, server: NameServer, seconds: float = 5.0) -> None:
        asks = two_questions()[:1]
        self.heard += [reply for reply, _ in await self.ports.ask(server, asks, trio.current_time() + seconds)]

    async def ask_all(self, asks: list[Ask], seconds: float = 5.0) -> None:
        self.heard += [reply for reply, _ in await self.ports.ask(self.server, asks, trio.current_time() + seconds)]

    def take(self) -> Sent:
        return self.sock.recvfrom(512)

    def reply(self, sent: Sent, to: Sent | None = None) -> None:
        """Answer a question, optionally at the port of another one."""
        self.sock.sendto(sent[0][:2] + RESPONSE + sent[0][4:], (to or sent)[1])


@pytest.fixture
def peer() -> Iterator[UDPPeer]:
    made = UDPPeer()
    with made.sock:
        yield made
        made.ports.close()


async def begin(peer: UDPPeer, nursery: trio.Nursery, server: NameServer, count: int) -> list[Sent]:
    """Send ``count`` questions and return them as received."""
    for _ in range(count):
        nursery.start_soon(peer.ask, server)
    await trio.testing.wait_all_tasks_blocked()
    return [peer.take() for _ in range(count)]


def own_ports(sent: list[Sent]) -> set[int]:
    return {address[1] for _, address in sent}


async def test_each_question_in_flight_has_a_port_of_its_own(peer: UDPPeer) -> None:
    async with trio.open_nursery() as nursery:
        sent = await begin(peer, nursery, peer.server, 40)
        for one in sent:
            peer.reply(one)
    assert len(own_ports(sent)) == 40
    assert len({message[:2] for message, _ in sent}) > 1
    assert [type(reply) for reply in peer.heard] == [Message] * 40


async def test_an_answered_port_is_used_again_a_limited_number_of_times(
    peer: UDPPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module._Port, "__init__", few_uses(module._Port.__init__))
    used = []
    for _ in range(6):
        async with trio.open_nursery() as nursery:
            sent = await begin(peer, nursery, peer.server, 1)
            peer.reply(sent[0])
        used.append(sent[0][1][1])
    assert [used.count(port) for port in dict.fromkeys(used)] == [3, 3]
    assert peer.ports._ports == {}


def few_uses(init: Any) -> Any:
    def made(self: Any, sock: socket.socket, server: NameServer) -> None:
        init(self, sock, server, uses=3)

    return made


async def test_a_reply_counts_only_at_the_port_of_its_question(peer: UDPPeer) -> None:
    """An attacker has to guess both the id and the port (RFC 5452 section 9.2)."""
    async with trio.open_nursery() as nursery:
        first, second = await begin(peer, nursery, peer.server, 2)
        peer.reply(first, to=second)
        peer.reply(second, to=first)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert peer.heard == []
        peer.reply(first)
        peer.reply(second)
    assert len(peer.heard) == 2


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_port_is_not_used_again_after_a_timeout(peer: UDPPeer, *, cancelled: bool) -> None:
    with trio.move_on_after(0.05 if cancelled else 5):
        await peer.ask(peer.server, 5 if cancelled else 0.05)
    assert peer.heard == ([] if cancelled else [Miss(TIMEOUT, silent=True)])
    assert peer.ports._ports == {}
    late = peer.take()
    async with trio.open_nursery() as nursery:
        sent = await begin(peer, nursery, peer.server, 1)
        peer.reply(sent[0])
    assert sent[0][1] != late[1]
    assert isinstance(peer.heard[-1], Message)


async def test_a_timeout_closes_the_idle_ports(peer: UDPPeer) -> None:
    """After a change of networks the local address of all ports may be gone."""
    async with trio.open_nursery() as nursery:
        for one in await begin(peer, nursery, peer.server, 3):
            peer.reply(one)
    assert len(peer.ports._ports) == 3
    await peer.ask(peer.server, 0.05)
    assert peer.ports._ports == {}


async def test_the_earliest_deadline_counts(peer: UDPPeer) -> None:
    """The task that waits for all questions began its wait with a later deadline."""
    async with trio.open_nursery() as nursery:
        await begin(peer, nursery, peer.server, 1)
        began = trio.current_time()
        await peer.ask(peer.server, 0.05)
        assert trio.current_time() - began < 4
        nursery.cancel_scope.cancel()
    assert peer.heard == [Miss(TIMEOUT, silent=True)]


async def test_an_icmp_error_ends_the_question_that_caused_it(peer: UDPPeer) -> None:
    async with trio.open_nursery() as nursery:
        (sent,) = await begin(peer, nursery, peer.server, 1)
        address = peer.sock.getsockname()
        peer.sock.close()
        await peer.ask(peer.server)
        assert peer.heard == [Miss("Connection refused")]
        peer.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.sock.bind(address)
        peer.reply(sent)
    assert isinstance(peer.heard[-1], Message)
    assert len(peer.ports._ports) == 1


async def test_an_error_closes_an_idle_port(peer: UDPPeer) -> None:
    async with trio.open_nursery() as nursery:
        (sent,) = await begin(peer, nursery, peer.server, 1)
        peer.reply(sent)
    (port,) = peer.ports._ports.values()
    peer.sock.close()
    port.sock.send(b"")
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert (peer.ports._ports, peer.ports._idle[peer.server]) == ({}, [])


async def test_a_dropped_datagram_is_no_reply(peer: UDPPeer) -> None:
    """A datagram with a wrong checksum makes the socket readable and is dropped (select(2), section Bugs)."""
    async with trio.open_nursery() as nursery:
        sent = await begin(peer, nursery, peer.server, 1)
        for port in peer.ports._ports.values():
            peer.ports._read(port)
        peer.reply(sent[0])
    assert isinstance(peer.heard[0], Message)


async def test_close_ends_all_questions_and_later_ones_open_new_ports(peer: UDPPeer) -> None:
    async with trio.open_nursery() as nursery:
        await begin(peer, nursery, peer.server, 2)
        peer.ports.close()
    assert peer.heard == [Miss(TIMEOUT, silent=True)] * 2
    async with trio.open_nursery() as nursery:
        sent = await begin(peer, nursery, peer.server, 1)
        peer.reply(sent[0])
    assert isinstance(peer.heard[-1], Message)


def test_the_end_of_trio_closes_all_ports() -> None:
    peer = UDPPeer()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            sent = await begin(peer, nursery, peer.server, 1)
            peer.reply(sent[0])
        assert len(peer.ports._ports) == 1

    with peer.sock:
        trio.run(main)
    assert (peer.ports._ports, peer.ports._epoll) == ({}, None)


async def test_close_while_the_reader_is_being_woken_ends_the_reader(
    peer: UDPPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def woken(_fileno: int) -> None:
        peer.ports.close()

    monkeypatch.setattr(trio.lowlevel, "wait_readable", woken)
    await peer.ask(peer.server)
    assert peer.heard == [Miss(TIMEOUT, silent=True)]


async def test_a_bug_in_reading_a_reply_is_raised_in_the_task_that_asked(
    peer: UDPPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "reply_to", broken)
    with pytest.RaisesGroup(ZeroDivisionError):
        async with trio.open_nursery() as nursery:
            (sent,) = await begin(peer, nursery, peer.server, 1)
            peer.reply(sent)
    monkeypatch.undo()
    async with trio.open_nursery() as nursery:  # in no other task
        (sent,) = await begin(peer, nursery, peer.server, 1)
        peer.reply(sent)
    assert isinstance(peer.heard[0], Message)


def two_questions() -> list[Ask]:
    return [new_ask(Question(name, "A"), dnssec=True, cd=False) for name in ("a.example", "b.example")]


async def test_the_replies_to_several_questions_have_the_order_of_the_questions(peer: UDPPeer) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(peer.ask_all, two_questions())
        await trio.testing.wait_all_tasks_blocked()
        first, second = peer.take(), peer.take()
        assert first[1] != second[1], "each question has a port of its own"
        peer.reply(second)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert peer.heard == []
        peer.reply(first)
    assert [reply.question.name for reply in peer.heard if isinstance(reply, Message) and reply.question] == [
        "a.example",
        "b.example",
    ]


async def test_a_timeout_of_one_question_keeps_the_reply_to_the_other(peer: UDPPeer) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(peer.ask_all, two_questions(), 0.5)
        await trio.testing.wait_all_tasks_blocked()
        peer.reply((peer.take(), peer.take())[1])
    assert peer.heard[0] == Miss(TIMEOUT, silent=True)
    assert isinstance(peer.heard[1], Message)


async def test_a_cancelled_wait_closes_the_ports_of_the_open_questions(peer: UDPPeer) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(peer.ask_all, two_questions())
        nursery.start_soon(peer.ask, peer.server)
        await trio.testing.wait_all_tasks_blocked()
        peer.reply(peer.take())
        await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()
    assert [port.ask for port in peer.ports._ports.values()] == [None], "the answered port is idle"


async def test_a_question_that_cannot_be_sent_ends_at_once(peer: UDPPeer) -> None:
    refused = server_at("255.255.255.255", 53, trust=True)  # the kernel refuses it without SO_BROADCAST (ip(7), EACCES)
    found = await peer.ports.ask(refused, two_questions(), trio.current_time() + 5)
    assert [reply for reply, _ in found] == [Miss("Permission denied")] * 2
