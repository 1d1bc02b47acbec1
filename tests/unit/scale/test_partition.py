"""The partition of addresses: the caps hold although the parts do not communicate."""

from collections import defaultdict
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from scanner.scale.partition import ROUND_2, Partition, PlanRow, digest

ADDRESSES = st.integers(0, 40)
HOSTS = st.lists(st.tuples(st.integers(0, 6), ADDRESSES), max_size=60)
"""Pairs of a provider and an address; a network contains four addresses."""


def rows_of(hosts: list[tuple[int, int]]) -> list[PlanRow]:
    return [PlanRow(digest(f"n{a // 4}"), digest(f"p{p}"), digest(f"a{a}")) for p, a in hosts]


def parts_of(hosts: list[tuple[int, int]], parts: int, free: int) -> dict[int, int]:
    found = Partition(rows_of(hosts), parts, free)
    return {a: found.part_of(digest(f"n{a // 4}"), digest(f"a{a}")) for _, a in hosts}


@given(HOSTS, st.integers(1, 5), st.integers(1, 6))
def test_every_address_has_one_part_and_no_network_is_in_two_parts_of_round_1(
    hosts: list[tuple[int, int]], parts: int, free: int
) -> None:
    found = parts_of(hosts, parts, free)
    assert set(found) == {address for _, address in hosts}
    assert set(found.values()) <= {ROUND_2, *range(1, parts + 1)}
    of_network: defaultdict[int, set[int]] = defaultdict(set)
    for address, part in found.items():
        of_network[address // 4].add(part)
    assert all(len(numbers - {ROUND_2}) <= 1 for numbers in of_network.values())


@given(HOSTS, st.integers(1, 5), st.integers(1, 6))
def test_a_provider_above_its_free_size_is_in_one_part_of_round_1(
    hosts: list[tuple[int, int]], parts: int, free: int
) -> None:
    found = parts_of(hosts, parts, free)
    of_provider: defaultdict[int, set[int]] = defaultdict(set)
    for provider, address in hosts:
        of_provider[provider].add(address)
    for addresses in of_provider.values():
        if len(addresses) > free:
            assert len({found[address] for address in addresses} - {ROUND_2}) <= 1


@given(HOSTS, st.integers(1, 5), st.integers(1, 6), st.randoms(use_true_random=False))
def test_equal_input_in_any_order_gives_equal_parts(
    hosts: list[tuple[int, int]], parts: int, free: int, shuffled: st.DataObject
) -> None:
    other = [*hosts, *hosts]
    shuffled.shuffle(other)  # type: ignore[attr-defined] # a random.Random
    assert parts_of(other, parts, free) == parts_of(hosts, parts, free)


def test_small_providers_spread_over_the_parts_and_round_2_is_small() -> None:
    """Networks of 100 providers with eight addresses each, and one provider that has an address in every network."""
    hosts = [(provider, 4 * provider + i) for provider in range(100) for i in range(4)]
    hosts += [(1000, 4 * network) for network in range(0, 100, 2)]
    found = parts_of(hosts, 8, 8)
    assert set(found.values()) == {ROUND_2, *range(1, 9)}
    late = {address for address, part in found.items() if part == ROUND_2}
    assert late < {4 * network for network in range(0, 100, 2)}
    assert not any(found[a] == found[b] == ROUND_2 for a, b in combinations(range(1, 4), 2))


def test_large_providers_are_distributed_by_size() -> None:
    """Five providers of 50 addresses and one of 250: two parts have 250 addresses each."""
    hosts = [(provider, 1000 * provider + n) for provider in range(5) for n in range(50)]
    hosts += [(9, 9000 + n) for n in range(250)]
    found = parts_of(hosts, 2, 8)
    assert [list(found.values()).count(part) for part in (1, 2)] == [250, 250]
