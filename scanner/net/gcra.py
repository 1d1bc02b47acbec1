"""A rate limit: the generic cell rate algorithm (ITU-T I.371 annex A) as plain arithmetic.

The state of the rate limiter is one number, the theoretical arrival time of the next event. The caller passes the
current time, and waits until the time that ``reserve`` returns.
"""


class GCRA:
    """A rate limiter for ``rate`` events per second, of which ``burst`` events may happen at the same moment.

    A reservation cannot be undone: if the task that reserved an event is cancelled, the event is lost. Because a
    cancelled reservation is lost, the rate is never exceeded.
    """

    def __init__(self, rate: float, burst: float = 1.0) -> None:
        if not (rate > 0 and burst >= 1):
            raise ValueError("rate must be above zero and burst at least one")
        self._interval = 1 / rate
        self._tolerance = (burst - 1) * self._interval
        self._due = float("-inf")

    def reserve(self, now: float) -> float:
        """Reserve the next event and return the time at which the event may happen.

        Args:
            now: the time in seconds of a monotonic clock.

        Returns:
            The time at which the reserved event may happen: ``now`` or later.
        """
        at = max(now, self._due - self._tolerance)
        self._due = max(now, self._due) + self._interval
        return at
