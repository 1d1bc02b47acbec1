"""Time slices of long computations in the event loop, and a log of steps that delayed all other tasks.

The judgement and the writing of a record are computations that do not wait for input or output. The check of a
certificate of 100 KB takes a tenth of a second of processor time, and a domain may have hundreds of addresses, each
with a different certificate. Between two steps of a long computation, ``turn`` lets other tasks run if the computation
has used up its time slice.
"""

import time

import trio

from scanner.net.stalls import log_stall

SLICE = 0.02
"""Seconds of computation after which other tasks run; short in comparison with the time limits of a probe."""


class Slices:
    """The time slices for the computations of one task.

    A time slice begins when the ``Slices`` object is created and after each trio checkpoint in ``turn``.
    """

    __slots__ = ("_began",)

    def __init__(self) -> None:
        self._began = time.perf_counter()

    async def turn(self, what: str) -> None:
        """End a step of a computation: let other tasks run if the time slice has lasted ``SLICE`` seconds.

        Args:
            what: the host or domain of the computation, for the log.
        """
        spent = time.perf_counter() - self._began
        if spent >= SLICE:
            log_stall(what, spent)
            await trio.lowlevel.checkpoint()
            self._began = time.perf_counter()
