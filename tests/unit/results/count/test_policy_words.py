"""The labels for MTA-STS and TLSRPT."""

import pytest

from results.count.policy_words import STS_FUNNEL, words_of_policy
from results.store.partial import PolicyPart, STSPart, TXTPart


def part(record: str = "valid", mode: str | None = "enforce") -> STSPart:
    return STSPart(record, None if mode is None else PolicyPart(mode))


@pytest.mark.parametrize(
    ("verdict", "sts", "last"),
    [
        ("none", part("absent", None), "examined"),
        ("no_mail", None, "examined"),
        ("invalid", part("multiple", None), "examined"),
        ("invalid", part(mode=None), "record"),
        ("lookup_failed", part(mode=None), "record"),
        ("testing", part(mode="testing"), "policy"),
        ("off", part(mode="none"), "policy"),
        ("broken", part(), "enforce"),
        ("unknown", part(), "enforce"),
        ("protected", part(), "protected"),
    ],
)
def test_steps(verdict: str, sts: STSPart | None, last: str) -> None:
    reached = STS_FUNNEL[: STS_FUNNEL.index(last) + 1]
    assert words_of_policy(verdict, sts, None) == {("sts_funnel", step) for step in reached}


def test_tlsrpt() -> None:
    assert ("tlsrpt_record", "valid") in words_of_policy("none", None, TXTPart("valid"))


def test_without_an_examination_there_are_no_labels() -> None:
    assert words_of_policy(None, None, TXTPart("valid")) == frozenset()
