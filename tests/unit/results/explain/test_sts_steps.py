"""The steps of MTA-STS and TLSRPT in ``explain``."""

from dataclasses import replace

import pytest

from results.explain.sts_steps import PATTERNS, sts_lines
from scanner.facts import Failure
from scanner.model import DomainRecord
from scanner.reasons import Reason
from scanner.sts import PolicyFetch, STSReport
from scanner.vocabulary import FailureKind, HostSTS, Phase, Pkix
from tests.unit import records, sts
from tests.unit.fakes import failed, missing
from tests.unit.pki import NOW
from tests.unit.results.hostile import assert_harmless, console

GOOD = sts.report(sts.policy("*.secure.test"))


def lines(record: DomainRecord) -> list[str]:
    return [" " * indent + text.plain for text, indent in sts_lines(record, console(200))]


def with_policy(report: STSReport, *reasons: Reason) -> DomainRecord:
    return records.domain(sts=report, verdict=records.verdict(reasons=reasons), tlsrpt=sts.tlsrpt())


def test_a_policy() -> None:
    record = records.domain(
        sts=GOOD,
        tlsrpt=sts.tlsrpt('"v=TLSRPTv1; rua=mailto:a@b.test"'),
        hosts=(records.host_verdict(sts=HostSTS.NAME_MISMATCH),),
        verdict=records.verdict(reasons=(Reason.MX_INSECURE, Reason.STS_HOST_NAME_MISMATCH)),
    )
    assert lines(record) == [
        '  _mta-sts.secure.test TXT: "v=STSv1; id=20260901"',
        "  MTA-STS record: valid, id 20260901",
        "  mta-sts.secure.test A: 192.0.2.1",
        "  mta-sts.secure.test AAAA: nodata",
        "  192.0.2.1: HTTP status 200, 0 octets",
        "  MTA-STS policy: mode enforce, max_age 604800 s",
        "    patterns: *.secure.test",
        "  mx1.example: MTA-STS, but the certificate is for another name (name_mismatch)",
        "  TLSRPT record: valid, reports to mailto:a@b.test",
        (
            "  Cause: An MTA-STS policy exists, but the certificate of an MX host is for another name: mx1.example. "
            "(sts-host-name-mismatch)"
        ),
        "  Remedy: Get a certificate with the name of the MX host as subjectAltName.",
    ]


def test_without_an_examination_there_are_no_lines() -> None:
    assert lines(records.domain()) == []


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (sts.record('"v=STSv1; id=-"'), "MTA-STS record: invalid: the id is not 1 to 32 letters and digits"),
        (replace(GOOD, txt=failed("_mta-sts.secure.test", "TXT")), "_mta-sts.secure.test TXT: error; SERVFAIL"),
        (replace(GOOD, a=missing(sts.HOST)[sts.HOST, "A"]), "mta-sts.secure.test A: nxdomain"),
        (sts.report(b"<html>"), "The response is not a policy: '<html>' is not a field"),
        (sts.failed(Failure(Phase.HTTP, FailureKind.CLOSED, text="gone")), '"gone"'),
        (sts.failed(Failure(Phase.HTTP, FailureKind.CLOSED)), "192.0.2.1: failed in phase http: closed"),
        (
            sts.report(fetch=PolicyFetch("10.0.0.1", NOW, {}, reason=Reason.ADDRESS_NOT_PUBLIC)),
            "10.0.0.1: not contacted: the address is special-purpose and was not contacted",
        ),
        (
            sts.report(fetch=replace(sts.FETCH, status=None, pkix=Pkix.UNTRUSTED, pkix_error="expired")),
            "192.0.2.1: the certificate is untrusted: no request was sent",
        ),
        (
            sts.report(fetch=replace(sts.FETCH, status=None, name_match=False)),
            "192.0.2.1: the certificate is trusted, not for the name of the policy host: no request was sent",
        ),
        (sts.report(sts.policy("192.0.2.1")), "defects: mx-address"),
        (sts.report(sts.policy(*[f"m{n}.x" for n in range(PATTERNS + 5)])), "and 5 more"),
    ],
)
def test_faults(report: STSReport, expected: str) -> None:
    assert any(expected in line for line in lines(with_policy(report)))


def test_defects_of_tlsrpt() -> None:
    record = records.domain(tlsrpt=sts.tlsrpt('"v=TLSRPTv1; rua=x"'))
    assert lines(record) == ["  TLSRPT record: invalid", "    'x' is not a mailto or https URI"]


def test_hostile_text_is_escaped() -> None:
    evil = "\x1b[31m\u202e\n"
    report = replace(
        sts.report(
            evil.encode(), replace(sts.FETCH, pkix_error=evil, failure=Failure(Phase.HTTP, FailureKind.TLS, 1, evil))
        ),
        record_error=evil,
        policy_error=evil,
        txt=replace(sts.txt(evil), name=evil),
    )
    assert_harmless("\n".join(lines(with_policy(report))))
    assert_harmless("\n".join(lines(records.domain(tlsrpt=sts.tlsrpt(f'"v=TLSRPTv1; rua={evil}"')))))
