"""Columns of the target list."""

from dataclasses import dataclass

import pytest

from results.count.columns import Columns, GroupCount, Share, column_value, importance
from results.store import codec
from results.store.partial import VerdictPart
from scanner.model import TargetInfo


@pytest.mark.parametrize(
    ("fields", "name", "expected"),
    [
        ({"owner": "Ann", "Owner": "Bob"}, "Owner", "Bob"),
        ({"OWNER ": " Ann "}, "owner", "Ann"),
        ({"owner": "Ann"}, "partner", ""),
        ({"": "Ann"}, "", ""),
        ({}, "owner", ""),
    ],
)
def test_the_value_of_a_column(fields: dict[str, str], name: str, expected: str) -> None:
    assert column_value(fields, name) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10", 10.0), ("High", 3.0), ("", 0.0), ("n/a", 0.0), ("nan", 0.0), ("inf", 0.0), ("-1", -1.0)],
)
def test_importance(text: str, expected: float) -> None:
    assert importance(text) == expected


def target(**fields: str) -> bytes:
    return codec.encode(TargetInfo("a", fields=fields)).rstrip()


def verdict(outcome: str = "ok", dane: str = "protected") -> VerdictPart:
    return VerdictPart(outcome, "verified", dane, "all")


@dataclass
class NamedOnly:
    name: str


MX1, MX2 = NamedOnly("mx1"), NamedOnly("mx2")


def test_domains_are_counted_by_value() -> None:
    columns = Columns("owner")
    for name, owner, outcome, failing in (
        ("a", "Ann", "fail", [MX1, MX2]),
        ("b", "Bob", "ok", []),
        ("c", "Ann", "inconclusive", [MX1]),
        ("d", "Bob", "fail", [MX1]),
    ):
        columns.add(name, target(owner=owner, importance="high"), verdict(outcome), failing)
    assert columns.counts() == (GroupCount("Ann", 2, 2, 1, 1), GroupCount("Bob", 2, 2, 1, 0))
    assert columns.shares_of("mx1") == (Share("Ann", 2, ("a", "c")), Share("Bob", 1, ("d",)))
    assert (columns.importance_of("mx2"), columns.importance_of("mx3")) == (3.0, 0.0)


def test_domains_without_columns_have_no_value() -> None:
    columns = Columns("")
    columns.add("a", target(), verdict("fail"), [MX1])
    assert (columns.counts(), columns.shares_of("mx1"), columns.given) == ((), (), False)


def test_a_corrupt_target_is_an_error() -> None:
    with pytest.raises(codec.CodecError):
        Columns("owner").add("a", b'{"fields":7}', verdict(), [])
