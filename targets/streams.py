"""Octet streams: functions that open files, and streams made from generators of chunks.

A list is read through a chain of streams, such as a packed, an unpacked and a recoded stream. Each stream is a
``ChunkStream`` over a generator of chunks, so memory use is one chunk per stream. Each stream raises its errors as
OSError.
"""

import io
from collections.abc import Iterator
from pathlib import Path

STDIN = "-"
"""The file name that stands for standard input."""

CHUNK = 64 * 1024
"""Maximum size in octets of a chunk of a stream."""


FREE = 4 * 2**30
"""Unpacked size in octets up to which the ratio of unpacked to packed octets is not checked."""

RATIO = 200
"""Maximum ratio of unpacked to packed octets; typical ratios are 3 to 20 for lists, and above 1,000 for a file of
zeros.
"""


class ListError(ValueError):
    """Error: a list cannot be used; the message names the file, the line if known, and the expected content."""


class DamagedError(OSError):
    """Error: the data of a stream are damaged.

    The octets before the error can be used, but the octets after it are unreadable.
    """


class ChunkStream(io.RawIOBase):
    """A readable stream made of the chunks that an iterator yields.

    After an error of the iterator, every read of the stream raises that error.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._waiting = memoryview(b"")
        self._failure: OSError | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the type that BufferedReader passes
        """Copy octets of the current or next chunk into the buffer; return their number, 0 at the end of the stream."""
        while not self._waiting:
            chunk = self._next()
            if chunk is None:
                return 0
            self._waiting = memoryview(chunk)
        count = min(len(buffer), len(self._waiting))
        buffer[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count

    def _next(self) -> bytes | None:
        if self._failure is not None:
            raise self._failure
        try:
            return next(self._chunks, None)
        except OSError as error:
            self._failure = error
            raise


def buffered(chunks: Iterator[bytes]) -> io.BufferedReader:
    """Return a buffered stream made of chunks."""
    return io.BufferedReader(ChunkStream(chunks), CHUNK)


def chunks_of(stream: io.BufferedIOBase, head: bytes = b"") -> Iterator[bytes]:
    """Yield ``head``, then the octets of a stream as soon as the octets arrive."""
    yield head
    while chunk := stream.read1(CHUNK):
        yield chunk


def check_ratio(given: int, taken: int) -> None:
    """Check that the unpacked octets are at most ``RATIO`` times the packed octets, or at most ``FREE`` octets.

    Args:
        given: number of unpacked octets.
        taken: number of packed octets from which the unpacked octets were made.

    Raises:
        DamagedError: the number of unpacked octets is too high.
    """
    if given > FREE and given > RATIO * taken:
        raise DamagedError(f"it unpacks to more than {RATIO} times its size")


def open_file(path: str) -> io.BufferedReader:
    """Open a file for reading.

    Raises:
        ListError: the file is missing, is a directory, or is not readable.
    """
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as error:  # ValueError: NUL in the name
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise ListError(f"{path}: cannot be read ({words}); a file with one domain per line was expected") from error
