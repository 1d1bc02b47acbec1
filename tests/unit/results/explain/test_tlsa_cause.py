"""Causes for which a TLSA record does not match (RFC 6698 section 2.1, RFC 7671 sections 5, 9, RFC 7672 section 3)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.explain.tlsa_cause import CAUSES, Cause, SeenCertificate, search
from scanner.facts import TLSARecord
from scanner.vocabulary import Unusable
from tests.unit import pki
from tests.unit.pki import CHAIN, INTER, LEAF, ROOT, tlsa

FACTS = pki.chain(*CHAIN)
STRANGER = replace(pki.ROOT_PLAN, subject=pki.name("Stranger"), private=pki.key("stranger")).make()
WRONG = tlsa(3, 1, 1, STRANGER)


def fields(record: TLSARecord, usage: int, selector: int, matching_type: int) -> TLSARecord:
    """Return a record with the same data and other fields."""
    return replace(record, usage=usage, selector=selector, matching_type=matching_type)


@pytest.mark.parametrize(
    ("record", "cause", "right"),
    [
        (tlsa(3, 1, 1, LEAF), Cause.MATCHES, (3, 1, 1)),
        (tlsa(2, 0, 2, ROOT), Cause.MATCHES, (2, 0, 2)),
        (tlsa(3, 0, 0, LEAF), Cause.MATCHES, (3, 0, 0)),
        (fields(tlsa(3, 1, 1, LEAF), 3, 0, 1), Cause.WRONG_SELECTOR, (3, 1, 1)),
        (fields(tlsa(3, 0, 1, LEAF), 3, 1, 1), Cause.WRONG_SELECTOR, (3, 0, 1)),
        (fields(tlsa(3, 1, 2, LEAF), 3, 1, 1), Cause.WRONG_MATCHING_TYPE, (3, 1, 2)),
        (fields(tlsa(3, 1, 0, LEAF), 3, 1, 1), Cause.WRONG_MATCHING_TYPE, (3, 1, 0)),
        (fields(tlsa(3, 1, 1, LEAF), 3, 1, 7), Cause.WRONG_MATCHING_TYPE, (3, 1, 1)),
        (fields(tlsa(2, 1, 1, INTER), 3, 1, 1), Cause.ISSUER_AS_SERVER, (2, 1, 1)),
        (fields(tlsa(3, 1, 1, LEAF), 2, 1, 1), Cause.SERVER_AS_ISSUER, (3, 1, 1)),
        (fields(tlsa(3, 1, 1, LEAF), 1, 1, 1), Cause.PKIX_USAGE, (3, 1, 1)),
        (fields(tlsa(2, 0, 1, ROOT), 0, 0, 1), Cause.PKIX_USAGE, (2, 0, 1)),
        (fields(tlsa(2, 1, 2, ROOT), 3, 0, 1), Cause.WRONG_FIELDS, (2, 1, 2)),
        (WRONG, Cause.UNKNOWN_DIGEST, (-1, -1, -1)),
        (tlsa(2, 1, 1, STRANGER), Cause.ANCHOR_NOT_IN_CHAIN, (-1, -1, -1)),
        (TLSARecord(1, 1, 1, "5a" * 32, Unusable.USAGE), Cause.PKIX_USAGE, (-1, -1, -1)),
        (TLSARecord(3, 1, 1, "5a", Unusable.DIGEST_LENGTH), Cause.MALFORMED, (-1, -1, -1)),
    ],
)
def test_the_cause_and_the_right_fields_of_a_record(
    record: TLSARecord, cause: Cause, right: tuple[int, int, int]
) -> None:
    (found,) = search([record], FACTS, {})
    assert found.cause is cause
    assert (found.usage, found.selector, found.matching_type) == right
    assert found.words.endswith(".")


def test_a_stronger_digest_outranks_a_record_that_matches() -> None:
    wrong = replace(tlsa(3, 1, 2, LEAF), data="5a" * 64)
    found = search([tlsa(3, 1, 1, LEAF), wrong], FACTS, {})
    assert [finding.cause for finding in found] == [Cause.OUTRANKED, Cause.UNKNOWN_DIGEST]


@pytest.mark.parametrize(
    ("record", "seen", "cause"),
    [
        (WRONG, SeenCertificate("/CN=old", datetime(2026, 8, 1, tzinfo=UTC), by_host=True), Cause.PREVIOUS_CERTIFICATE),
        (WRONG, SeenCertificate("/CN=other"), Cause.OF_ANOTHER_HOST),
        (WRONG, SeenCertificate("/CN=second", by_host=True), Cause.OF_ANOTHER_SESSION),
        (tlsa(2, 1, 1, STRANGER), SeenCertificate("/CN=CA"), Cause.ANCHOR_KNOWN_NOT_SENT),
    ],
)
def test_certificates_of_other_hosts_and_runs(record: TLSARecord, seen: SeenCertificate, cause: Cause) -> None:
    (found,) = search([record], FACTS, {record.data: seen})
    assert found.cause is cause
    assert seen.subject in found.words


def test_a_previous_certificate_with_its_run() -> None:
    seen = SeenCertificate("/CN=old", datetime(2026, 8, 1, 6, tzinfo=UTC), by_host=True)
    assert "sent in the run of 2026-08-01 06:00 UTC" in search([WRONG], FACTS, {WRONG.data: seen})[0].words


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.binary(max_size=70))
def test_any_record_gets_an_answer(usage: int, selector: int, matching_type: int, data: bytes) -> None:
    (found,) = search([TLSARecord(usage, selector, matching_type, data.hex())], FACTS, {})
    assert found.words


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            fields(tlsa(3, 1, 1, LEAF), 2, 0, 1),
            "but it has usage 2 (DANE-TA, for an issuer) instead of 3 and selector 0 (certificate) instead of 1.",
        ),
        (fields(tlsa(3, 1, 1, LEAF), 3, 1, 7), "but it has matching type 7 (unassigned) instead of 1."),
        (TLSARecord(1, 1, 1, "5a" * 32), "has usage 1, which SMTP does not use (RFC 7672 section 3.1.3)."),
    ],
)
def test_the_sentence(record: TLSARecord, expected: str) -> None:
    (found,) = search([record], FACTS, {})
    assert found.words.startswith(f"The TLSA record {record.usage} {record.selector} {record.matching_type} ")
    assert found.words.endswith(expected)


def test_every_cause_has_words() -> None:
    assert set(CAUSES) == set(Cause)
