"""Keys, buckets and the random choice."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets import partition
from targets.partition import BUCKETS, Buckets, Sampling, bucket_name, octets_of, sort_key, unique


@given(st.text())
def test_a_key_has_no_tab_and_no_line_feed(key: str) -> None:
    octets = octets_of(key)
    assert not set(octets) & set(b"\t\n")
    assert sort_key(octets + b"\tx\t1") == octets


def test_lines_of_one_key_share_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition, "WAITING", 5)
    buckets = Buckets(tmp_path, BUCKETS)
    lines = [b"key%d\t%d" % (number % 40, number) for number in range(200)]
    buckets.put("g", lines)
    buckets.flush()
    held = [
        (tmp_path / bucket_name("g", n)).read_bytes().split()
        for n in range(BUCKETS)
        if (tmp_path / bucket_name("g", n)).exists()
    ]
    words = [word for part in held for word in part[::2]]
    assert sorted(words) == sorted(line.split()[0] for line in lines)
    assert sum(len(set(part[::2])) for part in held) == 40


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.integers(0, 9))))
def test_the_first_line_of_a_key_is_kept(rows: list[tuple[bytes, int]]) -> None:
    seen = {b"c"}
    found = unique([b"%b\t%d" % row for row in rows], seen)
    firsts = {key: number for key, number in reversed(rows) if key != b"c"}
    assert sorted(found) == sorted(b"%b\t%d" % row for row in firsts.items())
    assert seen == {b"c", *firsts}


def test_places_are_spread() -> None:
    places = [Sampling(1, 7).place(b"%d" % number) for number in range(1000)]
    assert len(set(places)) == 1000
    assert 400 < sum(place < 2**63 for place in places) < 600
