"""Lines out of files that people give us: bounded, plain or gzip, never a surprise.

A line is UTF-8 and ends with LF or CRLF; a byte order mark before the first is dropped. What is wrong with a
line is said in its ``flaw``; an error in the middle of a file (corrupt or truncated gzip, a failing disk)
becomes one last flawed line. So iterating never raises for anything that a file can hold. Gzip is known by
its first two octets (RFC 1952 section 2.3.1), whatever the name.
"""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, cast

LINE_LIMIT = 65536
"""Octets in a line. A name has 255 at most; exported tables carry cells of some thousands."""

SHOWN_LIMIT = 300
"""Characters of a bad line that are shown: more than any host name has."""

BLOCK = 64 * 1024
"""Octets looked at together for plain names: a few thousand lines, small beside what a list costs anyway."""

PLAIN_LIMIT = 63
"""Octets of a name that is taken without a closer look: no label can be too long (RFC 1035 section 2.3.4)."""

_PLAIN_OCTETS = b"abcdefghijklmnopqrstuvwxyz0123456789-.\n"
_LETTERLESS = b"0123456789-."
_NOT_PLAIN = (b"\n\n", b"..", b"\n.", b".\n", b"\n-", b"-\n", b".-", b"-.")
_GZIP_MAGIC = b"\x1f\x8b"
_STRAY = {"\0": "NUL octet in the line", "\r": "carriage return within the line (lines end with LF or CRLF)"}
_READ_ERRORS = (OSError, EOFError, zlib.error)


class ListError(ValueError):
    """A list cannot be used at all; the message names the file (and line) and what was expected."""


class Line(NamedTuple):
    """A line without its end; ``number`` counts from 1. ``text`` of a flawed line is only to be shown."""

    number: int
    text: str
    flaw: str = ""


class Plain(NamedTuple):
    """Lines in a row that each hold a plain name and nothing else; ``number`` is that of the first.

    Plain is a lower-case host name of letters, digits, hyphens and dots that is right as it stands and has a letter,
    so that it can be no address.
    """

    number: int
    names: list[bytes]


class _Rejoined(io.RawIOBase):
    """A stream put together again after its first octets were read; closing it leaves the stream open."""

    def __init__(self, head: bytes, stream: io.BufferedIOBase) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader gives
        data, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        if not data:
            data = self._stream.read1(len(buffer))  # what is there now: a slow pipe gives its lines at once
        buffer[: len(data)] = data
        return len(data)


def open_file(path: str) -> io.BufferedReader:
    """Open a file, checked for being readable.

    Raises:
        ListError: it is missing, a directory, or not readable.
    """
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as error:  # ValueError: NUL in the name
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise ListError(f"{path}: cannot be read ({words}); a file with one domain a line was expected") from error


def read_lines(stream: io.BufferedIOBase) -> Iterator[Line]:
    """Give the lines of a stream, unpacked if it is gzip. Memory: one line and small buffers."""
    number = 0
    try:
        for number, data in enumerate(_raw_lines(_unpacked(stream)), 1):
            yield _line(number, data)
    except _READ_ERRORS as error:
        yield _unreadable(number, error)


def _unreadable(number: int, error: Exception) -> Line:
    words = str(error) or type(error).__name__
    return Line(number + 1, "", f"the file cannot be read beyond line {number}, its rest is skipped ({words})")


def read_blocks(stream: io.BufferedIOBase) -> Iterator[Line | Plain]:
    """Give the same lines, those with plain names many at a time. Memory: one block more."""
    number = 0
    try:
        buffer = io.BufferedReader(cast("io.RawIOBase", _unpacked(stream)), BLOCK)
        while ahead := buffer.peek(1):
            names = _plain_names(ahead)
            if names:
                buffer.read(ahead.rfind(b"\n") + 1)
                yield Plain(number + 1, names)
                number += len(names)
                continue
            for data in islice(_raw_lines(buffer), max(1, ahead.count(b"\n"))):
                number += 1
                yield _line(number, data)
    except _READ_ERRORS as error:
        yield _unreadable(number, error)


def _plain_names(block: bytes) -> list[bytes]:
    """The whole lines of a block if all of them are plain, else nothing."""
    lines = b"\n" + block[: block.rfind(b"\n") + 1]
    if lines.translate(None, _PLAIN_OCTETS) or any(flaw in lines for flaw in _NOT_PLAIN):
        return []
    if b"\n\n" in lines.translate(None, _LETTERLESS):
        return []
    names = lines[1:-1].split(b"\n")
    return names if names[0] and len(max(names, key=len)) <= PLAIN_LIMIT else []


def _unpacked(stream: io.BufferedIOBase) -> io.BufferedIOBase:
    head = stream.read(len(_GZIP_MAGIC))
    whole = io.BufferedReader(_Rejoined(head, stream))
    return gzip.GzipFile(fileobj=whole, mode="rb") if head == _GZIP_MAGIC else whole


def _raw_lines(stream: io.BufferedIOBase) -> Iterator[bytes]:
    """Each line with its end; of one too long only its beginning, still too long and without an end."""
    while data := stream.readline(LINE_LIMIT + 1):
        yield data
        rest = data
        while len(rest) > LINE_LIMIT and not rest.endswith(b"\n"):
            rest = stream.readline(LINE_LIMIT + 1)


def _line(number: int, data: bytes) -> Line:
    if len(data) > LINE_LIMIT and not data.endswith(b"\n"):
        start = data[: 4 * SHOWN_LIMIT].decode("utf-8", errors="replace")
        return Line(number, start, f"line longer than {LINE_LIMIT} octets")
    data = data.removesuffix(b"\n").removesuffix(b"\r")
    if number == 1:
        data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return Line(number, data.decode("utf-8", errors="replace"), f"no UTF-8 text (octet {error.start + 1})")
    return Line(number, text, next((flaw for octet, flaw in _STRAY.items() if octet in text), ""))
