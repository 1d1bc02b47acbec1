"""The comparison of two verdicts: which fields differ, as pairs, as text and as counts."""

import pytest

from results.diff.verdicts import EndpointWords, Transitions, change_text, differences, domain_words, shared
from scanner.model import DomainVerdict
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, Pkix, Sender, TLSState
from tests.unit import records

SOUND = records.verdict()


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (SOUND, ""),
        (records.verdict(dane=DomainDane.BROKEN), "dane protected > broken"),
        (
            records.verdict(sender=Sender.DEFER, outcome=DomainOutcome.FAIL, dane=DomainDane.BROKEN),
            "dane protected > broken, outcome ok > fail, sender verified > defer",
        ),
    ],
)
def test_the_fields_that_differ_in_their_order(new: DomainVerdict, expected: str) -> None:
    assert change_text(domain_words(SOUND), domain_words(new)) == expected


def test_verdicts_of_addresses() -> None:
    old = EndpointWords(TLSState.VERIFIED, Dane.OK, Pkix.TRUSTED)
    new = EndpointWords(TLSState.VERIFIED, Dane.OK, Pkix.UNTRUSTED)
    assert list(differences(old, new)) == [("pkix", "trusted > untrusted")]


def test_transitions_are_counted_by_field_and_change() -> None:
    counts = Transitions()
    for dane in (DomainDane.NONE, DomainDane.BROKEN, DomainDane.NONE, DomainDane.PROTECTED):
        counts.add(domain_words(SOUND), domain_words(records.verdict(dane=dane)))
    assert list(counts.sorted()["dane"].items()) == [("protected > none", 2), ("protected > broken", 1)]
    assert set(counts.sorted()) == {"dane"}


def test_equal_values_share_one_object() -> None:
    assert domain_words(SOUND) is domain_words(records.verdict())
    assert shared(("a", "b" * 3)) is shared(("a", "bbb"))
