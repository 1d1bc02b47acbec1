"""Whole probes over memory streams with real TLS and trio's autojump clock."""

import contextlib
import errno
import gc
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from OpenSSL import SSL

from scanner.core.dialogue import POSTFIX_RULES, SCAN_RULES
from scanner.facts import Endpoint, Failure, Probe, Reply
from scanner.net import tcp
from scanner.net.deadlines import TICK
from scanner.net.large_connections import LargeConnections
from scanner.net.probe import KEPT_OPEN, Extra, ProbeResult, converse, probe
from scanner.net.probe_events import Listener, Secured
from scanner.net.tls import Identity, TLSStream
from scanner.settings import AUTHENTICATED, OPPORTUNISTIC, Timeouts
from scanner.vocabulary import FailureKind, Mode, Phase, StartTLS
from tests.unit.mailserver import MailServer, certificate, key, server_context

Script = Callable[[MailServer], Awaitable[None]]

TIMEOUTS = Timeouts(connect=11, greeting=12, command=13, handshake=14, quit=2, probe=150)
ENDPOINT = Endpoint("192.0.2.1", 25, None, Mode.SMTP, "opportunistic")
EHLO = b"250-mx\r\n250 STARTTLS\r\n"


class Ear(Listener):
    """A listener that keeps all events in order and provides a session to resume."""

    def __init__(self, session: SSL.Session | None = None) -> None:
        self.session = session
        self.lines: list[str] = []
        self.events: list[Any] = []

    def heard(self, data: bytes) -> None:
        self.events.append(data)

    def ended(self) -> None:
        self.events.append("ended")

    def broke(self, failure: Failure, errors: tuple[str, ...]) -> None:
        self.events += [failure, *errors]

    def failed(self, failure: Failure, reply: Reply | None) -> None:
        self.lines.append(f"({failure.kind} {reply.code if reply else '-'})")

    def line(self, text: str) -> None:
        self.lines.append(text)

    def resume(self, ehlo: Reply | None) -> SSL.Session | None:
        self.events.append(ehlo)
        return self.session

    def secured(self, facts: Secured) -> None:
        self.events.append(facts)

    def ticket(self) -> None:
        self.events.append("ticket")

    def wire(self, *, sent: bool, data: bytes) -> None:
        self.lines.append(f"{'>' * sent or '<'} {data[:1].hex()}")  # 16 is a handshake record, 17 application data


async def run(script: Script, endpoint: Endpoint = ENDPOINT, **given: Any) -> ProbeResult:
    """Probe a server that follows the script and then waits for the end of the connection."""
    ours, theirs = trio.testing.memory_stream_pair()
    options: dict[str, Any] = {"profile": OPPORTUNISTIC, "ehlo": "me", "timeouts": TIMEOUTS} | given

    async def serve() -> None:
        with contextlib.suppress(trio.BrokenResourceError, EOFError, SSL.Error):  # the client closed the connection
            await script(MailServer(theirs))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        sighting = await converse(ours, endpoint, **options)
        await trio.testing.wait_all_tasks_blocked()  # let the server see the end
        nursery.cancel_scope.cancel()
    return sighting


async def up_to_tls(server: MailServer) -> None:
    """Conduct the dialogue up to the positive reply to STARTTLS."""
    await server.say(b"220 mx\r\n")
    await server.hear()
    await server.say(EHLO)
    await server.hear()
    await server.say(b"220 go\r\n")


@dataclass
class MX:
    """A working server up to the phase ``silent``, in which it stops replying; ``say`` sends its replies."""

    context: SSL.Context | None = None
    silent: Phase | None = None
    starttls_reply: bytes = b"220 go ahead\r\n"
    farewell: int = 0

    async def __call__(self, server: MailServer) -> None:
        for phase, command, reply in (
            (Phase.GREETING, b"", b"220 mx ESMTP\r\n"),
            (Phase.EHLO, b"EHLO me\r\n", EHLO),
            (Phase.STARTTLS, b"STARTTLS\r\n", self.starttls_reply),
            (Phase.HANDSHAKE, b"", b""),
            (Phase.EHLO_TLS, b"EHLO me\r\n", b"250 mx under TLS\r\n"),
            (Phase.QUIT, b"QUIT\r\n", b"221 bye\r\n"),
        ):
            if self.silent is phase:
                await trio.sleep_forever()
            if command:
                heard = await server.hear()
                if not heard:
                    raise EOFError
                assert heard == command
            if phase is Phase.HANDSHAKE:
                await server.secure(self.context or server_context())
            else:
                await server.say(reply)
        assert await server.hear() == b""
        assert server.tls is not None
        self.farewell = server.tls.get_shutdown()


def says(*lines: bytes) -> Script:
    """Return the script of a server that sends the first line at once, each next one after a command, and closes."""

    async def script(server: MailServer) -> None:
        for number, line in enumerate(lines):
            if number:
                await server.hear()
            await server.say(line)
        await server.stream.send_eof()  # type: ignore[attr-defined]  # memory streams can

    return script


async def test_a_working_server(autojump_clock: trio.testing.MockClock) -> None:
    chain = tuple(certificate(kind).public_bytes(Encoding.DER) for kind in ("p256", "rsa"))
    ear = Ear()
    server = MX(server_context(extra=("rsa",)))
    sighting = await run(server, extra=Extra(listener=ear))
    seen = sighting.probe
    assert sighting.chain == chain
    assert seen.endpoint == ENDPOINT
    assert seen.failure is None
    assert seen.starttls is StartTLS.OFFERED
    assert seen.banner == Reply(220, ("mx ESMTP",))
    assert seen.ehlo == Reply(250, ("mx", "STARTTLS"))
    assert seen.keywords == ("STARTTLS",)
    assert seen.starttls_reply == Reply(220, ("go ahead",))
    assert seen.ehlo_tls == Reply(250, ("mx under TLS",))
    assert seen.defects == ()
    assert seen.handshake is not None
    assert seen.handshake.version == "TLSv1.3"
    assert len(seen.handshake.chain) == 2
    assert list(seen.ms) == ["greeting", "ehlo", "starttls", "handshake", "ehlo-tls", "quit"]
    assert seen.transcript[-4:] == ("> EHLO me", "< 250 mx under TLS", "> QUIT", "< 221 bye")
    assert tuple(line for line in ear.lines if len(line) != 4) == seen.transcript
    assert seen.started.tzinfo is not None
    assert server.farewell == SSL.RECEIVED_SHUTDOWN


async def test_mode_and_sni_of_the_endpoint_are_used(autojump_clock: trio.testing.MockClock) -> None:
    async def script(server: MailServer) -> None:
        await server.secure(server_context())
        assert server.tls is not None
        assert server.tls.get_servername() == b"mx.test"
        await server.say(b"220 mx\r\n")
        assert await server.hear() == b"LHLO me\r\n"
        await server.say(EHLO)
        assert await server.hear() == b"QUIT\r\n"
        await server.say(b"221 bye\r\n")

    seen = (await run(script, Endpoint("192.0.2.1", 24, "mx.test", Mode.LMTPS, "x"))).probe
    assert seen.failure is None
    assert seen.starttls is StartTLS.IMPLICIT
    assert seen.ehlo_tls == Reply(250, ("mx", "STARTTLS"))
    assert list(seen.ms) == ["handshake", "greeting", "ehlo-tls", "quit"]
    assert seen.handshake is not None
    assert seen.handshake.sni == "mx.test"


LIMITS = [
    (Phase.GREETING, 12),
    (Phase.EHLO, 13),
    (Phase.STARTTLS, 13),
    (Phase.HANDSHAKE, 14),
    (Phase.EHLO_TLS, 13),
    (Phase.QUIT, 2),
]
LATE = (FailureKind.TIMEOUT, errno.ETIMEDOUT, "Connection timed out")
A_TICK = TICK + 0.001
"""Seconds by which a deadline may be late, and floating point."""


@pytest.mark.parametrize(("phase", "limit"), LIMITS)
async def test_each_stage_has_its_deadline(phase: Phase, limit: float, autojump_clock: trio.testing.MockClock) -> None:
    began = trio.current_time()
    seen = (await run(MX(silent=phase))).probe
    assert limit <= trio.current_time() - began <= limit + A_TICK
    assert limit <= seen.ms[phase.value] / 1000 <= limit + A_TICK
    if phase is Phase.QUIT:
        assert seen.failure is None
        assert seen.defects == ("quit-unanswered",)
    else:
        assert seen.failure == Failure(phase, *LATE)
        assert seen.defects == ()
    assert (seen.handshake is None) == (phase not in {Phase.EHLO_TLS, Phase.QUIT})


@pytest.mark.parametrize(
    ("after", "drips", "phase"),
    [
        ((), [b"2"] * 99, Phase.GREETING),
        ((b"220 mx\r\n",), [b"250-x\r\n"] * 99, Phase.EHLO),
        # a TLS record of 16 KiB, one octet at a time (RFC 8446 section 5.1)
        ((b"220 mx\r\n", EHLO, b"220 go\r\n"), [b"\x16", b"\x03", b"\x03", b"\x40", *[b"\0"] * 99], Phase.HANDSHAKE),
    ],
)
async def test_single_octets_do_not_extend_a_deadline(
    after: tuple[bytes, ...], drips: list[bytes], phase: Phase, autojump_clock: trio.testing.MockClock
) -> None:
    async def script(server: MailServer) -> None:
        for number, line in enumerate(after):
            if number:
                await server.hear()
            await server.say(line)
        for drip in drips:
            await trio.sleep(1)
            await server.say(drip)

    began = trio.current_time()
    assert (await run(script)).probe.failure == Failure(phase, *LATE)
    assert trio.current_time() - began <= max(limit for _, limit in LIMITS) + A_TICK


async def test_the_whole_probe_has_a_deadline(autojump_clock: trio.testing.MockClock) -> None:
    async def script(server: MailServer) -> None:
        for reply in (b"220 mx\r\n", EHLO):
            await trio.sleep(10)
            await server.say(reply)
            await server.hear()
        await trio.sleep_forever()

    began = trio.current_time()
    seen = (await run(script, timeouts=replace(TIMEOUTS, probe=25))).probe
    assert trio.current_time() - began == pytest.approx(25)
    assert seen.failure == Failure(Phase.STARTTLS, *LATE)
    assert seen.ms == pytest.approx({"greeting": 10_000, "ehlo": 10_000, "starttls": 5_000})
    assert seen.starttls is StartTLS.OFFERED


ENDLESS = b"x" * 10_000
LOST = FailureKind.CLOSED
CONVERSATIONS: list[tuple[str, Script, Failure | None, StartTLS]] = [
    ("421", says(b"421 busy\r\n", b""), Failure(Phase.GREETING, FailureKind.REJECTED, 421, "busy"), StartTLS.UNKNOWN),
    ("no greeting", says(), Failure(Phase.GREETING, LOST), StartTLS.UNKNOWN),
    ("HTTP", says(b"HTTP/1.1 400 Bad\r\n"),
     Failure(Phase.GREETING, FailureKind.GARBAGE, None, "HTTP/1.1 400 Bad"), StartTLS.UNKNOWN),
    ("endless greeting", says(ENDLESS),
     Failure(Phase.GREETING, FailureKind.TOO_LONG, None, "a line of more than 4096 octets"), StartTLS.UNKNOWN),
    ("endless EHLO", says(b"220 mx\r\n", b"250-x\r\n" * 9_000),
     Failure(Phase.EHLO, FailureKind.TOO_LONG, None, "a reply of more than 1024 lines"), StartTLS.UNKNOWN),
    ("closed after greeting", says(b"220 mx\r\n", b""), Failure(Phase.EHLO, LOST), StartTLS.UNKNOWN),
    ("closed after STARTTLS", says(b"220 mx\r\n", EHLO, b""), Failure(Phase.STARTTLS, LOST), StartTLS.OFFERED),
    ("closed in the handshake", says(b"220 mx\r\n", EHLO, b"220 go\r\n"), Failure(Phase.HANDSHAKE, LOST),
     StartTLS.OFFERED),
    ("no TLS after all", says(b"220 mx\r\n", EHLO, b"220 go\r\n", b"500 what is this?\r\n"),
     Failure(Phase.HANDSHAKE, FailureKind.TLS, None, "wrong version number"), StartTLS.OFFERED),
    ("not offered", says(b"220 mx\r\n", b"250 mx\r\n", b"221 bye\r\n"), None, StartTLS.NOT_OFFERED),
    ("STARTTLS 454", says(b"220 mx\r\n", EHLO, b"454 no\r\n", b"221 bye\r\n"),
     Failure(Phase.STARTTLS, FailureKind.REJECTED, 454, "no"), StartTLS.REFUSED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("script", "failure", "starttls"), [c[1:] for c in CONVERSATIONS], ids=[c[0] for c in CONVERSATIONS]
)
async def test_conversation(
    script: Script, failure: Failure | None, starttls: StartTLS, autojump_clock: trio.testing.MockClock
) -> None:
    seen = (await run(script)).probe
    assert seen.failure == failure
    assert seen.starttls is starttls
    assert seen.handshake is None


@pytest.mark.parametrize(
    "script",
    [
        MX(),
        *(MX(silent=phase) for phase, _ in LIMITS),
        MX(server_context(padding=20_000)),
        *(c[1] for c in CONVERSATIONS),
    ],
)
async def test_a_probe_leaves_no_reference_cycle(script: Script, autojump_clock: trio.testing.MockClock) -> None:
    """A scan collects cycles seldom (``scanner.cli.scan.COLLECT``), and a TLS connection takes 60 KB."""
    gc.collect()
    others = _of_probes()  # kept by other tests of this process
    gc.disable()
    try:
        await run(script)
        left = [type(each) for each in _of_probes() if all(each is not other for other in others)]
    finally:
        gc.enable()
    assert left == []


def _of_probes() -> list[object]:
    return [each for each in gc.get_objects() if isinstance(each, TLSStream | ProbeResult)]


async def test_a_chain_of_a_megabyte_is_too_long(autojump_clock: trio.testing.MockClock) -> None:
    seen = (await run(MX(server_context(padding=1_000_000)), profile=AUTHENTICATED)).probe
    assert seen.failure == Failure(Phase.HANDSHAKE, FailureKind.TOO_LONG, None, "excessive message size")
    assert seen.handshake is None


async def test_legacy_tls_is_refused_only_by_the_authenticated_profile(
    autojump_clock: trio.testing.MockClock,
) -> None:
    legacy = MX(server_context("rsa", version=SSL.TLS1_VERSION, ciphers="ECDHE-RSA-AES256-SHA"))
    refused = (await run(legacy, profile=AUTHENTICATED)).probe
    assert refused.failure is not None
    assert (refused.failure.phase, refused.failure.kind) == (Phase.HANDSHAKE, FailureKind.TLS)
    agreed = (await run(legacy)).probe
    assert agreed.failure is None
    assert agreed.handshake is not None
    assert agreed.handshake.version == "TLSv1"


async def test_an_anonymous_session_has_no_chain(autojump_clock: trio.testing.MockClock) -> None:
    sighting = await run(MX(server_context(None, version=SSL.TLS1_2_VERSION, ciphers="aNULL")))
    assert sighting.chain == ()
    assert sighting.probe.handshake is not None
    assert sighting.probe.handshake.chain == ()
    assert sighting.probe.failure is None


async def test_injected_plaintext_is_a_defect_and_ignored(autojump_clock: trio.testing.MockClock) -> None:
    seen = (await run(MX(starttls_reply=b"220 go\r\n250-mx\r\n250 EVIL\r\n"))).probe
    assert seen.defects == ("plaintext-after-starttls",)
    assert seen.ehlo_tls == Reply(250, ("mx under TLS",))
    assert seen.failure is None


async def test_a_failure_after_the_handshake_keeps_the_handshake(autojump_clock: trio.testing.MockClock) -> None:
    async def script(server: MailServer) -> None:
        await up_to_tls(server)
        await server.secure(server_context())
        await server.hear()
        await server.stream.aclose()

    sighting = await run(script)
    assert sighting.probe.failure == Failure(Phase.EHLO_TLS, FailureKind.CLOSED)
    assert sighting.probe.handshake is not None
    assert len(sighting.chain) == 1


class Reset(trio.abc.Stream):
    """A stream that is reset by the peer."""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:  # noqa: ARG002 - trio's signature
        raise AssertionError

    async def wait_send_all_might_not_block(self) -> None:
        raise AssertionError

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002 - the same
        raise trio.BrokenResourceError from OSError(errno.ECONNRESET, "")

    async def aclose(self) -> None:
        self.closed = True


async def test_a_reset() -> None:
    stream = Reset()
    seen = (await converse(stream, ENDPOINT, profile=OPPORTUNISTIC, ehlo="me", timeouts=TIMEOUTS)).probe
    assert seen.failure == Failure(Phase.GREETING, FailureKind.RESET, errno.ECONNRESET, "Connection reset by peer")
    assert stream.closed


@pytest.mark.parametrize(
    ("number", "mode", "phase"),
    [
        # Linux reports a reset in reply to a SYN as ECONNREFUSED, and one of an established connection as ECONNRESET
        (errno.ECONNREFUSED, Mode.SMTP, Phase.CONNECT),
        (errno.ECONNRESET, Mode.SMTP, Phase.GREETING),
        (errno.ECONNRESET, Mode.SMTPS, Phase.HANDSHAKE),
    ],
)
async def test_a_reset_before_the_greeting(
    number: int, mode: Mode, phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connect(*_: object, **__: object) -> None:
        raise OSError(number, "")

    monkeypatch.setattr(tcp, "connect", connect)
    endpoint = replace(ENDPOINT, mode=mode)
    seen = (await probe(endpoint, profile=OPPORTUNISTIC, ehlo="me", timeouts=TIMEOUTS)).probe
    assert seen.failure is not None
    assert (seen.failure.phase, seen.failure.code) == (phase, number)


async def test_quit_and_close_notify(autojump_clock: trio.testing.MockClock) -> None:
    async def refuse(server: MailServer) -> None:
        await server.say(b"554 away\r\n")
        heard.append(await server.hear())

    heard: list[bytes] = []
    for rules in (SCAN_RULES, POSTFIX_RULES):
        seen = (await run(refuse, extra=Extra(rules=rules))).probe
        assert seen.failure == Failure(Phase.GREETING, FailureKind.REJECTED, 554, "away")
    assert seen.transcript == ("< 554 away",)
    assert heard == [b"QUIT\r\n", b""]


async def test_without_tls(autojump_clock: trio.testing.MockClock) -> None:
    seen = (await run(says(b"220 mx\r\n", EHLO, b"221 bye\r\n"), want_tls=False)).probe
    assert seen.starttls is StartTLS.OFFERED
    assert seen.failure is None
    assert seen.handshake is None


@pytest.mark.parametrize(("version", "tickets"), [(None, 2), (SSL.TLS1_2_VERSION, 1)])
async def test_a_session_can_be_resumed(
    version: int | None, tickets: int, autojump_clock: trio.testing.MockClock
) -> None:
    context = server_context()
    context.set_max_proto_version(version or 0)
    ear = Ear()
    first = await run(MX(context), extra=Extra(keep_session=True, listener=ear))
    again = await run(MX(context), extra=Extra(listener=Ear(first.session)))
    assert first.session is not None
    assert again.session is None
    assert again.probe.handshake is not None
    assert again.probe.handshake.resumed
    assert ear.events.count("ticket") == tickets  # OpenSSL's server sends two in TLS 1.3


async def test_a_server_without_tickets_gives_no_session(autojump_clock: trio.testing.MockClock) -> None:
    context = server_context()
    context.set_options(SSL.OP_NO_TICKET)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    ear = Ear()
    await run(MX(context), extra=Extra(keep_session=True, listener=ear))
    assert "ticket" not in ear.events


async def test_a_listener_receives_all_events_for_a_replay(autojump_clock: trio.testing.MockClock) -> None:
    ear = Ear()
    seen = (await run(MX(), extra=Extra(listener=ear))).probe
    facts = next(one for one in ear.events if isinstance(one, Secured))
    kept = [one for one in ear.events if one != "ticket"]
    assert kept == [
        b"220 mx ESMTP\r\n",
        EHLO,
        b"220 go ahead\r\n",
        Reply(250, ("mx", "STARTTLS")),
        facts,
        b"250 mx under TLS\r\n",
        b"221 bye\r\n",
    ]
    assert facts.handshake == seen.handshake
    assert (facts.own, facts.own_signature) == (None, None)
    assert ear.lines[ear.lines.index("> STARTTLS") + 2] == "> 16"


async def test_our_own_certificate_is_reported(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    pem = tmp_path / "client.pem"
    pem.write_bytes(
        key("p384").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate("p384").public_bytes(Encoding.PEM)
    )
    ear = Ear()
    extra = Extra(listener=ear, identity=Identity(str(pem), str(pem)))
    await run(MX(server_context(ask=True)), extra=extra)
    facts = next(one for one in ear.events if isinstance(one, Secured))
    assert facts.own == certificate("p384").public_bytes(Encoding.DER)
    assert facts.own_signature == "ecdsa_secp384r1_sha384"


async def test_library_errors_are_reported_with_their_numbers(autojump_clock: trio.testing.MockClock) -> None:
    async def script(server: MailServer) -> None:
        await server.say(b"220 mx\r\n")
        await server.hear()
        await server.say(EHLO)
        await server.hear()
        await server.say(b"220 go\r\n")
        await server.hear()
        await server.say(b"500 what was that?\r\n")

    ear = Ear()
    await run(script, extra=Extra(listener=ear))
    assert "0A00010B:SSL routines::wrong version number" in ear.events  # as the openssl program prints it


async def test_a_bug_of_ours_is_a_failure_and_the_stream_is_closed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    class Broken(Listener):
        def line(self, text: str) -> None:
            raise KeyError(text)

    seen = (await run(MX(), extra=Extra(listener=Broken()))).probe
    assert seen.failure == Failure(Phase.GREETING, FailureKind.INTERNAL, None, "KeyError('< 220 mx ESMTP')")


async def test_a_bad_profile_is_a_bug_of_ours(autojump_clock: trio.testing.MockClock) -> None:
    seen = (await run(MX(), profile=replace(OPPORTUNISTIC, ciphers="NONSENSE"))).probe
    assert seen.failure is not None
    assert (seen.failure.phase, seen.failure.kind) == (Phase.HANDSHAKE, FailureKind.INTERNAL)


@pytest.mark.parametrize("phase", [Phase.GREETING, Phase.HANDSHAKE, Phase.QUIT])
async def test_cancellation_passes_through_and_closes_the_stream(
    phase: Phase, autojump_clock: trio.testing.MockClock
) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(MX(silent=phase), MailServer(theirs))
        with trio.move_on_after(1) as scope:
            await converse(ours, ENDPOINT, profile=OPPORTUNISTIC, ehlo="me", timeouts=TIMEOUTS)
        assert scope.cancelled_caught
        with pytest.raises(trio.ClosedResourceError):
            await ours.send_all(b"x")
        nursery.cancel_scope.cancel()


async def test_connect_failures(monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock) -> None:
    async def refuse(*_: object, **__: object) -> trio.SocketStream:
        raise OSError(errno.ECONNREFUSED, "")

    async def wait(*_: object, **__: object) -> trio.SocketStream:
        await trio.sleep_forever()
        raise AssertionError

    for connect, failure in (
        (refuse, Failure(Phase.CONNECT, FailureKind.REFUSED, errno.ECONNREFUSED, "Connection refused")),
        (wait, Failure(Phase.CONNECT, *LATE)),
    ):
        monkeypatch.setattr(tcp, "connect", connect)
        seen = (await probe(ENDPOINT, profile=OPPORTUNISTIC, ehlo="me", timeouts=TIMEOUTS)).probe
        assert seen.failure == failure
        assert seen.starttls is StartTLS.UNKNOWN
        assert list(seen.ms) == ["connect"]
    assert 11 <= seen.ms["connect"] / 1000 <= 11 + A_TICK


@pytest.mark.parametrize(
    "phase", [Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.HANDSHAKE, Phase.EHLO_TLS, Phase.QUIT]
)
async def test_a_probe_is_counted_in_its_stage(phase: Phase, autojump_clock: trio.testing.MockClock) -> None:
    stages: Counter[str] = Counter()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(run, MX(silent=phase), extra=Extra(stages=stages)))
        await trio.sleep(1)
        assert {stage: count for stage, count in stages.items() if count} == {phase: 1}
        nursery.cancel_scope.cancel()
    assert not any(stages.values())


async def test_large_connections_wait_for_each_other_and_the_wait_does_not_count(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A chain of 20 KB is large, and the only place for such a connection is taken for longer than any time limit."""
    extra = Extra(large=LargeConnections(1))
    seen: list[Probe] = []

    async def wait_and_see(padding: int) -> None:
        seen.append((await run(MX(server_context(padding=padding)), extra=extra)).probe)

    async with trio.open_nursery() as nursery:
        await extra.large.begin()
        nursery.start_soon(wait_and_see, 20_000)
        nursery.start_soon(wait_and_see, 1)  # a usual chain does not wait
        await trio.sleep(1000)
        assert len(seen) == 1
        extra.large.end(0)
    assert [probe.failure for probe in seen] == [None, None]
    await extra.large.begin()  # the second large connection has ended


@pytest.mark.parametrize(("seconds", "kind"), [(KEPT_OPEN - 1, FailureKind.RESET), (60, FailureKind.RESOURCES)])
async def test_a_server_that_gives_up_during_a_long_wait_for_a_limit_of_ours_is_not_judged(
    seconds: float, kind: FailureKind, autojump_clock: trio.testing.MockClock
) -> None:
    extra = Extra(large=LargeConnections(1))

    async def script(server: MailServer) -> None:
        await up_to_tls(server)
        with trio.move_on_after(seconds / 2):
            await server.secure(
                server_context(padding=20_000, version=SSL.TLS1_2_VERSION, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
            )
        await server.stream.aclose()

    await extra.large.begin()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(release_after, seconds, extra.large)
        failure = (await run(script, extra=extra)).probe.failure
    assert failure is not None
    assert (failure.phase, failure.kind) == (Phase.HANDSHAKE, kind)


async def release_after(seconds: float, large: LargeConnections) -> None:
    await trio.sleep(seconds)
    large.end(0)
