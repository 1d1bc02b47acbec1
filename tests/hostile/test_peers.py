"""All kinds of attack at once beside good domains, in a small form of ``crowd``: counts and processor time."""

from dataclasses import replace

import pytest

from tests.bench.loopback import pinned, serving
from tests.hostile import kinds
from tests.hostile.battle import ScanResult, hostile_servers, measured, plan_for
from tests.hostile.kinds import KINDS
from tests.hostile.meter import LONGEST

GOOD = 30
PATIENCE = 5.0  # seconds: more than a good server takes on a busy machine

FEW = 2

SMALL = tuple(kind for kind in KINDS if kind.name != "240 silent addresses")  # which is that of test_fan_out

EXPECTED = {  # a reason of each kind, by the rules of verdicts.md; the TLSA record of the issuer never matches alone
    "32,000 names on 240 addresses": "name-mismatch",
    "hosts with a 90 KB certificate each": "name-mismatch",
    "Diffie-Hellman prime of 10,000 bits": "dh-prime-too-large",
    "object identifier of 94 KB": "tlsa-mismatch",
    "arcs of 4,400 digits": "tlsa-mismatch",
    "path length of 2^64": "tlsa-mismatch",
    "76 bare keys in a TLSA set": "tlsa-mismatch",
    "chain of 400 equal issuers": "tlsa-mismatch",
    "2,000 TLSA records": "tlsa-mismatch",
    "chain of 10,000 certificates": "tls-message-too-long",
    "handshake message of 16 MB": "tls-message-too-long",
    "loop of HelloRetryRequests": "tls-handshake-failed",
    "1,000 renegotiations": "tlsa-none",
    "compressed certificate": "tls-handshake-failed",
    "endless reply": "reply-too-long",
    "endless line": "reply-too-long",
    "dripping greeting": "greeting-timeout",
    "silence": "greeting-timeout",
}


@pytest.fixture(scope="module")
def outcomes() -> tuple[ScanResult, ScanResult]:
    """Return the scan of the good domains alone, and beside all kinds of attack."""
    names = [kind.name for kind in SMALL]
    with serving(GOOD) as server, pinned() as others:
        alone = measured(plan_for(server, GOOD))
        with hostile_servers(names, server.port, others):
            return alone, measured(replace(plan_for(server, GOOD, names, PATIENCE), few=FEW))


def test_the_verdicts_of_the_good_domains_are_the_same(outcomes: tuple[ScanResult, ScanResult]) -> None:
    alone, seen = outcomes
    assert len(alone.verdicts) == GOOD
    assert {*alone.verdicts.values()} == {"protected all verified ok "}
    assert seen.verdicts == alone.verdicts


def test_no_step_takes_much_processor_time(outcomes: tuple[ScanResult, ScanResult]) -> None:
    _, seen = outcomes
    assert seen.busiest < LONGEST, seen.task


def test_memory_is_bounded(outcomes: tuple[ScanResult, ScanResult]) -> None:
    alone, seen = outcomes
    assert seen.memory - alone.memory < 250


@pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.name)
def test_each_hostile_domain_has_a_record(kind: kinds.AttackKind, outcomes: tuple[ScanResult, ScanResult]) -> None:
    _, seen = outcomes
    found = [seen.hostile[domain.name].split() for domain in kinds.domains_of(kind)[:FEW]]
    assert found
    assert not any("internal" in words for words in found)
    timed_out = {"tls-timeout", "greeting-timeout", "command-timeout"}  # the hostile servers share a busy machine
    assert all({EXPECTED.get(kind.name, words[-1]), *timed_out} & {*words} for words in found)
