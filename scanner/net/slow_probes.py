"""Limit on the number of slow probes, so that silent servers do not occupy all slots (permissions to probe).

A probe is slow if it has taken more than ``SLOW`` seconds. Slow probes occupy at most half of all slots while other
probes wait for a slot. If slow probes occupy half of all slots and other probes wait for a slot, the next probe that
becomes slow is stopped. The caller repeats the stopped probe when slow probes occupy less than half of all slots.
"""

from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Protocol

import trio

from scanner.net.deadlines import Deadline
from scanner.net.gates import KeyedCap

SLOW = 5.0
"""Duration in seconds after which a probe is slow.

Most probes take less than 5 seconds; probes of servers that delay their SMTP greeting take longer.
"""

RECHECK = 1.0
"""Seconds between two attempts of a slow probe to take a slot for slow probes while all these slots are taken."""

_ALL = ""


class Queue(Protocol):
    """The interface of the queue in which probes wait for one of the slots of all probes."""

    @property
    def is_awaited(self) -> bool:
        """True if a probe waits for a slot."""


class SlowProbes:
    """The slow probes of a scan.

    Args:
        total: number of all probe slots; slow probes may occupy half of them.
        queue: the queue in which probes wait for one of the slots.
    """

    def __init__(self, total: int, queue: Queue) -> None:
        self.share = KeyedCap(max(1, total // 2))
        self.queue = queue

    def watch(self) -> "SlowDeadline":
        """Return a deadline that stops a slow probe if all slots for slow probes are taken and another probe waits."""
        return SlowDeadline(self)

    def place(self) -> AbstractAsyncContextManager[None]:
        """Return a context manager that waits for one of the slots for slow probes and holds the slot."""
        return self.share.slot(_ALL)


class SlowDeadline(Deadline):
    """The time at which one probe becomes slow.

    A probe that becomes slow takes one of the slots for slow probes. If all these slots are taken, the slow probe is
    stopped if another probe waits for a slot, and otherwise continues.
    """

    __slots__ = ("_has_place", "_slow")

    def __init__(self, slow: SlowProbes) -> None:
        super().__init__(trio.current_time() + SLOW)
        self._slow = slow
        self._has_place = False

    def cancel(self) -> None:
        """Take one of the slots for slow probes, or stop the probe if none is free and another probe waits."""
        if self._slow.share.take(_ALL):
            self._has_place = True
            self.at = float("inf")
        elif self._slow.queue.is_awaited:
            super().cancel()
        else:
            self.at = trio.current_time() + RECHECK

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._has_place:
            self._slow.share.release(_ALL)
        return super().__exit__(kind, error, trace)
