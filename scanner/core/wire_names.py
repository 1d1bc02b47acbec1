r"""The conversion of domain names between text and wire format (RFC 1035 sections 3.1 and 4.1.4).

A domain name as text is lower case, without the final dot; the root is ``.``. This module converts names of letters,
digits, ``_`` and ``-``, and dnspython converts all other names. The unprintable octets of a name are written as
``\DDD``, and the special characters of master files as ``\X``.
"""

import re
from collections.abc import Sequence

from scanner.core.wire_message import WireError

MAX_NAME = 255  # octets of a name including the root, RFC 1035 section 2.3.4
MAX_LABEL = 63  # RFC 1035 section 2.3.4
MAX_STEPS = 32768  # labels and pointers decoded of one message; a message of 64 KiB cannot contain more distinct labels

_POINTER = 0xC0  # RFC 1035 section 4.1.4
_PLAIN = re.compile(rb"[A-Za-z0-9_.-]+")
_HOSTNAME = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")


class UnusualError(Exception):
    """Error: the fast decoder does not handle a message, so dnspython has to decode it."""


def encode_name(name: str) -> bytes:
    r"""Encode a domain name without compression.

    Args:
        name: absolute name in ASCII, with optional final dot, possibly with ``\DDD`` and ``\X`` escapes.

    Returns:
        The octets of the name, including the root label.

    Raises:
        WireError: the name cannot be encoded in a message.
    """
    if _plain(name):
        return b"".join([(chr(len(label)) + label).encode("ascii") for label in name.split(".")]) + b"\0"
    from scanner.core import wire_any  # noqa: PLC0415 - dnspython takes 61 ms to load

    return wire_any.encode_name(name)


def spelled(name: str) -> str:
    """Return a domain name in the spelling of decoded replies, or raise ``WireError`` if the text is not a name."""
    if _plain(name):
        return name.lower()
    from scanner.core import wire_any  # noqa: PLC0415 - dnspython takes 61 ms to load

    return wire_any.spelled(name)


def _plain(name: str) -> bool:
    return len(name) <= MAX_NAME - 2 and _HOSTNAME.fullmatch(name) is not None


def skip(wire: bytes, at: int) -> int:
    """Return the offset after a name in a message, without following compression pointers."""
    while count := wire[at]:
        if count >= _POINTER:
            return at + 2
        if count > MAX_LABEL:
            raise WireError("unknown label type")
        at += 1 + count
    return at + 1


class Names:
    """Decoder of the domain names in one message.

    Each target of a compression pointer is decoded once, and at most ``MAX_STEPS`` labels and pointers are decoded.
    """

    __slots__ = ("_known", "_steps", "_wire")

    def __init__(self, wire: bytes) -> None:
        self._wire = wire
        self._known: dict[int, tuple[str, int]] = {}
        self._steps = MAX_STEPS

    def know(self, start: int, name: str, end: int) -> None:
        """Store an uncompressed name as a pointer target; ``start`` and ``end`` are the offsets of the name."""
        self._known[start] = ("" if name == "." else name), end - start - 1

    def read(self, at: int) -> tuple[str, int]:
        """Decode a name, compressed or uncompressed.

        Args:
            at: the offset of the name in the message.

        Returns:
            The name as text and the offset after the name.

        Raises:
            WireError: the name is longer than 255 octets, a pointer leads forward, or the message has too many labels.
            IndexError: the message ends before the name.
        """
        if self._wire[at] >= _POINTER:  # most owner names are a single pointer
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
        """Return text and octets (without the root) of the name at a pointer target, following further pointers."""
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
        """Decode the labels of a name up to the root label or a compression pointer.

        The result contains the labels, the number of their octets, the offset after the labels and the pointer target.
        """
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
    """Return the target of a compression pointer; the target must be below the offset ``floor``, to exclude loops."""
    if wire[at] < _POINTER:
        raise WireError("unknown label type")
    target = (wire[at] - _POINTER) << 8 | wire[at + 1]
    if target >= floor:
        raise WireError("compression pointer leads forward")
    return target


def _joined(left: str, right: str) -> str:
    return f"{left}.{right}" if left and right else left or right


def _text(labels: Sequence[bytes]) -> str:
    """Return the labels of a name as text; the root is the empty text."""
    name = b".".join(labels)
    if labels and not (_PLAIN.fullmatch(name) and name.count(b".") == len(labels) - 1):
        raise UnusualError
    return name.decode("ascii").lower()
