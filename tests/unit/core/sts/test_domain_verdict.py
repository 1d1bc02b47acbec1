"""The verdict of MTA-STS on a domain beside DANE: one row for each combination that senders treat differently.

Each row: TLSA and server of mx1 and mx2, then ``sts``, ``sender_sts``, ``sender_both`` and ``mechanism``, each by the
rules of RFC 8461 sections 2 and 5 and of RFC 7672 section 2.2.
"""

from dataclasses import dataclass, replace

import pytest

from scanner.core.judgement import HostVerdicts
from scanner.core.sts.domain_verdict import judge, with_sts
from scanner.facts import Answer, Failure, TLSARecord
from scanner.settings import Settings
from scanner.sts import STSReport
from scanner.vocabulary import FailureKind, Level, Outcome, Phase, Security
from tests.unit import pki, sts
from tests.unit.fakes import (
    DOMAIN,
    MX1,
    MX2,
    OK_RECORD,
    V4,
    V4B,
    WRONG_RECORD,
    Behaviour,
    World,
    addresses,
    breaks_handshake,
    failed,
    fails,
    host,
    missing,
    mx,
    no_starttls,
    nothing,
    refuses,
    rows,
    shakes,
)

SELF_SIGNED = replace(pki.LEAF_PLAN, issuer=None).make()
SELF_SIGNED_RECORD = pki.tlsa(3, 1, 1, SELF_SIGNED)
MX2_LEAF = replace(pki.LEAF_PLAN, sans=pki.dns(MX2)).make()
MX2_RECORD = pki.tlsa(3, 1, 1, MX2_LEAF)
GOOD, GOOD2 = shakes(), shakes(MX2_LEAF, pki.INTER)
BAD = shakes(SELF_SIGNED)
LOCAL = fails(Phase.CONNECT, FailureKind.LOCAL)

ENFORCE = sts.report(sts.policy("*.secure.test"))
ENFORCE_MX2 = sts.report(sts.policy(MX2))
TESTING = sts.report(sts.policy("*.secure.test", mode="testing"))
TESTING_OTHER = sts.report(sts.policy("other.test", mode="testing"))
OFF = sts.report(sts.policy(mode="none"))
ABSENT = sts.record(outcome=Outcome.NXDOMAIN)
INVALID = sts.report(b"no policy")
FAILED = sts.record(outcome=Outcome.ERROR)
UNREACHED = sts.failed(Failure(Phase.CONNECT, FailureKind.TIMEOUT))


@dataclass(frozen=True)
class DomainCase:
    """A domain with one or two MX hosts."""

    servers: tuple[Behaviour, ...]
    tlsa: tuple[tuple[TLSARecord, ...], ...] = ((), ())
    mx: Security = Security.SECURE

    def world(self) -> World:
        names, at = (MX1, MX2)[: len(self.servers)], (V4, V4B)
        table: dict[tuple[str, str], Answer] = mx(
            *(f"{n}0 {name}" for n, name in enumerate(names, 1)), security=self.mx
        )
        for name, address, records in zip(names, at, self.tlsa, strict=False):
            table |= host(name, address, records=records)
        return World(table, dict(zip(at, self.servers, strict=False)))


def domain(*servers: Behaviour, tlsa: tuple[tuple[TLSARecord, ...], ...] = ((), ()), secure: bool = True) -> DomainCase:
    return DomainCase(servers, tlsa, Security.SECURE if secure else Security.INSECURE)


OK, WRONG, NO_PATH = (OK_RECORD,), (WRONG_RECORD,), (SELF_SIGNED_RECORD,)
CASES: list[tuple[str, DomainCase, STSReport, str]] = [
    ("DANE and policy", domain(GOOD, tlsa=(OK,)), ENFORCE, "protected verified verified both"),
    ("policy only", domain(GOOD), ENFORCE, "protected verified verified sts"),
    ("policy, MX unsigned, TLSA", domain(GOOD, tlsa=(OK,), secure=False), ENFORCE, "protected verified verified sts"),
    ("DANE only", domain(GOOD, tlsa=(OK,)), ABSENT, "none encrypted verified dane"),
    ("neither", domain(GOOD), ABSENT, "none encrypted encrypted opportunistic"),
    ("neither, no TLS", domain(no_starttls), ABSENT, "none cleartext cleartext cleartext"),
    ("policy, no TLS", domain(no_starttls), ENFORCE, "broken defer defer broken"),
    ("policy, self-signed", domain(BAD), ENFORCE, "broken defer defer broken"),
    ("policy, host not listed", domain(GOOD), ENFORCE_MX2, "broken defer defer broken"),
    ("DANE-EE, policy, self-signed", domain(BAD, tlsa=(NO_PATH,)), ENFORCE, "broken defer verified dane"),
    ("DANE fails, policy holds", domain(GOOD, tlsa=(WRONG,)), ENFORCE, "protected verified defer broken"),
    ("DANE fails, MX unsigned", domain(GOOD, tlsa=(WRONG,), secure=False), ENFORCE, "protected verified verified sts"),
    ("DANE fails, no policy", domain(GOOD, tlsa=(WRONG,)), ABSENT, "none encrypted defer broken"),
    ("testing", domain(GOOD), TESTING, "testing encrypted encrypted opportunistic"),
    ("testing, not listed", domain(GOOD), TESTING_OTHER, "testing encrypted encrypted opportunistic"),
    ("testing, no TLS", domain(no_starttls), TESTING, "testing cleartext cleartext cleartext"),
    ("testing, DANE", domain(GOOD, tlsa=(OK,)), TESTING, "testing encrypted verified dane"),
    ("mode none", domain(GOOD), OFF, "off encrypted encrypted opportunistic"),
    ("invalid policy", domain(GOOD), INVALID, "invalid encrypted encrypted opportunistic"),
    ("policy unknown", domain(GOOD), FAILED, "lookup_failed unknown unknown unknown"),
    ("policy host unreachable", domain(GOOD), UNREACHED, "lookup_failed unknown unknown unknown"),
    ("policy unknown, DANE", domain(GOOD, tlsa=(OK,)), FAILED, "lookup_failed unknown verified dane"),
    ("policy unknown, DANE fails", domain(GOOD, tlsa=(WRONG,)), FAILED, "lookup_failed unknown defer broken"),
    ("policy, host unreachable", domain(refuses), ENFORCE, "unknown defer defer unknown"),
    ("no policy, host unreachable", domain(refuses), ABSENT, "none defer defer unknown"),
    ("policy, our own limit", domain(LOCAL), ENFORCE, "unknown unknown unknown unknown"),
    ("no policy, TLS broken", domain(breaks_handshake), ABSENT, "none cleartext cleartext cleartext"),
    ("both hosts hold", domain(GOOD, GOOD2), ENFORCE, "protected verified verified sts"),
    ("DANE on one host", domain(GOOD, GOOD2, tlsa=(OK, ())), ENFORCE, "protected verified verified sts"),
    ("DANE on one, none", domain(GOOD, GOOD2, tlsa=(OK, ())), ABSENT, "none encrypted verified opportunistic"),
    ("DANE on mx1, mx2 fails", domain(GOOD, BAD, tlsa=(OK, ())), ENFORCE, "broken verified verified broken"),
    ("DANE-EE on mx1", domain(BAD, GOOD2, tlsa=(NO_PATH, ())), ENFORCE, "broken verified verified sts"),
    ("mx1 fails STS", domain(BAD, GOOD2), ENFORCE, "broken verified verified broken"),
    ("only mx2 listed", domain(GOOD, GOOD2), ENFORCE_MX2, "broken verified verified broken"),
    ("mx2 unreachable", domain(GOOD, refuses), ENFORCE, "protected verified verified sts"),
    ("mx1 unreachable, unlisted", domain(refuses, GOOD2), ENFORCE_MX2, "broken verified verified broken"),
    ("DANE fails on mx1", domain(GOOD, GOOD2, tlsa=(WRONG, ())), ENFORCE, "protected verified verified broken"),
    ("policy unknown, DANE on mx2", domain(GOOD, GOOD2, tlsa=((), (MX2_RECORD,))), FAILED,
     "lookup_failed unknown unknown unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "report", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
async def test_a_domain(case: DomainCase, report: STSReport, expected: str) -> None:
    found = await sts.judged(case.world(), report)
    assert f"{found.sts} {found.sender_sts} {found.sender_both} {found.mechanism}" == expected


@pytest.mark.parametrize("level", [Level.DANE, Level.MAY])
@pytest.mark.parametrize("case", [row[1] for row in CASES], ids=[row[0] for row in CASES])
async def test_a_shared_verdict_is_the_verdict_of_each_domain(case: DomainCase, level: Level) -> None:
    """Expected: ``with_sts`` without shared verdicts, which knows one domain only."""
    result = await case.world().examine(settings=Settings(level=level))
    view = sts.view(result)
    shared = HostVerdicts(result.reports[0], result.certs or {})
    for report in (ABSENT, ENFORCE, FAILED, INVALID, None, ABSENT, TESTING):
        for tlsrpt in (None, sts.tlsrpt('"v=TLSRPTv1; rua=x"')):
            assert with_sts(view, report, tlsrpt, shared) == with_sts(view, report, tlsrpt)
    absent = [with_sts(view, ABSENT, None, shared) for _ in range(2)]
    assert (absent[0] is absent[1]) is (level is Level.DANE)


@pytest.mark.parametrize("level", [level for level in Level if level not in (Level.HALF_DANE, Level.FINGERPRINT)])
@pytest.mark.parametrize(
    "name", ["DANE and policy", "policy only", "DANE fails, policy holds", "neither", "testing, DANE"]
)
async def test_the_level_of_the_run_does_not_matter(name: str, level: Level) -> None:
    case, report, expected = next(row[1:] for row in CASES if row[0] == name)
    found = await sts.judged(case.world(), report, Settings(level=level))
    assert f"{found.sts} {found.sender_sts} {found.sender_both}" == expected.rpartition(" ")[0]


@pytest.mark.parametrize(
    ("case", "report", "reasons"),
    [
        (domain(GOOD), ENFORCE, ""),
        (domain(no_starttls), ENFORCE, "sts-host-no-tls"),
        (domain(BAD), TESTING, "sts-host-untrusted"),  # senders report failures in mode testing too
        (domain(GOOD), TESTING_OTHER, "sts-mx-mismatch"),
        (domain(shakes(MX2_LEAF, pki.INTER)), ENFORCE, "sts-host-name-mismatch"),
        (domain(BAD, tlsa=(NO_PATH,)), ENFORCE, "sts-host-untrusted sts-dane-disagree"),
        (domain(GOOD, tlsa=(WRONG,)), ENFORCE, "sts-dane-disagree"),
        (domain(GOOD), INVALID, "sts-policy-invalid"),
        (domain(GOOD), FAILED, "sts-lookup-failed"),
        (domain(BAD), OFF, ""),
        (domain(BAD), ABSENT, ""),
    ],
)
async def test_reasons(case: DomainCase, report: STSReport, reasons: str) -> None:
    assert " ".join((await sts.judged(case.world(), report)).reasons) == reasons


async def test_a_tlsrpt_record_that_no_sender_uses_is_a_reason() -> None:
    result = sts.view(await domain(GOOD).world().examine())
    for text, reasons in [
        ('"v=TLSRPTv1; rua=mailto:a@b"', ""),
        ('"v=TLSRPTv1; rua=x"', "tlsrpt-record-invalid"),
        ("", ""),
    ]:
        assert " ".join(judge(result, ENFORCE, sts.tlsrpt(text)).reasons) == reasons


@pytest.mark.parametrize(
    "table",
    [
        mx("0 ."),
        rows(nothing(DOMAIN, "MX", Outcome.NXDOMAIN)) | missing(DOMAIN),
        mx() | missing(MX1),
    ],
)
async def test_a_domain_without_mail(table: dict[tuple[str, str], Answer]) -> None:
    for report in (None, ENFORCE):
        found = await sts.judged(World(table), report)
        assert {found.sts, found.mechanism, found.sender_sts, found.sender_both} == {"no_mail", "bounce"}


async def test_a_failed_mx_lookup_is_no_verdict_on_the_policy() -> None:
    found = await sts.judged(World(rows(failed(DOMAIN, "MX"))), ENFORCE)
    assert (found.sts, found.sender_sts, found.mechanism) == ("lookup_failed", "defer", "unknown")


async def test_without_a_trusted_resolver_only_the_policy_is_judged() -> None:
    world = World(
        mx(security=Security.INDETERMINATE) | addresses(MX1, V4, security=Security.INDETERMINATE)
        | rows(nothing(f"_25._tcp.{MX1}", "TLSA")),
        {V4: GOOD},
    )  # fmt: skip
    found = await sts.judged(world, ENFORCE)
    assert (found.sts, found.sender_sts, found.sender_both, found.mechanism) == (
        "protected", "verified", "unknown", "unknown",
    )  # fmt: skip


async def test_a_failed_tlsa_lookup_is_decided_by_dane_alone() -> None:  # RFC 7672 section 2.1: defer
    world = World(mx() | addresses(MX1, V4) | rows(failed(f"_25._tcp.{MX1}", "TLSA")), {V4: GOOD})
    found = await sts.judged(world, ENFORCE)
    assert (found.sts, found.sender_sts, found.sender_both, found.mechanism) == (
        "protected", "verified", "defer", "unknown",
    )  # fmt: skip
