"""Groups of domains, each judged by one process; the domains of one MX host are in one group as far as possible.

The hash of a domain selects its file of routes (MX answers), so that the domains of an MX host are spread over all
files. Before the judgement, the routes, destinations and MTA-STS policies are copied to one file of each kind for each
group; the hash of the first MX host of a domain selects the group of the domain. Because of the groups, the report of
most MX hosts is read only once. A group has at most about three times as many domains as the average group: further
domains of an MX host with very many domains are in groups that the hash of the domain selects.
"""

import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from results.store import line_keys
from results.store.files import naming, open_regular, replace_file, sync_directory
from scanner.scale.plan import share_of
from scanner.scale.plan_files import PlanPlace
from targets.lists import Target
from targets.partition import octets_of, sort_key
from targets.spool import Spool

ROUTES, TARGETS, RECORDS = "group-routes", "group-targets", "group-records"
"""Names of the three files of a group: routes, destinations (lines of the stored input), and MTA-STS policies."""

HELD = 32 * 1024 * 1024
"""Maximum number of octets of lines in memory before the lines are appended to the files of their groups."""

MOST = 2
"""Maximum number of domains that the hash of the MX host puts into a group, as a multiple of the average group."""

_DONE = "grouped"
_FIRST_HOST = re.compile(rb'"hosts":\[\["((?:[^"\\]|\\.)*)"')


def group_domains(place: PlanPlace, routes: int, spool: Spool, *, sts: bool) -> None:
    """Copy routes, destinations and MTA-STS policies to the files of each group, unless the files exist already.

    Args:
        place: the plan of the run.
        routes: the number of files of routes, which is also the number of groups.
        spool: the destinations of the run.
        sts: whether files of MTA-STS policies exist.

    Raises:
        StoreError: a file cannot be read or written.
    """
    if (place.path / _DONE).exists():
        return
    remove_groups(place, routes)
    most = max(1, MOST * spool.total // routes**2)  # from one bucket in one group
    for bucket in range(routes):
        groups: dict[bytes, int] = {}
        _append(place, ROUTES, routes, _with_groups(place.file("routes", bucket), routes, most, groups))
        lines = spool.target_lines(share_of(bucket, routes, spool.buckets))
        _append(place, TARGETS, routes, _of_known(((sort_key(line), line) for line in lines), groups))
        if sts:
            _append(place, RECORDS, routes, _of_known(_keyed(place.file("records", bucket)), groups))
    _sync(place, routes)
    replace_file(place.path / _DONE, b"")


def targets(place: PlanPlace, group: int, spool: Spool) -> Iterator[Target]:
    """Yield the destinations of a group.

    Raises:
        StoreError: the file of the group cannot be read.
    """
    path = place.file(TARGETS, group)
    with naming(path), open_regular(path) as file:
        yield from map(spool.target, file)


def remove_groups(place: PlanPlace, routes: int) -> None:
    """Remove the files that ``group_domains`` wrote.

    Raises:
        StoreError: a file cannot be removed.
    """
    with naming(place.path):
        (place.path / _DONE).unlink(missing_ok=True)
        for name in (ROUTES, TARGETS, RECORDS):
            for group in range(routes):
                place.file(name, group).unlink(missing_ok=True)


def _with_groups(path: Path, count: int, most: int, groups: dict[bytes, int]) -> Iterator[tuple[int, bytes]]:
    """Yield the group and the line of each domain in a file of routes, and record each domain's group in ``groups``.

    The hash of the MX host puts at most ``most`` domains of the file into a group.
    """
    sizes = [0] * count
    for key, line in _keyed(path):
        host = _FIRST_HOST.search(line)
        group = zlib.crc32(host[1] if host is not None else key) % count
        if sizes[group] >= most:
            group = zlib.crc32(key) % count
        sizes[group] += 1
        groups[key] = group
        yield group, line


def _keyed(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the key and the line of each record of a file; a key has the form in which the spool stores keys."""
    with naming(path), open_regular(path) as file:
        for line in file:
            yield octets_of(line_keys.key_of(line)), line


def _of_known(lines: Iterable[tuple[bytes, bytes]], groups: Mapping[bytes, int]) -> Iterator[tuple[int, bytes]]:
    """Yield the group and the line of each destination in ``groups``, which contains no destination out of scope."""
    return ((groups[key], line) for key, line in lines if key in groups)


def _append(place: PlanPlace, name: str, count: int, lines: Iterable[tuple[int, bytes]]) -> None:
    """Append lines, each with the number of its group, to the files of their groups, ``HELD`` octets at a time."""
    held: list[list[bytes]] = [[] for _ in range(count)]
    octets = 0
    for group, line in lines:
        held[group].append(line)
        octets += len(line)
        if octets >= HELD:
            _flush(place, name, held)
            octets = 0
    _flush(place, name, held)


def _flush(place: PlanPlace, name: str, held: list[list[bytes]]) -> None:
    for group, lines in enumerate(held):
        path = place.file(name, group)
        with naming(path), path.open("ab") as file:
            file.writelines(lines)
        lines.clear()


def _sync(place: PlanPlace, count: int) -> None:
    """Write the files of all groups to the disk before the file ``_DONE`` marks these files as complete."""
    for path in [place.file(name, group) for name in (ROUTES, TARGETS, RECORDS) for group in range(count)]:
        if path.exists():
            with naming(path), path.open("rb") as file:
                os.fsync(file.fileno())
    sync_directory(place.path)
