"""TLS with raw public keys: handshakes of GnuTLS's client in memory with ``gnutls-serv``."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import trio
import trio.testing
from cryptography.hazmat.primitives.serialization import Encoding

from scanner.net import gnutls, tcp, tls_facts, tls_wire
from scanner.net.failures import GnuTLSError, LimitExceededError, failure_of
from scanner.net.gnutls import RawKeyStream, available, priorities
from scanner.net.tls_wire import TLSListener
from scanner.settings import TLSProfile
from scanner.vocabulary import FailureKind, Phase
from tests.unit.gnutls_server import RAW_KEYS, X509, gnutls_server, spki
from tests.unit.mailserver import certificate

OFFER = TLSProfile("test", "ALL", security_level=0)
TLS12 = replace(OFFER, max_version="TLSv1.2")
TLS13 = replace(OFFER, min_version="TLSv1.3")


class WireLog(TLSListener):
    """The directions in which octets were sent."""

    def __init__(self) -> None:
        self.sent: set[bool] = set()

    def wire(self, *, sent: bool, data: bytes) -> None:
        assert data
        self.sent.add(sent)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with gnutls_server(tmp_path_factory.mktemp("raw"), RAW_KEYS) as port:
        yield port


@pytest.fixture(scope="module")
def x509(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with gnutls_server(tmp_path_factory.mktemp("x509"), X509) as port:
        yield port


async def secured(port: int, offer: TLSProfile, listener: TLSListener | None = None) -> RawKeyStream:
    stream = RawKeyStream(await tcp.connect("127.0.0.1", port), offer, "mx.test", listener)
    await stream.handshake()
    return stream


async def echoed(stream: RawKeyStream, data: bytes) -> bytes:
    await stream.send_all(data)
    found = b""
    while len(found) < len(data):
        found += await stream.receive_some() or b"the end"
    return found


@pytest.mark.parametrize(
    ("offer", "version", "cipher"),
    [(TLS13, "TLSv1.3", "TLS_AES_256_GCM_SHA384"), (TLS12, "TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384")],
)
async def test_a_raw_public_key(raw: int, offer: TLSProfile, version: str, cipher: str) -> None:
    log = WireLog()
    stream = await secured(raw, offer, log)
    handshake, chain = stream.facts()
    assert (stream.raw_key, chain, handshake.chain) == (spki(), (), ())
    assert (handshake.version, handshake.cipher, handshake.bits, handshake.alg_bits) == (version, cipher, 256, 256)
    assert (handshake.signature, handshake.sni) == ("ecdsa_secp256r1_sha256", "mx.test")
    assert handshake.group in ("secp256r1", "x25519")
    assert await echoed(stream, b"text\n" * 5000) == b"text\n" * 5000  # more than one record
    assert log.sent == {True, False}
    assert stream.slowest > 0
    await stream.close_notify()


@pytest.mark.parametrize("offer", [TLS13, TLS12])
async def test_a_server_with_a_certificate_only(x509: int, offer: TLSProfile) -> None:
    stream = await secured(x509, offer)
    handshake, chain = stream.facts()
    assert (stream.raw_key, chain) == (None, (certificate("p256").public_bytes(Encoding.DER),))
    assert len(handshake.chain) == 1
    assert await echoed(stream, b"text\n") == b"text\n"


def gnutls_failure(text: str) -> "pytest.RaisesExc[GnuTLSError]":
    return pytest.raises(GnuTLSError, match=f"GnuTLS: .*{text}")


async def test_an_empty_range_of_versions(raw: int) -> None:
    with gnutls_failure("priorities"):
        await secured(raw, replace(OFFER, min_version="TLSv1.3", max_version="TLSv1.2"))


async def test_the_octets_of_a_server_are_limited(raw: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_wire, "WIRE_LIMIT", 100)
    with pytest.raises(LimitExceededError, match="more than 100 octets"):
        await secured(raw, OFFER)


@pytest.mark.parametrize(
    "reply",
    [
        b"220 not TLS\r\n",
        bytes(5000),
        b"\x16\x03\x03\xff\xff" + bytes(70000),  # a record longer than records may be
    ],
)
async def test_garbage_of_a_server(reply: bytes) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    stream = RawKeyStream(ours, OFFER, None, None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(theirs.send_all, reply)
        with pytest.raises(GnuTLSError) as caught:
            await stream.handshake()
        nursery.cancel_scope.cancel()
    assert failure_of(caught.value, Phase.HANDSHAKE).kind is FailureKind.TLS


async def test_an_alert_of_a_server() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    await theirs.send_all(b"\x15\x03\x03\x00\x02\x02\x28")
    with gnutls_failure("Handshake failed"):
        await RawKeyStream(ours, OFFER, None, None).handshake()


async def test_an_endless_handshake_message() -> None:
    ours, theirs = trio.testing.memory_stream_pair()

    async def serve() -> None:
        await theirs.send_all(b"\x16\x03\x03\x00\x04\x02\xff\xff\xff")  # a ServerHello of 16 MB
        while True:
            await theirs.send_all(b"\x16\x03\x03\x40\x00" + bytes(1 << 14))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        with pytest.raises((GnuTLSError, LimitExceededError)):
            await RawKeyStream(ours, OFFER, None, None).handshake()
        nursery.cancel_scope.cancel()


async def test_the_end_of_the_stream_in_the_handshake() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    await theirs.send_eof()
    with pytest.raises(EOFError):
        await RawKeyStream(ours, OFFER, None, None).handshake()


async def test_cancellation_ends_a_handshake_and_frees_its_memory() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    stream = RawKeyStream(ours, OFFER, None, None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.handshake)
        assert (await theirs.receive_some())[:1] == b"\x16"
        nursery.cancel_scope.cancel()
    del stream


async def test_cancellation_abandons_a_step_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    began, done = threading.Event(), threading.Event()

    def slow(_: RawKeyStream) -> int:
        began.set()
        done.wait()
        return 0

    monkeypatch.setattr(RawKeyStream, "_advance", slow)
    ours, _ = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(RawKeyStream(ours, OFFER, None, None).handshake)
        await trio.to_thread.run_sync(began.wait)
        nursery.cancel_scope.cancel()
    done.set()


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [
        (None, None, ":+VERS-TLS1.3:+VERS-TLS1.2:+VERS-TLS1.1:+VERS-TLS1.0"),
        ("TLSv1.2", None, ":+VERS-TLS1.3:+VERS-TLS1.2"),
        ("TLSv1.1", "TLSv1.2", ":+VERS-TLS1.2:+VERS-TLS1.1"),
        ("TLSv1.3", "TLSv1.2", ""),
    ],
)
def test_versions_of_the_offer(lowest: str | None, highest: str | None, expected: str) -> None:
    offer = replace(OFFER, min_version=lowest, max_version=highest)
    kinds = "-CTYPE-SRV-ALL:+CTYPE-SRV-RAWPK:+CTYPE-SRV-X509"
    assert priorities(offer) == f"NORMAL:-VERS-ALL{expected}:{kinds}"


@pytest.mark.parametrize("name", ["libgnutls.so.0", "libc.so.6"])  # absent; a library without the functions
def test_a_library_that_cannot_be_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert available()
    monkeypatch.setattr(gnutls, "LIBRARY", name)
    gnutls._library.cache_clear()
    assert not available()
    monkeypatch.undo()
    gnutls._library.cache_clear()
    assert available()


IANA_NAMES = [
    # the names of the IANA registry "TLS Cipher Suites", and OpenSSL's names (ciphers(1))
    ("TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"),
    ("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "DHE-RSA-AES256-GCM-SHA384"),
    ("TLS_RSA_WITH_AES_256_CCM", "AES256-CCM"),
    ("TLS_NO_SUCH_SUITE", "TLS_NO_SUCH_SUITE"),
]


@pytest.mark.parametrize(("iana", "openssl"), IANA_NAMES)
def test_names_of_cipher_suites(iana: str, openssl: str) -> None:
    assert gnutls._suite(gnutls._library(), iana)[0] == openssl


def test_facts_of_a_cipher_suite() -> None:
    assert tls_facts.suite(b"\x13\x05") == ("TLS_AES_128_CCM_8_SHA256", 64, 128)
    assert tls_facts.suite(b"\xff\xff") is None
    assert tls_facts.suite(b"") is None


def test_names_of_signature_schemes() -> None:
    names = ["RSA-PSS-RSAE-SHA256", "RSA-SHA512", "EdDSA-Ed25519", "ECDSA-SECP384R1-SHA384", "ECDSA-SHA256", ""]
    expected = ["rsa_pss_rsae_sha256", "rsa_pkcs1_sha512", "ed25519", "ecdsa_secp384r1_sha384"]
    assert [gnutls._scheme(name) for name in names] == [*expected, "ecdsa_secp256r1_sha256", None]
