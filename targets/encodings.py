"""Text encodings of lists: conversion of UTF-16 and UTF-32 to UTF-8, and of CR line ends to LF.

UTF-8 text is not changed. Encodings with one octet per character (such as Latin-1) are not recognised; the line reader
rejects each line that is not UTF-8.
"""

import codecs
import io
import re
from collections.abc import Iterator

from targets.streams import CHUNK, buffered, chunks_of

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks of UTF-32 and UTF-16, each with its encoding.

The UTF-32 marks come first, because the UTF-32 LE mark begins with the UTF-16 LE mark.
"""


_BARE_CR = re.compile(rb"\r(?=[^\r\n])")


def encoding_of(head: bytes) -> str | None:
    """Return the encoding of a text, recognised from its first octets; None for UTF-8 and unknown encodings.

    Without a byte order mark, a text is UTF-16 if every second octet is NUL and no other octet is NUL, as in UTF-16
    text with only ASCII characters.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    pairs = len(head) // 2
    if pairs > 1:
        even, odd = head[0 : 2 * pairs : 2], head[1 : 2 * pairs : 2]
        if not any(odd) and 0 not in even:
            return "utf-16-le"
        if not any(even) and 0 not in odd:
            return "utf-16-be"
    return None


def as_utf8(head: bytes, stream: io.BufferedIOBase) -> io.BufferedReader:
    """Return a stream of the text in UTF-8 with LF line ends.

    Args:
        head: the first octets of the text, already read from the stream.
        stream: the stream with the rest of the text.
    """
    chunks = chunks_of(stream, head)
    encoding = encoding_of(head)
    if encoding is not None:
        return buffered(_line_feeds(_decoded(chunks, encoding)))
    return buffered(_line_feeds(chunks) if _ends_with_carriage_returns(head) else chunks)


def _decoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield the text in UTF-8.

    Each octet sequence that cannot be decoded becomes U+FFFD, which no host name contains.
    """
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    first = True
    for chunk in chunks:
        text = decoder.decode(chunk)
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        yield text.encode()
    yield decoder.decode(b"", final=True).encode()


def _line_feeds(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the text; if most of its first lines end with CR alone, replace each CR with LF."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) > CHUNK or b"\n" in head:
            break
    bare = _ends_with_carriage_returns(head)
    yield head.replace(b"\r", b"\n") if bare else head
    for chunk in chunks:
        yield chunk.replace(b"\r", b"\n") if bare else chunk


def _ends_with_carriage_returns(head: bytes) -> bool:
    """Return whether more lines end with CR than with LF; in such a text, an LF is a line break in a quoted cell."""
    return len(_BARE_CR.findall(head)) > head.count(b"\n")
