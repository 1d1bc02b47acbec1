"""Raw public keys in finger: rules, and the lines of runs against ``gnutls-serv``.

Expected lines: posttls-finger of Postfix 3.9, not compared, because posttls-finger of Debian 12 has no ``-x``. The
error texts are OpenSSL's X509_V_ERR texts.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
import trio

from scanner.core.policy import Policy
from scanner.facts import TLSALookup, TLSARecord
from scanner.finger import raw_keys
from scanner.finger.finger_run import FingerRun
from scanner.finger.fingerprints import parse as parse_fingerprints
from scanner.finger.options import parse
from scanner.finger.output import Output
from scanner.finger.preparation import prepare
from scanner.net import gnutls
from scanner.vocabulary import Level, Unusable
from tests.unit.finger.mail_scripts import CHAT, NAP
from tests.unit.gnutls_server import RAW_KEYS, X509, gnutls_server, spki
from tests.unit.mailserver import MailServer
from tests.unit.memory_ports import DOMAIN, MemoryPorts, setup, zone

KEY = spki()
SHA256, SHA512 = hashlib.sha256(KEY).hexdigest(), hashlib.sha512(KEY).hexdigest()
COLONS = hashlib.sha256(KEY).digest().hex(":").upper()
FOUND = f"{NAP}: raw public key fingerprint={COLONS}"
GOOD = TLSARecord(3, 1, 1, SHA256)
OTHER = TLSARecord(3, 1, 1, "00" * 32)
BAD = TLSARecord(3, 1, 1, "00", Unusable.DIGEST_LENGTH)


# --- rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "hit", "errors"),
    [
        ([GOOD], 0, []),
        ([OTHER, GOOD], 1, []),
        ([TLSARecord(3, 1, 2, "00" * 64), GOOD], 1, []),  # no digest agility
        ([TLSARecord(3, 1, 2, SHA512)], 0, []),
        ([TLSARecord(3, 1, 0, KEY.hex())], 0, []),
        ([OTHER], None, [65]),
        ([TLSARecord(2, 1, 1, SHA256)], None, [65]),  # a raw public key is no trust anchor (RFC 7671 section 5.2.2)
        ([TLSARecord(3, 0, 1, SHA256)], None, [65]),  # selector 0 is a certificate
        ([BAD], None, [1]),
        ([], None, [95]),
    ],
)
def test_records_and_a_raw_key(records: list[TLSARecord], hit: int | None, errors: list[int]) -> None:
    found = raw_keys.match(records, KEY, "sha256", 1)
    assert found.record == (None if hit is None else records[hit])
    assert [error.num for error in found.errors] == errors
    assert (found.path, found.needs_name, found.bare_key) == ((), False, False)


@pytest.mark.parametrize(("level", "errors"), [(1, [66]), (0, [])])
def test_a_weak_key(level: int, errors: list[int]) -> None:
    weak = bytes.fromhex("305c300d06092a864886f70d0101010500034b003048024100") + b"\xc1" * 64 + b"\x02\x03\x01\x00\x01"
    record = TLSARecord(3, 1, 1, hashlib.sha256(weak).hexdigest())
    assert [error.num for error in raw_keys.match([record], weak, "sha256", level).errors] == errors


def test_octets_that_are_no_key_match_by_digest_only() -> None:
    record = TLSARecord(3, 1, 1, hashlib.sha256(b"x").hexdigest())
    assert raw_keys.match([record], b"x", "sha256", 1).errors == ()


def test_fingerprints() -> None:
    records = parse_fingerprints([COLONS], "sha256", key_only=True)
    assert raw_keys.match(records, KEY, "sha256", 1).record == records[0]
    assert raw_keys.match(records, b"other", "sha256", 1).record is None


TA = TLSARecord(2, 1, 1, SHA256)


@pytest.mark.parametrize(
    ("rule", "records", "expected"),
    [
        (Policy(Level.MAY), None, True),
        (Policy(Level.ENCRYPT), None, True),
        (Policy(Level.FINGERPRINT), None, True),
        (Policy(Level.ENCRYPT, check_names=True), [BAD], False),  # all records rejected
        (Policy(Level.SECURE, check_names=True), None, False),
        (Policy(Level.DANE, check_names=True), [GOOD], True),
        (Policy(Level.DANE_ONLY, check_names=True), [GOOD, OTHER], True),
        (Policy(Level.DANE, check_names=True), [GOOD, BAD], True),
        (Policy(Level.DANE, check_names=True), [GOOD, TA], False),
        (Policy(Level.HALF_DANE, check_names=True), [TLSARecord(3, 0, 1, SHA256)], False),
        (Policy(Level.DANE_ONLY, check_names=True, forced_failure=True), [BAD], False),
    ],
)
def test_when_a_raw_key_is_requested(rule: Policy, records: list[TLSARecord] | None, *, expected: bool) -> None:
    lookup = None if records is None else TLSALookup("mx.test", tuple(records), None, None)
    assert raw_keys.requested(rule, lookup) is expected


@pytest.mark.parametrize(
    ("argv", "printed", "enabled"),
    [
        (("-x", "-l", "may"), [], True),
        (("-x", "-l", "dane"), [], True),
        (("-x", "-l", "verify"), [], False),
        (("-l", "may"), [], False),
        (("-x", "-l", "may", "-r", "0"), [raw_keys.EXCLUDED], False),
        (("-x", "-l", "dane", "--json"), [raw_keys.EXCLUDED], False),
        (("-x", "-l", "encrypt", "--save", "file"), [raw_keys.EXCLUDED], False),
    ],
)
def test_preparation(
    argv: tuple[str, ...], printed: list[str], capsys: pytest.CaptureFixture[str], *, enabled: bool
) -> None:
    given = prepare(parse([*argv, DOMAIN]), MemoryPorts([], []), Output("mxsweep"))
    assert (given.output.printed, given.raw_keys) == (printed, enabled)
    assert capsys.readouterr().err == (raw_keys.NOTE if enabled else "")


@pytest.mark.parametrize(("level", "printed"), [("may", [raw_keys.LACKING]), ("dane", []), ("secure", [])])
def test_preparation_without_the_library(
    level: str, printed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gnutls, "available", lambda: False)
    given = prepare(parse(["-x", "-l", level, DOMAIN]), MemoryPorts([], []), Output("mxsweep"))
    assert (given.output.printed, given.raw_keys) == (printed, False)
    assert capsys.readouterr().err == ""


# --- runs -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with gnutls_server(tmp_path_factory.mktemp("raw"), RAW_KEYS) as port:
        yield port


@pytest.fixture(scope="module")
def x509(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with gnutls_server(tmp_path_factory.mktemp("x509"), X509) as port:
        yield port


async def pump(source: trio.abc.ReceiveStream, sink: trio.abc.SendStream) -> None:
    async for data in source:
        await sink.send_all(data)


async def lines(port: int, *argv: str, tlsa: tuple[str, ...] = (), raw_keys: bool = True) -> list[str]:
    """The lines of a run whose server passes TLS on to a port of this machine, where an echo server answers EHLO."""

    async def script(server: MailServer) -> None:
        await server.say(b"220 mx\r\n")
        await server.hear()
        await server.say(b"250-mx\r\n250 STARTTLS\r\n")
        await server.hear()
        await server.say(b"220 go\r\n")
        async with await trio.open_tcp_stream("127.0.0.1", port) as behind, trio.open_nursery() as nursery:
            nursery.start_soon(pump, server.stream, behind)
            await pump(behind, server.stream)

    words = argv if DOMAIN in argv else (*argv, DOMAIN)
    given = replace(setup(MemoryPorts(zone(*tlsa), [script]), *words), raw_keys=raw_keys)
    await FingerRun(given).run()
    printed = given.output.printed
    assert printed[:7] == CHAT
    return [line for line in printed[7:] if not line.startswith(("> ", "< ", "EHLO rejected: 0 EHLO me"))]


def summary(word: str, kind: str = "ECDSA (prime256v1 raw public key)") -> str:
    cipher = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange secp256r1"
    return f"{word} TLS connection established to {NAP}: {cipher} server-signature {kind} server-digest SHA256"


FAILED = f"server certificate verification failed for {NAP}: num="
TLSA = "030101" + SHA256


@pytest.mark.parametrize(
    ("argv", "tlsa", "expected"),
    [
        (("-l", "dane"), (TLSA,), [
            f"{NAP}: Matched DANE raw public key: 3 1 1 {SHA256.upper()}", FOUND, summary("Verified")]),
        (("-l", "dane"), ("030101" + "00" * 32,), [
            f"{FAILED}65:no matching DANE TLSA records", FOUND, summary("Untrusted")]),
        (("-l", "may"), (), [FOUND, summary("Untrusted")]),
        (("-l", "may", "-C", "-L", "untrusted,summary"), (), [
            f"{FAILED}95:Raw public key untrusted, no trusted keys configured", summary("Untrusted")]),
        (("-l", "encrypt", "-L", "none"), (), []),
    ],
)  # fmt: skip
async def test_a_run(raw: int, argv: tuple[str, ...], tlsa: tuple[str, ...], expected: list[str]) -> None:
    assert await lines(raw, "-x", *argv, tlsa=tlsa) == expected


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        (COLONS, [f"{NAP}: Matched fingerprint: {SHA256.upper()}", FOUND, summary("Verified")]),
        ("00" * 32, [f"{FAILED}65:no matching DANE TLSA records", FOUND, summary("Untrusted")]),
    ],
    ids=["of the key", "of another key"],  # the key is random, and test processes must agree about the names of tests
)
async def test_a_run_with_a_fingerprint(raw: int, digest: str, expected: list[str]) -> None:
    assert await lines(raw, "-x", "-l", "fingerprint", "-d", "sha256", DOMAIN, digest) == expected


async def test_a_run_against_a_server_with_a_certificate_only(x509: int) -> None:
    printed = await lines(x509, "-x", "-l", "dane", tlsa=(TLSA,))
    assert printed[0] == f"{NAP}: Matched DANE EE certificate at depth 0: 3 1 1 {SHA256.upper()}"
    assert printed[1].startswith(f"{NAP}: subject_CN=mx.test, issuer=mx.test, cert fingerprint=")
    assert printed[2:] == [summary("Verified", "ECDSA (prime256v1)")]


async def test_openssl_makes_the_handshake_where_no_raw_key_can_match(raw: int) -> None:
    printed = await lines(raw, "-x", "-l", "dane", tlsa=(TLSA, "020101" + SHA256))
    assert printed[0] == f"SSL_connect error to {NAP}: -1"
    assert "SSL routines" in printed[1]
    assert await lines(raw, "-l", "dane", tlsa=(TLSA,), raw_keys=False) == printed


async def test_a_failed_handshake(raw: int) -> None:
    printed = await lines(raw, "-x", "-l", "may", "-p", ">=TLSv1.3, <=TLSv1.2")
    assert printed[0] == f"SSL_connect error to {NAP}: -1"
    assert printed[1].startswith(f"warning: {NAP}: GnuTLS: ")
    assert len(printed) == 2
