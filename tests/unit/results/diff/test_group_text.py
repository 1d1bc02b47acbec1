"""The texts of groups of changes."""

from datetime import timedelta

import pytest

from results.count.base import Count
from results.diff.group_text import NAMED, began, by_kind, count_text, group_title, named
from results.diff.groups import ChangeGroup, ChangeKind
from tests.unit.records import NOON
from tests.unit.results.diff.runs import Runs, bad, mx, on


def group(kind: ChangeKind = ChangeKind.NEW_BROKEN, host: str = "mx.example", domains: int = 2) -> ChangeGroup:
    names = tuple(f"d{number}.example" for number in range(domains))
    return ChangeGroup(kind, host, "tlsa-mismatch", "no TLSA record matches", names, since=NOON - timedelta(days=1))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (group(), "mx.example: no TLSA record matches: 2 domains"),
        (group(host="", domains=1), "no TLSA record matches: 1 domain"),
        (group(ChangeKind.FIXED), "mx.example: formerly no TLSA record matches: 2 domains"),
    ],
)
def test_titles(made: ChangeGroup, expected: str) -> None:
    assert group_title(made) == expected


def test_only_some_domains_are_named() -> None:
    assert named(group(domains=2)) == "d0.example, d1.example"
    assert named(group(domains=NAMED + 1000)).endswith(" and 1,000 more")


def test_the_start_of_an_old_fault() -> None:
    assert began(group()) == ""
    assert began(group(ChangeKind.STILL_BROKEN)) == "since 2026-08-31 12:00 UTC or before"


def test_counts_in_the_plural() -> None:
    assert count_text(Count(1, 1)) == "1 MX host, 1 domain"
    assert count_text(Count(2000, 0)) == "0 MX hosts, 2,000 domains"


def test_kinds_without_groups_are_left_out(runs: Runs) -> None:
    runs.add([on("a", mx())])
    runs.add([on("a", bad())])
    assert [kind for kind, _ in by_kind(runs.compare())] == [ChangeKind.NEW_BROKEN]
