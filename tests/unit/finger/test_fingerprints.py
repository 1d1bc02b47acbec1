"""The fingerprint level. Expected results: Debian's posttls-finger 3.7.11; for ``-x``, its manual page."""

import hashlib

import pytest

from scanner.finger.fingerprints import input_lines, match, parse
from tests.unit.pki import Plan, key, name

LEAF = Plan(name("mx.test"), key("leaf")).make()
CERT = hashlib.sha256(LEAF.der).hexdigest()
KEY = hashlib.sha256(LEAF.spki).hexdigest()


@pytest.mark.parametrize(
    "digest", [CERT, KEY, KEY.upper(), bytes.fromhex(KEY).hex(":"), f"{KEY[:2]}:{KEY[2:]}"], ids=range(5)
)
def test_certificate_and_key_both_match(digest: str) -> None:
    arguments = ["00" * 32, digest]
    records = parse(arguments, "sha256")
    assert input_lines(arguments) == []
    assert match(records, LEAF.facts, "sha256").errors == ()


@pytest.mark.parametrize(("digest", "errors"), [(KEY, []), (CERT, [65])], ids=["key", "certificate"])
def test_who_takes_raw_keys_matches_keys_alone(digest: str, errors: list[int]) -> None:
    records = parse([digest], "sha256", key_only=True)
    assert [error.num for error in match(records, LEAF.facts, "sha256").errors] == errors


@pytest.mark.parametrize(
    ("argument", "shown"),
    [("zz", "zz"), ("aab", "aab"), (f"{KEY}:", f"{KEY}:"), ("a" * 191, "a" * 191), ("a" * 200, "a" * 100 + "...")],
    ids=["no-hex", "odd", "colon", "191", "200"],
)
def test_malformed_values_are_reported_and_ignored(argument: str, shown: str) -> None:
    assert parse([argument], "sha256") == ()
    assert input_lines([argument]) == [f"warning: malformed fingerprint value: {shown}"]


def test_an_empty_value_is_none() -> None:
    assert parse([""], "sha256") == ()
    assert input_lines([""]) == []


def test_public_keys_are_tried_first_and_the_last_argument_stands_first() -> None:
    """As Debian's 3.7.11 prints unusable records and the record that matched."""
    records = parse(["aa", CERT, KEY], "sha256")
    assert [(r.selector, r.data) for r in records] == [
        (1, KEY), (0, KEY), (1, CERT), (0, CERT), (1, "aa"), (0, "aa"),
    ]  # fmt: skip
    hit = match(records, LEAF.facts, "sha256").record
    assert hit is not None
    assert (hit.selector, hit.data) == (1, KEY)


def test_digests_of_another_length_make_verification_fail() -> None:
    records = parse(["aabb"], "sha256")
    assert [error.num for error in match(records, LEAF.facts, "sha256").errors] == [1]


def test_no_digest_matches_nothing() -> None:
    """Postfix verifies the chain then, and with ``-F`` reports Verified though no fingerprint was given."""
    assert [error.num for error in match((), LEAF.facts, "sha256").errors] == [65]
