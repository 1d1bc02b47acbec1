"""Verdicts, percentages and durations in words."""

import pytest

from results.render import words
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainStartTLS, Sender, TLSState


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (Sender, words.SENDER),
        (DomainDane, words.DOMAIN_DANE),
        (DomainStartTLS, words.DOMAIN_STARTTLS),
        (DomainOutcome, words.OUTCOME),
        (Dane, words.HOST_DANE),
        (TLSState, words.TLS),
    ],
)
def test_every_verdict_has_words(kind: type, table: dict[object, str]) -> None:
    assert set(table) == set(kind)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (250, "4 min 10 s"), (3780, "1 h 03 min")]
)
def test_a_time_in_words(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_an_unknown_reason_is_returned_unchanged() -> None:
    assert words.of_reason("moon-phase") == "moon-phase"
