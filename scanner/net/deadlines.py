"""Deadlines of many concurrent tasks; changing a deadline takes little processor time.

trio keeps the deadlines of its cancel scopes in a heap, and changing a deadline in the heap takes as much processor
time as reading an SMTP reply. A probe changes its deadline at every stage. This module stores each deadline in an
attribute of a ``Deadline`` object. Every ``TICK`` seconds, one task checks all deadlines and cancels the ``with``
blocks whose deadline has passed, up to ``TICK`` seconds late.

A deadline may also have passed although the octets of the peer arrived in time, because this process was busy or
suspended. The ``with`` block of a deadline is cancelled only if the deadline is still in the past after ``ROUNDS``
rounds of trio's event loop.
"""

from types import TracebackType
from typing import Self

import trio

TICK = 0.1
"""Interval in seconds of the checks of all deadlines, and therefore the maximum delay of a cancellation.

The check of thousands of deadlines takes a thousandth of this interval.
"""

ROUNDS = 8
"""Number of rounds of trio's event loop between the passing of a deadline and the cancellation.

In these rounds, a task reads octets that arrived in time: at most a chain of 100 KiB, in seven reads of 16 KiB.
"""


class Deadline:
    """The deadline of a ``with`` block; when the deadline has passed, the block is cancelled without an error.

    ``at`` is the deadline in seconds of trio's clock. The attribute ``at`` may be set at any time; a change takes
    effect within ``TICK`` seconds.
    """

    __slots__ = ("_all", "_scope", "at")

    def __init__(self, at: float = float("inf")) -> None:
        self.at = at
        self._scope = trio.CancelScope()

    @property
    def reached(self) -> bool:
        """True if the ``with`` block was cancelled, by its deadline or by ``cancel``."""
        return self._scope.cancelled_caught

    def cancel(self) -> None:
        """Cancel the ``with`` block now."""
        self._scope.cancel()

    def __enter__(self) -> Self:
        self._scope.__enter__()
        self._all = _active()
        self._all.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._all.discard(self)
        return self._scope.__exit__(kind, error, trace)


_deadlines: trio.lowlevel.RunVar[set[Deadline] | None] = trio.lowlevel.RunVar("deadlines", None)


def _active() -> set[Deadline]:
    """Return the set of active deadlines of the present trio run; a system task checks the set until it is empty."""
    deadlines = _deadlines.get()
    if deadlines is None:
        deadlines = set()
        _deadlines.set(deadlines)
        trio.lowlevel.spawn_system_task(_check, deadlines)
    return deadlines


async def _check(deadlines: set[Deadline]) -> None:
    while deadlines:
        await trio.sleep(TICK)
        now = trio.current_time()
        passed = [deadline for deadline in deadlines if deadline.at <= now]
        for _ in range(ROUNDS if passed else 0):
            await trio.lowlevel.checkpoint()
        for deadline in passed:
            if deadline.at <= now:
                deadline.cancel()
    _deadlines.set(None)
