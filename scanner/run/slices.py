"""Time slices of long computations in the event loop, and a log of steps that delayed all other tasks.

Judging and writing are computations that do not wait for input or output. The check of a certificate of 100 KB takes a
tenth of a second of processor time, and a domain may have hundreds of addresses, each with another certificate. Between
two parts of a long computation, ``turn`` lets other tasks run if the time slice has been used up.
"""

import time

import trio

from scanner.net.stalls import log_stall

SLICE = 0.02
"""Seconds of computation after which other tasks run; small in comparison with the time limits of a probe."""


class Slices:
    """The time slices for the computations of one task.

    A time slice begins when this object is created and after each trio checkpoint.
    """

    __slots__ = ("_began",)

    def __init__(self) -> None:
        self._began = time.perf_counter()

    async def turn(self, what: str) -> None:
        """End a part of a computation: let other tasks run if the parts since the last checkpoint took a time slice.

        Args:
            what: the host or domain for which the part was computed, for the log.
        """
        spent = time.perf_counter() - self._began
        if spent >= SLICE:
            log_stall(what, spent)
            await trio.lowlevel.checkpoint()
            self._began = time.perf_counter()
