"""The words of the records: what follows from them alone."""

from itertools import permutations

import pytest

from scanner.reasons import Reason
from scanner.vocabulary import WORST_FIRST, Dane, Level, Mode, Unusable, worst


def test_every_reason_is_explained_once() -> None:
    assert len({reason.words for reason in Reason}) == len(Reason)


def test_every_dane_verdict_has_one_place_in_the_order_of_severity() -> None:
    assert sorted(WORST_FIRST) == sorted(Dane)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ("ok", "ok"),
        ("ok unknown none insecure", "insecure"),
        ("unusable lookup_failed", "lookup_failed"),
        ("lookup_failed no_tls", "no_tls"),
        ("no_tls mismatch ok", "mismatch"),
        ("ok word-of-a-later-version", "ok"),
    ],
)
def test_the_worst_verdict_stands_whatever_the_order(verdicts: str, expected: str) -> None:
    assert {worst(*order) for order in permutations(verdicts.split())} == {expected}


def test_levels_whose_verdict_rests_on_tlsa_records() -> None:  # RFC 7672; the rest is PKIX or opportunistic
    assert {level for level in Level if level.dane_based} == {"half-dane", "dane", "dane-only"}
    assert {level for level in Level if not level.must_match} == {"none", "may", "encrypt"}


def test_modes() -> None:  # RFC 8314 section 3.3 and RFC 2033
    assert {mode for mode in Mode if mode.implicit_tls} == {"smtps", "lmtps"}
    assert {mode for mode in Mode if mode.lmtp} == {"lmtp", "lmtps"}


def test_records_that_postfix_drops_before_openssl_reads_them() -> None:  # tls_dane.c of Postfix 3.12
    assert {why for why in Unusable if why.by_parser} == {"truncated", "usage", "private-matching-type"}
