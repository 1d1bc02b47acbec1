"""The addresses and levels of a run, with ports in memory.

Expected lines: posttls-finger of Postfix 3.12; those compared with 3.7.11 differ in wording only.
"""

import trio
import trio.testing

from scanner.facts import Failure
from scanner.vocabulary import FailureKind, Phase, Security
from tests.unit.finger.mail_scripts import MailScript, kinds
from tests.unit.memory_ports import (
    DOMAIN,
    MemoryPorts,
    data,
    good_tlsa,
    lines,
    zone,
)


async def test_the_first_address_that_accepts_is_used_for_good(autojump_clock: trio.testing.MockClock) -> None:
    refused = Failure(Phase.CONNECT, FailureKind.REFUSED, 111, "Connection refused")
    answers = [
        data(DOMAIN, "MX", "10 mx1.test", "20 mx2.test", "30 mx3.test"),
        *(data(f"mx{n}.test", "A", f"192.0.2.{n}") for n in (1, 2, 3)),
    ]
    ports = MemoryPorts(answers, [refused, MailScript(greeting=b"554 no\r\n")])
    assert await lines(ports, DOMAIN) == [
        (
            f"Failed to establish session to {DOMAIN} via mx1.test:25: "
            "connect to mx1.test[192.0.2.1]:25: Connection refused"
        ),
        "Connected to mx2.test[192.0.2.2]:25",
        "< 554 no",
        "SMTP service not available: 554 no",
    ]
    assert len(ports.connected) == 2


async def test_an_insecure_mx_is_trusted_at_best(autojump_clock: trio.testing.MockClock) -> None:
    answers = zone(good_tlsa(), mx=Security.INSECURE)
    printed = await lines(MemoryPorts(answers, [MailScript()]), "-c", "-o", "dnssec_probe=", DOMAIN)
    assert printed[0] == "MX RRset insecure: log verified as trusted"
    assert kinds(printed)[-1] == "Trusted"
