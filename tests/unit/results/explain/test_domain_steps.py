"""The steps from the MX answer of a domain to its verdict, as text."""

from dataclasses import replace

from results.explain.domain_steps import Reasoning
from scanner.facts import Answer, CertFacts
from scanner.model import DomainRecord, HostReport
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainSTS, Outcome, Security, Sender
from tests.unit import records, sts
from tests.unit.records import DIGEST
from tests.unit.results.explain.test_worklist import BROKEN, UNMATCHED
from tests.unit.results.hostile import assert_harmless, console, hostile_domain, printed

CERTS = {DIGEST: records.cert()}


def steps(record: DomainRecord, report: HostReport | None = None, certs: dict[str, CertFacts] | None = None) -> str:
    to = console(100)
    shown = report or records.report()
    Reasoning(to, {shown.key: shown}, CERTS if certs is None else certs, {}).print(record)
    return printed(to)


def test_the_steps_of_a_protected_domain() -> None:
    lines = [line.strip() for line in steps(records.domain()).splitlines()]
    for expected in (
        "a.example: at level dane, a sender delivers over TLS to an authenticated server.",
        "Route",
        "MX host 1 of 1  preference 10",
        "Result of the DNS lookups: usable TLSA records at mx1.example",
        "STARTTLS offered",
        "Verdict",
        "Delivery: mail is delivered (ok).",
        "DANE: every MX host that answers matches its TLSA records (protected).",
    ):
        assert expected in lines
    assert "Remedy" not in steps(records.domain())


def test_a_host_that_was_not_probed_names_the_probed_host() -> None:
    report = replace(records.report(), inferred={"from": "mx9.example:25/smtp"})
    text = " ".join(steps(records.domain(), report).split())
    assert "not probed: the connections are those of the MX host mx9.example:25/smtp" in text
    assert "not probed" not in steps(records.domain())
    assert "not probed" not in steps(records.domain(), replace(report, inferred={}))  # a damaged run


def test_tlsa_answers_are_in_presentation_format() -> None:
    answer = records.answer("_25._tcp.mx1.example", "TLSA", "030101" + "c3" * 32)
    report = replace(records.report(), tlsa=replace(records.report().tlsa, steps=(answer,)))
    text = steps(records.domain(), report)
    assert "3 1 1 " + "c3" * 32 in " ".join(text.split())
    assert "030101" not in text


def test_the_remedy_of_a_failing_host_has_the_record_on_one_line() -> None:
    lines = [line.strip() for line in steps(BROKEN, UNMATCHED).splitlines()]
    assert f"_25._tcp.mx1.example. IN TLSA 3 1 1 {records.SPKI}" in lines
    assert any(line.startswith("Cause: The TLSA record 3 1 1 ") for line in lines)
    assert "Remedy: Replace all TLSA records of the host by the records given here." in lines


def test_the_remedy_of_a_policy_has_the_record_on_one_line() -> None:
    report = replace(sts.report(sts.policy("other.test")), host=f"mta-sts.{'long.' * 15}example")
    verdict = records.verdict(sts=DomainSTS.BROKEN, reasons=(Reason.STS_MX_MISMATCH,))
    lines = [line.strip() for line in steps(records.domain(sts=report, verdict=verdict)).splitlines()]
    assert "mx: mx1.example" in lines
    (record,) = (line for line in lines if line.startswith("_mta-sts.long."))
    assert record.endswith('"')


def test_a_host_without_a_report() -> None:
    text = steps(BROKEN, records.report(key="another"))
    assert "The host was not examined." in text


def test_the_dnssec_state_of_a_failed_lookup() -> None:
    bogus = Answer("a.example", "MX", Outcome.ERROR, Security.BOGUS, error="SERVFAIL")
    route = replace(records.route(), mx=bogus, hosts=(), final=Reason.MX_BOGUS)
    text = steps(records.domain(route=route, hosts=()))
    assert "a.example MX: the lookup failed; DNSSEC validation fails; SERVFAIL" in text
    assert "No MX host was examined. Sign the zone again" in " ".join(text.split())


def test_a_host_that_a_sender_skips() -> None:
    host = records.host_verdict(dane=Dane.NO_TLS, sender=Sender.DEFER, reasons=(Reason.STARTTLS_NOT_OFFERED,))
    text = steps(records.domain(hosts=(host,)))
    assert "mx1.example: a sender skips this host (defer)" in text


def test_hostile_text_is_escaped() -> None:
    record = hostile_domain()
    (report,) = record.reports or ()
    assert_harmless(steps(record, report, {DIGEST: records.cert(subject=record.key)}))
