"""The join of runs by key."""

from typing import Any

import pytest

from results.diff import join
from tests.unit.results.diff.runs import BROKEN, SOUND, Runs, named


def test_many_buckets_give_the_same_join(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "BUCKET", 1000)  # about thirty buckets
    first: dict[str, Any] = {f"d{number}": SOUND for number in range(60)}
    runs.verdicts(**first)
    second: dict[str, Any] = {f"d{number}": BROKEN if number % 2 else SOUND for number in range(50, 80)}
    runs.verdicts(**second)
    found = runs.compare()
    assert found.compared == 10
    assert named(found.new_broken) == ["d51", "d53", "d55", "d57", "d59"]
    assert (len(found.added), len(found.removed)) == (20, 50)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([], 1), ([0], 1), ([join.BUCKET - 1, 5], 1), ([join.BUCKET], 2), ([10**15], join.MAX_BUCKETS)],
)
def test_the_number_of_buckets_follows_the_largest_file(sizes: list[int], expected: int) -> None:
    assert join.bucket_count(sizes) == expected


@pytest.mark.parametrize("count", [1, 3])
def test_grouped_lines(count: int) -> None:
    lines = [b"%d %d\n" % (number % 5, number) for number in range(40)]
    found = list(join.grouped(lines, lambda line: line[:1], count))
    assert sorted(found) == sorted(lines)
    assert (found == lines) is (count == 1)
    assert [line for line in found if line[:1] == b"3"] == lines[3::5]
