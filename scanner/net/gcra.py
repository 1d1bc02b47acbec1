"""How often something may happen: the generic cell rate algorithm (ITU-T I.371 annex A), as plain arithmetic.

One number is kept, the time at which the next event is due if all keep the pace. No clock and no waiting: the
caller says what time it is and waits as long as it is told.
"""


class GCRA:
    """A rate with a burst: ``burst`` events may come at once, more of them at ``rate`` a second.

    Whoever reserves has a place in the line and keeps it. A place that is not used is lost, so the rate is never
    exceeded, whatever becomes of those who wait.
    """

    def __init__(self, rate: float, burst: float = 1.0) -> None:
        if not (rate > 0 and burst >= 1):
            raise ValueError("a rate is above zero and a burst at least one")
        self._interval = 1 / rate
        self._tolerance = (burst - 1) * self._interval
        self._due = float("-inf")

    def reserve(self, now: float) -> float:
        """Take the next place.

        Args:
            now: the time, in seconds of any steady clock.

        Returns:
            When the event may happen: ``now`` or later.
        """
        at = max(now, self._due - self._tolerance)
        self._due = max(now, self._due) + self._interval
        return at
