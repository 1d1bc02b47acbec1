"""The order in which DNS servers are queried: working servers as in the settings, then servers in back-off.

A DNS server that did not answer is in back-off for a time that doubles with each failure. After the back-off, one query
tests the server (the trial); until the server answers, the trial is treated as failed. A DNS server in back-off is
queried after all other servers. The caller passes the current time as an argument.
"""

from collections.abc import Sequence

from scanner.net.backoff import Backoff
from scanner.net.exchange import NameServer

FIRST_PAUSE = 1.0  # first back-off in seconds: short, because one lost datagram can be the cause
LONGEST_PAUSE = 60.0  # maximum back-off in seconds, so that a server that works again is used within a minute


class ServerHealth:
    """A list of DNS servers with the back-off of each server."""

    def __init__(self, servers: Sequence[NameServer]) -> None:
        self.servers = tuple(servers)
        """All servers in the order of the settings."""
        self._backoffs: dict[NameServer, Backoff] = {}  # only of servers that failed since their last answer

    def order(self, now: float) -> tuple[NameServer, ...]:
        """Return all DNS servers in the order in which one question queries them.

        Args:
            now: the time in seconds of a monotonic clock.

        Returns:
            Working servers and servers due for a trial in the order of the settings, then servers in back-off sorted by
            the end of their back-off. If the first server of the result is due for a trial, this call also begins the
            server's next back-off, which ends when the server answers.
        """
        if not self._backoffs:
            return self.servers
        paused = sorted((s for s, backoff in self._backoffs.items() if backoff.pauses(now)), key=self._end_of_pause)
        first = [server for server in self.servers if server not in paused]
        if first and first[0] in self._backoffs:
            self._backoffs[first[0]].extend(now, FIRST_PAUSE, LONGEST_PAUSE)
        return (*first, *paused)

    def succeeded(self, server: NameServer) -> None:
        """End the back-off of a DNS server that answered."""
        self._backoffs.pop(server, None)

    def failed(self, server: NameServer, now: float) -> None:
        """Begin a back-off for a DNS server that did not answer; failures during a back-off are ignored."""
        backoff = self._backoffs.setdefault(server, Backoff())
        if not backoff.pauses(now):
            backoff.extend(now, FIRST_PAUSE, LONGEST_PAUSE)

    def _end_of_pause(self, server: NameServer) -> float:
        return self._backoffs[server].until
