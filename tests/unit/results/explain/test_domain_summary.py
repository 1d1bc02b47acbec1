"""The verdict of one domain as text."""

from dataclasses import replace

import pytest

from results.explain.domain_summary import in_words
from results.render import words
from results.store.line_sink import summary_of
from scanner.facts import TLSARecord
from scanner.model import DaneEvidence, DomainRecord, EndpointReport, PathError, Route
from scanner.reasons import TLSRPT, Reason
from scanner.vocabulary import DomainDane, DomainOutcome, DomainStartTLS, Security, Sender, Unusable
from tests.unit import records
from tests.unit.records import DIGEST
from tests.unit.results.hostile import assert_harmless, console, hostile_domain, printed


def shown(record: DomainRecord, width: int = 80) -> str:
    to = console(width)
    in_words(record, to)
    return printed(to)


def test_hostile_text_is_escaped() -> None:
    text = shown(hostile_domain())
    assert_harmless(text)
    assert max(map(len, text.splitlines())) <= 80


def test_a_protected_domain() -> None:
    record = records.domain(reports=(records.report(),), certificates={DIGEST: summary_of(records.cert())})
    assert shown(record, 100).splitlines() == [
        "a.example: at level dane, a sender delivers over TLS to an authenticated server.",
        "  Delivery: mail is delivered.",
        "  STARTTLS: TLS works at every MX host (all).",
        "  DANE: every MX host that answers matches its TLSA records (protected).",
        "",
        "MX records (DNSSEC-signed)",
        "   10 mx1.example  DANE matches",
        "      some addresses of the host accepted no connection (some-addresses-unreachable)",
        "      TLSA 3 1 1 c3c3c3c3c3c3c3c3...",
        "      192.0.2.1  TLS, verified",
        "        TLSv1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768",
        "        certificate /CN=mx1.example, valid until 2026-09-29",
        "        TLSA 3 1 1 c3c3c3c3c3c3c3c3... matches the server's certificate",
        "      2001:db8::1  could not be judged",
        "        the TCP connection was refused (connection-refused)",
        '        "Connection refused"',
        "      2001:db8::2  not contacted: the host or domain has more addresses than the scan examines",
    ]


def test_a_host_that_was_not_probed_names_the_probed_host() -> None:
    report = records.report(inferred={"from": "mx9.example:25/smtp"})
    host = records.host_verdict(reasons=(Reason.INFERRED_FROM_SAMPLE,))
    text = shown(records.domain(hosts=(host,), reports=(report,)), 150)
    assert "not probed: the connections are those of the MX host mx9.example:25/smtp" in text
    assert "(inferred-from-sample)" in text


def test_without_reports_only_verdicts_are_shown() -> None:
    text = shown(records.domain())
    assert "192.0.2.1  TLS, verified" in text
    assert "TLSA 3 1 1" not in text


def test_a_domain_without_mail() -> None:
    verdict = records.verdict(
        outcome=DomainOutcome.NO_MAIL,
        sender=Sender.BOUNCE,
        dane=DomainDane.NO_MAIL,
        starttls=DomainStartTLS.NO_MAIL,
        reasons=(Reason.NULL_MX,),
        text=words.of_reason("null-mx"),
    )
    route = Route((), records.answer("a.example", "MX", "0 ."), final=Reason.NULL_MX)
    text = shown(records.domain(route=route, hosts=(), verdict=verdict), 100)
    assert text.splitlines() == [
        "a.example: at level dane, a sender returns the mail: no server accepts mail for this domain.",
        "  the domain accepts no mail (null MX, RFC 7505) (null-mx)",
    ]


def test_a_failed_lookup() -> None:
    verdict = records.verdict(
        outcome=DomainOutcome.FAIL,
        sender=Sender.DEFER,
        dane=DomainDane.LOOKUP_FAILED,
        starttls=DomainStartTLS.UNKNOWN,
        reasons=(Reason.MX_BOGUS,),
        tlsrpt=(TLSRPT.DNSSEC_INVALID,),
        text="signature expired",
    )
    text = shown(records.domain(route=Route((), final=Reason.MX_BOGUS), hosts=(), verdict=verdict))
    assert "delivers nothing now and tries again later" in text
    assert "STARTTLS: it is not known whether TLS works at every MX host (unknown)." in text
    assert "DNSSEC validation of the MX RRset fails (mx-bogus)" in text
    assert '"signature expired"' in text
    assert "TLSRPT result types: dnssec-invalid" in text


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (records.evidence(), "matches the server's certificate"),
        (records.evidence(depth=1, record=TLSARecord(2, 1, 1, "dd")), "TLSA 2 1 1 dd matches the issuer at depth 1"),
        (records.evidence(bare_key=True, depth=2), "matches the key that signed the top of the chain"),
        (
            records.evidence(errors=(PathError(10, 0, "certificate has expired"),)),
            "matches the server's certificate, but: certificate has expired",
        ),
    ],
)
def test_the_match_is_shown(evidence: DaneEvidence, expected: str) -> None:
    endpoint = EndpointReport("192.0.2.1", (records.probe(),), evidence)
    record = records.domain(reports=(records.report(endpoints=(endpoint,)),))
    assert expected in shown(record, 120)


def test_an_unusable_record_is_shown() -> None:
    unusable = TLSARecord(3, 1, 3, "00", Unusable.MATCHING_TYPE)
    report = records.report(tlsa=replace(records.report().tlsa, records=(unusable,)))
    assert "TLSA 3 1 3 00  cannot be used: matching-type" in shown(records.domain(reports=(report,)))


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (records.route(), "MX records (DNSSEC-signed)"),
        (
            records.route(mx=replace(records.answer("a.example", "MX"), security=Security.INSECURE)),
            "MX records (not DNSSEC-signed)",
        ),
        (records.route(reasons=(Reason.IMPLICIT_MX,)), "Mail host (no MX record: DNSSEC-signed)"),
    ],
)
def test_the_mx_records_are_shown(route: Route, expected: str) -> None:
    assert expected in shown(records.domain(route=route))


def test_a_route_without_mx_lookup_has_no_mx_line() -> None:
    assert "MX records" not in shown(records.domain(route=records.route(mx=None)))


@pytest.mark.parametrize("width", [60, 80])
def test_a_long_verdict_is_folded_with_an_indent(width: int) -> None:
    text = shown(records.domain(), width)
    first, second, *_ = text.splitlines()
    assert first.startswith("a.example: at level dane, a sender")
    assert second.startswith("  ")
    assert not second.startswith("   ")
