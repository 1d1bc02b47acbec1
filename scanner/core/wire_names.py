r"""Domain names between text and the octets of a message (RFC 1035 sections 3.1 and 4.1.4).

As text a name is lower case, without the final dot; the root is ``.``. Names of letters, digits, ``_`` and ``-`` are
read and written here; dnspython does all others, which have odd octets as ``\DDD`` and the characters that mean
something in a master file as ``\X``.
"""

import re
from collections.abc import Sequence

from scanner.core.wire_message import WireError

MAX_NAME = 255  # RFC 1035 section 2.3.4, the root's octet included
MAX_LABEL = 63  # RFC 1035 section 2.3.4
MAX_STEPS = 32768  # labels and pointers read of one message; 64 KiB have no room for more labels of their own

_POINTER = 0xC0  # RFC 1035 section 4.1.4
_PLAIN = re.compile(rb"[A-Za-z0-9_.-]+")
_HOSTNAME = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")


class UnusualError(Exception):
    """A message that the fast decoder leaves to dnspython; it says nothing about its validity."""


def encode_name(name: str) -> bytes:
    r"""Write a name, uncompressed.

    Args:
        name: absolute name in ASCII, the final dot optional; ``\DDD`` and ``\X`` are understood.

    Returns:
        Its octets, the root's included.

    Raises:
        WireError: for a name that cannot stand in a message.
    """
    if _plain(name):
        return b"".join([(chr(len(label)) + label).encode("ascii") for label in name.split(".")]) + b"\0"
    from scanner.core import wire_any  # noqa: PLC0415 - dnspython takes 61 ms to load

    return wire_any.encode_name(name)


def spelled(name: str) -> str:
    """Return a name as replies spell it; ``WireError`` for a text that is no name."""
    if _plain(name):
        return name.lower()
    from scanner.core import wire_any  # noqa: PLC0415 - dnspython takes 61 ms to load

    return wire_any.spelled(name)


def _plain(name: str) -> bool:
    return len(name) <= MAX_NAME - 2 and _HOSTNAME.fullmatch(name) is not None


def skip(wire: bytes, at: int) -> int:
    """Return where the octets after a name begin, without following a pointer."""
    while count := wire[at]:
        if count >= _POINTER:
            return at + 2
        if count > MAX_LABEL:
            raise WireError("unknown label type")
        at += 1 + count
    return at + 1


class Names:
    """The names of one message. Each target of a pointer is read once, and ``MAX_STEPS`` bounds the work."""

    __slots__ = ("_known", "_steps", "_wire")

    def __init__(self, wire: bytes) -> None:
        self._wire = wire
        self._known: dict[int, tuple[str, int]] = {}
        self._steps = MAX_STEPS

    def know(self, start: int, name: str, end: int) -> None:
        """Add a name that stands uncompressed from ``start`` to ``end`` and is known already."""
        self._known[start] = ("" if name == "." else name), end - start - 1

    def read(self, at: int) -> tuple[str, int]:
        """Read a name, compressed or not.

        Args:
            at: where the name begins.

        Returns:
            Its text and where the octets after it begin.

        Raises:
            WireError: for a name longer than 255 octets, a pointer that leads forward, too many labels in all.
            IndexError: when the message ends before the name.
        """
        if self._wire[at] >= _POINTER:  # most owners are nothing else
            known = self._known.get((self._wire[at] - _POINTER) << 8 | self._wire[at + 1])
            if known is not None and known[0]:
                return known[0], at + 2
        labels, length, after, pointer = self._run(at)
        if pointer is None:
            return _text(labels) or ".", after
        rest, more = self._target(pointer)
        if length + more >= MAX_NAME:
            raise WireError("name longer than 255 octets")
        return _joined(_text(labels), rest) or ".", after

    def _target(self, start: int) -> tuple[str, int]:
        """Read what a pointer leads to, along further pointers: its text and octets, those of the root left out."""
        known = self._known.get(start)
        if known is not None:
            return known
        labels, length, _, pointer = self._run(start)
        while pointer is not None:
            more, octets, _, pointer = self._run(pointer)
            labels += more
            length += octets
            if length >= MAX_NAME:
                raise WireError("name longer than 255 octets")
        self._known[start] = found = _text(labels), length
        return found

    def _run(self, start: int) -> tuple[list[bytes], int, int, int | None]:
        """Read labels up to the root or a pointer: labels, their octets, what follows, where the pointer leads."""
        wire, at, labels = self._wire, start, []
        while 0 < (count := wire[at]) <= MAX_LABEL:
            labels.append(wire[at + 1 : at + 1 + count])
            at += 1 + count
            if at - start >= MAX_NAME:
                raise WireError("name longer than 255 octets")
        self._steps -= len(labels) + 1
        if self._steps < 0:
            raise WireError("too many labels")
        if count == 0:
            return labels, at - start, at + 1, None
        return labels, at - start, at + 2, _pointer(wire, at, start)


def _pointer(wire: bytes, at: int, floor: int) -> int:
    """Follow a compression pointer, which may only lead to before ``floor``: so none loops."""
    if wire[at] < _POINTER:
        raise WireError("unknown label type")
    target = (wire[at] - _POINTER) << 8 | wire[at + 1]
    if target >= floor:
        raise WireError("compression pointer leads forward")
    return target


def _joined(left: str, right: str) -> str:
    return f"{left}.{right}" if left and right else left or right


def _text(labels: Sequence[bytes]) -> str:
    """Return labels as text; the root has none and is empty."""
    name = b".".join(labels)
    if labels and not (_PLAIN.fullmatch(name) and name.count(b".") == len(labels) - 1):
        raise UnusualError
    return name.decode("ascii").lower()
