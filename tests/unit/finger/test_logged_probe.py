"""The lines of one connection, with ports in memory.

Expected lines: posttls-finger of Postfix 3.12; those compared with 3.7.11 differ in wording only.
"""

import pytest
import trio
import trio.testing
from OpenSSL import SSL

from scanner.core.answers import NOT_A_NAME, failed
from scanner.finger.finger_run import FingerRun
from scanner.finger.lines import LARGE_HELLO
from scanner.net.deadlines import TICK
from tests.unit.finger.mail_scripts import CHAT, NAP, MailScript, kinds, run
from tests.unit.mailserver import MailServer, server_context
from tests.unit.memory_ports import (
    ADDRESS,
    DOMAIN,
    HOST,
    MemoryPorts,
    data,
    good_tlsa,
    lines,
    setup,
    zone,
)


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
    (MailScript(greeting=None), ["lost connection while reading server greeting"]),
    (
        MailScript(greeting=b"554-no\r\n554 service\r\n"),
        ["< 554-no", "< 554 service", "SMTP service not available: 554 no?service"],
    ),
    (MailScript(ehlo=None), ["< 220 mx", "> EHLO me", "lost connection while sending EHLO"]),
    (MailScript(ehlo=b"502 what?\r\n"), ["< 220 mx", "> EHLO me", "< 502 what?", "EHLO rejected: 502 what?"]),
    (
        MailScript(ehlo=b"25 short code\r\n"),
        ["< 220 mx", "> EHLO me", "< 25 short code", "EHLO rejected: 0 short code"],
    ),
    (MailScript(starttls=b"454 later\r\n"), [*CHAT[1:6], "< 454 later", "STARTTLS rejected: 454 later"]),
    # posttls-finger calls this one fatal and exits 1: an accident, not copied
    (MailScript(starttls=None), [*CHAT[1:6], "lost connection while sending STARTTLS"]),
    (MailScript(greeting=b"220 a\0b\r\n", ehlo=None), ["< 220 a", "> EHLO me", "lost connection while sending EHLO"]),
]


@pytest.mark.parametrize(("server", "expected"), REFUSALS)
async def test_refusals(server: MailScript, expected: list[str], autojump_clock: trio.testing.MockClock) -> None:
    printed = await run(mx=server)
    assert printed == [CHAT[0], *expected]
    assert "QUIT" not in server.heard


async def test_a_slow_greeting(autojump_clock: trio.testing.MockClock) -> None:
    async def silent(_: MailServer) -> None:
        await trio.sleep_forever()

    assert await run("-t", "7", mx=silent) == [CHAT[0], "timeout while reading server greeting"]
    assert 7 <= trio.current_time() <= 7 + 2 * TICK


async def test_nothing_is_said_of_a_server_without_starttls(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run(mx=MailScript(ehlo=b"250 mx\r\n"))
    assert printed == [*CHAT[:3], "< 250 mx", "> QUIT", "< 221 bye"]


async def test_level_none_leaves_starttls_alone(autojump_clock: trio.testing.MockClock) -> None:
    assert await run("-l", "none") == [*CHAT[:5], "> QUIT", "< 221 bye"]


async def test_an_ehlo_refused_under_tls_is_told_and_passed_over(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run("-L", "none", mx=MailScript(ehlo_tls=b"502-no\r\n502 more\r\n"))
    assert printed[7:] == [
        "> EHLO me",
        "< 502-no",
        "< 502 more",
        "EHLO rejected: 502 no?more",
        "> QUIT",
        "< 221 bye",
    ]


async def test_a_server_that_leaves_after_tls_is_said_quit_to(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run("-L", "none", mx=MailScript(ehlo_tls=None))
    assert printed[7:] == [
        "> EHLO me",
        "lost connection while sending EHLO",
        "> QUIT",
        "warning: lost connection while sending QUIT command",
    ]


async def test_a_quit_without_answer(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run(mx=MailScript(quit=None))
    assert printed[-2:] == ["> QUIT", "warning: lost connection while sending QUIT command"]


async def test_an_anonymous_server(autojump_clock: trio.testing.MockClock) -> None:
    context = server_context(None, version=SSL.TLS1_2_VERSION, ciphers="aNULL")
    printed = await run("-l", "may", mx=MailScript(context))
    assert kinds(printed)[7:] == ["Anonymous", "> EHLO me", "< 250 mx", "Server is anonymous", "> QUIT", "< 221 bye"]


async def test_the_chain_comes_before_the_farewell(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run("-C")
    assert printed[-2:] == ["> QUIT", "< 221 bye"]
    assert printed[-3].startswith("\n---\nCertificate chain\n 0 subject: /CN=mx.test\n")


async def test_an_ehlo_reply_of_131_lines(autojump_clock: trio.testing.MockClock) -> None:
    """Postfix has no limit on the lines of a reply."""
    reply = b"250-mx\r\n250-STARTTLS\r\n" + b"250-X\r\n" * 128 + b"250 OK\r\n"
    assert kinds(await run("-c", mx=MailScript(ehlo=reply)))[-1] == "Verified"


@pytest.mark.parametrize("level", ["dane", "secure"])
async def test_an_mx_host_name_of_252_octets(level: str, autojump_clock: trio.testing.MockClock) -> None:
    """posttls-finger 3.7.11: no TLSA records, since their owner is no domain name."""
    name = ".".join(["c" * 60] * 4) + ".sec.test"
    answers = [
        data(DOMAIN, "MX", f"10 {name}"),
        data(name, "A", ADDRESS),
        failed(f"_25._tcp.{name}", "TLSA", NOT_A_NAME),
    ]
    printed = await lines(MemoryPorts(answers, [MailScript()]), "-c", "-l", level, DOMAIN)
    assert f"certificate verification failed for {name}[{ADDRESS}]:25: self-signed certificate" in printed
    assert printed[-1].startswith("Untrusted TLS connection established")


async def test_handshakes_that_fail(autojump_clock: trio.testing.MockClock) -> None:
    async def gone(server: MailServer) -> None:
        await server.say(b"220 mx\r\n")
        await server.hear()
        await server.say(b"250-mx\r\n250 STARTTLS\r\n")
        await server.hear()
        await server.say(b"220 go\r\n")
        await server.stream.receive_some()
        await server.stream.aclose()

    async def alert(server: MailServer) -> None:
        """Answer the ClientHello with the alert decode_error (RFC 8446 section 6)."""
        await server.say(b"220 mx\r\n")
        await server.hear()
        await server.say(b"250-mx\r\n250 STARTTLS\r\n")
        await server.hear()
        await server.say(b"220 go\r\n")
        await server.stream.receive_some()
        await server.say(bytes.fromhex("15030300020232"))

    assert (await run("-c", mx=alert))[-1] == LARGE_HELLO
    assert await run("-c", mx=gone) == [f"SSL_connect error to {NAP}: lost connection", LARGE_HELLO]
    assert await run("-c", "-o", "tls_eecdh_auto_curves=X25519", mx=gone) == [
        f"SSL_connect error to {NAP}: lost connection"
    ]

    async def clear(server: MailServer) -> None:
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
    server = MailScript()
    assert await run(*argv, mx=server) == [*CHAT, f"warning: {NAP}: {complaint}"]
    assert server.heard == ["EHLO me", "STARTTLS"]


async def test_null_ciphers_cannot_be_had_without_authentication(autojump_clock: trio.testing.MockClock) -> None:
    assert await run("-c", "-l", "may", "-g", "null") == [
        f'warning: {NAP}: error setting cipher grade: "null"',
        "warning: TLS library problem: error:0A0000B9:SSL routines::no cipher match:::",
    ]


async def test_wrapper_mode(autojump_clock: trio.testing.MockClock) -> None:
    server = MailScript(implicit=True)
    printed = await run("-w", "-L", "none", mx=server)
    assert printed == [CHAT[0], "< 220 mx", "> EHLO me", "< 250 mx", "> QUIT", "< 221 bye"]


async def test_lmtp_knows_no_mx(autojump_clock: trio.testing.MockClock) -> None:
    server = MailScript()
    ports = MemoryPorts([data(HOST, "A", ADDRESS)], [server])
    printed = await lines(ports, "-S", "-L", "none", f"inet:{HOST}")
    assert printed[0] == f"Connected to {HOST}[{ADDRESS}]:24"
    assert server.heard[0] == "LHLO me"
    assert (HOST, "MX") not in ports.asked
    assert (f"_24._tcp.{HOST}", "TLSA") in ports.asked


async def test_a_unix_socket_at_dane_is_judged_as_secure(autojump_clock: trio.testing.MockClock) -> None:
    ports = MemoryPorts([], [MailScript()])
    printed = await lines(ports, "-S", "-o", "myhostname=here.test", "unix:/run/lmtp")
    assert ports.asked == []
    assert ports.connected == [("/run/lmtp", 0)]
    assert any(line.startswith("Untrusted TLS connection established to ") for line in printed)


async def test_unusable_fingerprints(autojump_clock: trio.testing.MockClock) -> None:
    ports = MemoryPorts(zone(), [MailScript()])
    printed = await lines(ports, "-c", "-l", "fingerprint", DOMAIN, "zz", "00:11")
    assert printed[:3] == [
        f"warning: {NAP}: unusable TLSA RR: 3 1 255 0011",
        f"warning: {NAP}: unusable TLSA RR: 3 0 255 0011",
        f"warning: {NAP}: all fingerprints unusable",
    ]


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
    assert printed[0].startswith("DNSSEC-signed TLSA record: ")
    assert printed[1] == f"setting up TLS connection to {NAP}"
    assert printed[2].startswith(f'{NAP}: TLS cipher list "aNULL:-aNULL:HIGH:MEDIUM:')
    assert printed[3] == f"{NAP}: depth=0 verify=1 subject=/CN=mx.test"


async def test_an_error_after_the_handshake_is_named_and_fails(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(der: bytes) -> None:
        raise KeyError(len(der))

    monkeypatch.setattr("scanner.finger.logged_probe.certs.facts", broken)
    given = setup(MemoryPorts(zone(good_tlsa()), [MailScript()]), "-c", DOMAIN)
    assert await FingerRun(given).run() == 1
    assert [line.partition("(")[0] for line in given.output.printed] == ["warning: internal error of mxsweep: KeyError"]


async def test_a_time_out_of_ehlo_under_tls_is_followed_by_quit(autojump_clock: trio.testing.MockClock) -> None:
    class Slow(MailScript):
        async def answer(self, server: MailServer, reply: bytes | None) -> None:
            if reply == b"250 mx\r\n":
                return
            await super().answer(server, reply)

    printed = await run("-L", "none", mx=Slow())
    assert printed[7:] == ["> EHLO me", "timeout while sending EHLO", "> QUIT", "< 221 bye"]


async def test_a_quit_that_is_not_answered_in_time(autojump_clock: trio.testing.MockClock) -> None:
    printed = await run(mx=MailScript(quit=b""))
    assert printed[-2:] == ["> QUIT", "warning: timeout while sending QUIT command"]


async def test_bounds_that_openssl_refuses(autojump_clock: trio.testing.MockClock) -> None:
    """Expected: Debian's 3.7.11 with the same lists."""
    for text, warned in {
        ">=abc": ["minimum TLS version to: 0x0abc"],
        "<=03": ["maximum TLS version to: 0x0003"],
        ">=771,<=1000": ["minimum TLS version to: 0x0771", "maximum TLS version to: 0x1000"],
        ">=feff": [],
        "<=0000": [],
    }.items():
        printed = await run("-c", "-p", text)
        assert [line for line in printed if "error setting" in line] == [
            f"warning: {NAP}: error setting {one}" for one in warned
        ]


async def test_names_that_cannot_be_converted(autojump_clock: trio.testing.MockClock) -> None:
    """Expected: Debian's 3.7.11 with the same match arguments."""
    matches = ("\u00e4.test", "-\u00e4.test", ".\u00e4-.test")
    problem = "warning: midna_domain_to_ascii_create: Problem translating domain"
    printed = await lines(MemoryPorts(zone(), [MailScript()]), "-c", "-l", "secure", DOMAIN, *matches)
    assert printed[:2] == [
        f'{problem} "-\u00e4.test" to ASCII form: UIDNA_ERROR_LEADING_HYPHEN',
        f'{problem} "\u00e4-.test" to ASCII form: UIDNA_ERROR_TRAILING_HYPHEN',
    ]
    options = ("-c", "-o", "smtputf8_enable=no", "-l", "secure")
    unconverted = await lines(MemoryPorts(zone(), [MailScript()]), *options, DOMAIN, *matches)
    assert not any(line.startswith(problem) for line in unconverted)
