r"""Domain names between text and the octets of a message (RFC 1035 sections 3.1 and 4.1.4).

As text a name is lower case, without the final dot, the root ``.``; odd octets stand as ``\DDD`` and the
characters that mean something in a master file as ``\X``. ``WireError`` is the one error of the wire format.
"""

import re
from collections.abc import Sequence

MAX_NAME = 255  # RFC 1035 section 2.3.4, the root's octet included
MAX_LABEL = 63  # RFC 1035 section 2.3.4
MAX_STEPS = 32768  # labels and pointers read of one message; 64 KiB have no room for more labels of their own

_POINTER = 0xC0  # RFC 1035 section 4.1.4
_PLAIN = re.compile(rb"[A-Za-z0-9_.-]+")
_HOSTNAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_SPECIAL = b'"().;\\@$'  # what a master file (RFC 1035 section 5.1) would read otherwise
_ESCAPE = re.compile(r"\\([0-9]{3})|\\(.)|(\.)", re.DOTALL)


class WireError(ValueError):
    """A message or name that breaks the DNS wire format."""


def encode_name(name: str) -> bytes:
    r"""Write a name, uncompressed.

    Args:
        name: absolute name in ASCII, the final dot optional; ``\DDD`` and ``\X`` are understood.

    Returns:
        Its octets, the root's included.

    Raises:
        WireError: for a name that cannot stand in a message.
    """
    if name == ".":
        return b"\0"
    encoded = b"".join([*map(_encode_label, _split(name)), b"\0"])
    if len(encoded) > MAX_NAME:
        raise WireError("name longer than 255 octets")
    return encoded


def _encode_label(label: str) -> bytes:
    if not 1 <= len(label) <= MAX_LABEL:  # each character is an octet
        raise WireError("label of no or more than 63 octets")
    return (chr(len(label)) + label).encode("latin-1")


def _split(name: str) -> list[str]:
    """Cut a name into labels, each character an octet, escapes resolved."""
    if not name.isascii():
        raise WireError("name is not ASCII")
    if "\\" not in name:
        return name.removesuffix(".").split(".")
    labels = [""]
    at = 0
    for match in _ESCAPE.finditer(name):
        labels[-1] += name[at : match.start()]
        if match[3]:
            labels.append("")
        else:
            labels[-1] += _unescape(match)
        at = match.end()
    labels[-1] += name[at:]
    return labels[:-1] if len(labels) > 1 and not labels[-1] else labels


def _unescape(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[2]
    if int(match[1]) > 0xFF:  # noqa: PLR2004 - an octet
        raise WireError("escape beyond 255")
    return chr(int(match[1]))


def spelled(name: str) -> str:
    """Spell a name as replies do: lower case, octets escaped as here; ``WireError`` for what is none."""
    if len(name) < MAX_NAME - 1 and _HOSTNAME.fullmatch(name):
        return name
    return Names(encode_name(name)).read(0)[0]


class Names:
    """The names of one message: each place that pointers lead to is read once, and all of it in ``MAX_STEPS``."""

    __slots__ = ("_known", "_steps", "_wire")

    def __init__(self, wire: bytes) -> None:
        self._wire = wire
        self._known: dict[int, tuple[str, int]] = {}
        self._steps = MAX_STEPS

    def know(self, start: int, name: str, end: int) -> None:
        """Take note of a name that has been read, uncompressed, from ``start`` to ``end``."""
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
    """Spell labels; the root has none and is empty."""
    name = b".".join(labels)
    if _PLAIN.fullmatch(name) and name.count(b".") == len(labels) - 1:
        return name.decode("ascii").lower()
    return ".".join(_escaped(label) for label in labels).lower()


def _escaped(label: bytes) -> str:
    return "".join(_escape(octet) for octet in label)


def _escape(octet: int) -> str:
    if octet in _SPECIAL:
        return "\\" + chr(octet)
    return chr(octet) if 0x20 < octet < 0x7F else f"\\{octet:03d}"  # noqa: PLR2004 - printable ASCII
