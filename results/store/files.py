"""What a run directory needs of the file system: appending, locking, replacing, and mending a torn end.

Every failure is a ``StoreError`` that names the file and says in words what is wrong.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

_BLOCK = 64 * 1024  # a few times the longest usual line: the end of a file is found at the first try


class StoreError(Exception):
    """A run cannot be written or read; the message is one line for the user."""


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Turn what the operating system says about a file into a ``StoreError``."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error


class AppendFile:
    """A file that only grows. What is put waits in memory until ``flush``.

    After a failed ``flush`` the rest still waits, from the very octet on that was not written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting = bytearray()
        with naming(path):
            self._file = FileIO(path, "ab+")
            self._written = os.fstat(self._file.fileno()).st_size

    def put(self, line: bytes) -> int:
        """Take a line; it is not on disk yet. Where it begins, in octets."""
        begin = self._written + len(self._waiting)
        self._waiting += line
        return begin

    def flush(self) -> None:
        """Write what waits and have it on the disk when this returns."""
        if not self._waiting:
            return
        with naming(self.path):
            while self._waiting:
                written = self._file.write(self._waiting) or 0
                del self._waiting[:written]
                self._written += written
            os.fsync(self._file.fileno())

    def read(self, start: int, octets: int) -> bytes:
        """Give back what was put, written or not; ``start`` is what ``put`` said."""
        with naming(self.path):
            written = os.pread(self._file.fileno(), octets, start) if start < self._written else b""
        begin = start + len(written) - self._written
        return written + bytes(self._waiting[begin : begin + octets - len(written)])

    def close(self) -> None:
        """Close without writing what waits."""
        self._file.close()


class Lock:
    """An exclusive ``flock`` on a file: it goes with the process, however that ends."""

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
        """Let another process have it. The file stays: removing it would race with whoever waits for it."""
        self._file.close()


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole: after a crash there is either the old content or the new."""
    fresh = path.with_name(path.name + ".new")
    with naming(path):
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Have the names in a directory on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def cut_torn_tail(path: Path) -> int:
    """Cut off the last line of a file if it has no end, and keep what was cut in ``NAME.torn`` beside it.

    Only for a file that nobody writes to.

    Returns:
        How many octets were cut; 0 when the file was whole.

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
    """Find where the last line feed ends, looking backwards; 0 when there is none."""
    end = size
    while end > 0:
        start = max(0, end - _BLOCK)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
