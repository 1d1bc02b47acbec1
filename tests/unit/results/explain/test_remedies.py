"""Every reason has a remedy."""

from results.explain.remedies import REMEDIES, remedy_of
from scanner.reasons import Reason


def test_every_reason_has_a_remedy_of_whole_sentences() -> None:
    assert set(REMEDIES) == set(Reason)
    assert [text for text in REMEDIES.values() if not (text[:1].isupper() and text.endswith("."))] == []


def test_an_unknown_reason_has_no_remedy() -> None:
    assert remedy_of("moon-phase") == ""
