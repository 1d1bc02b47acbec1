"""``--exclusive NAME``: a lock that only one scan of this user holds, so that two nightly scans do not overlap."""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from results.store.files import StoreError, naming, others_can_write
from scanner.cli.errors import CliError, Exit, as_cli_error

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


@contextmanager
def exclusive(name: str | None) -> Iterator[None]:
    """Hold the lock with the given name during the ``with`` block; without a name, hold no lock.

    The kernel releases the lock when the process ends for any reason.

    Raises:
        CliError: the name is not allowed, another process holds the lock, or the lock cannot be written.
    """
    if name is None:
        yield
        return
    if not _NAME.fullmatch(name):
        raise CliError(f"--exclusive {name}: a name of letters, digits, dots, dashes and underscores was expected")
    with as_cli_error(StoreError, code=Exit.UNFIT):
        handle = _opened(lock_directory(), name)
    try:
        _take(handle, name)
        yield
    finally:
        os.close(handle)


def lock_directory() -> Path:
    """Return the directory of the lock files.

    The directory must be the same in a terminal, in cron and in a systemd service.
    """
    base = os.environ.get("XDG_STATE_HOME") or os.environ.get("HOME", "")
    if not Path(base).is_absolute():
        return Path(tempfile.gettempdir()) / f"mxsweep-{os.getuid()}"
    return Path(base) / ("mxsweep" if os.environ.get("XDG_STATE_HOME") else ".local/state/mxsweep")


def _opened(directory: Path, name: str) -> int:
    path = directory / f"{name}.lock"
    with naming(path):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if others_can_write(directory):
            raise StoreError(f"{directory}: other users can write to the directory of the locks")
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _take(handle: int, name: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
        text = f"--exclusive {name}: another scan holds this lock" + (f" (process {holder})" if holder else "")
        raise CliError(text, Exit.UNFIT) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
