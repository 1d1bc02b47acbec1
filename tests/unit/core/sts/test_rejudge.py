"""Stored policies judged again: nothing changes with the same time and trust, and everything that depends on them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from scanner.core.pkix import EMPTY, TrustStore
from scanner.core.sts.discovery import discovery
from scanner.core.sts.rejudge import PolicyJudge
from scanner.facts import CertFacts, Failure
from scanner.sts import STSReport
from scanner.vocabulary import FailureKind, Outcome, Phase, Pkix
from tests.unit import pki, records, sts
from tests.unit.fakes import V4

TRUST = TrustStore.from_pem(pki.ROOT.pem)
LEAF = replace(pki.LEAF_PLAN, sans=pki.dns(sts.HOST), not_after=pki.NOW + timedelta(days=20)).make()
CHAIN = pki.chain(LEAF, pki.INTER)
SHAKEN = records.handshake(chain=tuple(cert.sha256 for cert in CHAIN))
FETCH = replace(sts.FETCH, handshake=SHAKEN, octets=len(sts.policy()))
GOOD = sts.report(sts.policy(), FETCH)


def chain_of(digests: Sequence[str]) -> list[CertFacts]:
    known = {cert.sha256: cert for cert in CHAIN}
    return [known[digest] for digest in digests]


@pytest.mark.parametrize(
    "report",
    [
        GOOD,
        sts.report(b"no policy", FETCH),
        sts.report(b"version: STSv1\nmode: none\nmax_age: 86400\n\xff: x", FETCH),
        sts.report(fetch=replace(FETCH, status=404)),
        sts.report(fetch=replace(FETCH, status=None, failure=Failure(Phase.HTTP, FailureKind.TIMEOUT))),
        sts.failed(Failure(Phase.CONNECT, FailureKind.REFUSED)),
        sts.record(outcome=Outcome.NXDOMAIN),
        sts.record(outcome=Outcome.ERROR),
        sts.record('"v=STSv1; id=1"', '"v=STSv1; id=2"'),
    ],
)
def test_nothing_changes_at_the_time_of_the_scan(report: STSReport) -> None:
    again = PolicyJudge(TRUST, chain_of).policy(report)
    assert again == report
    assert discovery(again) == discovery(report)


@pytest.mark.parametrize(
    ("judge", "error"),
    [
        (PolicyJudge(TRUST, chain_of, pki.NOW + timedelta(days=40)), "certificate has expired"),
        (PolicyJudge(EMPTY, chain_of), "unable to get local issuer certificate"),
    ],
)
def test_a_certificate_that_is_no_longer_accepted_hides_the_policy(judge: PolicyJudge, error: str) -> None:
    again = judge.policy(GOOD)
    found = discovery(again)
    assert (again.policy, found.why, found.reasons) == (None, "invalid", ("sts-certificate-invalid",))
    assert error in again.fetches[0].pkix_error


def test_a_certificate_that_is_accepted_only_now_leaves_the_policy_unknown() -> None:
    refused = sts.report(fetch=replace(FETCH, pkix=Pkix.UNTRUSTED, status=None))
    again = PolicyJudge(TRUST, chain_of).policy(refused)
    assert (again.fetches[0].pkix, discovery(again).why) == ("trusted", "unknown")
    assert again.fetches[0].address == V4
