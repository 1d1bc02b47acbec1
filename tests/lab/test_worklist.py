"""The worklist of a lab run: each broken host once, with the right cause and records that would match."""

from io import StringIO

import pytest
from rich.console import Console

from results.explain.tlsa_cause import Cause
from results.report.model import Report, make_report
from results.report.text import render
from results.store.reader import Run
from scanner.reasons import Reason
from tests.sweep import Scan

pytestmark = pytest.mark.lab

CAUSES = {
    "mx.bad311.test": Cause.UNKNOWN_DIGEST,
    "mx.bad301.test": Cause.UNKNOWN_DIGEST,
    "mx.bad312.test": Cause.UNKNOWN_DIGEST,
    "mx.bad310.test": Cause.ISSUER_AS_SERVER,
    "mx.bad201.test": Cause.ANCHOR_NOT_IN_CHAIN,
    "mx.bad211.test": Cause.ANCHOR_NOT_IN_CHAIN,
    "mx.bad200.test": Cause.SERVER_AS_ISSUER,
    "mx.bad210.test": Cause.SERVER_AS_ISSUER,
    "mx.ta-not-sent.test": Cause.ANCHOR_KNOWN_NOT_SENT,
    "mx.ta-leaf-only.test": Cause.ANCHOR_KNOWN_NOT_SENT,
    "mx.ta-is-leaf.test": Cause.SERVER_AS_ISSUER,
    "mx.ta-self-signed.test": Cause.SERVER_AS_ISSUER,
    "mx.agility-bad.test": Cause.OUTRANKED,
    "mx.agility-ta-bad.test": Cause.OUTRANKED,
    "mx.mixed-bad.test": Cause.PKIX_USAGE,
    "mx.unusable-pkix-ee.test": Cause.PKIX_USAGE,
    "mx.unusable-pkix-ta.test": Cause.PKIX_USAGE,
    "mx.unusable-mtype.test": Cause.WRONG_MATCHING_TYPE,
    "mx.unusable-length.test": Cause.MALFORMED,
    "mx.ta-wrong-name.test": Reason.NAME_MISMATCH,
    "mx.ta-expired.test": Reason.CERTIFICATE_EXPIRED,
    "mx.ta-not-yet-valid.test": Reason.CERTIFICATE_NOT_YET_VALID,
    "mx.no-starttls.test": Reason.STARTTLS_NOT_OFFERED,
    "mx.starttls-454.test": Reason.STARTTLS_REFUSED,
    "mx.ehlo-502.test": Reason.EHLO_REJECTED,
    "mx.tls10.test": Reason.TLS_LEGACY_ONLY,
    "mx.anonymous.test": Reason.TLS_ANONYMOUS,
    "mx.tlsa-bogus.test": Reason.TLSA_BOGUS,
    "mx.tlsa-servfail.test": Reason.TLSA_LOOKUP_FAILED,
    "mx.address-bogus.test": Reason.ADDRESS_BOGUS,
}
REPLIES = {
    "mx.starttls-454.test": "454 4.7.0 TLS not available",
    "mx.ehlo-502.test": "502 5.5.1 EHLO not implemented",
    "mx.greeting-554.test": "554 5.7.1 no",
}


@pytest.fixture(scope="module")
def report(scan: Scan) -> Report:
    """The report of the scan of the whole lab."""
    return make_report(Run.open(scan.run))


def test_each_broken_host_stands_once_with_the_right_cause(report: Report) -> None:
    hosts = [task.host for task in report.tasks]
    assert len(hosts) == len(set(hosts)) == report.failing
    found = {task.host: task.explanation.cause for task in report.tasks}
    assert {host: found.get(host) for host in CAUSES} == CAUSES


def test_every_task_says_what_to_do_and_whom_to_write_to(report: Report) -> None:
    assert [task.host for task in report.tasks if not task.explanation.fix or not task.explanation.sentence] == []
    assert [task.host for task in report.tasks if not task.contact.startswith("postmaster@")] == []


def test_the_peers_own_words_stand_beside_it(report: Report) -> None:
    replies = {task.host: task.explanation.reply for task in report.tasks}
    assert {host: replies[host] for host in REPLIES} == REPLIES


def test_mismatches_come_with_records_to_publish(report: Report) -> None:
    mismatches = [task for task in report.tasks if task.dane == "mismatch"]
    assert mismatches
    for task in mismatches:
        assert task.explanation.records
        assert all(line.startswith(f"_25._tcp.{task.host}. IN TLSA 3 1 1 ") for line in task.explanation.records)


def test_hosts_that_keep_their_promise_are_not_on_it(report: Report) -> None:
    hosts = {task.host for task in report.tasks}
    assert not hosts & {"mx.good311.test", "mx.good211.test", "mx.rollover.test", "mx.ee-expired.test"}


def test_a_host_that_does_not_exist_is_not_blamed_for_having_no_records(report: Report) -> None:
    console = Console(width=100, record=True, file=StringIO())
    render(report, console, top=len(report.tasks))
    lines = console.export_text().splitlines()
    first = [line.split()[1:] for line in lines if "gone.mx-gone-one.test" in line]
    assert first[0] == ["gone.mx-gone-one.test"]
