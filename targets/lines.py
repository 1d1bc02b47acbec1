"""Reader of the lines of a text stream, which limits the length of a line.

A line is UTF-8 text and ends with LF, CRLF or CRCRLF (as after two conversions of LF to CRLF). A byte order mark before
the first line is dropped. The ``flaw`` of a line is the reason why the line cannot be used. An error of the stream
(damaged data, a failing disk) becomes a last line with a flaw, so no content of a file raises an exception.
"""

import codecs
import io
from collections.abc import Iterator
from typing import NamedTuple

LINE_LIMIT = 65536
"""Maximum length in octets of a line; exported tables may have cells of several thousand octets."""

SHOWN_LIMIT = 300
"""Maximum number of characters of a rejected line that a message shows; every host name is shorter."""

PLAIN_LIMIT = 63
"""Maximum length in octets of a plain name (see ``Plain``), so that no label is too long (RFC 1035 section 2.3.4)."""

_PLAIN_OCTETS = b"abcdefghijklmnopqrstuvwxyz0123456789-.\n"
_LETTERLESS = b"0123456789-."
_NOT_PLAIN = (b"\n\n", b"..", b"\n.", b".\n", b"\n-", b"-\n", b".-", b"-.")
_STRAY = {"\0": "NUL octet in the line", "\r": "carriage return within the line (lines end with LF or CRLF)"}


class Line(NamedTuple):
    """A line without its line end; ``number`` counts from 1. The ``text`` of a line with a flaw is only for display.

    ``cut`` is True for an additional empty line that follows the lines of a stream whose rest cannot be read; the
    ``flaw`` of the additional line is the cause.
    """

    number: int
    text: str
    flaw: str = ""
    cut: bool = False


class Plain(NamedTuple):
    """Consecutive lines of a list that each contain only a host name (plain name); ``number`` is the first line number.

    A plain name is a host name of lower-case letters, digits, hyphens and dots, with at least one letter, which
    an IPv4 address does not contain.
    """

    number: int
    names: list[bytes]

    def lines(self) -> Iterator[Line]:
        """Yield the lines one by one."""
        for number, name in enumerate(self.names, self.number):
            yield Line(number, name.decode("ascii"))


class LineReader:
    """Reader of the lines of a UTF-8 stream; ``lines`` and ``blocks`` share one position in the stream."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._number = 0
        self._ended = False  # because of an error

    def lines(self) -> Iterator[Line]:
        """Yield the lines of the stream, with only one line in memory at a time."""
        try:
            while not self._ended and (data := self._stream.readline(LINE_LIMIT + 1)):
                yield self._line(data)
        except OSError as error:
            yield self._cut(error)

    def blocks(self) -> Iterator[Line | Plain]:
        """Yield the lines of the stream; consecutive plain names in the read buffer are yielded as one ``Plain``."""
        try:
            while not self._ended and (ahead := self._stream.peek(1)):
                names = _plain_names(ahead)
                if names:
                    self._stream.read(ahead.rfind(b"\n") + 1)
                    yield Plain(self._number + 1, names)
                    self._number += len(names)
                    continue
                for _ in range(max(1, ahead.count(b"\n"))):
                    data = self._stream.readline(LINE_LIMIT + 1)
                    if data:
                        yield self._line(data)
        except OSError as error:
            yield self._cut(error)

    def _line(self, data: bytes) -> Line:
        """Return a line; skip the rest of an overlong line, so that the rest is not read as a separate line."""
        self._number += 1
        rest = data
        while len(rest) > LINE_LIMIT and not rest.endswith(b"\n"):
            rest = self._stream.readline(LINE_LIMIT + 1)
        return _line(self._number, data)

    def _cut(self, error: OSError) -> Line:
        self._ended = True
        words = str(error) or type(error).__name__
        beyond = f" beyond line {self._number}, its rest is skipped" if self._number else ""
        flaw = f"the file cannot be read{beyond} ({words})"
        return Line(self._number + 1, "", flaw, cut=True)


def _plain_names(block: bytes) -> list[bytes]:
    """Return the complete lines of a block if all are plain names (see ``Plain``); otherwise return an empty list."""
    lines = b"\n" + block[: block.rfind(b"\n") + 1]
    if lines.translate(None, _PLAIN_OCTETS) or any(flaw in lines for flaw in _NOT_PLAIN):
        return []
    if b"\n\n" in lines.translate(None, _LETTERLESS):
        return []
    names = lines[1:-1].split(b"\n")
    return names if names[0] and len(max(names, key=len)) <= PLAIN_LIMIT else []


def _line(number: int, data: bytes) -> Line:
    if len(data) > LINE_LIMIT and not data.endswith(b"\n"):
        start = data[: 4 * SHOWN_LIMIT].decode("utf-8", errors="replace")
        return Line(number, start, f"line longer than {LINE_LIMIT} octets")
    data = data.removesuffix(b"\n").rstrip(b"\r")
    if number == 1:
        data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return Line(number, data.decode("utf-8", errors="replace"), "not UTF-8 text; save the list as UTF-8")
    return Line(number, text, next((flaw for octet, flaw in _STRAY.items() if octet in text), ""))
