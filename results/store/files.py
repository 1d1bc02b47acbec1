"""File operations of a run directory: append, lock, replace, and cut off an incomplete last line.

Every failed file operation raises a ``StoreError`` that names the file and the cause.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Protocol

_BLOCK = 64 * 1024  # number of octets read at once; one block usually contains the last line feed of a file


MAX_WHOLE = 64 * 1024 * 1024
"""Maximum number of octets of a file that is read as a whole: many times the size of run.json."""


_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_APPEND = os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class StoreError(Exception):
    """Error: a run cannot be written or read; the message is one line for the user."""


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Convert an ``OSError`` in a ``with`` block to a ``StoreError`` that names the file."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error


def open_regular(path: Path, buffering: int = -1) -> BinaryIO:
    """Open a regular file for reading; reading any other file, such as a FIFO, could block or never end.

    Raises:
        OSError: the file cannot be opened, or is not a regular file.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO is opened without waiting for a writer
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file")
    return os.fdopen(handle, "rb", buffering)


def others_can_write(path: Path) -> bool:
    """Return whether a user other than the present user and root owns a file or directory or can write to it.

    Raises:
        OSError: the file or directory cannot be examined.
    """
    found = path.stat()
    return found.st_uid not in (0, os.geteuid()) or bool(found.st_mode & _OTHERS)


def open_append(path: Path) -> FileIO:
    """Open a file to append to it.

    A symbolic link is followed only in a directory that no other user can write to: with a link, another user could
    direct the lines into any file of the present user.

    Raises:
        OSError: the file cannot be opened.
    """
    guarded = os.O_NOFOLLOW if others_can_write(path.parent) else 0
    try:
        handle = os.open(path, os.O_WRONLY | _APPEND | guarded, 0o666)
    except OSError as error:
        if guarded and error.errno == errno.ELOOP:
            raise OSError(error.errno, "a symbolic link in a directory that others can write to") from None
        raise
    return FileIO(handle, "ab")


def reopen_append(path: Path, file: FileIO) -> None:
    """Make ``file`` append to the file that now has the path, because a rotation of logs may have moved the old file.

    Raises:
        StoreError: the file cannot be opened; ``file`` is unchanged.
    """
    with naming(path), open_append(path) as fresh:
        os.dup2(fresh.fileno(), file.fileno(), inheritable=False)


def _open_own(path: Path) -> FileIO:
    """Open a file of a run to append to it; symbolic links and FIFOs are refused."""
    handle = os.open(path, os.O_RDWR | _APPEND | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    if stat.S_ISFIFO(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file")
    return FileIO(handle, "ab+")


def read_regular(path: Path) -> bytes:
    """Return the content of a regular file of at most ``MAX_WHOLE`` octets.

    Raises:
        OSError: the file cannot be read, is not a regular file, or contains more than ``MAX_WHOLE`` octets.
    """
    with open_regular(path) as file:
        content = file.read(MAX_WHOLE + 1)
    if len(content) > MAX_WHOLE:
        raise OSError(errno.EFBIG, f"longer than {MAX_WHOLE >> 20} MiB")
    return content


class AppendFile:
    """A file to which lines are appended; ``put`` keeps a line in memory until ``flush``.

    After a failed ``flush`` the unwritten octets stay in memory for the next ``flush``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting = bytearray()
        with naming(path):
            self._file = _open_own(path)
            self._written = os.fstat(self._file.fileno()).st_size

    @property
    def end(self) -> int:
        """The offset in octets at which the next line begins, including the lines in memory."""
        return self._written + len(self._waiting)

    @property
    def waiting(self) -> int:
        """The number of octets in memory that ``flush`` writes."""
        return len(self._waiting)

    def put(self, line: bytes) -> int:
        """Keep a line in memory for the next ``flush``, and return the offset of its start in the file in octets."""
        begin = self.end
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
        """Return octets of the file or of the unwritten lines; ``start`` is an offset that ``put`` returned."""
        with naming(self.path):
            written = os.pread(self._file.fileno(), octets, start) if start < self._written else b""
        begin = start + len(written) - self._written
        return written + bytes(self._waiting[begin : begin + octets - len(written)])

    def close(self) -> None:
        """Close the file without writing the lines in memory."""
        self._file.close()


class Lock:
    """An exclusive ``flock`` lock on a file; the kernel releases the lock when the process ends."""

    def __init__(self, path: Path) -> None:
        with naming(path):
            self._file = _open_own(path)
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
        """Release the lock, but keep the lock file: its removal would race with another process that opens it."""
        self._file.close()


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file atomically: after a crash, the file contains either the old content or the new content.

    A symbolic link in place of the file or of ``NAME.new`` (the temporary file) is not followed.
    """
    fresh = path.with_name(path.name + ".new")
    with naming(path):
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, _CREATE, 0o666), "wb") as file:
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
        The number of octets that were cut off; 0 if the last line of the file was complete.

    Raises:
        StoreError: the file cannot be read or written.
    """
    with naming(path), os.fdopen(os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK), "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        whole = _end_of_last_line(file.fileno(), size)
        if whole == size:
            return 0
        file.seek(whole)
        with _open_own(path.with_name(path.name + ".torn")) as torn:
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


# --- buffered lines -------------------------------------------------------------------------------------------

SYNC_SECONDS = 1.0  # interval between writes to the disk: a crash of the machine loses at most these records
MAX_WAITING = 4 * 1024 * 1024  # maximum number of unwritten octets in memory


class Pacer:
    """Timer of how long the oldest unwritten octets have waited; all times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._since: float | None = None

    def due(self, now: float, waiting: int) -> bool:
        """Return whether the oldest unwritten octets have waited for at least ``SYNC_SECONDS``.

        ``waiting`` is the number of unwritten octets, ``now`` the time in seconds.
        """
        if not waiting:
            return False
        if self._since is None:
            self._since = now
        return now - self._since >= SYNC_SECONDS

    def reset(self) -> None:
        """Stop the timer, because all octets have been written."""
        self._since = None


class _Closable(Protocol):
    def close(self) -> None: ...


def close_after(sink: _Closable, *, failed: bool) -> None:
    """Close a writer; if ``failed`` is true, suppress an error of closing, so that an earlier error is reported."""
    with suppress(StoreError) if failed else nullcontext():
        sink.close()
