"""Octet streams: files as they are opened, and streams that are made of chunks.

A list is read through a chain of streams (packed, unpacked, recoded). Each of them is a generator of chunks behind
``ChunkStream``, so memory holds one chunk of each. An error of any of them is an OSError.
"""

import io
from collections.abc import Iterator
from pathlib import Path

CHUNK = 64 * 1024
"""Octets that one stage hands to the next at once, at most."""


FREE = 4 * 2**30
"""Octets that any packed file may become: only above them the ratio is bounded."""

RATIO = 200
"""Unpacked octets for each packed one. Lists of names have 3 to 20; a file of zeros has 1,000 and more."""


class ListError(ValueError):
    """An error that makes a list unusable; the message names the file (and line) and what was expected."""


class DamagedError(OSError):
    """An error in the data of a stream: what came before it is good, nothing can be read after it."""


class ChunkStream(io.RawIOBase):
    """A readable stream of the chunks that an iterator yields. Its error is raised by every later read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._waiting = memoryview(b"")
        self._failure: OSError | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader passes
        """Copy the rest of a chunk, or the next one that is not empty; 0 at the end."""
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
    """Return a buffered stream of chunks."""
    return io.BufferedReader(ChunkStream(chunks), CHUNK)


def chunks_of(stream: io.BufferedIOBase, head: bytes = b"") -> Iterator[bytes]:
    """Yield ``head``, then the octets of a stream as they arrive: a slow pipe is passed on without delay."""
    yield head
    while chunk := stream.read1(CHUNK):
        yield chunk


def check_ratio(given: int, taken: int) -> None:
    """Check that a packed file does not become too much.

    Args:
        given: octets that were unpacked.
        taken: octets that they were unpacked from.

    Raises:
        DamagedError: it does.
    """
    if given > FREE and given > RATIO * taken:
        raise DamagedError(f"it unpacks to more than {RATIO} times its size")


def open_file(path: str) -> io.BufferedReader:
    """Open a file.

    Raises:
        ListError: the file is missing, is a directory, or is not readable.
    """
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as error:  # ValueError: NUL in the name
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise ListError(f"{path}: cannot be read ({words}); a file with one domain a line was expected") from error
