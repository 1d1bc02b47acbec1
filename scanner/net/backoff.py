"""Exponential back-off: each pause is twice as long as the previous pause, up to a limit."""

from dataclasses import dataclass

MOST_DOUBLINGS = 16
"""Maximum number of doublings of a pause: enough to reach every limit in use, without overflow of a float."""


@dataclass(slots=True)
class Backoff:
    """The pause after failures: ``until`` is the clock time of its end in seconds, ``count`` the number of pauses."""

    count: int = 0
    until: float = 0.0

    def pauses(self, now: float) -> bool:
        """Return whether a pause is active at the time ``now``."""
        return self.until > now

    def extend(self, now: float, first: float, longest: float) -> None:
        """Begin a pause after a failure.

        Args:
            now: the time in seconds of a monotonic clock.
            first: seconds of the first pause; each later pause is twice as long as the previous pause.
            longest: maximum length of a pause in seconds.
        """
        self.until = now + min(first * 2**self.count, longest)
        self.count = min(self.count + 1, MOST_DOUBLINGS)
