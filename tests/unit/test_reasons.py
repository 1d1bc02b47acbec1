"""Reason codes: their spelling, the form of their meanings, and their result types of RFC 8460 section 4.3."""

import re

import pytest

from scanner.reasons import TLSRPT, Reason

HERE = (
    Reason.DNS_INDETERMINATE,
    Reason.NO_ROUTE,
    Reason.ADDRESS_NOT_PUBLIC,
    Reason.ADDRESS_LIMIT,
    Reason.HOST_LIMIT,
    Reason.FAMILY_EXCLUDED,
    Reason.OPTED_OUT,
    Reason.CERTIFICATE_UNDECODABLE_HERE,
    Reason.DH_PRIME_TOO_LARGE,
    Reason.OUR_ADDRESS_BANNED,
    Reason.HELD_BACK,
    Reason.LOCAL_LIMIT,
    Reason.INTERRUPTED,
    Reason.INTERNAL,
)
"""Reasons whose cause is the scanner, its machine or its settings."""


@pytest.mark.parametrize("code", [*Reason, *TLSRPT])
def test_a_code_is_spelled_as_its_member(code: Reason | TLSRPT) -> None:
    assert code.value == code.name.lower().replace("_", "-")


@pytest.mark.parametrize("reason", Reason)
def test_a_meaning_can_follow_a_colon(reason: Reason) -> None:
    words = reason.words
    assert re.fullmatch(r"(?:[a-z]|MX |TLSA |DNSSEC |DANE )[ -~]*[^.]", words), words


@pytest.mark.parametrize(
    ("result", "reasons"),
    [
        (TLSRPT.STARTTLS_NOT_SUPPORTED, "ehlo-rejected starttls-not-offered starttls-refused sts-host-no-tls"),
        (TLSRPT.CERTIFICATE_HOST_MISMATCH, "name-mismatch sts-host-name-mismatch"),
        (TLSRPT.CERTIFICATE_EXPIRED, "certificate-expired"),
        (TLSRPT.CERTIFICATE_NOT_TRUSTED, "certificate-not-yet-valid certificate-not-trusted sts-host-untrusted"),
        (TLSRPT.TLSA_INVALID, "tlsa-unusable-usage tlsa-unusable-data"),
        (TLSRPT.DNSSEC_INVALID, "mx-bogus address-bogus tlsa-bogus"),
        (TLSRPT.DANE_REQUIRED, "level-not-met"),
        (
            TLSRPT.VALIDATION_FAILURE,
            """
            tlsa-mismatch certificate-weak certificate-invalid no-certificate tls-handshake-failed
            other-certificate-mismatch
            tls-message-too-long tls-legacy-only tls-weak-only tls-anonymous sts-mx-mismatch
            """,
        ),
        (
            TLSRPT.STS_POLICY_FETCH_ERROR,
            "sts-fetch-failed sts-fetch-redirect sts-fetch-status sts-fetch-too-long",
        ),
        (TLSRPT.STS_POLICY_INVALID, "sts-policy-invalid"),
        (TLSRPT.STS_WEBPKI_INVALID, "sts-certificate-invalid"),
    ],
)
def test_reasons_of_a_result_type(result: TLSRPT, reasons: str) -> None:
    assert {reason.value for reason in Reason if reason.tlsrpt is result} == set(reasons.split())


@pytest.mark.parametrize("reason", HERE)
def test_causes_at_the_scanner_are_no_result_of_the_peer(reason: Reason) -> None:
    assert reason.tlsrpt is None
