"""The partition of addresses into parts that never exceed a cap although parts do not communicate.

The parts of round 1 are scanned at the same time, by different processes. A cap on a network is kept because no two
parts of round 1 have an address in the same network. A provider that has more addresses than ``free`` could exceed its
cap if it was scanned by several parts, so one part is its home; its addresses in the networks of other parts are left
to round 2, which consists of one part. Each address belongs to exactly one part, so each endpoint is probed once.

Networks, providers and addresses are represented by hashes of 64 bits. Two values with the same hash are kept in the
same part, which is correct for two different values too. Memory is 24 octets for each row, and 10 for each network.
"""

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

BUCKETS = 256
"""Number of buckets of the rows; only the rows of one bucket are Python objects at the same time."""

ROUND_2 = 0
"""Number of the part that is round 2; the parts of round 1 are numbered from 1."""


class PlanRow(NamedTuple):
    """An address of an MX host: the hashes of its network, of the provider of the host, and of the address."""

    network: int
    provider: int
    address: int


def digest(text: str) -> int:
    """Return the hash of a network, provider or address."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest())


class _Rows:
    """Rows in ``BUCKETS`` buckets by the hash in the first column; a bucket is freed when it is read."""

    def __init__(self) -> None:
        self._buckets: list[array[int]] = [array("Q") for _ in range(BUCKETS)]

    def put(self, row: tuple[int, int, int]) -> None:
        self._buckets[row[0] % BUCKETS].extend(row)

    def groups(self) -> Iterator[tuple[int, list[tuple[int, int, int]]]]:
        """Yield each value of the first column with the distinct rows that have it, in sorted order in a bucket."""
        for bucket in range(BUCKETS):
            flat, self._buckets[bucket] = self._buckets[bucket], array("Q")
            rows = sorted(set(zip(flat[0::3], flat[1::3], flat[2::3], strict=True)))
            for first, group in groupby(rows, itemgetter(0)):
                yield first, list(group)


class Partition:
    """The part of every address.

    Args:
        rows: all addresses of all MX hosts; repeated rows and their order do not change the partition.
        parts: number of parts of round 1.
        free: maximum number of addresses of a provider that may be scanned by several parts at the same time.
    """

    def __init__(self, rows: Iterable[PlanRow], parts: int, free: int) -> None:
        by_network = _Rows()
        for row in rows:
            by_network.put(row)
        by_provider = _Rows()
        places: list[tuple[array[int], array[int]]] = [(array("Q"), array("H")) for _ in range(BUCKETS)]
        for network, group in by_network.groups():
            part = 1 + _owner(provider for _, provider, _ in group) % parts
            networks, numbers = places[network % BUCKETS]
            networks.append(network)
            numbers.append(part)
            for _, provider, address in group:
                by_provider.put((provider, address, part))
        self._places = places
        self._late = _late(by_provider, free)

    def part_of(self, network: int, address: int) -> int:
        """Return the number of the part that scans an address: ``ROUND_2``, or a part of round 1.

        Args:
            network: the hash of the network of the address.
            address: the hash of an address that was among the rows.
        """
        if _found(self._late, address) is not None:
            return ROUND_2
        networks, numbers = self._places[network % BUCKETS]
        place = _found(networks, network)
        if place is None:
            raise KeyError(network)
        return numbers[place]


def _owner(providers: Iterable[int]) -> int:
    """Return the most frequent provider of a network; of several, the smallest hash."""
    counts = Counter(providers)
    return min(counts, key=lambda provider: (-counts[provider], provider))


def _late(by_provider: _Rows, free: int) -> "array[int]":
    """Return the sorted hashes of the addresses of round 2."""
    late: set[int] = set()
    for _, group in by_provider.groups():
        if len({address for _, address, _ in group}) <= free:
            continue
        by_part: defaultdict[int, list[int]] = defaultdict(list)
        for _, address, part in group:
            by_part[part].append(address)
        home = min(by_part, key=lambda part: (-len(by_part[part]), part))
        for part, addresses in by_part.items():
            if part != home:
                late.update(addresses)
    return array("Q", sorted(late))


def _found(values: "array[int]", value: int) -> int | None:
    place = bisect_left(values, value)
    return place if place < len(values) and values[place] == value else None
