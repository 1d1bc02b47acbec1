"""Reconnecting (``-r``, ``-m``) and the session cache, with ports in memory.

Expected lines: posttls-finger of Postfix 3.12; those compared with 3.7.11 differ in wording only.
"""

import pytest
import trio
import trio.testing
from OpenSSL import SSL

from scanner.vocabulary import Security
from tests.unit.finger.mail_scripts import NAP, MailScript, kinds, run
from tests.unit.mailserver import server_context
from tests.unit.memory_ports import (
    ADDRESS,
    DOMAIN,
    HOST,
    MemoryPorts,
    good_tlsa,
    lines,
    zone,
)


async def come_again(*servers: MailScript, argv: tuple[str, ...] = ()) -> tuple[list[str], MemoryPorts]:
    ports = MemoryPorts(zone(good_tlsa(), mx=Security.INSECURE), servers)
    return await lines(ports, "-r", "3", "-o", "dnssec_probe=", *argv, DOMAIN), ports


@pytest.mark.parametrize("version", [None, SSL.TLS1_2_VERSION])
async def test_the_same_server_takes_its_session_up_again(
    version: int | None, autojump_clock: trio.testing.MockClock
) -> None:
    context = server_context()
    context.set_max_proto_version(version or 0)
    first, second = MailScript(context), MailScript(context)
    printed, ports = await come_again(first, second)
    again = printed[printed.index("Reconnecting after 3 seconds") + 1 :]
    assert kinds(again) == [
        "MX RRset insecure",  # the level is worked out anew for each connection
        "< 220 mx",
        "subject_CN",
        "Trusted",
        "> QUIT",
        "< 221 bye",
        "Found a previously used server.  Done reconnecting.",
    ]
    assert "server-signature" not in again[3]
    assert second.heard == ["EHLO me", "STARTTLS", "QUIT"]  # no EHLO under TLS
    assert ports.slept == [3]
    assert ports.asked.count((f"_25._tcp.{HOST}", "TLSA")) == 1


async def test_a_load_balancer_shows_by_other_names(autojump_clock: trio.testing.MockClock) -> None:
    servers = [MailScript(ehlo=b"250-mx%d\r\n250 STARTTLS\r\n" % n) for n in range(3)]
    printed, ports = await come_again(*servers, argv=("-m", "2"))
    assert printed[-1] == "Maximum reconnect count reached."
    assert ports.slept == [3, 3]
    assert len(ports.connected) == 3


async def test_a_server_without_sessions(autojump_clock: trio.testing.MockClock) -> None:
    context = server_context()
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    printed, ports = await come_again(MailScript(context))
    assert printed[-1] == "Server declined session caching. Done reconnecting."
    assert ports.slept == []


async def test_a_failed_session_ends_the_loop_silently(autojump_clock: trio.testing.MockClock) -> None:
    printed, _ = await come_again(MailScript(greeting=b"554 no\r\n"))
    assert printed[-1] == "SMTP service not available: 554 no"


async def test_no_pause_no_reconnect(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run("-r", "0", "-c", "-L", "cache")
    assert [line.split(" [")[0] for line in printed] == ["looking for session", "save session"]


async def test_what_the_cache_does(autojump_clock: trio.testing.MockClock) -> None:
    context = server_context()
    printed, _ = await come_again(MailScript(context), MailScript(context), argv=("-c", "-L", "cache"))
    assert [line.split(f"[{ADDRESS}]")[0] for line in printed if "session" in line] == [
        "looking for session ",
        "save session ",
        "looking for session ",
        "reloaded session ",
        HOST,  # "Reusing old session"
        "save session ",
    ]
    keys = {line.split("&")[1][:64] for line in printed if "&" in line}
    assert len(keys) == 1


async def test_records_that_do_not_count_make_no_other_session(autojump_clock: trio.testing.MockClock) -> None:
    """The first connection fell back to secure; the second asks for no records any more, on the same terms."""
    context = server_context()
    ports = MemoryPorts(zone("000101" + "00" * 32), [MailScript(context), MailScript(context)])
    printed = await lines(ports, "-c", "-r", "1", "-L", "none", DOMAIN)
    assert printed[-1] == "Found a previously used server.  Done reconnecting."


async def test_a_session_of_a_failed_handshake_is_forgotten(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run("-c", "-r", "1", "-L", "cache", mx=MailScript(server_context(None), starttls=b"220 go\r\n"))
    assert printed[1].startswith(f"SSL_connect error to {NAP}: ")
    assert printed[-1].split(" [")[0] == "remove session"


async def test_an_untrusted_session_taken_up_again(autojump_clock: trio.testing.MockClock) -> None:
    context = server_context()
    ports = MemoryPorts(zone("030101" + "00" * 32), [MailScript(context), MailScript(context)])
    printed = await lines(ports, "-c", "-r", "1", "-L", "summary", DOMAIN)
    old = f"{NAP}: re-using session with untrusted peer credential, look for details earlier in the log"
    assert printed.count(old) == 1
    assert printed.index(old) > printed.index("Reconnecting after 1 seconds")
    assert sum(line.startswith("Untrusted TLS") for line in printed) == 2
