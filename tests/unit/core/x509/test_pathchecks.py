"""The errors of a path in their order; whole paths against the openssl program are in test_dane and test_pkix."""

from datetime import timedelta

import pytest

from scanner.core.x509 import certificate, pathchecks
from scanner.core.x509.certificate import Certificate
from tests.differential import chains, signers
from tests.differential.chains import BC, EKU, NC, NOW, Draft, basic, uses
from tests.unit.core.x509.test_name_constraints import OTHER, permitted
from tests.unit.pki import CHAIN


def drafts() -> tuple[Draft, Draft, Draft]:
    top = chains.ca_draft("Root", signers.pair("p256"), None)
    middle = chains.ca_draft("CA", signers.pair("p256", 1), top)
    return chains.leaf_draft(signers.pair("p256", 9), middle), middle, top


def errors(path: list[Certificate], **options: int) -> list[tuple[int, int]]:
    found = pathchecks.check(path, NOW, security_level=options.get("level", 1))
    return [(error.num, error.depth) for error in found]


def path_of(*made: Draft) -> list[Certificate]:
    return [certificate.parse(draft.make()) for draft in made]


def test_an_accepted_path_is_judged_by_dates_and_strengths_alone() -> None:
    leaf, middle, top = drafts()
    leaf.end, middle.way = b"20200101000000Z", ""
    leaf.way = "sha1"
    assert errors(path_of(leaf, middle, top)) == [(68, 0), (10, 0)]
    assert errors(path_of(leaf, middle, top), level=0) == [(10, 0)]


def test_a_violation_near_the_leaf_is_found_behind_an_error_higher_up() -> None:
    leaf, middle, top = drafts()
    middle.put(EKU, uses(chains.CLIENT))
    top.put(NC, permitted(b"\x82\x0aother.test", b"\xa4" + bytes([len(OTHER)]) + OTHER), critical=True)
    assert errors(path_of(leaf, middle, top)) == [(47, 0), (26, 1), (47, 1)]


def test_an_error_that_only_openssl_finds_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    leaf, middle, top = drafts()
    middle.put(BC, basic(ca=False), critical=True)
    monkeypatch.setattr(pathchecks, "_extensions", lambda _path: ())
    assert (79, 1) in errors(path_of(leaf, middle, top))


def test_an_error_has_the_words_and_the_name_concerned() -> None:
    path = [certificate.parse(made.der) for made in CHAIN]
    missing, weak = pathchecks.path_error(20, 0, path), pathchecks.path_error(67, 1, path)
    assert (missing.text, missing.subject) == (
        "unable to get local issuer certificate",
        "/C=XX/O=Lab CA/CN=Lab Intermediate",
    )
    assert (weak.text, weak.subject) == ("CA certificate key too weak", "/C=XX/O=Lab CA/CN=Lab Intermediate")
    assert pathchecks.path_error(999, 0, path).text == "certificate verification error 999"


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0, 1, []), (1, 2, [(9, 0)]), (-1, 0, [(10, 0)]), (-2, -1, [(10, 0)])],
)
def test_the_first_second_is_valid_and_the_second_of_the_end_is_not(
    start: int, end: int, expected: list[tuple[int, int]]
) -> None:
    """Expected: openssl 3.0; RFC 5280 section 4.1.2.5 includes the second of notAfter, as OpenSSL 4 does."""
    leaf, middle, top = drafts()
    leaf.start, leaf.end = (NOW + timedelta(seconds=seconds) for seconds in (start, end))
    assert errors(path_of(leaf, middle, top)) == expected
