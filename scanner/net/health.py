"""Which server to ask first: those that answer, in the order of the settings, before those that did not.

A server that failed rests for a while that doubles with each failure. When the rest is over one question tries it,
not all at once: that trial counts as failed until it succeeds. A resting server is asked only after all others, never
not at all. Plain arithmetic; the caller says what time it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scanner.net.exchange import Server

FIRST_REST = 1.0  # seconds; a lost datagram costs little
LONGEST_REST = 60.0  # seconds; a server that came back is noticed within a minute


@dataclass(slots=True)
class _State:
    failures: int = 0
    until: float = 0.0

    def rest(self, now: float) -> None:
        self.until = now + min(FIRST_REST * 2**self.failures, LONGEST_REST)
        self.failures = min(self.failures + 1, 16)  # far beyond the longest rest


class Health:
    """The servers of one purpose and how they have been doing."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.servers = tuple(servers)
        """All of them in the order of the settings."""
        self._states: dict[Server, _State] = {}  # of those that failed since they last answered

    def order(self, now: float) -> tuple[Server, ...]:
        """List all servers for one question, which is expected to ask them in this order.

        Args:
            now: the time in seconds.

        Returns:
            The well ones, a rested one among them in its place, then the resting ones by the end of their rest.
        """
        if not self._states:
            return self.servers
        resting = sorted((s for s, state in self._states.items() if state.until > now), key=self._end_of_rest)
        first = [server for server in self.servers if server not in resting]
        if first and first[0] in self._states:
            self._states[first[0]].rest(now)
        return (*first, *resting)

    def succeeded(self, server: Server) -> None:
        """Note that a server answered."""
        self._states.pop(server, None)

    def failed(self, server: Server, now: float) -> None:
        """Note that a server did not answer; of many questions that wait for it in vain, one counts."""
        state = self._states.setdefault(server, _State())
        if state.until <= now:
            state.rest(now)

    def _end_of_rest(self, server: Server) -> float:
        return self._states[server].until
