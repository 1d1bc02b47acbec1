"""The result of one host: its report is made once, when it is first needed."""

import pytest

from scanner.run.host_result import HostKey, HostResult, ReportAndCerts
from scanner.vocabulary import Mode
from tests.unit import records


def test_a_key_reads_as_in_the_records() -> None:
    assert str(HostKey("mx.example.com", 25, Mode.SMTP)) == "mx.example.com:25/smtp"


def test_the_report_is_made_once_and_only_when_needed() -> None:
    calls: list[None] = []

    def make() -> ReportAndCerts:
        calls.append(None)
        return records.report(), {records.DIGEST: records.cert()}

    result = HostResult((), make)
    assert (result.has_report, calls) == (False, [])
    assert result.report is result.report
    assert list(result.certs) == [records.DIGEST]
    assert (result.has_report, len(calls)) == (True, 1)


def test_a_result_of_a_report_has_its_report_and_endpoints() -> None:
    report = records.report()
    result = HostResult.of_report(report, {})
    assert result.has_report
    assert (result.report, result.endpoints, result.certs) == (report, report.endpoints, {})


def test_a_report_that_cannot_be_made_is_not_there() -> None:
    def make() -> ReportAndCerts:
        raise ZeroDivisionError("of all things")

    result = HostResult((), make)
    with pytest.raises(ZeroDivisionError):
        _ = result.report
    assert not result.has_report
