"""The cause and the remedy of a failing MX host; RFC 7671 section 5 says which TLSA records match."""

from dataclasses import replace

import pytest

from results.explain.case import HostCase
from results.explain.cause import Explanation, explain, reply_of
from scanner.core.dane import match
from scanner.facts import Failure, Reply, TLSALookup, TLSARecord
from scanner.model import EndpointReport, HostReport, PathError
from scanner.reasons import Reason
from scanner.vocabulary import Dane, FailureKind, Phase, StartTLS
from tests.unit import records
from tests.unit.pki import HOST, NOW, ROOT, tlsa
from tests.unit.results.explain.test_tlsa_cause import FACTS

BY_SHA = {cert.sha256: cert for cert in FACTS}


def report_of(*tlsas: TLSARecord, errors: tuple[PathError, ...] = ()) -> HostReport:
    shaken = records.handshake(chain=tuple(cert.sha256 for cert in FACTS))
    evidence = replace(match(tlsas, FACTS, NOW), errors=errors) if errors else match(tlsas, FACTS, NOW)
    step = records.answer(f"_25._tcp.{HOST}", "TLSA", "00")
    lookup = TLSALookup(HOST, tlsas, dane=None, reason=None, steps=(step,))
    endpoint = EndpointReport("192.0.2.1", (records.probe(handshake=shaken),), evidence)
    return records.report(host=HOST, tlsa=lookup, endpoints=(endpoint,), skipped=())


def case(*tlsas: TLSARecord, reason: Reason = Reason.TLSA_MISMATCH, errors: tuple[PathError, ...] = ()) -> HostCase:
    return HostCase(HOST, Dane.MISMATCH, (reason,), report_of(*tlsas, errors=errors), BY_SHA)


def test_a_wrong_name_with_the_names_of_the_certificate() -> None:
    found = explain(case(tlsa(2, 1, 1, ROOT), reason=Reason.NAME_MISMATCH))
    assert found.sentence == (
        f"A TLSA record with usage 2 matches the issuer, but the certificate is for {HOST}, not for {HOST}."
    )


def test_an_expired_certificate_with_its_date() -> None:
    error = PathError(10, 0, "certificate has expired", FACTS[0].subject)
    found = explain(case(tlsa(2, 1, 1, ROOT), reason=Reason.CERTIFICATE_EXPIRED, errors=(error,)))
    assert FACTS[0].not_after is not None
    assert f"expired on {FACTS[0].not_after:%Y-%m-%d}" in found.sentence


def test_the_reply_of_the_peer_with_its_code() -> None:
    failed = replace(
        records.probe(), handshake=None, failure=Failure(Phase.GREETING, FailureKind.REJECTED, 421, "4.3.2 later")
    )
    assert reply_of(records.report(endpoints=(EndpointReport("192.0.2.1", (failed,)),))) == "421 4.3.2 later"


def test_the_ehlo_reply_of_a_server_without_starttls() -> None:
    bare = records.probe(
        handshake=None, starttls=StartTLS.NOT_OFFERED, starttls_reply=None, ehlo=Reply(250, ("mx1.example", "SIZE"))
    )
    assert reply_of(records.report(endpoints=(EndpointReport("192.0.2.1", (bare,)),))) == "250 mx1.example / SIZE"


def test_the_text_of_the_verdict_without_a_report() -> None:
    assert (
        explain(HostCase("mx1.example", Dane.NONE, (Reason.MX_TARGET_NXDOMAIN,), text="NXDOMAIN")).reply == "NXDOMAIN"
    )


@pytest.mark.parametrize(("reply", "new_reply"), [("mx A: SERVFAIL", ""), ("", ""), ("554 no", "554 no")])
def test_a_reply_in_the_sentence_is_not_repeated(reply: str, new_reply: str) -> None:
    found = Explanation("address-lookup-failed", "The address lookup failed: mx A: SERVFAIL.", "", reply=reply)
    assert found.new_reply == new_reply
