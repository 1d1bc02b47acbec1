"""The parser of SMTP replies (RFC 5321 sections 4.2 and 4.5.3.1).

The parser is as lenient as Postfix, since a scan has to measure every server to which Postfix can deliver. A line of a
reply ends with LF, with or without CR. An unprintable octet is replaced by ``?``. A line of more than ``line_limit``
octets is truncated, and a line with a NUL is truncated at the NUL, as in C. The code of a multi-line reply is the code
of its last line. Each violation of RFC 5321 is recorded once as a defect, which is a stable kebab-case label.

The replies and defects do not depend on how the octets are divided into calls of ``feed``. This module defines all
limits on replies; the module ``dialogue`` interprets the replies.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from scanner.facts import Reply

LINE_LIMIT = 2048
"""Maximum number of octets kept of a line (Postfix's line_length_limit).

RFC 5321 section 4.5.3.1.5 limits a reply line to 512 octets.
"""

REPLY_LINES = 1024
"""Maximum number of lines in one reply. Postfix does not limit the number of lines.

Observed replies have at most some dozens of lines.
"""

REPLY_OCTETS = 256 * 1024
"""Maximum number of octets in one reply: 256 octets for each of the 1,024 lines."""

_TAB, _SPACE, _TILDE = 0x09, 0x20, 0x7E
_PRINTABLE = bytes(o if o == _TAB or _SPACE <= o <= _TILDE else ord("?") for o in range(256))
_PLAIN = re.compile(rb"([0-9]{3})(?:-[ -~]*\r\n\1)*(?: [ -~]*)?\r\n")
"""Pattern of a complete reply that does not violate RFC 5321."""

_PLAIN_LIMIT = 768
"""Maximum number of octets of a reply that is compared with ``_PLAIN``; every other limit on a reply is higher."""

USUAL_OCTETS = 256
"""Maximum number of octets of an SMTP reply whose parsed form is cached; longer replies are unusual."""

REMEMBERED = 1024
"""Maximum number of cached replies."""

_SHAPE = re.compile(r"([0-9]*)(-?)[ \t]*(.*)")
_CODE_LENGTH = 3


class Received(NamedTuple):
    """A complete SMTP reply, and its printable lines for the transcript, each with the prefix ``< ``."""

    reply: Reply
    heard: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overflow:
    """A limit that the peer exceeded, described by ``text``; the parser can read no further reply."""

    text: str


def _heard(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple([f"< {line}" for line in lines])


def _read(plain: bytes) -> Received:
    lines = tuple(plain.decode("ascii").split("\r\n")[:-1])
    texts = tuple([line[_CODE_LENGTH + 1 :].lstrip(" ") for line in lines])
    return Received(Reply(int(lines[0][:_CODE_LENGTH]), texts), _heard(lines))


_read_again = lru_cache(REMEMBERED)(_read)
"""Cache of parsed replies, since most servers send the same replies."""


class ReplyReader:
    """A parser of the SMTP replies of one connection.

    A reply without a three-digit code gets the code 0, because it is neither an SMTP reply nor a refusal. Before each
    call of ``feed``, the caller has to call ``next_reply`` until the result is None, so that at most one unfinished
    line is buffered.
    """

    __slots__ = ("_codes", "_defects", "_input", "_line_limit", "_octets", "_plain_limit", "_texts", "_wire")

    def __init__(self, line_limit: int = LINE_LIMIT) -> None:
        """Create a parser that truncates a line after ``line_limit`` octets and refuses a line twice as long."""
        self._line_limit = line_limit
        self._plain_limit = min(_PLAIN_LIMIT, line_limit)
        self._input = bytearray()
        self._defects: dict[str, None] = {}
        self._start_reply()

    @property
    def defects(self) -> tuple[str, ...]:
        """The distinct violations of RFC 5321 so far, in the order of their first occurrence."""
        return tuple(self._defects)

    @property
    def unfinished(self) -> tuple[str, ...]:
        """The complete lines of an unfinished reply, in the form of the transcript."""
        return _heard(self._wire)

    def feed(self, data: bytes | bytearray) -> None:
        """Add octets from the peer to the buffer."""
        self._input += data

    def discard(self) -> int:
        """Discard the octets of an unfinished reply, and return their number."""
        forgotten = len(self._input) + self._octets
        self._input.clear()
        self._start_reply()
        return forgotten

    def next_reply(self) -> Received | Overflow | None:
        """Return the next complete reply, the exceeded limit, or None if more octets are needed."""
        if self._input and not self._octets and (plain := _PLAIN.match(self._input, 0, self._plain_limit)):
            return self._plain(plain)
        while self._input:
            end = self._input.find(b"\n")
            longest = 2 * self._line_limit  # Postfix discards at most the length of its limit
            if end > longest or (end < 0 and len(self._input) > longest):
                return Overflow(f"a line of more than {longest} octets")
            if end < 0:
                break
            line = bytes(self._input[:end])
            del self._input[: end + 1]
            self._octets += end + 1
            last = self._take(line)
            if len(self._wire) > REPLY_LINES:
                return Overflow(f"a reply of more than {REPLY_LINES} lines")
            if self._octets > REPLY_OCTETS:
                return Overflow(f"a reply of more than {REPLY_OCTETS} octets")
            if last:
                return self._finish_reply()
        return None

    def _plain(self, found: re.Match[bytes]) -> Received:
        """Return a reply that matches ``_PLAIN``, the usual case, in half the time of the line parser."""
        octets = found[0]
        del self._input[: found.end()]  # the match refers to the buffer
        return _read_again(octets) if len(octets) <= USUAL_OCTETS else _read(octets)

    def _take(self, line: bytes) -> bool:
        """Add one line to the current reply; return whether it is the last line of the reply."""
        text = self._printable(line)
        digits, hyphen, rest = _SHAPE.fullmatch(text).groups()  # type: ignore[union-attr]  # it matches any line
        code = int(digits) if len(digits) == _CODE_LENGTH else 0
        if code and text[_CODE_LENGTH : _CODE_LENGTH + 1] not in {" ", "-", ""}:
            self._note("bad-separator")
        if self._codes and code != self._codes[-1]:
            self._note("multiline-code-differs")
        self._codes.append(code)
        self._texts.append(rest)
        self._wire.append(text.replace("\t", "?"))
        return not hyphen

    def _printable(self, line: bytes) -> str:
        if not line.endswith(b"\r"):
            self._note("bare-lf")
        line = line.rstrip(b"\r")
        if len(line) > self._line_limit:
            self._note("long-line")
            line = line[: self._line_limit]
        text = line.translate(_PRINTABLE)
        if text != line:
            self._note_unprintable(line)
        end = line.find(b"\0")
        return (text if end < 0 else text[:end]).decode("ascii")

    def _note_unprintable(self, line: bytes) -> None:
        if 0 in line:
            self._note("nul")
        if b"\r" in line:
            self._note("bare-cr")
        if not line.isascii():
            self._note("non-ascii")
        if re.search(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]", line):
            self._note("control-character")

    def _note(self, defect: str) -> None:
        self._defects[defect] = None

    def _start_reply(self) -> None:
        self._octets = 0
        self._codes: list[int] = []
        self._texts: list[str] = []
        self._wire: list[str] = []

    def _finish_reply(self) -> Received:
        received = Received(Reply(self._codes[-1], tuple(self._texts)), _heard(self._wire))
        self._start_reply()
        return received
