"""Time slices of long computations in the event loop, and a log of steps that delayed all other tasks.

Judging and writing are computations without a wait. A certificate of 100 KB takes a tenth of a second, and a domain may
have hundreds of addresses, each with a certificate of its own. Between two parts of such a computation, ``turn`` lets
other tasks run if the time slice has been used up.
"""

import time

import trio

from scanner.net.stalls import log_stall

SLICE = 0.02
"""Seconds of computation after which other tasks run: a small part of any time limit of a probe."""


class Slices:
    """The time slices of one computation.

    Args:
        what: the host or domain, for the log.
    """

    __slots__ = ("_began", "_what")

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = time.perf_counter()

    async def turn(self) -> None:
        """End a part of the computation: let other tasks run if the parts since the last checkpoint took a slice."""
        spent = time.perf_counter() - self._began
        if spent >= SLICE:
            log_stall(self._what, spent)
            await trio.lowlevel.checkpoint()
            self._began = time.perf_counter()
