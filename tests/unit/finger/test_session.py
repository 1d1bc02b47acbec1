"""Whole runs of finger in a world of memory: what is printed, in which order, and what is not.

Expected lines are those of Postfix 3.12's posttls-finger, as described in its manual and seen in its output; where
they were compared with Debian's 3.7.11, only the wording that changed between the two differs.
"""

from dataclasses import dataclass, field, replace

import pytest
import trio
import trio.testing
from OpenSSL import SSL

from scanner.facts import Failure
from scanner.net.deadlines import TICK
from scanner.vocabulary import FailureKind, Outcome, Phase, Security
from tests.unit.mailserver import Server, server_context
from tests.unit.memory_world import (
    ADDRESS,
    DOMAIN,
    HOST,
    MemoryWorld,
    Script,
    data,
    good_tlsa,
    lines,
    zone,
)

NAP = f"{HOST}[{ADDRESS}]:25"
CHAT = [f"Connected to {NAP}", "< 220 mx", "> EHLO me", "< 250-mx", "< 250 STARTTLS", "> STARTTLS", "< 220 go"]


@dataclass
class MX:
    """An honest server; each reply can be replaced, None hangs up."""

    context: SSL.Context | None = field(default_factory=server_context)
    greeting: bytes | None = b"220 mx\r\n"
    ehlo: bytes | None = b"250-mx\r\n250 STARTTLS\r\n"
    starttls: bytes | None = b"220 go\r\n"
    ehlo_tls: bytes | None = b"250 mx\r\n"
    quit: bytes | None = b"221 bye\r\n"
    implicit: bool = False
    heard: list[str] = field(default_factory=list)

    async def __call__(self, server: Server) -> None:
        secured = self.implicit
        if self.implicit and self.context is not None:
            await server.secure(self.context)
        await self.answer(server, self.greeting)
        while command := (await server.hear()).decode().strip():
            self.heard.append(command)
            if command.startswith(("EHLO", "LHLO")):
                await self.answer(server, self.ehlo_tls if secured else self.ehlo)
            elif command == "STARTTLS":
                await self.answer(server, self.starttls)
                if self.context is not None:
                    await server.secure(self.context)
                    secured = True
            else:
                await self.answer(server, self.quit)

    async def answer(self, server: Server, reply: bytes | None) -> None:
        if reply is None:
            await server.stream.aclose()
            raise EOFError
        await server.say(reply)


async def run(*argv: str, tlsa: tuple[str, ...] = (good_tlsa(),), mx: Script | Failure | None = None) -> list[str]:
    return await lines(MemoryWorld(zone(*tlsa), [mx or MX()]), *argv, DOMAIN)


def kinds(printed: list[str]) -> list[str]:
    """Lines cut to what they are about."""
    return [line.split(" TLS connection")[0].split(f"{NAP}: ")[-1].split(":")[0].split("=")[0] for line in printed]


# --- one connection -------------------------------------------------------------------------------------------


async def test_a_run_from_end_to_end(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run()
    assert printed[:7] == CHAT
    assert printed[7].startswith(f"{NAP}: Matched DANE EE certificate at depth 0: 3 1 1 ")
    assert printed[8].startswith(f"{NAP}: subject_CN=mx.test, issuer=mx.test, cert fingerprint=")
    assert printed[9].startswith(f"Verified TLS connection established to {NAP}: TLSv1.3 with cipher ")
    assert printed[9].endswith(" server-signature ECDSA (prime256v1) server-digest SHA256")
    assert printed[10:] == ["> EHLO me", "< 250 mx", "> QUIT", "< 221 bye"]


async def test_no_chat(autojump_clock: trio.testing.MockClock) -> None:
    assert kinds(await run("-c")) == ["Matched DANE EE certificate at depth 0", "subject_CN", "Verified"]


REFUSALS = [
    # what the server does, the lines after "Connected to": all hang up without QUIT
    (MX(greeting=None), ["lost connection while reading server greeting"]),
    (
        MX(greeting=b"554-no\r\n554 service\r\n"),
        ["< 554-no", "< 554 service", "SMTP service not available: 554 no?service"],
    ),
    (MX(ehlo=None), ["< 220 mx", "> EHLO me", "lost connection while sending EHLO"]),
    (MX(ehlo=b"502 what?\r\n"), ["< 220 mx", "> EHLO me", "< 502 what?", "EHLO rejected: 502 what?"]),
    (MX(ehlo=b"25 short code\r\n"), ["< 220 mx", "> EHLO me", "< 25 short code", "EHLO rejected: 0 short code"]),
    (MX(starttls=b"454 later\r\n"), [*CHAT[1:6], "< 454 later", "STARTTLS rejected: 454 later"]),
    # posttls-finger calls this one fatal and exits 1: an accident, not copied
    (MX(starttls=None), [*CHAT[1:6], "lost connection while sending STARTTLS"]),
    (MX(greeting=b"220 a\0b\r\n", ehlo=None), ["< 220 a", "> EHLO me", "lost connection while sending EHLO"]),
]


@pytest.mark.parametrize(("server", "expected"), REFUSALS)
async def test_refusals(server: MX, expected: list[str], autojump_clock: trio.testing.MockClock) -> None:
    printed = await run(mx=server)
    assert printed == [CHAT[0], *expected]
    assert "QUIT" not in server.heard


async def test_a_slow_greeting(autojump_clock: trio.testing.MockClock) -> None:
    async def silent(_: Server) -> None:
        await trio.sleep_forever()

    assert await run("-t", "7", mx=silent) == [CHAT[0], "timeout while reading server greeting"]
    assert 7 <= trio.current_time() <= 7 + 2 * TICK


async def test_nothing_is_said_of_a_server_without_starttls(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run(mx=MX(ehlo=b"250 mx\r\n"))
    assert printed == [*CHAT[:3], "< 250 mx", "> QUIT", "< 221 bye"]


async def test_level_none_leaves_starttls_alone(autojump_clock: trio.testing.MockClock) -> None:
    assert await run("-l", "none") == [*CHAT[:5], "> QUIT", "< 221 bye"]


async def test_an_ehlo_refused_under_tls_is_told_and_passed_over(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run("-L", "none", mx=MX(ehlo_tls=b"502-no\r\n502 more\r\n"))
    assert printed[7:] == [
        "> EHLO me",
        "< 502-no",
        "< 502 more",
        "EHLO rejected: 502 no?more",
        "> QUIT",
        "< 221 bye",
    ]


async def test_a_server_that_leaves_after_tls_is_said_quit_to(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run("-L", "none", mx=MX(ehlo_tls=None))
    assert printed[7:] == [
        "> EHLO me",
        "lost connection while sending EHLO",
        "> QUIT",
        "warning: lost connection while sending QUIT command",
    ]


async def test_a_quit_without_answer(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run(mx=MX(quit=None))
    assert printed[-2:] == ["> QUIT", "warning: lost connection while sending QUIT command"]


async def test_an_anonymous_server(autojump_clock: trio.testing.MockClock) -> None:
    context = server_context(None, version=SSL.TLS1_2_VERSION, ciphers="aNULL")
    printed = await run("-l", "may", mx=MX(context))
    assert kinds(printed)[7:] == ["Anonymous", "> EHLO me", "< 250 mx", "Server is anonymous", "> QUIT", "< 221 bye"]


async def test_the_chain_comes_before_the_farewell(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run("-C")
    assert printed[-2:] == ["> QUIT", "< 221 bye"]
    assert printed[-3].startswith("\n---\nCertificate chain\n 0 subject: /CN=mx.test\n")


async def test_handshakes_that_fail(autojump_clock: trio.testing.MockClock) -> None:
    async def gone(server: Server) -> None:
        await server.say(b"220 mx\r\n")
        await server.hear()
        await server.say(b"250-mx\r\n250 STARTTLS\r\n")
        await server.hear()
        await server.say(b"220 go\r\n")
        await server.stream.receive_some()
        await server.stream.aclose()

    assert await run("-c", mx=gone) == [f"SSL_connect error to {NAP}: lost connection"]

    async def clear(server: Server) -> None:
        await server.say(b"220 mx\r\n")
        await server.hear()
        await server.say(b"250-mx\r\n250 STARTTLS\r\n")
        await server.hear()
        await server.say(b"220 go\r\n")
        await server.hear()
        await server.say(b"500 what was that?\r\n")

    assert await run("-c", mx=clear) == [
        f"SSL_connect error to {NAP}: -1",
        "warning: TLS library problem: error:0A00010B:SSL routines::wrong version number:::",
    ]


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (("-g", "best"), 'invalid cipher grade: "best"'),
        (("-p", "TLS9"), 'Invalid TLS protocol list "TLS9": aborting TLS session'),
        (("-l", "may", "-s", "a" * 256), f"ignoring too long SNI hostname: {'a' * 100}"),
    ],
)
async def test_an_offer_that_cannot_be_made_ends_the_session_after_starttls(
    argv: tuple[str, ...], complaint: str, autojump_clock: trio.testing.MockClock
) -> None:
    server = MX()
    assert await run(*argv, mx=server) == [*CHAT, f"warning: {NAP}: {complaint}"]
    assert server.heard == ["EHLO me", "STARTTLS"]


async def test_null_ciphers_cannot_be_had_without_authentication(autojump_clock: trio.testing.MockClock) -> None:
    assert await run("-c", "-l", "may", "-g", "null") == [
        f'warning: {NAP}: error setting cipher grade: "null"',
        "warning: TLS library problem: error:0A0000B9:SSL routines::no cipher match:::",
    ]


async def test_wrapper_mode(autojump_clock: trio.testing.MockClock) -> None:
    server = MX(implicit=True)
    printed = await run("-w", "-L", "none", mx=server)
    assert printed == [CHAT[0], "< 220 mx", "> EHLO me", "< 250 mx", "> QUIT", "< 221 bye"]


async def test_lmtp_knows_no_mx(autojump_clock: trio.testing.MockClock) -> None:
    server = MX()
    world = MemoryWorld([data(HOST, "A", ADDRESS)], [server])
    printed = await lines(world, "-S", "-L", "none", f"inet:{HOST}")
    assert printed[0] == f"Connected to {HOST}[{ADDRESS}]:24"
    assert server.heard[0] == "LHLO me"
    assert (HOST, "MX") not in world.asked
    assert (f"_24._tcp.{HOST}", "TLSA") in world.asked


async def test_a_unix_socket_at_dane_is_judged_as_secure(autojump_clock: trio.testing.MockClock) -> None:
    world = MemoryWorld([], [MX()])
    printed = await lines(world, "-S", "-o", "myhostname=here.test", "unix:/run/lmtp")
    assert world.asked == []
    assert world.connected == [("/run/lmtp", 0)]
    assert any(line.startswith("Untrusted TLS connection established to ") for line in printed)


async def test_fingerprints_are_read_before_anything_else(autojump_clock: trio.testing.MockClock) -> None:
    world = MemoryWorld(zone(), [MX()])
    printed = await lines(world, "-c", "-l", "fingerprint", DOMAIN, "zz", "00:11")
    assert printed[:4] == [
        "warning: malformed fingerprint value: zz",
        f"warning: {NAP}: unusable TLSA RR: 3 1 255 0011",
        f"warning: {NAP}: unusable TLSA RR: 3 0 255 0011",
        f"warning: {NAP}: all fingerprints unusable",
    ]


async def test_no_trace_of_the_library(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run("-c", "-L", "trace,summary")
    assert printed[0].startswith("warning: the TLS library's own trace (-L trace) cannot be had")
    assert len(printed) == 2


# --- addresses and TLSA ---------------------------------------------------------------------------------------


async def test_the_first_address_that_accepts_is_used_for_good(autojump_clock: trio.testing.MockClock) -> None:
    refused = Failure(Phase.CONNECT, FailureKind.REFUSED, 111, "Connection refused")
    answers = [
        data(DOMAIN, "MX", "10 mx1.test", "20 mx2.test", "30 mx3.test"),
        *(data(f"mx{n}.test", "A", f"192.0.2.{n}") for n in (1, 2, 3)),
    ]
    world = MemoryWorld(answers, [refused, MX(greeting=b"554 no\r\n")])
    assert await lines(world, DOMAIN) == [
        (
            f"Failed to establish session to {DOMAIN} via mx1.test:25: "
            "connect to mx1.test[192.0.2.1]:25: Connection refused"
        ),
        "Connected to mx2.test[192.0.2.2]:25",
        "< 554 no",
        "SMTP service not available: 554 no",
    ]
    assert len(world.connected) == 2


async def test_a_failed_tlsa_lookup_skips_the_address(autojump_clock: trio.testing.MockClock) -> None:
    failed = replace(data(f"_25._tcp.{HOST}", "TLSA"), outcome=Outcome.ERROR, rcode="SERVFAIL")
    world = MemoryWorld([*zone()[:2], failed], [])
    printed = await lines(world, DOMAIN)
    assert printed[0].startswith("warning: DANE TLSA lookup problem: Host or domain name not found. ")
    assert printed[1:] == [f"Failed to establish session to {DOMAIN} via {HOST}:25: TLSA lookup error for {HOST}:25"]
    assert world.connected == []


async def test_records_are_commented_once_for_all_addresses(autojump_clock: trio.testing.MockClock) -> None:
    refused = Failure(Phase.CONNECT, FailureKind.REFUSED, 111, "Connection refused")
    answers = [*zone("000101" + "00" * 32, good_tlsa()), data(HOST, "AAAA", "2001:db8::25")]
    printed = await lines(MemoryWorld(answers, [refused, MX()]), "-L", "dane", DOMAIN)
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
    assert "certificate verification failed" in printed[2]  # told even so, as at a level that authenticates

    printed = await run("-c", "-l", "dane-only", "-L", "summary", tlsa=(UNUSABLE,))
    assert printed[1] == f"warning: {NAP}: all TLSA records unusable"
    assert printed[2].endswith("num=1:unspecified certificate verification error")


async def test_an_insecure_mx_is_trusted_at_best(autojump_clock: trio.testing.MockClock) -> None:
    answers = zone(good_tlsa(), mx=Security.INSECURE)
    printed = await lines(MemoryWorld(answers, [MX()]), "-c", "-o", "dnssec_probe=", DOMAIN)
    assert printed[0] == "MX RRset insecure: log verified as trusted"
    assert kinds(printed)[-1] == "Trusted"


async def test_nothing_validated_is_hinted_at_once(autojump_clock: trio.testing.MockClock) -> None:
    answers = [data(DOMAIN, "MX", f"10 {HOST}", security=Security.INSECURE)]
    answers += [data(HOST, "A", ADDRESS, security=Security.INSECURE), data(".", "NS", "a.", security=Security.INSECURE)]
    printed = await lines(MemoryWorld(answers, [MX()]), "-c", DOMAIN)
    assert printed[:2] == [
        "warning: DNSSEC validation may be unavailable",
        "warning: reason: dnssec_probe 'ns:.' received a response that is not DNSSEC validated",
    ]
    assert sum("DNSSEC" in line for line in printed) == 2


# --- more than one connection ---------------------------------------------------------------------------------


async def come_again(*servers: MX, argv: tuple[str, ...] = ()) -> tuple[list[str], MemoryWorld]:
    world = MemoryWorld(zone(good_tlsa(), mx=Security.INSECURE), servers)
    return await lines(world, "-r", "3", "-o", "dnssec_probe=", *argv, DOMAIN), world


@pytest.mark.parametrize("version", [None, SSL.TLS1_2_VERSION])
async def test_the_same_server_takes_its_session_up_again(
    version: int | None, autojump_clock: trio.testing.MockClock
) -> None:
    context = server_context()
    context.set_max_proto_version(version or 0)
    first, second = MX(context), MX(context)
    printed, world = await come_again(first, second)
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
    assert world.slept == [3]
    assert world.asked.count((f"_25._tcp.{HOST}", "TLSA")) == 1


async def test_a_load_balancer_shows_by_other_names(autojump_clock: trio.testing.MockClock) -> None:
    servers = [MX(ehlo=b"250-mx%d\r\n250 STARTTLS\r\n" % n) for n in range(3)]
    printed, world = await come_again(*servers, argv=("-m", "2"))
    assert printed[-1] == "Maximum reconnect count reached."
    assert world.slept == [3, 3]
    assert len(world.connected) == 3


async def test_a_server_without_sessions(autojump_clock: trio.testing.MockClock) -> None:
    context = server_context()
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    printed, world = await come_again(MX(context))
    assert printed[-1] == "Server declined session caching. Done reconnecting."
    assert world.slept == []


async def test_a_failed_session_ends_the_loop_silently(autojump_clock: trio.testing.MockClock) -> None:
    printed, _ = await come_again(MX(greeting=b"554 no\r\n"))
    assert printed[-1] == "SMTP service not available: 554 no"


async def test_no_pause_no_reconnect(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run("-r", "0", "-c", "-L", "cache")
    assert [line.split(" [")[0] for line in printed] == ["looking for session", "save session"]


async def test_what_the_cache_does(autojump_clock: trio.testing.MockClock) -> None:
    context = server_context()
    printed, _ = await come_again(MX(context), MX(context), argv=("-c", "-L", "cache"))
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
    world = MemoryWorld(zone("000101" + "00" * 32), [MX(context), MX(context)])
    printed = await lines(world, "-c", "-r", "1", "-L", "none", DOMAIN)
    assert printed[-1] == "Found a previously used server.  Done reconnecting."


async def test_a_session_of_a_failed_handshake_is_forgotten(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run("-c", "-r", "1", "-L", "cache", mx=MX(server_context(None), starttls=b"220 go\r\n"))
    assert printed[1].startswith(f"SSL_connect error to {NAP}: ")
    assert printed[-1].split(" [")[0] == "remove session"


async def test_an_untrusted_session_taken_up_again(autojump_clock: trio.testing.MockClock) -> None:
    context = server_context()
    world = MemoryWorld(zone("030101" + "00" * 32), [MX(context), MX(context)])
    printed = await lines(world, "-c", "-r", "1", "-L", "summary", DOMAIN)
    old = f"{NAP}: re-using session with untrusted peer credential, look for details earlier in the log"
    assert printed.count(old) == 1
    assert printed.index(old) > printed.index("Reconnecting after 1 seconds")
    assert sum(line.startswith("Untrusted TLS") for line in printed) == 2


# --- what OpenSSL does ----------------------------------------------------------------------------------------


async def test_states_and_dumps_are_told_besides_all_the_rest(autojump_clock: trio.testing.MockClock) -> None:
    plain = await run("-L", "summary")
    debug = await run("-L", "summary,ssl-debug")
    assert [line for line in debug if not line.startswith(("SSL_connect:", f"{NAP}: SNI"))] == plain
    assert f"{NAP}: SNI hostname: {HOST}" in debug
    assert any(line.startswith("SSL_connect:") for line in debug)

    dumped = await run("-L", "summary,ssl-session-packet-dump")
    heads = [line for line in dumped if "(0x" in line]
    assert [line for line in dumped if "(0x" not in line and line[4:5] != " "] == [p for p in plain if p[4:5] != " "]
    assert heads[0].startswith("write to ")
    assert heads[1].startswith("read from ")
    assert heads[1].endswith("(5 bytes => 5 (0x5))")
    handshake_only = await run("-L", "ssl-handshake-packet-dump")
    assert 0 < sum("(0x" in line for line in handshake_only) < len(heads)


async def test_verbose_says_what_is_offered_and_checked(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run("-c", "-L", "verbose")
    assert printed[0] == "initializing the client-side TLS engine"
    assert printed[1].startswith("DNSSEC-signed TLSA record: ")
    assert printed[2] == f"setting up TLS connection to {NAP}"
    assert printed[3].startswith(f'{NAP}: TLS cipher list "aNULL:-aNULL:HIGH:MEDIUM:')
    assert printed[4] == f"{NAP}: depth=0 verify=1 subject=/CN=mx.test"
