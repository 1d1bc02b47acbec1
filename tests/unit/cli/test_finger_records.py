"""``finger --json``: one run as one record, with ports in memory."""

from dataclasses import replace

import pytest
import trio
import trio.testing

from scanner.cli.finger_records import check, record_of
from scanner.facts import Failure
from scanner.finger.finger_run import FingerRun
from scanner.finger.options import Fatal
from scanner.model import DomainRecord, HostReport
from scanner.reasons import Reason
from scanner.vocabulary import (
    Dane,
    DomainDane,
    DomainOutcome,
    FailureKind,
    Level,
    Outcome,
    Phase,
    Security,
    Sender,
    TLSState,
)
from tests.unit.finger.mail_scripts import MailScript
from tests.unit.memory_ports import ADDRESS, DOMAIN, HOST, MemoryPorts, Script, data, good_tlsa, setup, zone

RECORDS = {"right": good_tlsa(), "wrong": "030101" + "00" * 32}


async def record(ports: MemoryPorts, *argv: str) -> tuple[DomainRecord, tuple[HostReport, ...]]:
    session = FingerRun(setup(ports, *argv))
    await session.run()
    made, reports, certs = record_of(session)
    shown = [digest for report in reports for e in report.endpoints for p in e.probes if p.handshake
             for digest in p.handshake.chain]  # fmt: skip
    assert set(shown) == set(certs)
    return made, reports


RUNS = [
    # options, TLSA, word, sender, dane of the domain, outcome, effective level
    ((), "right", TLSState.VERIFIED, Sender.VERIFIED, DomainDane.PROTECTED, DomainOutcome.OK, Level.DANE),
    ((), "wrong", TLSState.UNTRUSTED, Sender.DEFER, DomainDane.BROKEN, DomainOutcome.FAIL, Level.DANE),
    (("-l", "may"), "wrong", TLSState.UNTRUSTED, Sender.ENCRYPTED, DomainDane.UNKNOWN, DomainOutcome.OK, Level.MAY),
    (("-l", "none"), "wrong", TLSState.CLEARTEXT, Sender.CLEARTEXT, DomainDane.UNKNOWN, DomainOutcome.OK, Level.NONE),
    (("-l", "secure"), "wrong", TLSState.UNTRUSTED, Sender.DEFER, DomainDane.UNKNOWN, DomainOutcome.FAIL, Level.SECURE),
]


@pytest.mark.parametrize(("argv", "tlsa", "word", "sender", "dane", "outcome", "level"), RUNS)
async def test_levels(
    argv: tuple[str, ...],
    tlsa: str,
    word: TLSState,
    sender: Sender,
    dane: DomainDane,
    outcome: DomainOutcome,
    level: Level,
    autojump_clock: trio.testing.MockClock,
) -> None:
    made, _ = await record(MemoryPorts(zone(RECORDS[tlsa]), [MailScript()]), *argv, DOMAIN)
    (endpoint,) = made.hosts[0].endpoints
    assert (endpoint.tls, endpoint.sender, endpoint.level) == (word, sender, level)
    assert (made.verdict.dane, made.verdict.outcome, made.verdict.sender) == (dane, outcome, sender)


async def test_fingerprints_decide_at_their_level(autojump_clock: trio.testing.MockClock) -> None:
    right, wrong = good_tlsa()[6:], "00" * 32
    made, (report,) = await record(MemoryPorts(zone(), [MailScript()]), "-l", "fingerprint", DOMAIN, right)
    assert [(end.pq, end.pq_signature) for end in report.endpoints] == [("preferred", "unknown")]
    assert (made.verdict.outcome, made.verdict.sender) == (DomainOutcome.OK, Sender.VERIFIED)
    made, _ = await record(MemoryPorts(zone(), [MailScript()]), "-l", "fingerprint", DOMAIN, wrong)
    assert (made.verdict.outcome, made.verdict.sender) == (DomainOutcome.FAIL, Sender.DEFER)


@pytest.mark.parametrize(
    ("policy", "level", "word"),
    [("dane", Level.HALF_DANE, TLSState.TRUSTED), ("encrypt", Level.ENCRYPT, TLSState.UNTRUSTED),
     ("may", Level.MAY, TLSState.UNTRUSTED)],
)  # fmt: skip
async def test_an_insecure_mx_leaves_what_the_policy_says(
    policy: str, level: Level, word: TLSState, autojump_clock: trio.testing.MockClock
) -> None:
    answers = zone(good_tlsa(), mx=Security.INSECURE)
    made, _ = await record(MemoryPorts(answers, [MailScript()]), "-o", "dnssec_probe=", "-M", policy, DOMAIN)
    (endpoint,) = made.hosts[0].endpoints
    assert (endpoint.level, endpoint.tls) == (level, word)
    assert made.verdict.outcome is DomainOutcome.OK


async def test_forced_tlsa_and_server_names_take_effect(autojump_clock: trio.testing.MockClock) -> None:
    answers = [*zone(good_tlsa()), data(HOST, "A", ADDRESS, security=Security.INSECURE)]
    made, _ = await record(MemoryPorts(answers, [MailScript()]), "-f", DOMAIN)
    assert made.hosts[0].endpoints[0].tls is TLSState.VERIFIED
    _, reports = await record(MemoryPorts(zone(), [MailScript()]), "-l", "may", "-s", "other.test", DOMAIN)
    assert reports[0].endpoints[0].probes[0].endpoint.sni == "other.test"


async def test_a_failed_tlsa_lookup_is_no_verdict(autojump_clock: trio.testing.MockClock) -> None:
    failed = replace(data(f"_25._tcp.{HOST}", "TLSA"), outcome=Outcome.ERROR, rcode="SERVFAIL")
    made, reports = await record(MemoryPorts([*zone()[:2], failed], []), DOMAIN)
    assert made.verdict.outcome is DomainOutcome.INCONCLUSIVE
    assert made.verdict.sender is Sender.DEFER
    assert made.hosts[0].dane is Dane.LOOKUP_FAILED
    assert [skipped.reason for skipped in reports[0].skipped] == [Reason.TLSA_LOOKUP_FAILED]


async def test_addresses_that_refuse_are_part_of_it(autojump_clock: trio.testing.MockClock) -> None:
    refused = Failure(Phase.CONNECT, FailureKind.REFUSED, 111, "Connection refused")
    ends: list[Script | Failure] = [refused, MailScript()]
    answers = [*zone(good_tlsa()), data(HOST, "AAAA", "2001:db8::25")]
    made, reports = await record(MemoryPorts(answers, ends), DOMAIN)
    assert len(reports[0].endpoints) == 2
    assert made.verdict.outcome is DomainOutcome.OK
    assert Reason.SOME_ADDRESSES_UNREACHABLE in made.verdict.reasons


async def test_hosts_without_address(autojump_clock: trio.testing.MockClock) -> None:
    made, reports = await record(MemoryPorts([data(DOMAIN, "MX", f"10 {HOST}")], []), DOMAIN)
    assert made.verdict.outcome is DomainOutcome.NO_MAIL
    assert [report.host for report in reports] == [HOST]
    assert Reason.MX_TARGET_NO_ADDRESS in made.hosts[0].reasons


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (("-g", "best"), 'invalid cipher grade: "best"'),
        (("-g", "null", "-l", "may"), 'error setting cipher grade: "null"'),
        (("-p", "TLS9"), 'Invalid TLS protocol list "TLS9": aborting TLS session'),
    ],
)
def test_what_cannot_be_offered_is_refused(argv: tuple[str, ...], text: str) -> None:
    with pytest.raises(Fatal) as refusal:
        check(setup(MemoryPorts([], []), *argv, DOMAIN))
    assert str(refusal.value) == text


def test_a_record_needs_tls() -> None:
    given = setup(MemoryPorts([], []), DOMAIN)
    check(given)
    with pytest.raises(Fatal, match="no record without TLS"):
        check(replace(given, tls=False))
    check(replace(setup(MemoryPorts([], []), "-l", "none", DOMAIN), tls=False))
