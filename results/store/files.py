"""File operations of a run directory: append, lock, replace, and cut off an incomplete last line.

Every failure is a ``StoreError`` that names the file and the cause.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

_BLOCK = 64 * 1024  # octets read at once; one block usually contains the last line feed of a file


class StoreError(Exception):
    """The error of a run that cannot be written or read, with a message of one line for the user."""


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Raise an ``OSError`` about a file as a ``StoreError`` that names the file."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error


class AppendFile:
    """A file to which lines are appended; ``put`` keeps a line in memory until ``flush``.

    After a failed ``flush`` the unwritten octets stay in memory for the next ``flush``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting = bytearray()
        with naming(path):
            self._file = FileIO(path, "ab+")
            self._written = os.fstat(self._file.fileno()).st_size

    def put(self, line: bytes) -> int:
        """Keep a line in memory for the next ``flush``, and return its offset in the file in octets."""
        begin = self._written + len(self._waiting)
        self._waiting += line
        return begin

    def flush(self) -> None:
        """Write the lines in memory to the file, and return after ``fsync``."""
        if not self._waiting:
            return
        with naming(self.path):
            while self._waiting:
                written = self._file.write(self._waiting) or 0
                del self._waiting[:written]
                self._written += written
            os.fsync(self._file.fileno())

    def read(self, start: int, octets: int) -> bytes:
        """Return octets of the file or of the unwritten lines; ``start`` is the offset that ``put`` returned."""
        with naming(self.path):
            written = os.pread(self._file.fileno(), octets, start) if start < self._written else b""
        begin = start + len(written) - self._written
        return written + bytes(self._waiting[begin : begin + octets - len(written)])

    def close(self) -> None:
        """Close the file without writing the lines in memory."""
        self._file.close()


class Lock:
    """An exclusive ``flock`` on a file; the kernel releases it when the process ends."""

    def __init__(self, path: Path) -> None:
        with naming(path):
            self._file = FileIO(path, "ab")
        try:
            with naming(path):
                self._take(path)
        except BaseException:
            self._file.close()
            raise

    def _take(self, path: Path) -> None:
        try:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"{path.parent}: another process is writing to this run") from error

    def release(self) -> None:
        """Release the lock. The file is not removed, as a removal would race with a process that opens the file."""
        self._file.close()


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file atomically: after a crash the file contains either the old or the new content."""
    fresh = path.with_name(path.name + ".new")
    with naming(path):
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Write the entries of a directory to the disk (``fsync``)."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def cut_torn_tail(path: Path) -> int:
    """Move the last line of a file to ``NAME.torn`` in the same directory if the line has no line feed.

    No other process may write to the file during the call.

    Returns:
        The number of octets that were cut off; 0 if the last line was complete.

    Raises:
        StoreError: the file cannot be read or written.
    """
    with naming(path), path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        whole = _end_of_last_line(file.fileno(), size)
        if whole == size:
            return 0
        file.seek(whole)
        with path.with_name(path.name + ".torn").open("ab") as torn:
            torn.write(file.read() + b"\n")
            torn.flush()
            os.fsync(torn.fileno())
        file.truncate(whole)
        os.fsync(file.fileno())
        return size - whole


def _end_of_last_line(descriptor: int, size: int) -> int:
    """Return the offset after the last line feed, or 0 if the file contains no line feed."""
    end = size
    while end > 0:
        start = max(0, end - _BLOCK)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
