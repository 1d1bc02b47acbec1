"""Assignment of the addresses of a scan to parts, so that all parts together never exceed a connection limit (cap).

The processes that scan the parts do not communicate with each other. In round 1 of a scan, different processes scan
different parts at the same time. The connection limit of a network is kept, because no two parts of round 1 have an
address in the same network. The connection limit of a large provider (with more addresses than the argument ``free`` of
``Partition``) could be exceeded if several parts scanned the provider at the same time. In round 1, only one part scans
addresses of a large provider; this part is the home of the provider. Round 2 consists of one part, which scans the
addresses of large providers in networks that belong to other parts than the home of the provider. Each address belongs
to exactly one part of the scan, so each endpoint is probed once. Networks, providers and addresses are represented by
hashes of 64 bits. Different values with the same hash are treated as one value, so that a hash collision does not cause
connections above a cap. The partition takes 24 octets of memory for each row (address), and 34 octets for each network.
"""

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from heapq import heapify, heapreplace
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

BUCKETS = 256
"""Number of buckets of rows (addresses or networks); only one bucket at a time is converted to Python objects."""

LARGE_OWNERS = 40
"""Maximum number of large owners for each part; a large owner is a provider whose networks contain many addresses."""

ROUND_2 = 0
"""Number of the part of a scan that is scanned in round 2, after the parts of round 1, whose numbers begin with 1."""


class PlanRow(NamedTuple):
    """An address of an MX host: the hashes of its network, of the provider of the host, and of the address."""

    network: int
    provider: int
    address: int


def digest(text: str) -> int:
    """Return the hash (64 bits) of the text of a network, provider or address."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest())


class _Rows:
    """Rows of three hashes or numbers, in ``BUCKETS`` buckets by the hash in the first column."""

    def __init__(self) -> None:
        self._buckets: list[array[int]] = [array("Q") for _ in range(BUCKETS)]

    def put(self, row: tuple[int, int, int]) -> None:
        self._buckets[row[0] % BUCKETS].extend(row)

    def groups(self, *, keep: bool = False) -> Iterator[tuple[int, list[tuple[int, int, int]]]]:
        """Yield each value of the first column with its distinct rows; delete these rows unless ``keep`` is true."""
        for bucket, flat in enumerate(self._buckets):
            rows = sorted(set(zip(flat[0::3], flat[1::3], flat[2::3], strict=True)))
            if not keep:
                self._buckets[bucket] = array("Q")
            for first, group in groupby(rows, itemgetter(0)):
                yield first, list(group)


class _Places:
    """A map from the hash of a network to the number of the part of the scan to which the network belongs."""

    def __init__(self) -> None:
        self._networks: list[array[int]] = [array("Q") for _ in range(BUCKETS)]
        self._parts: list[array[int]] = [array("H") for _ in range(BUCKETS)]

    def put(self, network: int, part: int) -> None:
        self._networks[network % BUCKETS].append(network)
        self._parts[network % BUCKETS].append(part)

    def sort(self) -> None:
        """Sort all buckets by the hash of the network, before the first call of ``find``."""
        for bucket, networks in enumerate(self._networks):
            pairs = sorted(zip(networks, self._parts[bucket], strict=True))
            self._networks[bucket] = array("Q", [network for network, _ in pairs])
            self._parts[bucket] = array("H", [part for _, part in pairs])

    def find(self, network: int) -> int:
        place = position(self._networks[network % BUCKETS], network)
        if place is None:
            raise KeyError(network)
        return self._parts[network % BUCKETS][place]


class Partition:
    """An assignment of every address to one part of the scan.

    A network belongs to the provider with the most addresses in the network. All networks that belong to a provider are
    in the same part of the scan, so that few addresses are left for round 2, and few MX hosts have addresses in several
    parts.

    Args:
        rows: all addresses of all MX hosts; repeated rows and their order do not change the partition.
        parts: number of parts of the scan in round 1.
        free: several parts may scan a provider at the same time if the provider has at most this number of addresses.
    """

    def __init__(self, rows: Iterable[PlanRow], parts: int, free: int) -> None:
        by_network, by_owner, by_provider = _Rows(), _Rows(), _Rows()
        for row in rows:
            by_network.put(row)
        for network, group in by_network.groups():
            by_owner.put((_owner(network, group), network, len(group)))
            for _, provider, address in group:
                by_provider.put((provider, address, network))
        part_of = _parts_of_owners(by_owner, parts)
        self._places = _Places()
        for owner, group in by_owner.groups():
            for _, network, _ in group:
                self._places.put(network, part_of.get(owner, 1 + owner % parts))
        self._places.sort()
        self._late = _late(by_provider, self._places, parts, free)

    def part_of(self, network: int, address: int) -> int:
        """Return the number of the part of the scan that probes an address: ``ROUND_2``, or a number of round 1.

        Args:
            network: the hash of the network of the address.
            address: the hash of an address that ``rows`` contained.
        """
        return self._places.find(network) if position(self._late, address) is None else ROUND_2


def _owner(network: int, group: Iterable[tuple[int, int, int]]) -> int:
    """Return the provider with the most addresses in a network.

    If several providers have the most addresses, the hashes of the network and of the providers determine the returned
    provider.
    """
    counts = Counter(provider for _, provider, _ in group)
    return min(counts, key=lambda provider: (-counts[provider], provider ^ network))


def _parts_of_owners(by_owner: _Rows, parts: int) -> dict[int, int]:
    """Return the part of the scan for each large owner; an owner is a provider with the networks that belong to it.

    The large owners are assigned in the order of their numbers of addresses, the largest first, each to the part that
    then has the fewest addresses. The hash of an owner that is not large determines the part of the scan for the owner.
    """
    total = sum(count for _, group in by_owner.groups(keep=True) for _, _, count in group)
    small = total // (parts * LARGE_OWNERS)
    loads = [0] * parts
    large: list[tuple[int, int]] = []
    for owner, group in by_owner.groups(keep=True):
        size = sum(count for _, _, count in group)
        if size > small:
            large.append((-size, owner))
        else:
            loads[owner % parts] += size
    heap = [(load, part) for part, load in enumerate(loads, 1)]
    heapify(heap)
    found: dict[int, int] = {}
    for size, owner in sorted(large):
        load, found[owner] = heap[0]
        heapreplace(heap, (load - size, found[owner]))
    return found


def _late(by_provider: _Rows, places: _Places, parts: int, free: int) -> "array[int]":
    """Return the sorted hashes of the addresses that are scanned in round 2, after all parts of round 1.

    A large provider (with more than ``free`` addresses) has a home: the part of the scan with the most addresses of the
    provider. If several parts have the most addresses, the hash of the provider determines which of these parts is the
    home.
    """
    late: set[int] = set()
    for provider, group in by_provider.groups():
        if len({address for _, address, _ in group}) <= free:
            continue
        by_part: defaultdict[int, list[int]] = defaultdict(list)
        for _, address, network in group:
            by_part[places.find(network)].append(address)
        home = min((-len(found), (part + provider) % parts, part) for part, found in by_part.items())[2]
        for part, addresses in by_part.items():
            if part != home:
                late.update(addresses)
    return array("Q", sorted(late))


def position(values: "array[int]", value: int) -> int | None:
    """Return the index of a value in a sorted array, or None if the array does not contain the value."""
    place = bisect_left(values, value)
    return place if place < len(values) and values[place] == value else None
