"""A server that is out to harm: whatever it sends, a lookup ends in time, as an error, in bounded memory."""

import contextlib
import socket
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.core.wire import decode
from scanner.facts import Answer
from scanner.net.resolver import open_resolver
from scanner.settings import DNSSettings
from scanner.vocabulary import Outcome, Security

TOTAL = 0.12
SLACK = 1.0  # seconds that a busy machine may take between a deadline and our noticing
MEMORY = 12_000_000  # octets: a message of 64 KiB with all it can be turned into, and what trio needs

RESPONSE, TRUNCATED = 0x8180, 0x8380
MX, A, TYPE999 = 15, 1, 999

Forge = Callable[[bytes], bytes]
"""From the question as it came to what is sent back."""


def message(asked: bytes, answers: int, tail: bytes = b"", flags: int = RESPONSE) -> bytes:
    """A reply with the right id and the right question."""
    return asked[:2] + struct.pack("!5H", flags, 1, answers, 0, 0) + question(asked) + tail


def question(asked: bytes) -> bytes:
    return asked[12 : asked.index(b"\0", 12) + 5]


def record(owner: bytes, rtype: int, rdata: bytes) -> bytes:
    return owner + struct.pack("!HHIH", rtype, 1, 300, len(rdata)) + rdata


def good(asked: bytes) -> bytes:
    return message(asked, 1, record(b"\xc0\x0c", MX, b"\0\x0a\xc0\x0c"))


def wrong_id(by: int) -> Forge:
    return lambda asked: bytes(a ^ b for a, b in zip(asked[:2], struct.pack("!H", by), strict=True)) + good(asked)[2:]


def wrong_question(part: int) -> Forge:
    """Another name, type or class."""

    def forge(asked: bytes) -> bytes:
        end = 12 + len(question(asked))
        reply = bytearray(good(asked))
        reply[(13, end - 3, end - 1)[part]] ^= 1
        return bytes(reply)

    return forge


def circle(owner: bytes) -> Forge:
    """A record whose owner is a pointer to itself, behind itself or into the void."""
    return lambda asked: message(asked, 1, record(owner, MX, b"\0\x0a\0"))


def at_itself(asked: bytes) -> bytes:
    here = 0xC000 | 12 + len(question(asked))
    return message(asked, 1, record(struct.pack("!H", here), MX, b"\0\x0a\0"))


def one_name_bomb(asked: bytes) -> bytes:
    """Some 3,600 MX records of another name, owner and target being 126 labels behind a pointer."""
    area = b"\1a" * 126 + b"\0"
    to = struct.pack("!H", 0xC000 | 12 + len(question(asked)) + 11)
    head = record(b"\0", TYPE999, area)
    each = record(to, MX, b"\0\x0a" + to)
    count = (65000 - len(head)) // len(each)
    return message(asked, 1 + count, head + each * count)


def many_names_bomb(asked: bytes) -> bytes:
    """4,000 records, each behind another pointer to 63 labels on the average; octet 1 is the dearest to spell."""
    area = (b"\1\1" * 125 + b"\0") * 60
    begin = 12 + len(question(asked)) + 11
    places = [0xC000 | begin + 251 * n + 2 * label for n in range(60) for label in range(125)]
    owners = (record(struct.pack("!H", place), MX, b"\0\x0a\0") for place in places if place <= 0xFFFF)
    tail = b"".join(list(owners)[: (65000 - len(area)) // 15])
    return message(asked, 1 + len(tail) // 15, record(b"\0", TYPE999, area) + tail)


def many_records(asked: bytes) -> bytes:
    """4,000 addresses under a name that nobody asked for."""
    return message(asked, 4000, record(b"\0", MX, b"\0\x0a\0") * 4000)


FORGERIES: list[Forge] = [
    lambda asked: asked,  # the question itself
    lambda asked: good(asked)[:-1],
    lambda asked: message(asked, 0, flags=TRUNCATED),
    lambda asked: message(asked, 65535),
    lambda asked: message(asked, 1, record(b"\xc0\x0c", MX, b"")),
    lambda asked: message(asked, 1, record(b"\0", MX, b"\0\x0a\0")),  # not what was asked for
    lambda asked: message(asked, 2, 2 * record(b"\xc0\x0c", 5, b"\xc0\x0c")),  # an alias of itself
    circle(b"\xc0\xff"),
    circle(b"\xff\xff"),
    circle(b"\x80a"),
    at_itself,
    one_name_bomb,
    many_names_bomb,
    many_records,
]

forgeries = st.one_of(
    st.sampled_from(FORGERIES),
    st.binary(max_size=600).map(lambda octets: lambda _: octets),
    st.integers(1, 0xFFFF).map(wrong_id),
    st.integers(0, 2).map(wrong_question),
    # more records announced than so many octets can hold
    st.binary(max_size=80).map(lambda octets: lambda asked: message(asked, 4000, octets)),
    st.tuples(st.integers(0, 100), st.binary(min_size=1, max_size=1)).map(
        lambda cut: lambda asked: good(asked)[: min(cut[0], len(good(asked)) - 1)]
    ),
)
framings: st.SearchStrategy[Forge] = st.sampled_from(
    [
        lambda reply: len(reply).to_bytes(2) + reply,
        lambda reply: b"\xff\xff" + reply,
        lambda reply: b"\0\1" + reply,
        lambda _: b"\0",
        lambda _: b"",
    ]
)


class Hostile:
    """The server: each datagram is answered with all of ``udp``, each connection with ``tcp``, maybe held open."""

    def __init__(self, udp: list[Forge], tcp: Forge, *, hold: bool) -> None:
        self._udp, self._tcp, self._hold = udp, tcp, hold
        self.port = 0

    async def start(self, nursery: trio.Nursery) -> None:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listener.socket.getsockname()[1]
        sock = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        await sock.bind(("127.0.0.1", self.port))
        nursery.start_soon(self._datagrams, sock)
        nursery.start_soon(trio.serve_listeners, self._connection, [listener])

    async def _datagrams(self, sock: Any) -> None:
        with sock:
            while True:
                asked, peer = await sock.recvfrom(4096)
                for forge in self._udp:
                    with contextlib.suppress(OSError):
                        await sock.sendto(forge(asked)[:65000], peer)

    async def _connection(self, stream: trio.SocketStream) -> None:
        async with stream:
            with contextlib.suppress(trio.BrokenResourceError):
                asked = await stream.receive_some(4096)
                await stream.send_all(self._tcp(asked[2:]) if asked else b"")
                if self._hold:
                    await trio.sleep_forever()


def suffer(udp: list[Forge], tcp: Forge, *, hold: bool = False, total: float = TOTAL) -> tuple[Answer, float]:
    """A lookup at such a server, and the seconds that it took."""

    async def main() -> tuple[Answer, float]:
        async with trio.open_nursery() as nursery:
            server = Hostile(udp, tcp, hold=hold)
            await server.start(nursery)
            given_ = DNSSettings(servers=(("127.0.0.1", server.port),), attempt=total / 3, total=total)
            async with open_resolver(given_) as resolver:
                began = trio.current_time()
                answer = await resolver.lookup("a.example", "MX")
                took = trio.current_time() - began
            nursery.cancel_scope.cancel()
        return answer, took

    return trio.run(main)


@settings(deadline=None, max_examples=60)
@given(udp=st.lists(forgeries, max_size=5), tcp=forgeries, framing=framings, hold=st.booleans())
def test_a_hostile_server_gets_an_error_in_time(udp: list[Forge], tcp: Forge, framing: Forge, *, hold: bool) -> None:
    answer, took = suffer(udp, lambda asked: framing(tcp(asked)), hold=hold)
    assert (answer.name, answer.outcome, answer.records) == ("a.example", Outcome.ERROR, ())
    assert answer.security is Security.INDETERMINATE
    assert took < TOTAL + SLACK


def test_the_same_server_can_be_honest() -> None:
    """Else the test above would pass for a resolver that never hears anything."""
    honest: list[Forge] = [good, lambda asked: message(asked, 0, flags=TRUNCATED)]
    for udp in honest:
        answer, _ = suffer([udp], lambda asked: len(good(asked)).to_bytes(2) + good(asked), total=3.0)
        assert (answer.outcome, answer.records) == (Outcome.DATA, ("10 a.example",))


@pytest.mark.parametrize("bomb", [one_name_bomb, many_names_bomb, many_records])
def test_memory_is_bounded(bomb: Forge) -> None:
    asked = b"\0\1\1\0\0\1\0\0\0\0\0\0\1a\7example\0\0\x0f\0\1"
    reply = bomb(asked)
    assert 50_000 < len(reply) < 65536
    tracemalloc.start()
    try:
        with contextlib.suppress(ValueError):
            decode(reply)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY
