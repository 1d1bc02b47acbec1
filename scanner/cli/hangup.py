"""The signal SIGHUP, which makes a scan reopen the log and status files after a rotation, or ends the scan."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from results.store.files import StoreError
from scanner.cli.console import say


@contextmanager
def hangup(reopen: Sequence[Callable[[], None]]) -> Iterator[None]:
    """Handle the signal SIGHUP during the ``with`` block.

    If ``reopen`` is empty, or if stderr is a terminal, SIGHUP ends the scan, because the closing of a terminal causes
    SIGHUP. If a program such as ``nohup`` has set SIGHUP to be ignored, the scan ignores SIGHUP.

    Args:
        reopen: functions that each reopen one file, or raise ``StoreError``.
    """
    before = signal.getsignal(signal.SIGHUP)
    if before is signal.SIG_IGN or before is None:
        yield
        return
    ends = not reopen or sys.stderr.isatty()

    def reopen_all(_number: int, _frame: FrameType | None) -> None:
        for each in reopen:
            try:
                each()
            except StoreError as error:
                say(f"{error}; the scan continues with the old file")

    signal.signal(signal.SIGHUP, signal.default_int_handler if ends else reopen_all)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
