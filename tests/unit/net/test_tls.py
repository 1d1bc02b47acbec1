"""TLS with a server in memory: negotiated parameters, failures and limits.

Servers with old or unusual TLS are made with pyOpenSSL too: they negotiate what the test configures.
"""

import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from OpenSSL import SSL, _util

from scanner.facts import Handshake
from scanner.net.failures import LimitExceededError, failure_of
from scanner.net.tls import Identity, TLSStream, _observing, context_for
from scanner.net.tls_wire import WIRE_LIMIT
from scanner.settings import AUTHENTICATED, AUTHENTICATED_CLASSICAL, OPPORTUNISTIC, POST_QUANTUM, TLSProfile
from scanner.vocabulary import FailureKind, Phase
from tests.unit.mailserver import MailServer, certificate, key, server_context

Talk = Callable[[MailServer], Awaitable[None]]


async def listen(server: MailServer) -> None:
    assert await server.hear() == b"hello\r\n"
    await server.say(b"world")


async def handshake(
    context: SSL.Context,
    profile: TLSProfile = OPPORTUNISTIC,
    talk: Talk = listen,
    *,
    identity: Identity | None = None,
    **options: Any,
) -> tuple[TLSStream, MailServer, bytes]:
    """Do the handshake, exchange a line, and return both ends and what the client received."""
    ours, theirs = trio.testing.memory_stream_pair()
    server = MailServer(theirs)
    client = TLSStream(ours, context_for(profile, identity), options.pop("sni", None), **options)

    async def serve() -> None:
        with contextlib.suppress(SSL.Error, EOFError):  # the test looks at the error of the client
            await server.secure(context)
            await talk(server)

    with trio.fail_after(60):  # reached only by a bug
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            heard, error = await drive(client)
            await client.close_notify()
            await ours.send_eof()
    if error is not None:
        raise error
    return client, server, heard


async def drive(client: TLSStream) -> tuple[bytes, SSL.Error | None]:
    try:
        await client.handshake()
        await client.send_all(b"hello\r\n")
        return await client.receive_some(), None
    except SSL.Error as exc:
        return b"", exc


V12, V13 = SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION

AGREED: list[tuple[str, dict[str, Any], TLSProfile, dict[str, object]]] = [
    ("TLS 1.3, default", {}, OPPORTUNISTIC,
     {"version": "TLSv1.3", "bits": 256, "alg_bits": 256, "signature": "ecdsa_secp256r1_sha256",
      "group": "X25519MLKEM768"}),
    ("TLS 1.3, classical groups", {}, AUTHENTICATED_CLASSICAL, {"version": "TLSv1.3", "group": "x25519"}),
    ("TLS 1.3, one group", {}, replace(OPPORTUNISTIC, groups="P-384"), {"group": "secp384r1"}),
    ("TLS 1.3, RSA", {"kind": "rsa"}, AUTHENTICATED, {"version": "TLSv1.3", "signature": "rsa_pss_rsae_sha256"}),
    ("TLS 1.3, P-384", {"kind": "p384"}, AUTHENTICATED, {"signature": "ecdsa_secp384r1_sha384"}),
    ("TLS 1.3, Ed25519", {"kind": "ed25519"}, AUTHENTICATED, {"signature": "ed25519"}),
    ("TLS 1.2, ECDHE", {"version": V12, "kind": "rsa"}, AUTHENTICATED,
     {"version": "TLSv1.2", "cipher": "ECDHE-RSA-AES256-GCM-SHA384", "group": "x25519",
      "signature": "rsa_pss_rsae_sha256"}),
    ("TLS 1.2, ECDSA", {"version": V12, "ciphers": "ECDHE-ECDSA-AES128-SHA"}, AUTHENTICATED,
     {"cipher": "ECDHE-ECDSA-AES128-SHA", "bits": 128, "signature": "ecdsa_secp256r1_sha256"}),
    ("TLS 1.2, DHE", {"version": V12, "kind": "rsa", "ciphers": "DHE-RSA-AES256-GCM-SHA384"}, AUTHENTICATED,
     {"cipher": "DHE-RSA-AES256-GCM-SHA384", "signature": "rsa_pss_rsae_sha256"}),
    ("TLS 1.2, RSA key exchange", {"version": V12, "kind": "rsa", "ciphers": "AES128-SHA"}, AUTHENTICATED,
     {"cipher": "AES128-SHA", "group": None, "signature": None}),
    ("TLS 1.1", {"version": SSL.TLS1_1_VERSION, "kind": "rsa", "ciphers": "ECDHE-RSA-AES256-SHA"}, OPPORTUNISTIC,
     {"version": "TLSv1.1", "cipher": "ECDHE-RSA-AES256-SHA", "signature": None}),
    ("TLS 1.0", {"version": SSL.TLS1_VERSION, "kind": "rsa", "ciphers": "ECDHE-RSA-AES256-SHA"}, OPPORTUNISTIC,
     {"version": "TLSv1", "cipher": "ECDHE-RSA-AES256-SHA", "signature": None}),
    ("weak key", {"version": V12, "kind": "rsa1024", "ciphers": "AES128-SHA"}, OPPORTUNISTIC,
     {"version": "TLSv1.2"}),
    # anonymous suites are preferred among equals in Postfix's list
    ("anonymous, by our preference",
     {"version": V12, "kind": "rsa", "ciphers": "ECDHE-RSA-AES256-SHA:AECDH-AES256-SHA"}, OPPORTUNISTIC,
     {"cipher": "AECDH-AES256-SHA", "signature": None, "chain": ()}),
    ("anonymous, nothing else", {"version": V12, "kind": None, "ciphers": "aNULL"}, OPPORTUNISTIC, {"chain": ()}),
]  # fmt: skip


@pytest.mark.parametrize(("server", "profile", "expected"), [c[1:] for c in AGREED], ids=[c[0] for c in AGREED])
async def test_negotiated(server: dict[str, Any], profile: TLSProfile, expected: dict[str, object]) -> None:
    client, _, heard = await handshake(server_context(**server), profile)
    facts, _ = client.facts()
    seen = {name: getattr(facts, name) for name in expected}
    seen["group"] = expected.get("group") and str(facts.group)
    if "group" in expected:  # OpenSSL's spelling of groups has changed more than once
        assert str(seen.pop("group")).lower() == str(expected["group"]).lower()
    assert seen.items() >= {k: v for k, v in expected.items() if k != "group"}.items()
    assert heard == b"world"


@pytest.mark.parametrize(
    ("groups", "retried"),
    [
        ("", False),
        ("X25519", False),  # the second key share of the offer
        ("SecP256r1MLKEM768", True),
        ("P-384", True),
        ("P-521", True),
    ],
)
async def test_a_second_client_hello_is_recorded(groups: str, *, retried: bool) -> None:
    client, _, heard = await handshake(server_context(groups=groups), AUTHENTICATED)
    assert (client.facts()[0].retried, heard) == (retried, b"world")
    client, _, _ = await handshake(server_context(version=V12), AUTHENTICATED)
    assert not client.facts()[0].retried


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ("", "X25519MLKEM768"),
        ("SecP384r1MLKEM1024", "SecP384r1MLKEM1024"),
        ("MLKEM768", "MLKEM768"),
        ("X25519:SecP256r1MLKEM768", "SecP256r1MLKEM768"),
        ("X25519:P-256", "handshake failure"),
    ],
)
async def test_the_offer_of_post_quantum_groups(groups: str, expected: str) -> None:
    try:
        client, _, _ = await handshake(server_context(groups=groups), POST_QUANTUM)
        found = client.facts()[0].group
    except SSL.Error as error:
        found = failure_of(error, Phase.HANDSHAKE).text.rpartition("alert ")[2]
    assert found == expected


REFUSED: list[tuple[str, dict[str, Any], TLSProfile, str]] = [
    # texts are OpenSSL's; offers that an authenticating client refuses
    ("TLS 1.0 only", {"version": SSL.TLS1_VERSION, "kind": "rsa"}, AUTHENTICATED, "alert"),
    ("anonymous only", {"version": V12, "kind": None, "ciphers": "aNULL"}, AUTHENTICATED, "handshake failure"),
    ("nothing in common", {"version": V12, "kind": "rsa"}, replace(OPPORTUNISTIC, min_version="TLSv1.3"), "alert"),
    ("no common group", {"version": V13}, replace(OPPORTUNISTIC, groups="brainpoolP256r1tls13"), "handshake failure"),
]  # fmt: skip


@pytest.mark.parametrize(("server", "profile", "text"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
async def test_refused(server: dict[str, Any], profile: TLSProfile, text: str) -> None:
    with pytest.raises(SSL.Error) as caught:
        await handshake(server_context(**server), profile)
    failure = failure_of(caught.value, Phase.HANDSHAKE)
    assert failure.kind is FailureKind.TLS
    assert text in failure.text


async def test_all_facts() -> None:
    client, server, _ = await handshake(server_context("p256", extra=("rsa", "p384")), sni="mx.test")
    facts, chain = client.facts()
    assert chain == tuple(certificate(kind).public_bytes(Encoding.DER) for kind in ("p256", "rsa", "p384"))
    digests = tuple(hashlib.sha256(der).hexdigest() for der in chain)
    assert facts == Handshake(
        "TLSv1.3", facts.cipher, 256, 256, facts.group, "ecdsa_secp256r1_sha256", "mx.test", digests
    )
    assert server.tls is not None
    assert server.tls.get_servername() == b"mx.test"


async def test_no_sni_by_default() -> None:
    _, server, _ = await handshake(server_context())
    assert server.tls is not None
    assert server.tls.get_servername() is None


async def test_a_name_too_long_for_sni_is_our_bug() -> None:
    with pytest.raises(ValueError, match="256 octets"):
        await handshake(server_context(), sni="a" * 256)


@pytest.mark.parametrize("version", [V12, V13])
async def test_resumption(version: int) -> None:
    context = server_context(version=version)
    first, _, _ = await handshake(context)
    assert not first.facts()[0].resumed
    again, _, _ = await handshake(context, session=first.session())
    assert again.facts()[0].resumed


async def test_our_own_certificate_is_sent_on_request(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    pem = tmp_path / "client.pem"
    private = key("p384").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    ours = certificate("p384", padding=40_000)  # more than one write
    pem.write_bytes(private + ours.public_bytes(Encoding.PEM))
    client, server, _ = await handshake(server_context(ask=True), identity=Identity(str(pem), str(pem)))
    assert server.tls is not None
    shown = server.tls.get_peer_certificate()
    assert shown is not None
    assert shown.to_cryptography() == ours
    assert client.facts()[0].signature == "ecdsa_secp256r1_sha256"  # the server's, not ours


async def raw(answer: bytes, *, then_close: bool = False) -> None:
    """Do a handshake with a peer that answers the ClientHello with these octets."""
    ours, theirs = trio.testing.memory_stream_pair()
    await theirs.send_all(answer)
    if then_close:
        await theirs.send_eof()
    await TLSStream(ours, context_for(OPPORTUNISTIC), None).handshake()


async def test_no_tls_at_all() -> None:
    with pytest.raises(SSL.Error) as caught:
        await raw(b"250 mx does not speak TLS\r\n" * 10)
    assert failure_of(caught.value, Phase.HANDSHAKE).text == "wrong version number"


async def test_alert() -> None:
    with pytest.raises(SSL.Error) as caught:
        await raw(bytes.fromhex("15 0303 0002 02 28"))  # RFC 8446 section 6.2: fatal, handshake_failure(40)
    assert "handshake failure" in failure_of(caught.value, Phase.HANDSHAKE).text


@pytest.mark.parametrize("answer", [b"", b"\x16\x03\x03"])
async def test_end_within_the_handshake(answer: bytes) -> None:
    with pytest.raises(EOFError):
        await raw(answer, then_close=True)


async def test_a_reset_is_raised_unchanged() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    await theirs.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await TLSStream(ours, context_for(OPPORTUNISTIC), None).handshake()


async def test_our_alert_is_sent(autojump_clock: trio.testing.MockClock) -> None:
    seen = []

    async def secure(server: MailServer) -> None:
        try:
            await server.secure(server_context(padding=200_000))
        except SSL.Error as exc:
            seen.append(failure_of(exc, Phase.HANDSHAKE).text)

    ours, theirs = trio.testing.memory_stream_pair()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(secure, MailServer(theirs))
            with pytest.raises(SSL.Error):
                await TLSStream(ours, context_for(AUTHENTICATED), None).handshake()
    assert len(seen) == 1
    assert "alert" in seen[0]


@pytest.mark.parametrize("padding", [20_000, 40_000])
async def test_a_certificate_larger_than_one_read_is_complete(padding: int) -> None:
    client, _, _ = await handshake(server_context("p256", padding=padding, extra=("rsa",)))
    shown = certificate("p256", padding), certificate("rsa")
    assert client.facts()[1] == tuple(each.public_bytes(Encoding.DER) for each in shown)


@pytest.mark.parametrize("version", [V12, V13])
async def test_a_chain_of_a_megabyte_is_too_long(version: int) -> None:
    with pytest.raises(SSL.Error) as caught:
        await handshake(server_context("p256", version=version, padding=1_000_000), AUTHENTICATED)
    assert failure_of(caught.value, Phase.HANDSHAKE).kind is FailureKind.TOO_LONG


async def test_a_flood_exceeds_the_limit(autojump_clock: trio.testing.MockClock) -> None:
    async def flood(server: MailServer) -> None:
        for _ in range(WIRE_LIMIT // 10_000 + 1):
            await server.say(b"x" * 10_000)

    client, _, heard = await handshake(server_context(), talk=flood)
    total = len(heard)

    async def read_on() -> None:
        nonlocal total
        while data := await client.receive_some():
            total += len(data)

    with trio.fail_after(60), pytest.raises(LimitExceededError, match=str(WIRE_LIMIT)):
        await read_on()
    assert WIRE_LIMIT - 50_000 < total <= WIRE_LIMIT


async def test_end_with_and_without_close_notify() -> None:
    async def leave(server: MailServer) -> None:
        assert server.tls is not None
        server.tls.shutdown()
        await server._flush()

    async def vanish(server: MailServer) -> None:
        await server.stream.aclose()

    for talk in (leave, vanish):
        assert (await handshake(server_context(), talk=talk))[2] == b""


async def test_close_notify_is_sent_and_received() -> None:
    ended = []

    async def wait(server: MailServer) -> None:
        await listen(server)
        assert await server.hear() == b""
        assert server.tls is not None
        ended.append(server.tls.get_shutdown())

    await handshake(server_context(), talk=wait)
    assert ended == [SSL.RECEIVED_SHUTDOWN]


async def test_concurrent_handshakes_keep_their_signatures_separate() -> None:
    kinds = {"p256": "ecdsa_secp256r1_sha256", "rsa": "rsa_pss_rsae_sha256", "ed25519": "ed25519"}
    seen = {}

    async def one(kind: str) -> None:
        seen[kind] = (await handshake(server_context(kind)))[0].facts()[0].signature

    async with trio.open_nursery() as nursery:
        for kind in kinds:
            nursery.start_soon(one, kind)
    assert seen == kinds


async def test_no_stream_is_observed_after_its_handshake() -> None:
    await handshake(server_context())
    with pytest.raises(SSL.Error):
        await raw(b"250 mx does not speak TLS\r\n")
    assert _observing == {}


def test_one_context_for_each_profile() -> None:
    assert context_for(OPPORTUNISTIC) is context_for(replace(OPPORTUNISTIC))
    assert context_for(OPPORTUNISTIC) is not context_for(AUTHENTICATED)


BAD = {
    "ciphers": replace(OPPORTUNISTIC, ciphers="NONSENSE"),
    "null ciphers without null": replace(OPPORTUNISTIC, ciphers="eNULL:!eNULL"),
    "groups": replace(OPPORTUNISTIC, groups="P-256:NONSENSE"),
    "version": replace(OPPORTUNISTIC, min_version="TLSv9"),
}


@pytest.mark.parametrize("profile", BAD.values(), ids=BAD)
def test_a_bad_profile_is_a_value_error(profile: TLSProfile) -> None:
    with pytest.raises(ValueError, match="TLS profile opportunistic"):
        context_for(profile)


def test_a_missing_certificate_of_ours_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="TLS profile"):
        context_for(OPPORTUNISTIC, Identity("/nonexistent", "/nonexistent"))


def test_options_are_postfixs() -> None:
    lib = _util.lib  # type: ignore[attr-defined,unused-ignore]
    options = context_for(replace(OPPORTUNISTIC, name="never used")).set_options(0)
    assert options & SSL.OP_ALL == SSL.OP_ALL
    assert options & lib.SSL_OP_NO_RENEGOTIATION
    assert options & lib.SSL_OP_IGNORE_UNEXPECTED_EOF
    assert options & SSL.OP_NO_COMPRESSION
    assert not options & lib.SSL_OP_LEGACY_SERVER_CONNECT


@pytest.mark.parametrize(
    "name",
    [
        "SSL_CTX_set_msg_callback",
        "SSL_CTX_set1_curves_list",
        "SSL_CIPHER_get_bits",
        "SSL_get_current_cipher",
        "SSL_session_reused",
        "SSL_OP_NO_RENEGOTIATION",
        "SSL_OP_IGNORE_UNEXPECTED_EOF",
        "ERR_clear_error",
    ],
)
def test_private_bindings_are_still_there(name: str) -> None:
    assert hasattr(_util.lib, name)  # type: ignore[attr-defined,unused-ignore]
