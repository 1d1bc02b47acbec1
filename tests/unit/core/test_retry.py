"""What a retry pass could change, and the probes of earlier passes."""

from dataclasses import replace

import pytest

from scanner.core import retry
from scanner.facts import Failure, Probe, TLSALookup
from scanner.model import EndpointReport
from scanner.reasons import Reason
from scanner.vocabulary import Dane, FailureKind, Outcome, Phase, Security
from tests.unit import records

FAILED = records.answer("mx1.example", "A", outcome=Outcome.ERROR, security=Security.INDETERMINATE)
BOGUS = replace(FAILED, security=Security.BOGUS)


def failed(phase: str, kind: str, code: int | None = None, text: str = "") -> Probe:
    return records.probe(handshake=None, failure=Failure(Phase(phase), FailureKind(kind), code, text))


@pytest.mark.parametrize(
    ("phase", "kind", "code", "text", "expected"),
    [
        ("connect", "timeout", None, "", True),
        ("connect", "refused", 111, "", True),
        ("connect", "held-back", None, "", True),
        ("connect", "local", None, "", False),
        ("greeting", "rejected", 421, "", True),
        ("greeting", "rejected", 554, "", True),  # it may be about this scanner
        ("ehlo", "rejected", 502, "", False),
        ("ehlo", "rejected", 550, "5.7.1 policy", True),
        ("starttls", "rejected", 454, "", True),
        ("starttls", "rejected", 554, "", False),
        ("ehlo", "garbage", None, "", False),
        ("handshake", "tls", None, "", False),
        ("handshake", "reset", None, "", False),
        ("handshake", "timeout", None, "", True),
        ("ehlo-tls", "closed", None, "", True),
        ("quit", "closed", None, "", False),
    ],
)
def test_which_probes_another_connection_could_change(
    phase: str,
    kind: str,
    code: int | None,
    text: str,
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:  # verdicts: cases 5, 17 and 22; RFC 5321 section 4.2.1 for 4xx and 5xx
    assert retry.of_probe(failed(phase, kind, code, text)) is expected


@pytest.mark.parametrize(
    ("kind", "expected"), [(kind, kind in ("resources", "local", "internal")) for kind in FailureKind]
)
def test_reports_that_our_side_spoiled(kind: FailureKind, expected: bool) -> None:  # noqa: FBT001 - a table's column
    report = records.report(endpoints=(EndpointReport("192.0.2.1", (failed("connect", kind),)),))
    assert retry.spoiled_here(report) is expected


def test_a_probe_without_failure_is_not_retried() -> None:
    assert not retry.of_probe(records.probe())


@pytest.mark.parametrize(
    ("dane", "reason", "expected"),
    [
        (None, None, False),
        (Dane.LOOKUP_FAILED, Reason.TLSA_LOOKUP_FAILED, True),
        (Dane.LOOKUP_FAILED, Reason.TLSA_BOGUS, False),
    ],
)
def test_a_failed_tlsa_lookup_is_retried_and_a_bogus_one_is_not(
    dane: Dane | None,
    reason: Reason | None,
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    report = records.report(tlsa=TLSALookup("mx1.example", (), dane, reason), aaaa=None)
    assert retry.of_host(report) is expected


def test_address_lookups_are_retried_unless_they_are_bogus() -> None:
    assert retry.of_host(records.report(a=FAILED))
    assert not retry.of_host(records.report(a=BOGUS))
    assert retry.of_route(records.route(mx=FAILED))
    assert not retry.of_route(records.route(mx=BOGUS))
    assert not retry.of_route(records.route(mx=None))


def test_an_address_without_a_connection_counts_only_where_no_address_has_one() -> None:
    dead = EndpointReport("2001:db8::1", (records.refused(),))
    assert not retry.of_host(records.report())  # its IPv4 address is conclusive, its IPv6 address refuses
    assert retry.of_host(records.report(endpoints=(dead,)))


def test_probes_of_earlier_passes_are_kept_up_to_a_limit() -> None:
    report = records.report()
    probes = []
    for second in range(retry.EARLIER + 1):
        probes.append(replace(records.refused(), ms={"connect": float(second)}))
        later = records.report(endpoints=(EndpointReport("2001:db8::1", (probes[-1],)),))
        report = retry.with_earlier(later, report)
    (end,) = report.endpoints
    assert end.probes == (probes[-1],)
    assert end.earlier == (*probes[:-1],)[-retry.EARLIER :]
