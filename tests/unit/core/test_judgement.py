"""From facts to evidence to verdicts for one host."""

import pytest

from scanner.core import judgement
from scanner.facts import Answer, TLSALookup
from scanner.reasons import Reason
from scanner.vocabulary import Dane, Outcome, Security
from tests.unit import records

HOST = "mx1.example"
SECURE = records.answer(HOST, "A", "192.0.2.1")
INSECURE = records.answer(HOST, "AAAA", "2001:db8::1", security=Security.INSECURE)
ABSENT = records.answer(HOST, "AAAA", outcome=Outcome.NODATA)
FAILED = records.answer(HOST, "AAAA", outcome=Outcome.ERROR, security=Security.INDETERMINATE)


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([], (Dane.INSECURE, Reason.HOST_INSECURE)),  # an address literal has no TLSA base domain
        ([ABSENT, ABSENT], (Dane.NONE, None)),
        ([ABSENT, FAILED], (Dane.LOOKUP_FAILED, None)),
        ([SECURE, INSECURE], (Dane.INSECURE, Reason.HOST_INSECURE)),  # as secure as its least secure family
        ([SECURE, ABSENT], ("_25._tcp.mx1.example", "TLSA")),
        ([SECURE, FAILED], ("_25._tcp.mx1.example", "TLSA")),  # judged on the family that has an answer
    ],
)
def test_the_search_for_tlsa_records_follows_from_the_addresses(
    addresses: list[Answer], expected: tuple[object, object]
) -> None:  # RFC 7672 section 2.2.2
    step = judgement.tlsa_step(HOST, 25, addresses, [])
    assert ((step.dane, step.reason) if isinstance(step, TLSALookup) else step) == expected


def test_without_usable_records_there_is_no_evidence() -> None:
    report = records.report()
    (end, _) = report.endpoints
    none = TLSALookup(HOST, (), Dane.NONE, Reason.TLSA_NONE)
    assert judgement.with_dane(end, [records.cert()], none, records.NOON).dane is None
    found = judgement.with_dane(end, [records.cert()], report.tlsa, records.NOON).dane
    assert found is not None
    assert (found.record, found.depth) == (records.MATCHING, 0)
