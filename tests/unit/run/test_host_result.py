"""The result of one host: its report is made once, when it is first needed."""

import pytest

from scanner.run.host_result import HostKey, HostResult, ReportAndCerts
from scanner.run.slices import Slices
from scanner.vocabulary import Mode
from tests.unit import records


def test_a_key_reads_as_in_the_records() -> None:
    assert str(HostKey("mx.example.com", 25, Mode.SMTP)) == "mx.example.com:25/smtp"


async def test_the_report_is_made_once_and_only_when_needed() -> None:
    calls: list[None] = []

    async def make(_: Slices) -> ReportAndCerts:
        calls.append(None)
        return records.report(), {records.DIGEST: records.cert()}

    result = HostResult((), make)
    assert (result.has_report, calls) == (False, [])
    with pytest.raises(RuntimeError, match="was not made"):
        _ = result.report
    await result.complete(Slices())
    await result.complete(Slices())
    assert list(result.certs) == [records.DIGEST]
    assert (result.has_report, len(calls)) == (True, 1)


async def test_a_result_of_a_report_has_its_report_and_endpoints() -> None:
    report = records.report()
    result = HostResult.of_report(report, {})
    assert result.has_report
    await result.complete(Slices())
    assert (result.report, result.endpoints, result.certs) == (report, report.endpoints, {})


async def test_a_report_that_cannot_be_made_is_attempted_once() -> None:
    calls: list[None] = []

    async def make(_: Slices) -> ReportAndCerts:
        calls.append(None)
        raise ZeroDivisionError("of all things")

    result = HostResult((), make)
    for _ in range(3):  # for each domain of the host
        with pytest.raises(RuntimeError) as caught:
            await result.complete(Slices())
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert (result.has_report, len(calls)) == (False, 1)
