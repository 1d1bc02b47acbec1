"""The TLSA lookups of a run and their lines, with ports in memory.

Expected lines: posttls-finger of Postfix 3.12; those compared with 3.7.11 differ in wording only.
"""

from dataclasses import replace

import pytest
import trio
import trio.testing

from scanner.core.answers import NOT_A_NAME, failed
from scanner.facts import Answer, Failure
from scanner.finger.addresses import AskDNS, HostAddress
from scanner.finger.log_keywords import LogMask
from scanner.finger.tlsa_lookup import TLSASearch
from scanner.vocabulary import Dane, FailureKind, Outcome, Phase, Security
from tests.unit.finger.mail_scripts import NAP, MailScript, kinds, run
from tests.unit.memory_ports import (
    ADDRESS,
    DOMAIN,
    HOST,
    MemoryPorts,
    data,
    good_tlsa,
    lines,
    zone,
)


async def test_a_failed_tlsa_lookup_skips_the_address(autojump_clock: trio.testing.MockClock) -> None:
    broken = replace(data(f"_25._tcp.{HOST}", "TLSA"), outcome=Outcome.ERROR, rcode="SERVFAIL")
    ports = MemoryPorts([*zone()[:2], broken], [])
    printed = await lines(ports, DOMAIN)
    assert printed[0].startswith("warning: DANE TLSA lookup problem: Host or domain name not found. ")
    assert printed[1:] == [f"Failed to establish session to {DOMAIN} via {HOST}:25: TLSA lookup error for {HOST}:25"]
    assert ports.connected == []


async def test_records_are_commented_once_for_all_addresses(autojump_clock: trio.testing.MockClock) -> None:
    refused = Failure(Phase.CONNECT, FailureKind.REFUSED, 111, "Connection refused")
    answers = [*zone("000101" + "00" * 32, good_tlsa()), data(HOST, "AAAA", "2001:db8::25")]
    printed = await lines(MemoryPorts(answers, [refused, MailScript()]), "-L", "dane", DOMAIN)
    unsupported = [line for line in printed if "unsupported TLSA certificate usage: 0 1 1 0000" in line]
    assert unsupported == [printed[0]]
    assert [line[:55] for line in printed if line.startswith("DNSSEC")] == [
        f"DNSSEC-signed TLSA record: _25._tcp.{HOST}: 3 1 "[:55]
    ]


UNUSABLE = "030103" + "00" * 32


async def test_records_that_only_openssl_rejects(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run("-c", "-L", "summary", tlsa=(UNUSABLE,))
    assert printed[0].startswith(f"warning: {NAP}: unusable TLSA RR: 3 1 3 0000")
    assert printed[1] == f"warning: {NAP}: all TLSA records unusable, fallback to unauthenticated TLS"
    assert kinds(printed)[-1] == "Untrusted"
    assert "certificate verification failed" in printed[2]  # printed as at a level that authenticates

    printed = await run("-c", "-l", "dane-only", "-L", "summary", tlsa=(UNUSABLE,))
    assert printed[1] == f"warning: {NAP}: all TLSA records unusable"
    assert printed[2].endswith("num=1:unspecified certificate verification error")


async def test_more_than_a_hundred_records_are_cut_with_a_warning(autojump_clock: trio.testing.MockClock) -> None:
    """As posttls-finger 3.7.11: the good record, which sorts behind a hundred others, does not count."""
    ports = MemoryPorts(zone(*(f"030101{n:064x}" for n in range(100)), good_tlsa()), [MailScript()])
    printed = await lines(ports, "-c", DOMAIN)
    assert printed[0] == (
        f"warning: DNS record count limit (100) exceeded -- dropping excess record(s) after qname=_25._tcp.{HOST}"
        " qtype=TLSA"
    )
    assert printed[1] == f"server certificate verification failed for {NAP}: num=65:no matching DANE TLSA records"


async def test_a_host_whose_tlsa_name_is_no_name_has_no_records(autojump_clock: trio.testing.MockClock) -> None:
    """posttls-finger 3.7.11: secure, as without TLSA records."""
    impossible = failed(f"_25._tcp.{HOST}" + ".x" * 130, "TLSA", NOT_A_NAME)
    search = TLSASearch(_always(impossible), ("sha256",), LogMask.NOTHING, print, force=False)
    found = await search.find(HostAddress(HOST, HOST, ADDRESS, 25, security=Security.SECURE))
    assert found.dane is Dane.NONE


@pytest.mark.parametrize("options", ["dane", "verbose"])
async def test_records_are_shown_with_their_owner(options: str, autojump_clock: trio.testing.MockClock) -> None:
    owner = "tlsa.example.test"
    behind = replace(data(f"_25._tcp.{HOST}", "TLSA", good_tlsa()), rname=owner)
    printed = await lines(MemoryPorts([*zone()[:2], behind], [MailScript()]), "-L", options, DOMAIN)
    shown = [line for line in printed if line.startswith("DNSSEC-signed")]
    assert shown == [f"DNSSEC-signed TLSA record: {owner}: 3 1 1 {good_tlsa()[6:].upper()}"]


def _always(answer: Answer) -> AskDNS:
    async def lookup(name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        del name, rtype, dnssec
        await trio.lowlevel.checkpoint()
        return answer

    return lookup
