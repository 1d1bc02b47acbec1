"""Circuit breakers: for some time, no connections are made to providers and networks that rejected connections.

A breaker opens after one SMTP reply that rejects the connection, or after several refused TCP connections in a row.
While a breaker is open, no connections are made to its provider or network. Each time that a breaker opens, it stays
open twice as long as before, up to a limit. A provider or network whose breaker has opened once gets only one
connection at a time for the rest of the scan. The caller passes the current time to each method as an argument.
"""

from dataclasses import dataclass, field

from scanner.model import HeldBack
from scanner.net.backoff import MOST_DOUBLINGS, Backoff

REFUSALS = 5
"""Number of addresses of a provider or network that refuse connections in a row before its breaker opens."""

KNOWN = 100_000
"""Maximum number of breakers that are kept in memory.

The oldest breaker is removed first; its provider or network may then receive one more connection and reject it.
"""


@dataclass(slots=True)
class _Breaker:
    """The state of one breaker.

    ``refusals`` contains the addresses that refused connections in a row. ``deferred`` is the number of connections
    that were not made because the breaker was open, since its last opening.
    """

    refusals: set[str] = field(default_factory=set)
    backoff: Backoff = field(default_factory=Backoff)
    deferred: int = 0


class Breakers:
    """The circuit breakers of a scan; each breaker belongs to one provider or network.

    Args:
        first: duration of the first opening in seconds.
        longest: maximum duration of an opening in seconds.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._breakers: dict[str, _Breaker] = {}
        self._open: dict[str, _Breaker] = {}  # also breakers that have closed since the last call of ``open``

    def is_open(self, key: str, now: float) -> bool:
        """Return whether the breaker of ``key`` (a provider or network) is open, so that no connection is allowed."""
        breaker = self._breakers.get(key)
        return breaker is not None and breaker.backoff.pauses(now)

    def has_opened(self, key: str) -> bool:
        """Return whether the breaker of ``key`` has ever opened, which limits ``key`` to one connection at a time."""
        breaker = self._breakers.get(key)
        return breaker is not None and breaker.backoff.count > 0

    def defer(self, key: str, now: float) -> None:
        """Count a connection that was not made because the breaker of ``key`` is open."""
        if self.is_open(key, now):
            self._breakers[key].deferred += 1

    def open(self, now: float) -> list[HeldBack]:
        """Return the providers and networks with open breakers, the highest number of deferred connections first."""
        self._open = {key: breaker for key, breaker in self._open.items() if breaker.backoff.pauses(now)}
        found = [
            HeldBack(key, breaker.deferred, round(breaker.backoff.until - now, 3))
            for key, breaker in self._open.items()
        ]
        return sorted(found, key=lambda each: (-each.endpoints, each.name))

    def openings(self) -> dict[str, Backoff]:
        """Return the back-off of each provider or network whose breaker has ever opened."""
        return {key: breaker.backoff for key, breaker in self._breakers.items() if breaker.backoff.count}

    def restore(self, key: str, count: int, seconds: float, now: float) -> None:
        """Continue the back-off of a provider or network that another process of the scan began.

        Args:
            key: the provider or network.
            count: the number of openings of the breaker so far.
            seconds: the time until the breaker closes, limited to the maximum duration of an opening.
            now: the present time.
        """
        breaker = self._breaker(key)
        until = now + min(max(seconds, 0.0), self._longest)
        breaker.backoff = Backoff(max(1, min(count, MOST_DOUBLINGS)), until)
        self._open[key] = breaker

    def rejected(self, key: str, now: float) -> None:
        """Open the breaker of a provider or network after an SMTP reply that rejects the connection.

        While the breaker is open, this method does nothing, because the reply belongs to a connection that was made
        before the breaker opened.
        """
        breaker = self._breaker(key)
        if not breaker.backoff.pauses(now):
            breaker.backoff.extend(now, self._first, self._longest)
            breaker.deferred = 0
            self._open[key] = breaker

    def refused(self, key: str, address: str, now: float) -> None:
        """Count an address that refused a TCP connection; open the breaker after ``REFUSALS`` different addresses."""
        breaker = self._breaker(key)
        breaker.refusals.add(address)
        if len(breaker.refusals) >= REFUSALS:
            breaker.refusals.clear()
            self.rejected(key, now)

    def accepted(self, key: str) -> None:
        """Reset the number of refused TCP connections after a server of the provider or network has sent a greeting."""
        breaker = self._breakers.get(key)
        if breaker is None:
            return
        breaker.refusals.clear()
        if not breaker.backoff.count:
            del self._breakers[key]

    def _breaker(self, key: str) -> _Breaker:
        breaker = self._breakers.setdefault(key, _Breaker())
        if len(self._breakers) > KNOWN:
            del self._breakers[next(iter(self._breakers))]
        return breaker

    def __len__(self) -> int:
        return len(self._breakers)
