"""The MX hosts whose addresses a retry pass of the lookups found, after the plan of the scan was made.

An MX host whose addresses a retry pass found is examined as a whole, in a part of the scan that runs alone after all
other parts, so that no connection limit is exceeded.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from results.store.files import naming, open_regular
from scanner.run.host_result import HostKey
from scanner.scale import plan
from scanner.scale.plan_files import (
    NOT_YET,
    AddressLine,
    PartLine,
    PlanIndex,
    PlanPlace,
    RouteLine,
    decoded,
    read_lines,
    write_lines,
)
from scanner.settings import Settings

_ON_TIME = b'"again":0}\n'
"""The end of a JSON line that was written before the plan: ``again``, the last member, is 0."""

_Host = tuple[str, int]
_Line = TypeVar("_Line", RouteLine, AddressLine)


def address_files(place: PlanPlace, index: PlanIndex) -> int:
    """Return the number of files of addresses, including the file of the hosts that a retry pass found."""
    return index.addresses + place.file("addresses", index.addresses).exists()


def write_late_hosts(place: PlanPlace, index: PlanIndex) -> int:
    """Write the hosts of late routes that are in no file of addresses to an additional file; return their number.

    A late route is a route that a retry pass found.

    Raises:
        StoreError: a file cannot be read or written.
    """
    new = _late_routes(place, index)
    if new:
        new -= {(line.host, line.port) for line in plan.addresses_of(place, address_files(place, index))}
    if new:
        path = place.file("addresses", index.addresses)
        before = list(read_lines(path, AddressLine)) if path.exists() else []
        fresh = [AddressLine(*host, None, None, (), (), NOT_YET) for host in sorted(new)]
        write_lines(path, [*before, *fresh])
    return len(new)


def late_lines(place: PlanPlace, index: PlanIndex, settings: Settings) -> list[PartLine]:
    """Return the MX hosts to examine as a whole after all parts of the plan.

    The hosts are those whose addresses a retry pass of the lookups found, and the hosts in no part of the plan that are
    on a route that a retry pass found.

    Raises:
        StoreError: a file cannot be read.
    """
    files = address_files(place, index)
    hosts = _late_routes(place, index)
    if hosts:
        found = [line for line in plan.addresses_of(place, files) if line.again or (line.host, line.port) in hosts]
    else:
        found = [line for number in range(files) for line in _late(place.file("addresses", number), AddressLine)]
    if not found:
        return []
    planned = {
        (line.host, line.port)
        for entry in index.parts
        for line in read_lines(place.file("part", entry.number), PartLine)
        if (line.host, line.port) in hosts
    }
    left_out = planned | plan.beyond_limit(place, index.routes, files, settings)
    return [
        plan.part_line(str(HostKey(line.host, line.port, settings.mode)), line, line.chosen, whole=True)
        for line in found
        if line.again or (line.host, line.port) not in left_out
    ]


def _late_routes(place: PlanPlace, index: PlanIndex) -> set[_Host]:
    """Return the MX hosts of the destinations whose MX records a retry pass found."""
    files = (place.file("routes", number) for number in range(index.routes))
    return {host for path in files for line in _late(path, RouteLine) for host in line.hosts}


def _late(path: Path, kind: type[_Line]) -> Iterator[_Line]:
    """Yield the records of a file that a retry pass wrote; the many records of the first pass are not decoded."""
    with naming(path), open_regular(path) as file:
        for octets in file:
            if not octets.endswith(_ON_TIME):
                yield decoded(kind, octets, path)
