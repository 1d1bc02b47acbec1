"""DNS messages: both decoders, the answers made of messages, and the routes and TLSA lookups made of answers."""

import random
import struct
from collections.abc import Callable
from dataclasses import replace

from scanner.core import answers, route, tlsa, wire_any, wire_fast
from scanner.core.wire import Message, WireError, asked, decode, query
from scanner.core.wire_names import UnusualError
from scanner.facts import Answer
from scanner.vocabulary import Outcome, Security
from tests.fuzz.fuzzer import Fuzzer, mutated, stored

_TYPES = (
    1,
    1,
    2,
    5,
    5,
    6,
    12,
    15,
    15,
    16,
    28,
    33,
    35,
    39,
    41,
    41,
    43,
    46,
    47,
    48,
    50,
    52,
    52,
    64,
    65,
    249,
    250,
    257,
    999,
)
_QUESTIONS = ("MX", "A", "AAAA", "TLSA", "CNAME", "SRV", "TXT", "NS", "PTR", "DNSKEY", "TYPE65")
_LABELS = (
    b"mx",
    b"example",
    b"com",
    b"_25",
    b"_tcp",
    b"a" * 63,
    b"MX",
    b"\0",
    b"a.b",
    b"\xff\xfe",
    b"*",
    b"xn--\xe4",
    b"-",
)
NAME = "mx.example.com"


class _MessageWriter:
    """A message in the making."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.octets = bytearray()
        self.places = [12]

    def name(self) -> bytes:
        """Return a name: labels, and at the end the root or a pointer to any place."""
        chance = self.chance
        if chance.random() < 0.4:
            return self._pointer()
        labels = [chance.choice(_LABELS) for _ in range(chance.choice((0, 1, 2, 3, 3, 4, 130)))]
        octets = b"".join(bytes([len(label)]) + label for label in labels)
        self.places.append(len(self.octets))
        return octets + (self._pointer() if chance.random() < 0.3 else b"\0")

    def _pointer(self) -> bytes:
        chance = self.chance
        target = chance.choice((12, 12, *self.places, len(self.octets), chance.randrange(0x4000)))
        return struct.pack("!H", 0xC000 | target & 0x3FFF)

    def record(self) -> None:
        chance = self.chance
        rtype, rclass = chance.choice(_TYPES), chance.choice((1, 1, 1, 1, 1, 3, 254, 255, 1232))
        self.octets += b"\0" if rtype == 41 and chance.random() < 0.9 else self.name()
        ttl = chance.choice((0, 60, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x01008000))
        self.octets += struct.pack("!HHI", rtype, rclass, ttl)
        at = len(self.octets)
        self.octets += b"\0\0"
        self.octets += self.rdata(rtype)
        size = len(self.octets) - at - 2
        lie = chance.choice((0,) * 20 + (-1, 1, 5))
        self.octets[at : at + 2] = struct.pack("!H", max(size + lie, 0))

    def rdata(self, rtype: int) -> bytes:
        chance = self.chance
        if chance.random() < 0.05:
            return chance.randbytes(chance.choice((0, 1, 3, 20)))
        made = _RDATA.get(rtype)
        return made(self) if made else self.random_octets()

    def random_octets(self) -> bytes:
        return self.chance.randbytes(self.chance.choice((0, 1, 31, 32, 64, 300)))

    def texts(self) -> bytes:
        return b"".join(bytes([len(part)]) + part for part in (b"v=spf1", self.random_octets()[:255]))

    def tlsa(self) -> bytes:
        fields = ((0, 2, 3, 255), (0, 1, 2), (0, 1, 2, 255))
        return bytes(map(self.chance.choice, fields)) + self.random_octets()

    def options(self) -> bytes:
        return b"".join(self.option() for _ in range(self.chance.choice((0, 1, 2, 12))))

    def option(self) -> bytes:
        chance = self.chance
        data = chance.choice((b"\0\x07", b"\0\x06because\0", b"\0\x16" + b"x" * 400, b"\xff\xff\xff\xfe", b"", b"\0"))
        size = len(data) + chance.choice((0, 0, 0, 0, 1, -1))
        return struct.pack("!HH", chance.choice((15, 15, 15, 3, 8, 10)), max(size, 0)) + data


_RDATA: dict[int, Callable[[_MessageWriter], bytes]] = {
    1: lambda writer: writer.chance.randbytes(4),
    28: lambda writer: writer.chance.choice((writer.chance.randbytes(16), bytes(10) + b"\xff\xff" + bytes(4))),
    **dict.fromkeys((2, 5, 12, 39), _MessageWriter.name),
    15: lambda writer: writer.chance.choice((b"\0\0", b"\0\x0a", b"\xff\xff")) + writer.name(),
    33: lambda writer: writer.chance.randbytes(6) + writer.name(),
    6: lambda writer: writer.name() + writer.name() + writer.chance.randbytes(20),
    16: _MessageWriter.texts,
    52: _MessageWriter.tlsa,
    46: lambda writer: writer.chance.randbytes(18) + writer.name() + writer.random_octets(),
    41: _MessageWriter.options,
}
"""The rdata of the types whose form the decoders know."""


def make(chance: random.Random) -> bytes:
    """Return a message, in half of the cases with changes of single octets."""
    writer = _MessageWriter(chance)
    counts = [chance.choice((1, 1, 1, 0, 2)), *(chance.choice((0, 0, 1, 2, 5, 30)) for _ in range(3))]
    flags = chance.choice((0x8180, 0x81A0, 0x8380, 0x8182, 0x8183, 0x8185, chance.randrange(0x10000)))
    lied = [count + chance.choice((0,) * 20 + (1, -count, 60_000)) for count in counts]
    writer.octets += struct.pack("!6H", chance.randrange(0x10000), flags, *lied)
    for _ in range(counts[0]):
        plain = chance.random() < 0.7
        writer.octets += b"\2mx\7example\3com\0" if plain else writer.name()
        writer.octets += struct.pack("!HH", chance.choice(_TYPES), chance.choice((1, 1, 1, 255)))
    for _ in range(sum(counts[1:])):
        writer.record()
    octets = bytes(writer.octets[:65_535])
    return mutated(octets, chance)[:65_600] if chance.random() < 0.5 else octets


def check(data: bytes) -> None:
    """Decode a message with both decoders, and use it as the reply to questions.

    Raises:
        AssertionError: the decoders disagree, or an answer is not stored as it is.
    """
    message = _decoded(data)
    if message is None:
        return
    _same(data)
    for rtype in _QUESTIONS:
        for trusted in (True, False):
            answer = stored(answers.interpret(message, NAME, rtype, trusted=trusted, resolver="127.0.0.1"))
            assert trusted or answer.security is not Security.SECURE
            _use(answer, message)
    for record in message.answers:
        _ask_again(record.owner)


def _decoded(data: bytes) -> Message | None:
    try:
        return decode(data)
    except WireError:
        return None


def _same(data: bytes) -> None:
    """Compare the fast decoder with dnspython, which refuses more."""
    try:
        fast, slow = wire_fast.decode(data), wire_any.decode(data)
    except (WireError, UnusualError):
        return
    assert fast == slow, "the two decoders disagree"


def _use(answer: Answer, message: Message) -> None:
    for other in (answers.bogus(answer), answers.joined(answer, answer), replace(answer, outcome=Outcome.ERROR)):
        stored(other)
        answers.postfix_text(other)
        answers.unfinished(other)
        stored(answers.second_opinion(other, answer))
    answers.shows_bogus(answer, message)
    if answer.rtype == "MX":
        stored(route.from_mx(NAME, answer))
    if answer.rtype == "TLSA":
        stored(tlsa.lookup_result(NAME, [answer]))


def _ask_again(name: str) -> None:
    """Ask for a name that a message contains, which a name of a message can always be."""
    if name != ".":
        assert decode(query(name, "A", 1)).question == asked(name, "A")


FUZZER = Fuzzer("dns-messages", make, check, inputs=1000, calls=400_000, calls_per_octet=1000)
