"""The DNSSEC probe and its warnings, with ports in memory."""

import trio
import trio.testing

from scanner.vocabulary import Security
from tests.unit.finger.mail_scripts import MailScript
from tests.unit.memory_ports import (
    ADDRESS,
    DOMAIN,
    HOST,
    MemoryPorts,
    data,
    lines,
)


async def test_nothing_validated_is_hinted_at_once(autojump_clock: trio.testing.MockClock) -> None:
    answers = [data(DOMAIN, "MX", f"10 {HOST}", security=Security.INSECURE)]
    answers += [data(HOST, "A", ADDRESS, security=Security.INSECURE), data(".", "NS", "a.", security=Security.INSECURE)]
    printed = await lines(MemoryPorts(answers, [MailScript()]), "-c", DOMAIN)
    assert printed[:2] == [
        "warning: DNSSEC validation may be unavailable",
        "warning: reason: dnssec_probe 'ns:.' received a response that is not DNSSEC validated",
    ]
    assert sum("DNSSEC" in line for line in printed) == 2
