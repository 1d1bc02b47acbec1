"""Text encodings of lists: UTF-16 and UTF-32 become UTF-8, and carriage returns alone become line feeds.

UTF-8 passes unchanged. Text in another encoding with one octet a character is not recognised: each of its lines that
is no UTF-8 is rejected by the reader of lines.
"""

import codecs
import io
from collections.abc import Iterator

from targets.streams import CHUNK, buffered, chunks_of

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; those of UTF-32 come first, because the mark of UTF-16 LE is the beginning of one of them."""


def encoding_of(head: bytes) -> str | None:
    """Return the encoding of a text that is no UTF-8, from its first octets.

    Without a byte order mark, UTF-16 is recognised where every second octet is NUL and no other: names are ASCII.
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
    """Return a stream of UTF-8 text with line feeds.

    Args:
        head: the first octets of the text, which were read from the stream.
        stream: the rest of it.
    """
    chunks = chunks_of(stream, head)
    encoding = encoding_of(head)
    if encoding is not None:
        return buffered(_line_feeds(_decoded(chunks, encoding)))
    return buffered(_line_feeds(chunks) if _ends_with_carriage_returns(head) else chunks)


def _decoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield the text in UTF-8; what cannot be decoded becomes U+FFFD, which no host name has."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    first = True
    for chunk in chunks:
        text = decoder.decode(chunk)
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        yield text.encode()
    yield decoder.decode(b"", final=True).encode()


def _line_feeds(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the text with a line feed for each carriage return, where the first lines end with those alone."""
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
    return b"\r" in head[:-1] and b"\n" not in head
