"""The bounded form of the fuzzers: fixed seeds; ``python -m tests.fuzz`` has the long form."""

import random
from pathlib import Path

import pytest

from tests.fuzz import FUZZERS
from tests.fuzz.fuzzer import FOUND, Fuzzer, packed, run, unpacked

KEPT = sorted(FOUND.glob("*.bin"))


@pytest.mark.parametrize("name", FUZZERS)
def test_inputs_of_fixed_seeds_show_no_fault(name: str) -> None:
    faults: list[str] = []
    outcome = run(FUZZERS[name], range(FUZZERS[name].inputs), faults.append, keep=None)
    assert faults == []
    assert outcome.inputs == FUZZERS[name].inputs


@pytest.mark.parametrize("path", KEPT, ids=[path.stem for path in KEPT])
def test_kept_inputs_show_no_fault_any_more(path: Path) -> None:
    assert FUZZERS[path.stem.rpartition("-")[0]].fault(path.read_bytes()) == ""


@pytest.mark.parametrize("name", FUZZERS)
def test_a_seed_makes_the_same_input_each_time(name: str) -> None:
    first, again, other = (FUZZERS[name].input_of(seed) for seed in (7, 7, 8))
    assert first == again != other


def test_a_fault_is_reported_with_its_seed_and_kept(tmp_path: Path) -> None:
    def check(data: bytes) -> None:
        if data == b"\x02":
            raise ValueError("two")

    faults: list[str] = []
    fuzzer = Fuzzer("odd", lambda chance: bytes([chance.choice((1, 2))]), check, inputs=20)
    outcome = run(fuzzer, range(20), faults.append, keep=tmp_path / "kept")
    seeds = [seed for seed in range(20) if random.Random(seed).choice((1, 2)) == 2]
    assert [seed for seed, _ in outcome.faults] == seeds
    assert faults[0] == f"odd: seed {seeds[0]}: ValueError: two"
    assert (tmp_path / "kept" / f"odd-{seeds[0]}.bin").read_bytes() == b"\x02"


def test_work_without_end_is_a_fault() -> None:
    def check(data: bytes) -> None:
        while data:
            data.strip()

    fuzzer = Fuzzer("endless", lambda _: b"x", check, inputs=1)
    assert fuzzer.fault(b"x") == "TooManyCallsError: more than 100100 calls"


def test_parts_are_packed_and_unpacked() -> None:
    assert unpacked(packed([b"", b"a", b"bc" * 300])) == [b"", b"a", b"bc" * 300]
