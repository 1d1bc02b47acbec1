"""The evidence against a failing host."""

from dataclasses import replace

from results.explain.evidence import ADDRESSES, evidence_of
from scanner.facts import TLSARecord
from scanner.model import EndpointReport
from scanner.vocabulary import StartTLS
from tests.unit import records
from tests.unit.records import DIGEST, SPKI

CERTS = {DIGEST: records.cert()}


def test_records_and_addresses() -> None:
    bare = records.probe("192.0.2.3", handshake=None, starttls=StartTLS.NOT_OFFERED)
    report = records.report()
    report = replace(report, endpoints=(*report.endpoints, EndpointReport("192.0.2.3", (bare,))))
    assert evidence_of(report, CERTS) == (
        f"_25._tcp.mx1.example. IN TLSA 3 1 1 {SPKI}",
        f"192.0.2.1 at 2026-09-01 12:00:00 UTC: TLSv1.3, certificate /CN=mx1.example, SHA-256 of its key {SPKI}",
        "2001:db8::1 at 2026-09-01 12:00:00 UTC: refused in phase connect: Connection refused",
        "192.0.2.3 at 2026-09-01 12:00:00 UTC: STARTTLS not_offered",
    )


def test_a_certificate_that_the_run_lacks() -> None:
    assert evidence_of(records.report(), {})[1].endswith("UTC: TLSv1.3")


def test_the_evidence_is_bounded() -> None:
    ends = tuple(EndpointReport(f"192.0.2.{number}", (records.probe(),)) for number in range(ADDRESSES + 3))
    pins = tuple(TLSARecord(3, 1, 1, f"{number:064x}") for number in range(100))
    report = records.report(endpoints=ends, tlsa=replace(records.report().tlsa, records=pins))
    lines = evidence_of(report, CERTS)
    assert len(lines) == 20 + ADDRESSES + 1
    assert lines[-1] == "and 3 more addresses"


def test_a_host_that_was_not_examined_has_none() -> None:
    assert evidence_of(None, {}) == ()
