"""Limit on the large connections of a scan: TLS connections that have received unusually many octets.

A certificate with tens of thousands of names takes the TLS library as much processor time as the probes of several
usual servers. Therefore few connections are large at the same time, and after each large connection no other connection
becomes large during a pause (see ``scanner.net.heavy_work``).
"""

import trio

from scanner.net.heavy_work import HeavyWork

AT_ONCE = 8
"""Maximum number of simultaneous large connections; each of them takes up to 4 MB of memory."""

LONGEST_PAUSE = 2.0
"""Maximum pause in seconds after the handshakes of large connections, even after several in a row.

A longer pause might cause a server to close a connection that waits for the end of the pause.
"""


class LargeConnections:
    """The large connections of a scan; the other connections neither wait for a large connection nor are counted."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._slots = trio.Semaphore(at_once)
        self._work = HeavyWork()
        self._resume = float("-inf")  # time of trio's clock at which the next connection may become large

    async def begin(self) -> None:
        """Wait until one more connection may become large; the caller calls ``end`` when the connection has ended."""
        await self._slots.acquire()
        try:
            while trio.current_time() < self._resume:  # noqa: ASYNC110 - the end of another connection prolongs the wait
                await trio.sleep_until(self._resume)
        except trio.Cancelled:
            self._slots.release()
            raise

    def end(self, spent: float) -> None:
        """End a large connection; ``spent`` is the duration of the computations in its handshake in seconds."""
        now = trio.current_time()
        self._resume = min(max(self._resume, now) + self._work.pause(spent), now + LONGEST_PAUSE)
        self._slots.release()
