"""Pauses after computations of unusual length, so that one peer takes little of the processor time of a scan."""

import time

PAUSE = 3
"""Pause after a long computation, as a multiple of its duration, if this process has little other work."""

BUSY_PAUSE = 20
"""Pause after a long computation, as a multiple of its duration, if this process has much other work."""

BUSY = 0.5
"""The process is busy if tasks other than the long computations use more than this share of a processor's time."""

INTERVAL = 1.0
"""Minimum time in seconds over which the share of a processor is measured."""


class HeavyWork:
    """The pauses of one kind of long computations."""

    def __init__(self) -> None:
        self._busy = False
        self._own = 0.0  # seconds of the long computations since the marks
        self._marks = time.perf_counter(), time.process_time()

    def pause(self, spent: float) -> float:
        """Return the pause in seconds after a computation of ``spent`` seconds.

        The pause depends on the processor time of this process for other work since an earlier call.
        """
        self._own += spent
        passed, used = time.perf_counter() - self._marks[0], time.process_time() - self._marks[1]
        if passed >= INTERVAL:
            self._busy = used - self._own > BUSY * passed
            self._own = 0.0
            self._marks = time.perf_counter(), time.process_time()
        return (BUSY_PAUSE if self._busy else PAUSE) * spent
