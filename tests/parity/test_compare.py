"""The comparison finds a difference of one word."""

import pytest

from tests.parity.cases import PairCase
from tests.parity.compare import Outcome, PairVerdict, compare, records
from tests.parity.normaliser import ROWS, normalise
from tests.parity.randomised.run import ComparedPair

NAP = "mx.test[192.0.2.1]:25"
OLD = f"{NAP}: subject_CN=mx.test, issuer_CN=CA, fingerprint=AA:BB, pkey_fingerprint=CC:DD"
NEW = f"{NAP}: subject_CN=mx.test, issuer=CA, cert fingerprint=AA:BB, pkey fingerprint=CC:DD"
SUMMARY = f"TLS connection established to {NAP}: TLSv1.3 with cipher X (256/256 bits) key-exchange"
PAIR = PairCase("x", ("x.test",))
MORE = PairCase("x", ("x.test",), ("-v",))


def outcome(*lines: str, status: int = 0, err: str = "") -> Outcome:
    return {"status": status, "out": "".join(f"posttls-finger: {line}\n" for line in lines), "err": err}


def test_what_is_equal_needs_no_row() -> None:
    assert compare(PAIR, outcome("a"), outcome("a")).rows == ()


def test_the_place_of_the_chain_does_not_count() -> None:
    chain = "\n---\nCertificate chain\n 0 subject: x\n-----END CERTIFICATE-----\n"
    ours = {"status": 0, "out": f"posttls-finger: a\nposttls-finger: > QUIT\n{chain}", "err": ""}
    cut = chain.replace("TE-----", "TE-posttls-finger: > QUIT\n----")
    assert compare(PAIR, {"status": 0, "out": f"posttls-finger: a\n{cut}", "err": ""}, ours).difference == ""


def test_names_of_a_host_before() -> None:
    failed = "Failed to establish session to x.test via mx0.test"
    debian, ours = (f"{NAP}: subject_CN={name}, issuer=CA, cert" for name in ("", "mx.test"))
    assert compare(PAIR, outcome(failed, debian), outcome(failed, ours)).rows == ("names of a host before",)
    assert compare(PAIR, outcome(debian), outcome(ours)).difference


def test_what_a_row_forgives() -> None:
    debian = outcome(OLD, f"Verified {SUMMARY} X25519")
    verdict = compare(PAIR, debian, outcome(NEW, f"Verified {SUMMARY} x25519"))
    assert (verdict.difference, verdict.rows) == ("", ("peer line", "group"))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (outcome("a"), outcome("b")),
        (outcome("a"), outcome("a", status=1)),
        (outcome("a"), outcome("a", err="usage: \n")),
        (outcome("a", "b"), outcome("b", "a")),
        (outcome("a", "b"), outcome("a")),
        (outcome("a"), outcome("a", "a")),
        (outcome(OLD), outcome(NEW.replace("CC:DD", "CC:DE"))),
        (outcome(OLD), outcome(NEW.replace("issuer=CA", "issuer=CB"))),
        (outcome(f"Verified {SUMMARY} X25519"), outcome(f"Trusted {SUMMARY} x25519")),
        (outcome(f"Untrusted {SUMMARY} X25519"), outcome(f"Trusted {SUMMARY} x25519")),
        (outcome("fatal: a"), outcome("a")),
        (outcome("warning: DANE TLSA lookup problem: a"), outcome("warning: DANE TLSA lookup problem: b")),
        (outcome("warning: a", "warning: a"), outcome("warning: a")),
        (outcome("save session [a]"), outcome("no session")),
    ],
)
def test_what_no_row_forgives(left: Outcome, right: Outcome) -> None:
    assert compare(PAIR, left, right).difference


def test_more_lines_are_allowed_where_more_was_asked_for() -> None:
    assert not compare(MORE, outcome("a", "b"), outcome("v", "a", "v", "b")).difference
    assert compare(MORE, outcome("a", "b"), outcome("b", "a")).difference
    assert compare(MORE, outcome("a", "b"), outcome("a", "v")).difference
    assert compare(MORE, outcome("a"), outcome("a", "v", status=1)).difference


def test_each_row_leaves_equal_lines_equal() -> None:
    lines = [NEW, f"Trusted {SUMMARY} x25519", "warning: TLS library problem: error:0A:SSL:tls alert x:::", "> QUIT"]
    for row in ROWS:
        left, right = row.change(list(lines), list(lines))
        assert normalise(left, right)[0] == normalise(left, right)[1], row.name


def test_records_of_a_dump() -> None:
    theirs = [
        "write to 55AA [55BB] (9 bytes => 9 (0x9))",
        "0000 16 03 01 00 04 01 00 00|00  ........ .",
        "read from 55AA [55CC] (5 bytes => -1)",
        "read from 55AA [55CC] (5 bytes => 5 (0x5))",
        "0000 17 03 03 00 03  .....",
        "read from 55AA [55CC] (3 bytes => 3 (0x3))",
        "0000 aa  .",
        "0003 - <SPACES/NULLS>",
    ]
    assert list(records(outcome(*theirs))) == ["write to 0x16 ClientHello", "read from 0x17 8"]


@pytest.mark.parametrize(
    ("differences", "equal", "unsteady", "difference"),
    [
        (("",), True, False, ""),
        (("a", ""), True, False, ""),
        (("a", "b", ""), True, False, ""),
        (("a", "a", "a"), False, False, "a"),
        (("a", "b", "a"), False, True, ""),
    ],
)
def test_a_random_pair_with_several_attempts(
    differences: tuple[str, ...], *, equal: bool, unsteady: bool, difference: str
) -> None:
    pair = ComparedPair("random-1-1", ("x.test",), tuple(PairVerdict(text) for text in differences))
    assert (pair.equal, pair.unsteady, pair.difference) == (equal, unsteady, difference)
