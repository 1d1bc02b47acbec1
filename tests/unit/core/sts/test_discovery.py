"""Whether a sender without a cached policy finds one: each cause with its state, its reason and the need of a retry."""

from dataclasses import replace

import pytest

from scanner.core.sts.discovery import discovery, with_response, worth_retry
from scanner.facts import Failure
from scanner.reasons import TLSRPT, Reason
from scanner.sts import PolicyFetch, STSReport
from scanner.vocabulary import DomainSTS, FailureKind, Outcome, Phase, Pkix, Security, TXTRecord
from tests.unit import sts
from tests.unit.fakes import DOMAIN, V4, addresses, failed, missing, rows
from tests.unit.pki import NOW

GOOD = sts.policy()


def why(report: STSReport) -> str:
    """Return state, reasons and retry of a report as text."""
    found = discovery(report)
    return " ".join([found.why or "found", *found.reasons, *(["again"] if worth_retry(report) else [])])


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (sts.record(outcome=Outcome.NXDOMAIN), "none"),
        (sts.record('"v=spf1 -all"'), "none"),
        (sts.record('"v=STSv1; id=1"', '"v=STSv1; id=2"'), "invalid sts-record-multiple"),
        (sts.record('"v=STSv1; id=-"'), "invalid sts-record-invalid"),
        (sts.record(outcome=Outcome.ERROR), "lookup_failed sts-lookup-failed again"),  # tlspol#4, #82
        (replace(sts.record(), record=TXTRecord.UNKNOWN), "unknown"),
    ],
)
def test_by_the_record(report: STSReport, expected: str) -> None:
    assert why(report) == expected


def test_a_bogus_record_is_conclusive_for_this_scan() -> None:
    bogus = failed(f"_mta-sts.{DOMAIN}", "TXT", Security.BOGUS)
    report = replace(sts.record(outcome=Outcome.ERROR), txt=bogus)
    assert why(report) == "lookup_failed sts-lookup-failed"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (missing(sts.HOST), "invalid sts-fetch-failed"),  # mailstrom#213: a record without a policy host
        (missing(sts.HOST, Outcome.NODATA), "invalid sts-fetch-failed"),
        (rows(failed(sts.HOST, "A"), failed(sts.HOST, "AAAA")), "lookup_failed sts-lookup-failed again"),
        (missing(sts.HOST) | rows(failed(sts.HOST, "AAAA")), "lookup_failed sts-lookup-failed again"),
    ],
)
def test_a_policy_host_without_an_address(answers: dict, expected: str) -> None:  # type: ignore[type-arg]
    report = replace(sts.record(), a=answers[sts.HOST, "A"], aaaa=answers[sts.HOST, "AAAA"])
    assert why(report) == expected


def test_a_policy_host_that_was_not_looked_up() -> None:
    assert why(sts.record()) == "unknown"


@pytest.mark.parametrize("reason", [Reason.ADDRESS_NOT_PUBLIC, Reason.OPTED_OUT, Reason.NO_ROUTE])
def test_an_address_that_was_not_contacted(reason: Reason) -> None:  # dmarq PR #185
    report = sts.report(fetch=PolicyFetch(V4, NOW, {}, reason=reason))
    assert why(report) == f"unknown {reason}"


@pytest.mark.parametrize(
    ("phase", "kind", "expected"),
    [
        (Phase.CONNECT, FailureKind.REFUSED, "lookup_failed sts-fetch-failed again"),
        (Phase.CONNECT, FailureKind.TIMEOUT, "lookup_failed sts-fetch-failed again"),
        (Phase.HANDSHAKE, FailureKind.RESET, "lookup_failed sts-fetch-failed again"),
        (Phase.HANDSHAKE, FailureKind.TLS, "invalid sts-fetch-failed"),
        (Phase.HANDSHAKE, FailureKind.TOO_LONG, "invalid sts-fetch-failed"),
        (Phase.HTTP, FailureKind.GARBAGE, "invalid sts-fetch-failed"),
        (Phase.HTTP, FailureKind.TOO_LONG, "invalid sts-fetch-too-long"),
        (Phase.HTTP, FailureKind.CLOSED, "lookup_failed sts-fetch-failed again"),
        (Phase.HTTP, FailureKind.TIMEOUT, "lookup_failed sts-fetch-failed again"),
        (Phase.HANDSHAKE, FailureKind.UNDECODABLE, "unknown local-limit"),
        (Phase.CONNECT, FailureKind.LOCAL, "unknown local-limit"),
        (Phase.CONNECT, FailureKind.RESOURCES, "unknown local-limit again"),
        (Phase.HTTP, FailureKind.INTERNAL, "unknown internal"),
    ],
)
def test_a_failed_fetch(phase: Phase, kind: FailureKind, expected: str) -> None:
    assert why(sts.failed(Failure(phase, kind))) == expected


@pytest.mark.parametrize(
    ("pkix", "name_match", "text"),
    [
        (Pkix.UNTRUSTED, True, "certificate has expired"),
        (Pkix.TRUSTED, False, f"the certificate is not for {sts.HOST}"),
    ],
)
def test_a_certificate_that_no_sender_accepts(pkix: Pkix, name_match: bool, text: str) -> None:  # noqa: FBT001 - a row
    fetch = replace(sts.FETCH, status=None, pkix=pkix, name_match=name_match, pkix_error="certificate has expired")
    assert why(sts.report(fetch=fetch)) == "invalid sts-certificate-invalid"
    assert discovery(sts.report(fetch=fetch)).text == text


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, "found"),
        (301, "invalid sts-fetch-redirect"),  # smtp-sts#61: redirects are not followed
        (302, "invalid sts-fetch-redirect"),
        (308, "invalid sts-fetch-redirect"),
        (404, "invalid sts-fetch-status"),
        (204, "invalid sts-fetch-status"),
        (429, "lookup_failed sts-fetch-status again"),
        (503, "lookup_failed sts-fetch-status again"),
    ],
)
def test_a_status(status: int, expected: str) -> None:
    assert why(sts.report(GOOD, replace(sts.FETCH, status=status))) == expected


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("text/plain", "found"),
        ("Text/Plain", "found"),
        ("text/html", "found sts-media-type"),  # starttls-backend#191: a note, not a failure
        ("application/octet-stream", "found sts-media-type"),
        ("", "found sts-media-type"),
    ],
)
def test_a_media_type(media_type: str, expected: str) -> None:
    assert why(sts.report(GOOD, replace(sts.FETCH, media_type=media_type))) == expected


def test_a_body_that_is_no_policy() -> None:
    report = sts.report(b"<html>")
    assert (why(report), report.body, report.policy) == ("invalid sts-policy-invalid", "<html>", None)
    assert discovery(report).text == "'<html>' is not a field"


def test_a_failure_after_the_status_hides_the_incomplete_body() -> None:
    cut = replace(sts.FETCH, failure=Failure(Phase.HTTP, FailureKind.CLOSED))
    assert with_response(sts.record(), (cut,), GOOD[:40]).body == ""


def test_the_last_fetch_decides() -> None:
    refused = PolicyFetch("192.0.2.9", NOW, {}, failure=Failure(Phase.CONNECT, FailureKind.REFUSED))
    report = with_response(replace(sts.record(), **_found()), (refused, sts.FETCH), GOOD)  # type: ignore[arg-type]
    assert why(report) == "found"


def _found() -> dict[str, object]:
    answers = addresses(sts.HOST, V4)
    return {"a": answers[sts.HOST, "A"], "aaaa": answers[sts.HOST, "AAAA"]}


def test_the_result_types_of_rfc_8460() -> None:
    types = {TLSRPT.STS_POLICY_FETCH_ERROR, TLSRPT.STS_POLICY_INVALID, TLSRPT.STS_WEBPKI_INVALID}
    assert {reason.tlsrpt for reason in Reason if reason.startswith("sts-")} >= types


def test_every_state_without_a_policy_has_a_place() -> None:
    assert {discovery(replace(sts.record(), record=state)).why for state in TXTRecord} == {
        DomainSTS.NONE, DomainSTS.INVALID, DomainSTS.LOOKUP_FAILED, DomainSTS.UNKNOWN,
    }  # fmt: skip
