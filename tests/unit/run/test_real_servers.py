"""Servers that fail in ways of their own, over loopback, from the TLS handshake to the verdict at level dane.

The servers are those of the lab. A ClientHello with a post-quantum share has more than 1,200 octets, one with classical
groups fewer. Certificates in ``tests/data/certificates`` were made by hand: one has an UTCTime without seconds, which
OpenSSL 3.0 reads (and RFC 5280 section 4.1.2.5.1 forbids), the other a key whose SubjectPublicKeyInfo has a length in
more octets than needed.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import trio
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scanner.core.tlsa import parse_rdata
from scanner.facts import Endpoint, TLSARecord
from scanner.net.probe import ProbeResult, probe
from scanner.run.examine import Examiner
from scanner.settings import PROFILES, Settings, Timeouts
from tests.lab.server_tls import Contexts
from tests.lab.smtpd import Behaviour, Log, Session, listen
from tests.unit import pki
from tests.unit.fakes import MX1, OK_RECORD, V4, World, addresses, host, mx, target

DATA = Path(__file__).parents[2] / "data" / "certificates"
NO_SECONDS = "utctime-without-seconds"
LONG_LENGTH = "key-with-long-length"
NO_SECONDS_RECORD = parse_rdata("03010158e92636e23ead0430262eb1cf130ca190a4d350236d43da941563f14950c1ed")
AS_SENT_RECORD = parse_rdata(
    "030100308159301306072a8648ce3d020106082a8648ce3d030107034200040ca642a7720a18e1ccef7d898218339f72b28885142cfe02d6"
    "b1216c4a2607fae0a1268eb2e534f23d3224dbac334e83431d45fa7c27c1c622d927ee827bc10f"
)
LONG_NAME = ".".join(["c" * 60] * 4) + ".sec.test"  # with "_25._tcp." more than the 255 octets of RFC 1035
MANY_LINES = "\r\n".join(["250-lab", "250-STARTTLS", *["250-X"] * 128, "250 OK"])


@dataclass
class Loopback:
    """A ``ProbeEndpoint`` of one server; ``profiles`` are those it was probed with, in order."""

    port: int
    profiles: list[str] = field(default_factory=list)

    async def __call__(self, endpoint: Endpoint, host: str) -> ProbeResult:  # noqa: ARG002 - part of the protocol
        self.profiles.append(endpoint.profile)
        there = replace(endpoint, address="127.0.0.1", port=self.port)
        result = await probe(there, profile=PROFILES[endpoint.profile], ehlo="me", timeouts=Timeouts())
        return replace(result, probe=replace(result.probe, endpoint=endpoint))


def chain_file(tmp_path: Path, made: pki.Made = pki.LEAF) -> str:
    path = tmp_path / "chain.pem"
    private = made.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.pem)
    return str(path)


@dataclass(frozen=True)
class ServerCase:
    """A server, what the DNS says of it, and ``outcome sender dane starttls`` with the reasons of its domain."""

    what: str
    behaviour: Mapping[str, object]
    verdict: str
    reasons: str
    profiles: int
    records: tuple[TLSARecord, ...] = (OK_RECORD,)
    mx_host: str = MX1
    certificate: str = ""


BROKEN, PROTECTED = "fail defer broken all", "ok verified protected all"
UNPROTECTED = "ok encrypted none all"
CASES = [
    ServerCase("SHA-1 only", {"tls": "sha1"}, BROKEN, "tls-weak-only tls-handshake-failed level-not-met", 3),
    ServerCase(
        "SHA-1 only, no TLSA", {"tls": "sha1"}, UNPROTECTED, "tlsa-none tls-weak-only tls-handshake-failed", 3, ()
    ),
    *(
        ServerCase(f"large hello, {how}", {"fault": f"{how}@large-hello"}, PROTECTED, "tls-large-hello-intolerant", 3)
        for how in ("reset", "close", "alert")
    ),
    ServerCase(
        "large hello, no TLSA",
        {"fault": "reset@large-hello"},
        UNPROTECTED,
        "tlsa-none tls-large-hello-intolerant",
        2,
        (),
    ),
    ServerCase(
        "large hello, SHA-1 only",
        {"fault": "reset@large-hello", "tls": "sha1"},
        BROKEN,
        "tls-weak-only tls-handshake-failed level-not-met",
        3,
    ),
    ServerCase("an EHLO reply of 131 lines", {"ehlo": MANY_LINES}, PROTECTED, "", 2),
    ServerCase("an MX host name of 252 octets", {}, UNPROTECTED, "tlsa-name-impossible", 1, mx_host=LONG_NAME),
    ServerCase(
        "an undecodable certificate",
        {},
        "inconclusive unknown unknown unknown",
        "certificate-undecodable-here",
        1,
        (NO_SECONDS_RECORD,),
        certificate=NO_SECONDS,
    ),
    ServerCase(
        "an undecodable certificate, no TLSA",
        {},
        "inconclusive unknown none unknown",
        "tlsa-none certificate-undecodable-here",
        1,
        (),
        certificate=NO_SECONDS,
    ),
    ServerCase(
        "3 1 0 of a key as sent, which is not as OpenSSL encodes it",
        {},
        BROKEN,
        "tlsa-mismatch level-not-met",
        3,  # a mismatch is read twice, and the second reading asks for an ECDSA certificate
        (AS_SENT_RECORD,),
        certificate=LONG_LENGTH,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
async def test_a_real_server_gets_its_verdict(case: ServerCase, tmp_path: Path) -> None:
    chain = str(DATA / f"{case.certificate}.pem") if case.certificate else chain_file(tmp_path)
    behaviour = Behaviour(chain=chain, **case.behaviour)  # type: ignore[arg-type] # a row names only what differs
    records = host(MX1, V4, records=case.records) if case.mx_host == MX1 else addresses(case.mx_host, V4)
    world, contexts, log = World(mx(f"10 {case.mx_host}") | records), Contexts(), Log(io.StringIO())

    async def serve(stream: trio.SocketStream) -> None:
        await Session(stream, behaviour, contexts, log).run()

    listener = listen("127.0.0.1", 0)
    net = Loopback(listener.socket.getsockname()[1])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        ports = replace(world.ports(Settings()), probe=net)
        verdict = (await Examiner(ports).examine(target())).record.verdict
        nursery.cancel_scope.cancel()
    assert f"{verdict.outcome} {verdict.sender} {verdict.dane} {verdict.starttls}" == case.verdict
    assert " ".join(verdict.reasons) == case.reasons
    assert len(net.profiles) == case.profiles
