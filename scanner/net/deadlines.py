"""Time limits that move often, for many tasks at once.

trio keeps the deadlines of its scopes in a heap, and to move one takes as long as to read a reply; a probe would do so
at every stage. Here a limit is a number that its owner sets, and one task looks at all of them, tick by tick, and
cancels those whose time is up. So a limit is kept to within a tick.
"""

from types import TracebackType
from typing import Self

import trio

TICK = 0.1
"""Seconds by which a limit may be late; thousands of limits are looked at in a thousandth of it."""


class Deadline:
    """A time limit for a block, as a ``with`` statement; the block is left without an error when time is up.

    ``at`` is when, by trio's clock; it may be set at any time, and takes effect by the next tick.
    """

    __slots__ = ("_all", "_scope", "at")

    def __init__(self, at: float = float("inf")) -> None:
        self.at = at
        self._scope = trio.CancelScope()

    @property
    def reached(self) -> bool:
        """Was the block left because time was up?"""
        return self._scope.cancelled_caught

    def cancel(self) -> None:
        """Have the block left now."""
        self._scope.cancel()

    def __enter__(self) -> Self:
        self._scope.__enter__()
        self._all = _watched()
        self._all.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._all.discard(self)
        return self._scope.__exit__(kind, error, trace)


_limits: trio.lowlevel.RunVar[set[Deadline] | None] = trio.lowlevel.RunVar("limits", None)


def _watched() -> set[Deadline]:
    """The limits of this run of trio; a task looks after them while there are any."""
    limits = _limits.get()
    if limits is None:
        limits = set()
        _limits.set(limits)
        trio.lowlevel.spawn_system_task(_watch, limits)
    return limits


async def _watch(limits: set[Deadline]) -> None:
    while limits:
        await trio.sleep(TICK)
        now = trio.current_time()
        for limit in [limit for limit in limits if limit.at <= now]:
            limit.cancel()
    _limits.set(None)
