"""The judgement of a preflight, row by row; what it takes is RFC 4035 section 3.2 unless it says otherwise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.preflight import (
    Check,
    PreflightNames,
    Sample,
    State,
    Window,
    clock,
    judge,
    passed,
    window_of,
)
from scanner.core.wire import Message, Record, decode
from scanner.facts import Answer
from scanner.vocabulary import Outcome, Security

DATA, NODATA, NXDOMAIN, ERROR = Outcome.DATA, Outcome.NODATA, Outcome.NXDOMAIN, Outcome.ERROR
SECURE, INSECURE, BOGUS, UNKNOWN = Security.SECURE, Security.INSECURE, Security.BOGUS, Security.INDETERMINATE


def answer(outcome: Outcome, security: Security, error: str = "", rcode: str = "NOERROR") -> Answer:
    return Answer("name.example", "SOA", outcome, security, error=error, rcode=rcode)


GOOD = Sample(
    "127.0.0.1:53",
    trusted=True,
    signed=(answer(DATA, SECURE),),
    bogus=(answer(ERROR, BOGUS, "DNSSEC validation failed", "SERVFAIL"),),
    unsigned=(answer(DATA, INSECURE),),
    denied=(answer(NXDOMAIN, SECURE, rcode="NXDOMAIN"),),
)
SERVFAIL = answer(ERROR, UNKNOWN, "SERVFAIL", "SERVFAIL")
TIMEOUT = answer(ERROR, UNKNOWN, "timeout", "")


def states(sample: Sample) -> dict[str, State]:
    return {check.check: check.state for check in judge(sample)}


def with_answers(purpose: str, *answers: Answer) -> Sample:
    changes: dict[str, Any] = {purpose: answers}
    return replace(GOOD, **changes)


def test_a_validating_resolver_passes() -> None:
    checks = judge(GOOD)
    assert [check.check for check in checks] == ["signed name", "bogus name", "unsigned name", "denial", "tcp"]
    assert passed(checks)
    assert {check.subject for check in checks} == {"127.0.0.1:53"}
    assert all(check.advice == "" for check in checks)


@pytest.mark.parametrize(
    ("purpose", "row", "seen"),
    [
        ("signed", "signed name", answer(DATA, INSECURE)),  # does not validate, or AD was stripped
        ("signed", "signed name", answer(NODATA, SECURE)),  # a forged zone
        ("signed", "signed name", answer(DATA, UNKNOWN)),
        ("signed", "signed name", SERVFAIL),
        ("signed", "signed name", TIMEOUT),
        ("bogus", "bogus name", answer(DATA, INSECURE)),  # does not validate
        ("bogus", "bogus name", answer(DATA, SECURE)),  # AD set without validation
        ("bogus", "bogus name", SERVFAIL),  # fails with CD too: that shows nothing
        ("bogus", "bogus name", TIMEOUT),
        ("unsigned", "unsigned name", answer(DATA, SECURE)),  # AD set without validation
        ("unsigned", "unsigned name", SERVFAIL),
        ("unsigned", "unsigned name", answer(NXDOMAIN, SECURE)),
        ("denied", "denial", answer(NXDOMAIN, INSECURE)),  # denial not validated
        ("denied", "denial", answer(DATA, SECURE)),
        ("denied", "denial", SERVFAIL),
    ],
)
def test_a_purpose_that_is_not_shown_fails_in_its_row(purpose: str, row: str, seen: Answer) -> None:
    worse = with_answers(purpose, seen)
    assert {check for check, state in states(worse).items() if state is State.FAIL} == {row}
    assert not passed(judge(worse))
    (failed,) = (check for check in judge(worse) if check.state is State.FAIL)
    assert "name.example" in failed.text
    assert failed.advice
    better = with_answers(purpose, seen, *getattr(GOOD, purpose))
    assert passed(judge(better)), "one name that behaves is enough"
    assert not passed(judge(with_answers(purpose))), "what was not asked was not shown"


def test_absence_without_name_error_is_a_denial_too() -> None:
    """Online signers prove that a name has no such type where it does not exist (RFC 9824)."""
    assert passed(judge(replace(GOOD, denied=(answer(NODATA, SECURE),))))


def test_tcp_is_needed() -> None:
    """RFC 7766 section 5."""
    checks = judge(replace(GOOD, tcp="connection refused"))
    assert [check.check for check in checks if check.state is State.FAIL] == ["tcp"]
    assert checks[-1].text.endswith("connection refused")


def test_silence_has_other_advice_than_a_wrong_answer() -> None:
    silent = judge(replace(GOOD, signed=(TIMEOUT,)))[0]
    assert "is running" in silent.advice
    for wrong in (answer(DATA, INSECURE), SERVFAIL):
        assert "validating" in judge(replace(GOOD, signed=(wrong,)))[0].advice


def test_a_resolver_that_is_not_trusted_shows_nothing() -> None:
    (check,) = judge(replace(GOOD, trusted=False))
    assert (check.check, check.state) == ("trust", State.FAIL)
    assert "--trust-resolver" in check.advice


def test_a_warning_is_no_failure() -> None:
    rows = [Check("a", "b", state, "c") for state in State]
    assert passed(rows[:2])
    assert not passed(rows)


def test_denied_names_are_below_signed_ones() -> None:
    """An absence can be authenticated only in a signed zone."""
    names = PreflightNames()
    assert {name.partition(".")[2] for name in names.denied} <= set(names.signed)


# --- the clock ------------------------------------------------------------------------------------------------

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("window", "state"),
    [
        (Window(NOW - WEEK, NOW + WEEK), State.OK),
        (Window(NOW, NOW), State.OK),  # RFC 4034 section 3.1.5: both ends belong to it
        (Window(NOW + WEEK, NOW + 2 * WEEK), State.FAIL),
        (Window(NOW - 2 * WEEK, NOW - WEEK), State.FAIL),
        (None, State.WARN),
    ],
)
def test_clock(window: Window | None, state: State) -> None:
    check = clock(window, NOW, "127.0.0.1:53")
    assert check.state is state
    assert bool(check.advice) == (state is State.FAIL)


def reply(*records: str) -> Message:
    message = dns.message.make_response(dns.message.make_query(".", "DNSKEY"))
    for record in records:
        rtype, _, rdata = record.partition(" ")
        message.answer.append(dns.rrset.from_text(".", 60, "IN", rtype, rdata))
    return decode(message.to_wire())


def test_window_of_the_keys_signature() -> None:
    """Times as dnspython encodes them; the signature over another type does not count."""
    other = "RRSIG SOA 8 0 60 20300101000000 20290101000000 1 . AAAA"
    keys = "RRSIG DNSKEY 8 0 60 20260614235959 20260524000000 20326 . AAAA"
    window = Window(datetime(2026, 5, 24, tzinfo=UTC), datetime(2026, 6, 14, 23, 59, 59, tzinfo=UTC))
    assert window_of(reply(other, keys)) == window
    assert window_of(reply(other)) is None
    assert window_of(reply()) is None


@given(st.sampled_from((b"", b"\0\x30")), st.binary(max_size=64))
def test_any_octets_are_a_window_or_none(covered: bytes, rest: bytes) -> None:
    octets = covered + rest
    message = reply()._replace(answers=(Record(".", "RRSIG", 60, octets.hex()),))
    whole = octets.startswith(b"\0\x30") and len(octets) > 18
    assert (window_of(message) is not None) is whole
