"""The plan of a scan with ``--dask``: all MX hosts and their addresses are distributed over the files of the parts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from hashlib import sha256
from io import DEFAULT_BUFFER_SIZE
from pathlib import Path
from typing import NamedTuple

from results.store import codec
from results.store.files import replace_file
from scanner.core.providers import provider_of
from scanner.net.gates import network_of
from scanner.run.host_result import HostKey
from scanner.scale.partition import ROUND_2, Partition, PlanRow, digest
from scanner.scale.plan_files import (
    INDEX,
    AddressLine,
    PartEntry,
    PartLine,
    PlanIndex,
    PlanPlace,
    RouteLine,
    SplitLine,
    read_lines,
    whole_file,
)
from scanner.settings import Settings
from targets.partition import Buckets, bucket_name

PART_ADDRESSES = 5000
"""Usual number of addresses of a part of a scan: at 100 connections a second, a part takes about a minute."""

MOST_PARTS = 250
"""Maximum number of parts of round 1 of a scan; the files of all parts are open while the plan is written."""

BUCKET_DOMAINS = 25_000
"""Usual number of destinations in a bucket (file) of MX answers; the answers of a bucket take about 20 MB in memory."""

BUCKET_HOSTS = 10_000
"""Usual number of MX hosts in a bucket (file) of addresses."""

GROUPS = 256
"""Maximum number of buckets (files) of MX answers, and of address answers."""


def buckets_for(count: int, size: int) -> int:
    """Return the number of buckets for a number of items; ``size`` is the usual number of items in a bucket."""
    return max(1, min(GROUPS, -(-count // size)))


def settings_digest(settings: Settings) -> str:
    """Return a digest of the settings, which is stored in the index of the plan."""
    return sha256(codec.encode(settings)).hexdigest()[:16]


# --- hosts ------------------------------------------------------------------------------------------------------


def write_hosts(place: PlanPlace, routes: int) -> int:
    """Write the distinct MX hosts of all MX answers of the plan into at most 256 files; return the number of hosts.

    Args:
        place: the directory of the plan.
        routes: the number of files of MX answers (``routes-NNN.jsonl``).
    """
    spread = Buckets(place.path, GROUPS)
    for bucket in range(GROUPS):
        (place.path / bucket_name("hosts", bucket)).unlink(missing_ok=True)
    for bucket in range(routes):
        for line in read_lines(place.file("routes", bucket), RouteLine):
            spread.put("hosts", [f"{host}\t{port}".encode("utf-8", "surrogateescape") for host, port in line.hosts])
    spread.flush()
    return sum(_distinct(place.path / bucket_name("hosts", bucket)) for bucket in range(GROUPS))


def _distinct(path: Path) -> int:
    """Remove repeated lines from a file of MX hosts, sort the lines, and return their number."""
    if not path.exists():
        return 0
    lines = sorted(set(path.read_bytes().split(b"\n")[:-1]))
    with whole_file(path) as file:
        file.write(b"\n".join(lines) + b"\n")
    return len(lines)


def hosts_of(place: PlanPlace, buckets: Iterable[int]) -> Iterator[tuple[str, int]]:
    """Yield the name and port of each MX host in the files ``hosts-NNN`` of some buckets of the plan."""
    for bucket in buckets:
        path = place.path / bucket_name("hosts", bucket)
        if path.exists():
            for line in path.read_bytes().split(b"\n")[:-1]:
                host, _, port = line.decode("utf-8", "surrogateescape").rpartition("\t")
                yield host, int(port)


def share_of(group: int, groups: int, buckets: int = GROUPS) -> range:
    """Divide ``buckets`` buckets into ``groups`` groups; return the numbers of the buckets in group ``group``."""
    return range(group * buckets // groups, (group + 1) * buckets // groups)


# --- limits of a domain -----------------------------------------------------------------------------------------


def beyond_limit(place: PlanPlace, routes: int, addresses: int, settings: Settings) -> set[tuple[str, int]]:
    """Return the MX hosts that are not examined for any domain because of ``--domain-addresses``.

    Only the hosts of domains that can exceed ``--domain-addresses`` are kept in memory. As in
    ``HostExaminer.within_limits``, the first MX host of a domain is always examined.
    """
    per_host = settings.addresses
    wide: list[Sequence[tuple[str, int]]] = []
    suspects: set[tuple[str, int]] = set()
    for line in routes_of(place, routes):
        if per_host is None or len(line.hosts) * per_host > settings.domain_addresses:
            wide.append(line.hosts)
            suspects.update(line.hosts)
    if not wide:
        return set()
    counts = {
        (line.host, line.port): len(line.chosen)
        for line in addresses_of(place, addresses)
        if (line.host, line.port) in suspects
    }
    for hosts in wide:
        left = settings.domain_addresses
        for number, host in enumerate(hosts):
            left -= counts.get(host, 0)
            if left < 0 and number:
                break
            suspects.discard(host)
    for line in routes_of(place, routes):
        if suspects and per_host is not None and len(line.hosts) * per_host <= settings.domain_addresses:
            suspects.difference_update(line.hosts)
    return suspects


def routes_of(place: PlanPlace, count: int) -> Iterator[RouteLine]:
    """Yield the lines of the first ``count`` files of MX answers (``routes-NNN.jsonl``) in the plan."""
    for bucket in range(count):
        yield from read_lines(place.file("routes", bucket), RouteLine)


def addresses_of(place: PlanPlace, count: int) -> Iterator[AddressLine]:
    """Yield the lines of the first ``count`` files of address answers (``addresses-NNN.jsonl``) in the plan."""
    for bucket in range(count):
        yield from read_lines(place.file("addresses", bucket), AddressLine)


# --- parts ------------------------------------------------------------------------------------------------------


class PlanSize(NamedTuple):
    """The size of a plan: the number of destinations, and the minimum number of parts of round 1.

    ``routes`` is the number of files with MX answers, ``addresses`` the number of files with address answers.
    """

    domains: int
    routes: int
    addresses: int
    parts: int


def make_plan(place: PlanPlace, settings: Settings, size: PlanSize) -> PlanIndex:
    """Write the files of the parts of the scan and then the index of the plan, and return the index.

    Raises:
        StoreError: a file cannot be read or written.
    """
    beyond = beyond_limit(place, size.routes, size.addresses, settings)

    def lines() -> Iterator[AddressLine]:
        return (line for line in addresses_of(place, size.addresses) if (line.host, line.port) not in beyond)

    total = sum(len(line.chosen) for line in lines())
    parts = max(1, min(MOST_PARTS, max(size.parts, total // PART_ADDRESSES), total))
    caps = settings.caps
    rows = (row for line in lines() for row in rows_of(line))
    partition = Partition(rows, parts, caps.per_provider // caps.per_address)
    entries, hosts, split = _write_parts(place, lines(), partition, settings, parts)
    index = PlanIndex(
        parts=tuple(entry for entry in entries if entry.hosts),
        domains=size.domains,
        hosts=hosts,
        split=split,
        routes=size.routes,
        addresses=size.addresses,
        caps=asdict(caps),
        settings=settings_digest(settings),
    )
    replace_file(place.path / INDEX, codec.pretty(index))
    return index


def rows_of(line: AddressLine) -> Iterator[PlanRow]:
    """Yield a ``PlanRow`` for each address to probe of an MX host."""
    provider = digest(provider_of(line.host))
    for address in line.chosen:
        yield PlanRow(digest(network_of(address)), provider, digest(address))


def parts_of(line: AddressLine, part_of: Callable[[int, int], int], parts: int) -> dict[int, tuple[str, ...]]:
    """Return the addresses of an MX host by part of the scan.

    If no address of the host is to be probed, the hash of the host name determines the part of the scan.
    """
    found: defaultdict[int, list[str]] = defaultdict(list)
    for row, address in zip(rows_of(line), line.chosen, strict=True):
        found[part_of(row.network, row.address)].append(address)
    if not found:
        found[1 + digest(line.host) % parts] = []
    return {number: tuple(addresses) for number, addresses in sorted(found.items())}


def _write_parts(
    place: PlanPlace, lines: Iterable[AddressLine], partition: Partition, settings: Settings, parts: int
) -> tuple[list[PartEntry], int, int]:
    """Write the lines of all parts of the scan, and the list of split hosts (hosts in several parts).

    Returns:
        The entry of each part for the index, the number of hosts, and the number of split hosts.
    """
    hosts, addresses, total, split = Counter[int](), Counter[int](), 0, 0
    with ExitStack() as stack:
        several = stack.enter_context(whole_file(place.split))
        paths = [place.file("part", number) for number in range(parts + 1)]
        files = [stack.enter_context(whole_file(path, DEFAULT_BUFFER_SIZE)) for path in paths]
        for line in lines:
            total += 1
            key = str(HostKey(line.host, line.port, settings.mode))
            found = parts_of(line, partition.part_of, parts)
            for number, chosen in found.items():
                files[number].write(codec.encode(part_line(key, line, chosen, whole=len(found) == 1)))
                hosts[number] += 1
                addresses[number] += len(chosen)
            if len(found) > 1:
                split += 1
                several.write(codec.encode(SplitLine(key, tuple(found), line)))
    entries = [
        PartEntry(number, 2 if number == ROUND_2 else 1, hosts[number], addresses[number])
        for number in (*range(1, parts + 1), ROUND_2)
    ]
    return entries, total, split


def part_line(key: str, line: AddressLine, chosen: tuple[str, ...], *, whole: bool) -> PartLine:
    """Return the line of an MX host in the file of a part of the scan.

    If ``whole`` is false, the host has addresses in several parts of the scan, and the A and AAAA answers in the line
    contain only the addresses in ``chosen``.
    """
    a, aaaa = line.a, line.aaaa
    if not whole:
        wanted = frozenset(chosen)
        a, aaaa = (
            answer and replace(answer, records=tuple(each for each in answer.records if each in wanted))
            for answer in (a, aaaa)
        )
    return PartLine(key, line.host, line.port, chosen, a, aaaa, whole)
