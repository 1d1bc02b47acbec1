"""Why a TLSA record does not match, and what would: RFC 6698 section 2.1, RFC 7671 sections 5 and 9, RFC 7672 3."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.explain.cause import Case, Explanation, explain, main_reason, owner_of, ready_records, reply_of
from results.explain.tlsa_cause import Cause, SeenCertificate, search
from scanner.core.dane import match
from scanner.facts import Failure, Reply, TLSALookup, TLSARecord
from scanner.model import EndpointReport, HostReport, PathError
from scanner.reasons import Reason
from scanner.vocabulary import Dane, FailureKind, Phase, StartTLS, Unusable
from tests.unit import pki, records
from tests.unit.pki import CHAIN, HOST, INTER, LEAF, NOW, ROOT, tlsa

FACTS = pki.chain(*CHAIN)
BY_SHA = {cert.sha256: cert for cert in FACTS}
STRANGER = replace(pki.ROOT_PLAN, subject=pki.name("Stranger"), private=pki.key("stranger")).make()
WRONG = tlsa(3, 1, 1, STRANGER)


def fields(record: TLSARecord, usage: int, selector: int, matching_type: int) -> TLSARecord:
    """The same data under other fields."""
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
def test_a_record_is_told_by_what_it_is_of(record: TLSARecord, cause: Cause, right: tuple[int, int, int]) -> None:
    (found,) = search([record], FACTS, {})
    assert found.cause is cause
    assert (found.usage, found.selector, found.matching_type) == right
    assert found.words.endswith(".")


def test_a_stronger_digest_outranks_a_record_that_fits() -> None:
    wrong = replace(tlsa(3, 1, 2, LEAF), data="5a" * 64)
    found = search([tlsa(3, 1, 1, LEAF), wrong], FACTS, {})
    assert [finding.cause for finding in found] == [Cause.OUTRANKED, Cause.UNKNOWN_DIGEST]


@pytest.mark.parametrize(
    ("record", "seen", "cause"),
    [
        (WRONG, SeenCertificate("/CN=old", datetime(2026, 8, 1, tzinfo=UTC), by_host=True), Cause.PREVIOUS_CERTIFICATE),
        (WRONG, SeenCertificate("/CN=other"), Cause.OF_ANOTHER_HOST),
        (tlsa(2, 1, 1, STRANGER), SeenCertificate("/CN=CA"), Cause.ANCHOR_KNOWN_NOT_SENT),
    ],
)
def test_certificates_seen_elsewhere_explain_a_record(record: TLSARecord, seen: SeenCertificate, cause: Cause) -> None:
    (found,) = search([record], FACTS, {record.data: seen})
    assert found.cause is cause
    assert seen.subject in found.words


def test_a_previous_certificate_is_told_with_its_run() -> None:
    seen = SeenCertificate("/CN=old", datetime(2026, 8, 1, 6, tzinfo=UTC), by_host=True)
    assert "seen in the run of 2026-08-01 06:00 UTC" in search([WRONG], FACTS, {WRONG.data: seen})[0].words


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.binary(max_size=70))
def test_any_record_gets_an_answer(usage: int, selector: int, matching_type: int, data: bytes) -> None:
    (found,) = search([TLSARecord(usage, selector, matching_type, data.hex())], FACTS, {})
    assert found.words


# --- hosts ----------------------------------------------------------------------------------------------------


def report_of(*tlsas: TLSARecord, errors: tuple[PathError, ...] = ()) -> HostReport:
    shaken = records.handshake(chain=tuple(cert.sha256 for cert in FACTS))
    evidence = replace(match(tlsas, FACTS, NOW), errors=errors) if errors else match(tlsas, FACTS, NOW)
    step = records.answer(f"_25._tcp.{HOST}", "TLSA", "00")
    lookup = TLSALookup(HOST, tlsas, dane=None, reason=None, steps=(step,))
    endpoint = EndpointReport("192.0.2.1", (records.probe(handshake=shaken),), evidence)
    return records.report(host=HOST, tlsa=lookup, endpoints=(endpoint,), skipped=())


def case(*tlsas: TLSARecord, reason: Reason = Reason.TLSA_MISMATCH, errors: tuple[PathError, ...] = ()) -> Case:
    return Case(HOST, Dane.MISMATCH, (reason,), report_of(*tlsas, errors=errors), BY_SHA)


@pytest.mark.parametrize(
    "record",
    [
        WRONG,
        tlsa(2, 1, 1, STRANGER),
        fields(tlsa(3, 1, 1, LEAF), 3, 0, 1),
        fields(tlsa(2, 1, 1, INTER), 3, 1, 1),
        fields(tlsa(3, 1, 1, LEAF), 2, 1, 1),
    ],
)
def test_the_records_that_are_printed_match(record: TLSARecord) -> None:
    told = explain(case(record))
    (line,) = told.records
    owner, _, _, usage, selector, matching_type, data = line.split()
    assert owner == f"_25._tcp.{HOST}."
    assert match([TLSARecord(int(usage), int(selector), int(matching_type), data)], FACTS, NOW).matched


def test_an_issuer_with_usage_3_may_get_usage_2_instead() -> None:
    told = explain(case(fields(tlsa(2, 1, 1, INTER), 3, 1, 1)))
    assert told.cause == Cause.ISSUER_AS_SERVER
    assert f"_25._tcp.{HOST}. IN TLSA 2 1 1 {INTER.facts.spki_sha256}" in told.fix


def test_a_wrong_name_is_told_with_the_names() -> None:
    told = explain(case(tlsa(2, 1, 1, ROOT), reason=Reason.NAME_MISMATCH))
    assert told.sentence == (
        f"A record with usage 2 matches the issuer, but the certificate is for {HOST}, not for {HOST}."
    )


def test_a_date_is_told() -> None:
    error = PathError(10, 0, "certificate has expired", FACTS[0].subject)
    told = explain(case(tlsa(2, 1, 1, ROOT), reason=Reason.CERTIFICATE_EXPIRED, errors=(error,)))
    assert FACTS[0].not_after is not None
    assert f"ended on {FACTS[0].not_after:%Y-%m-%d}" in told.sentence


def test_aliases_of_tlsa_records_are_followed() -> None:
    report = report_of(WRONG)
    step = replace(report.tlsa.steps[0], rname="_tlsa.example")
    assert owner_of(replace(report, tlsa=replace(report.tlsa, steps=(step,)))) == "_tlsa.example"


def test_without_key_octets_the_certificate_is_pinned() -> None:
    odd = {**BY_SHA, FACTS[0].sha256: replace(FACTS[0], spki_sha256="")}
    assert ready_records(replace(case(WRONG), certs=odd)) == (f"_25._tcp.{HOST}. IN TLSA 3 0 1 {FACTS[0].sha256}",)


@pytest.mark.parametrize(
    ("dane", "reasons", "expected"),
    [
        (Dane.NO_TLS, (Reason.TLS_HANDSHAKE_FAILED, Reason.TLS_LEGACY_ONLY), Reason.TLS_LEGACY_ONLY),
        (Dane.MISMATCH, (Reason.CONNECTION_REFUSED, Reason.TLSA_MISMATCH), Reason.TLSA_MISMATCH),
        (Dane.UNKNOWN, (Reason.HOST_UNREACHABLE, Reason.CONNECT_TIMEOUT), Reason.CONNECT_TIMEOUT),
        (Dane.UNKNOWN, (Reason.HOST_UNREACHABLE,), Reason.HOST_UNREACHABLE),
        ("moon", (), ""),
    ],
)
def test_the_reason_that_explains_most_is_chosen(dane: str, reasons: tuple[str, ...], expected: str) -> None:
    assert main_reason(Case("mx1.example", dane, reasons)) == expected


def test_the_peers_reply_is_quoted_with_its_code() -> None:
    failed = replace(
        records.probe(), handshake=None, failure=Failure(Phase.GREETING, FailureKind.REJECTED, 421, "4.3.2 later")
    )
    assert reply_of(records.report(endpoints=(EndpointReport("192.0.2.1", (failed,)),))) == "421 4.3.2 later"


def test_a_server_without_starttls_is_quoted_by_its_ehlo() -> None:
    bare = records.probe(
        handshake=None, starttls=StartTLS.NOT_OFFERED, starttls_reply=None, ehlo=Reply(250, ("mx1.example", "SIZE"))
    )
    assert reply_of(records.report(endpoints=(EndpointReport("192.0.2.1", (bare,)),))) == "250 mx1.example / SIZE"


def test_the_verdicts_own_words_do_where_there_is_no_report() -> None:
    assert explain(Case("mx1.example", Dane.NONE, (Reason.MX_TARGET_NXDOMAIN,), text="NXDOMAIN")).reply == "NXDOMAIN"


@pytest.mark.parametrize(("reply", "unsaid"), [("mx A: SERVFAIL", ""), ("", ""), ("554 no", "554 no")])
def test_a_reply_is_told_once(reply: str, unsaid: str) -> None:
    told = Explanation("address-lookup-failed", "The address lookup failed: mx A: SERVFAIL.", "", reply=reply)
    assert told.unsaid == unsaid
