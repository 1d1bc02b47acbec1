"""A structural mutator of DER: the elements of an encoding as a tree, and changes of single elements.

The reader of the product is not used, so that its faults are not repeated here.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_CONSTRUCTED, _OCTETS, _BITS = 0x20, 0x04, 0x03
_INTEGER, _BOOLEAN, _OID = 0x02, 0x01, 0x06
_TIMES = (0x17, 0x18)
_STRINGS = (0x0C, 0x13, 0x14, 0x16, 0x1A, 0x1C, 0x1E, 0x82, 0x86)


@dataclass
class Node:
    """An element: its tag octet, its content or elements, and the way in which its length is encoded.

    ``prefix`` contains the content octets before the elements, which is the number of unused bits of a BIT STRING.
    """

    tag: int
    content: bytes = b""
    elements: list["Node"] = field(default_factory=list)
    prefix: bytes = b""
    form: str = "short"

    def encode(self) -> bytes:
        """Return the element in its encoding, which may be invalid."""
        content = self.prefix + b"".join(element.encode() for element in self.elements) + self.content
        return bytes([self.tag]) + _FORMS[self.form](content)


def _short(content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([0x80 | len(octets)]) + octets + content


def _long(content: bytes) -> bytes:
    return b"\x84" + len(content).to_bytes(4) + content


_FORMS: dict[str, Callable[[bytes], bytes]] = {
    "short": _short,
    "padded": _long,
    "very padded": lambda content: b"\xfe" + bytes(122) + len(content).to_bytes(4) + content,
    "indefinite": lambda content: b"\x80" + content + b"\0\0",
    "unended": lambda content: b"\x80" + content,
    "too short": lambda content: _short(content)[:-1] if content else b"\0",
    "one less": lambda content: bytes([max(len(content) - 1, 0) & 0x7F]) + content,
    "one more": lambda content: bytes([(len(content) + 1) & 0x7F]) + content,
    "huge": lambda content: b"\x88\x7f" + b"\xff" * 7 + content,
    "reserved": lambda content: b"\xff" + content,
}


def read(data: bytes) -> Node:
    """Return the tree of one element in DER; octets in strings are read as elements where this is possible.

    Raises:
        ValueError: the octets are not exactly one element.
    """
    try:
        node, end = _read(data, 0)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if end != len(data):
        raise ValueError("octets after the element")
    return node


def _read(data: bytes, at: int) -> tuple[Node, int]:
    if at + 2 > len(data) or data[at] & 0x1F == 0x1F:
        raise ValueError("no element")
    tag, size, begin = data[at], data[at + 1], at + 2
    if size >= 0x80:
        begin += size & 0x7F
        size = int.from_bytes(data[at + 2 : begin])
    if begin + size > len(data) or data[at + 1] in (0x80, 0xFF):
        raise ValueError("truncated element")
    return _of(tag, data[begin : begin + size]), begin + size


def _of(tag: int, content: bytes) -> Node:
    if tag & _CONSTRUCTED:
        return Node(tag, elements=_all(content))
    skipped = 1 if tag == _BITS else 0
    if tag in (_OCTETS, _BITS) and content[skipped : skipped + 1] in (b"\x30", b"\x03", b"\x04", b"\x02"):
        try:
            return Node(tag, elements=_all(content[skipped:]), prefix=content[:skipped])
        except ValueError:
            pass
    return Node(tag, content)


def _all(content: bytes) -> list[Node]:
    found, at = [], 0
    while at < len(content):
        node, at = _read(content, at)
        found.append(node)
    return found


def places(node: Node) -> Iterator[tuple[list[Node], int]]:
    """Yield the list and the index of each element below a node."""
    for at, element in enumerate(node.elements):
        yield node.elements, at
        yield from places(element)


# --- mutations ------------------------------------------------------------------------------------------------


def mutate(root: Node, chance: random.Random) -> None:
    """Change one element of a tree."""
    siblings, at = chance.choice(list(places(root)))
    typed = _BY_TAG.get(siblings[at].tag)
    if typed is not None and chance.random() < 0.5:
        typed(siblings[at], chance)
    else:
        chance.choice(_ANY)(siblings, at, chance, root)


def _duplicate(siblings: list[Node], at: int, chance: random.Random, _root: Node) -> None:
    siblings[at:at] = [siblings[at]] * chance.choice((1, 1, 2, 100))


def _drop(siblings: list[Node], at: int, chance: random.Random, _root: Node) -> None:
    del siblings[at : at + chance.choice((1, 1, 1, 3))]


def _swap(siblings: list[Node], at: int, chance: random.Random, _root: Node) -> None:
    other = chance.randrange(len(siblings))
    siblings[at], siblings[other] = siblings[other], siblings[at]


def _retag(siblings: list[Node], at: int, chance: random.Random, _root: Node) -> None:
    node = siblings[at]
    bit = node.tag ^ chance.choice((0x20, 0x80, 0x40, 0x01, 0x02, 0x04))
    tag = chance.choice((bit, chance.randrange(256), 0x05, 0x1F, 0x30, 0xA0))
    siblings[at] = Node(tag, node.content, node.elements, node.prefix, node.form)


def _recode(siblings: list[Node], at: int, chance: random.Random, _root: Node) -> None:
    node = siblings[at]
    siblings[at] = Node(node.tag, node.content, node.elements, node.prefix, chance.choice(list(_FORMS)))


def _refill(siblings: list[Node], at: int, chance: random.Random, _root: Node) -> None:
    content = chance.choice((b"", b"\0", b"\xff" * 3, chance.randbytes(8), b"\x30\x80" * 200, bytes(70_000)))
    siblings[at] = Node(siblings[at].tag, content)


def _splice(siblings: list[Node], at: int, chance: random.Random, root: Node) -> None:
    source, index = chance.choice(list(places(root)))
    if source[index] is not siblings[at]:  # an element inside itself would have no end
        copied = source[index].encode()
        try:
            siblings[at] = read(copied)
        except ValueError:
            siblings[at] = Node(_OCTETS, copied)


def _nest(siblings: list[Node], at: int, chance: random.Random, _root: Node) -> None:
    tag, content = chance.choice((0x30, 0x31, 0xA0, 0x24, 0x23)), siblings[at].encode()
    for _ in range(chance.choice((1, 2, 6, 40, 1500))):
        content = bytes([tag]) + _short(content)
    siblings[at] = Node(content[0], content[len(content) - _content_size(content) :])


def _content_size(element: bytes) -> int:
    size = element[1]
    return size if size < 0x80 else int.from_bytes(element[2 : 2 + (size & 0x7F)])


def _join(siblings: list[Node], at: int, chance: random.Random, _root: Node) -> None:
    """Make a primitive string a constructed one (BER)."""
    node = siblings[at]
    part = Node(node.tag & ~_CONSTRUCTED, node.content)
    form = chance.choice(("short", "indefinite"))
    siblings[at] = Node(node.tag | _CONSTRUCTED, elements=[part] * chance.choice((1, 2)), form=form)


_ANY: tuple[Callable[[list[Node], int, random.Random, Node], None], ...] = (
    _duplicate, _drop, _swap, _retag, _recode, _refill, _splice, _nest, _join,
)  # fmt: skip


def _integer(node: Node, chance: random.Random) -> None:
    values = (0, -1, 1, 127, 128, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30, 2**20_000, 2**200_000)
    value = chance.choice(values)
    node.elements, node.content = [], value.to_bytes(value.bit_length() // 8 + 1, signed=True)
    node.prefix = chance.choice((b"",) * 9 + (b"\0",))


def _oid(node: Node, chance: random.Random) -> None:
    size = chance.choice((0, 1, 9, 40, 63, 64, 300, 2100, 20_000))
    node.content = chance.choice((
        b"\x81" * size + b"\x01", node.content + b"\x81" * size + b"\x01", b"\xff" * size + b"\x7f", b"\x81" * size,
        b"\x01" * size, b"\x80\x01", node.content + b"\x01", b"",
    ))  # fmt: skip


def _bits(node: Node, chance: random.Random) -> None:
    if node.elements:
        node.prefix = bytes([chance.randrange(12)])
    else:
        node.content = chance.choice(
            (bytes([chance.randrange(12)]) + node.content[1:], b"", b"\0", b"\x07", b"\x03\xff")
        )


def _boolean(node: Node, chance: random.Random) -> None:
    node.content = chance.choice((b"", b"\0", b"\x01", b"\xff\xff"))


def _time(node: Node, chance: random.Random) -> None:
    node.tag = chance.choice(_TIMES)
    node.content = chance.choice((
        b"", b"00000101000000Z", b"99991231235959Z", b"20261301000000Z", b"500101000000Z", b"2601010000Z",
        b"20260101000000.5Z", b"20260101000000+0100", b"\xd9\xa1" * 7, b"-0260101000000Z", b"20260230000000Z",
        b"20260101000060Z", b"20260101240000Z", b"2" * 5000,
    ))  # fmt: skip


def _string(node: Node, chance: random.Random) -> None:
    node.tag = chance.choice((node.tag, *_STRINGS))
    node.content = chance.choice((
        b"", b"\0", node.content + b"\0x", b"\xff\xfe", b"\xed\xa0\x80", b"\xd8\x00\xdc", b"\x1b[31m", b"*." * 3000,
        "\u202e\u212a\u0130".encode(), node.content * 200, b"a" * 300, b"/CN=x+y", b"\x7f\0\0\x01", bytes(16),
        b"xn--\xfc",
    ))  # fmt: skip


_BY_TAG: dict[int, Callable[[Node, random.Random], None]] = {
    _INTEGER: _integer,
    _OID: _oid,
    _BITS: _bits,
    _BOOLEAN: _boolean,
    **dict.fromkeys(_TIMES, _time),
    **dict.fromkeys(_STRINGS, _string),
}
