"""The verdict of a policy on one MX host: TLS, trust and names of the certificate (RFC 8461 sections 4.1 and 4.2)."""

from dataclasses import replace

import pytest

from scanner.core.sts.host_verdict import is_named, judge_host, sender_enforcing, sender_opportunistic
from scanner.core.sts.policy_file import Patterns
from scanner.facts import Failure
from scanner.model import Skipped
from scanner.reasons import Reason
from scanner.settings import ADDRESSES
from scanner.vocabulary import FailureKind, HostSTS, Phase
from tests.unit import pki
from tests.unit.fakes import (
    MX1,
    V4,
    V4B,
    Behaviour,
    World,
    anonymous,
    breaks_handshake,
    by_profile,
    fails,
    host,
    mx,
    no_starttls,
    refuses,
    shakes,
    times_out,
)

LISTED = Patterns([MX1])
SELF_SIGNED = replace(pki.LEAF_PLAN, issuer=None).make()
OTHER_NAME = replace(pki.LEAF_PLAN, sans=pki.dns("other.test")).make()
WILDCARD = replace(pki.LEAF_PLAN, sans=pki.dns("*.secure.test")).make()
ONLY_CN = replace(pki.LEAF_PLAN, sans=()).make()
EXPIRED = replace(pki.LEAF_PLAN, not_after=pki.YESTERDAY).make()
LEGACY = by_profile(authenticated=breaks_handshake, easier=shakes(version="TLSv1"))
GREETS_421 = fails(Phase.GREETING, FailureKind.REJECTED, 421)
LOCAL = fails(Phase.CONNECT, FailureKind.LOCAL)


async def judged(*servers: Behaviour, patterns: Patterns = LISTED) -> tuple[str, str, str]:
    """Return the verdict on a host with these addresses, and the actions of both kinds of senders."""
    at = dict(zip((V4, V4B), servers, strict=False))
    result = await World(mx() | host(MX1, *at), at).examine()
    (report,) = result.reports
    sts = judge_host(patterns, report, result.certs or {})
    return sts, sender_enforcing(sts, report), sender_opportunistic(report)


@pytest.mark.parametrize(
    ("server", "sts", "enforcing", "opportunistic"),
    [
        (shakes(), "ok", "verified", "encrypted"),
        (shakes(WILDCARD, pki.INTER), "ok", "verified", "encrypted"),
        (shakes(SELF_SIGNED), "untrusted", "defer", "encrypted"),
        (shakes(pki.LEAF), "untrusted", "defer", "encrypted"),  # the intermediate is missing
        (shakes(EXPIRED, pki.INTER), "untrusted", "defer", "encrypted"),
        (shakes(OTHER_NAME, pki.INTER), "name_mismatch", "defer", "encrypted"),
        (shakes(ONLY_CN, pki.INTER), "name_mismatch", "defer", "encrypted"),  # SAN only: the CN does not count
        (anonymous(), "untrusted", "defer", "encrypted"),
        (no_starttls, "no_tls", "defer", "cleartext"),
        (fails(Phase.STARTTLS, FailureKind.REJECTED, 454), "no_tls", "defer", "cleartext"),
        (breaks_handshake, "no_tls", "defer", "cleartext"),
        (LEGACY, "no_tls", "defer", "encrypted"),
        (refuses, "unknown", "defer", "defer"),
        (times_out, "unknown", "defer", "defer"),
        (GREETS_421, "unknown", "defer", "defer"),
        (LOCAL, "unknown", "unknown", "unknown"),
        (shakes(then=Failure(Phase.EHLO_TLS, FailureKind.CLOSED)), "ok", "defer", "defer"),
    ],
)
async def test_one_address(server: Behaviour, sts: str, enforcing: str, opportunistic: str) -> None:
    assert await judged(server) == (sts, enforcing, opportunistic)


@pytest.mark.parametrize(
    ("servers", "sts", "enforcing"),
    [
        ((shakes(), shakes()), "ok", "verified"),
        ((shakes(), refuses), "ok", "verified"),  # an inconclusive address does not count beside others
        ((shakes(), no_starttls), "no_tls", "defer"),
        ((shakes(), shakes(SELF_SIGNED)), "untrusted", "defer"),
        ((shakes(SELF_SIGNED), no_starttls), "no_tls", "defer"),
        ((shakes(OTHER_NAME, pki.INTER), shakes(SELF_SIGNED)), "untrusted", "defer"),
        ((refuses, LOCAL), "unknown", "unknown"),
    ],
)
async def test_the_most_severe_address_decides(servers: tuple[Behaviour, ...], sts: str, enforcing: str) -> None:
    assert (await judged(*servers))[:2] == (sts, enforcing)


async def test_a_host_that_is_not_listed_is_not_judged_by_its_certificate() -> None:
    assert (await judged(shakes(), patterns=Patterns(["other.test"])))[:2] == ("pattern_mismatch", "defer")


async def test_more_addresses_than_the_limit_leave_a_good_host_unknown() -> None:
    result = await World(mx() | host(MX1, V4), {V4: shakes()}).examine()
    (report,), certs = result.reports, result.certs or {}
    many = (*(Skipped(V4, Reason.OPTED_OUT) for _ in range(ADDRESSES)), Skipped(V4B, Reason.ADDRESS_LIMIT))
    assert judge_host(LISTED, replace(report, skipped=many), certs) is HostSTS.UNKNOWN
    assert judge_host(LISTED, replace(report, skipped=many[:-1]), certs) is HostSTS.OK


async def test_no_trust_store_is_no_verdict() -> None:
    result = await World(mx() | host(MX1, V4), {V4: shakes()}).examine()
    (report,) = result.reports
    unjudged = replace(report, endpoints=tuple(replace(each, pkix=None) for each in report.endpoints))
    assert judge_host(LISTED, unjudged, result.certs or {}) is HostSTS.UNKNOWN


@pytest.mark.parametrize(
    ("names", "name", "expected"),
    [
        (("mx1.secure.test",), "mx1.secure.test", True),
        (("*.secure.test",), "mx1.secure.test", True),
        (("*.secure.test",), "a.mx1.secure.test", False),  # smtp-sts#222: a wildcard covers one label
        (("*.secure.test",), "secure.test", False),
        (("secure.test",), "mx1.secure.test", False),  # smtp-sts#20: the MX name counts, not the domain
        ((), "mx1.secure.test", False),
    ],
)
def test_names_of_a_certificate(names: tuple[str, ...], name: str, expected: bool) -> None:  # noqa: FBT001 - a row
    assert is_named(replace(pki.LEAF_PLAN, sans=pki.dns(*names)).make().facts, name) is expected
