"""The numbers of connections and of DNS queries in flight for which a limit of open files is sufficient."""

from typing import NamedTuple

FILES_BESIDE = 512
"""Number of file descriptors of a scan besides connections: DNS sockets, pipe to unbound, files, libraries, reserve."""

OTHERS = 64
"""Number of file descriptors other than sockets of connections and DNS queries, with a reserve: a scan has about 30."""

LEAST = OTHERS + 16
"""Lowest limit of open files with which a scan starts."""

_PER_QUERY = 2
"""Number of sockets for each DNS query in flight: the socket of the query, and an idle socket to another server."""


class InFlight(NamedTuple):
    """The maximum numbers of simultaneous connections and of DNS queries in flight."""

    connections: int
    queries: int


def permitted(limit: int | None, wanted: InFlight) -> InFlight | None:
    """Return the numbers of connections and DNS queries in flight that a limit of open files permits.

    The returned numbers are at most the requested numbers. The result is None if the limit is below ``LEAST``.

    Args:
        limit: the hard limit of open files, None for no limit.
        wanted: the numbers of connections and DNS queries in flight that the settings request.
    """
    if limit is None or limit >= wanted.connections + FILES_BESIDE:
        return wanted
    if limit < LEAST:
        return None
    free = limit - OTHERS
    queries = min(wanted.queries, free // (2 * _PER_QUERY))
    return InFlight(min(wanted.connections, free - _PER_QUERY * queries), queries)
