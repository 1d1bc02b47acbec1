"""Evidence about both certificates of a server that has one for each key algorithm, and the verdicts from it."""

from collections.abc import Sequence

import pytest

from scanner.facts import Answer, TLSARecord
from scanner.model import DomainRecord, EndpointReport
from scanner.reasons import Reason
from scanner.run.examine import DomainResult
from scanner.settings import Settings
from scanner.vocabulary import CertAlg, FailureKind, Level, Phase
from tests.unit import fakes, pki
from tests.unit.fakes import ALGORITHMS, DOMAIN, MX1, OK_RECORD, V4, Behaviour, World, fails, host, mx, shakes
from tests.unit.pki import Made

RSA_LEAF = pki.Plan(pki.name(MX1), pki.key("dual", "rsa2048"), pki.INTER, sans=pki.dns(MX1)).make()
NEW_RSA = pki.Plan(pki.name(MX1), pki.key("dual 2", "rsa2048"), pki.INTER, sans=pki.dns(MX1)).make()
RSA_RECORD = pki.tlsa(3, 1, 1, RSA_LEAF)
TA_RECORD = pki.tlsa(2, 0, 1, pki.INTER)
OTHER_NAME = pki.Plan(pki.name("x.test"), pki.key("dual", "rsa2048"), pki.INTER, sans=pki.dns("x.test")).make()
LOST = fails(Phase.HANDSHAKE, FailureKind.RESET)
SILENT = fails(Phase.HANDSHAKE, FailureKind.TIMEOUT)
BUSY = fails(Phase.GREETING, FailureKind.REJECTED, 421)


def dual(rsa: Made | Behaviour, default: Behaviour | None = None) -> Behaviour:
    """Return a server with an ECDSA certificate by default, and an RSA certificate or another answer for RSA only."""
    other = shakes(rsa, pki.INTER) if isinstance(rsa, Made) else rsa
    usual = default or shakes()
    return lambda endpoint: (other if ALGORITHMS.get(endpoint.profile) is CertAlg.RSA else usual)(endpoint)


async def examined(
    servers: Behaviour | Sequence[Behaviour], *records: TLSARecord, settings: Settings | None = None
) -> tuple[World, DomainResult]:
    world = World(mx() | host(MX1, V4, records=records), {V4: servers})
    return world, await world.examine(settings=settings)


def words(record: DomainRecord) -> str:
    """Return the verdicts: of the domain, the sender and each algorithm."""
    ((end,),) = ((each.endpoints) for each in record.hosts)
    parts = [record.verdict.dane, record.verdict.sender, *(f"{alg}={dane}" for alg, dane in end.algorithms.items())]
    return " ".join(parts)


def only(result: DomainResult) -> EndpointReport:
    ((end,),) = (report.endpoints for report in result.reports)
    return end


@pytest.mark.parametrize(
    ("server", "records", "expected", "connections"),
    [
        (dual(RSA_LEAF), [OK_RECORD, RSA_RECORD], "protected verified ecdsa=ok rsa=ok", 2),
        (dual(RSA_LEAF), [TA_RECORD], "protected verified ecdsa=ok rsa=ok", 2),
        # a sender that offers RSA only is refused, and the sender verdict is that of the default offer
        (dual(RSA_LEAF), [OK_RECORD], "broken verified ecdsa=ok rsa=mismatch", 4),
        (dual(OTHER_NAME), [TA_RECORD], "broken verified ecdsa=ok rsa=mismatch", 4),
        (dual(RSA_LEAF), [RSA_RECORD], "broken defer ecdsa=mismatch rsa=ok", 3),
        (dual(NEW_RSA), [RSA_RECORD], "broken defer ecdsa=mismatch rsa=mismatch", 3),
        (shakes(), [OK_RECORD], "protected verified ecdsa=ok", 2),
        (shakes(RSA_LEAF, pki.INTER), [RSA_RECORD], "protected verified rsa=ok", 2),
        (dual(LOST), [OK_RECORD], "protected verified ecdsa=ok rsa=unknown", 2),
        (dual(SILENT), [OK_RECORD], "protected verified ecdsa=ok rsa=unknown", 2),
        (dual(BUSY), [OK_RECORD], "protected verified ecdsa=ok rsa=unknown", 2),
        (dual(RSA_LEAF), [], "none encrypted", 1),
        (dual(RSA_LEAF), [pki.tlsa(0, 1, 1, pki.LEAF)], "none encrypted", 1),  # usage 0 is not usable
        (fakes.no_starttls, [OK_RECORD], "broken defer", 1),
    ],
)
async def test_verdicts_of_both_certificates(
    server: Behaviour, records: list[TLSARecord], expected: str, connections: int
) -> None:
    world, result = await examined(server, *records)
    assert words(result.record) == expected
    assert len(world.net.calls) + len(world.net.others) == connections


async def test_a_mismatch_of_the_second_certificate_has_its_own_reason() -> None:
    _, result = await examined(dual(RSA_LEAF), OK_RECORD)
    verdict = result.record.verdict
    assert verdict.reasons == (Reason.OTHER_CERTIFICATE_MISMATCH,)
    assert verdict.outcome == "ok"
    ((end,),) = (each.endpoints for each in result.record.hosts)
    assert (end.tls, end.dane, end.pkix) == ("verified", "mismatch", "trusted")


async def test_evidence_and_certificates_of_the_second_certificate_are_kept() -> None:
    _, result = await examined(dual(RSA_LEAF), OK_RECORD, RSA_RECORD)
    (other,) = only(result).algorithms
    assert (other.alg, other.served, other.probe.endpoint.profile) == ("rsa", "yes", "rsa")
    assert other.dane is not None
    assert other.dane.record == RSA_RECORD
    assert other.pkix is not None
    assert other.pkix.errors == ()
    assert {RSA_LEAF.facts.sha256, pki.LEAF.facts.sha256} <= set(result.certs or {})


@pytest.mark.parametrize(
    ("settings", "profiles"),
    [
        (Settings(cert_algs=()), []),
        (Settings(cert_algs=(CertAlg.RSA,)), ["rsa"]),
        (Settings(cert_algs=(CertAlg.EDDSA, CertAlg.MLDSA, CertAlg.ECDSA)), ["eddsa", "mldsa"]),
        (Settings(level=Level.MAY), ["rsa"]),
    ],
)
async def test_the_settings_name_the_algorithms(settings: Settings, profiles: list[str]) -> None:
    world, _ = await examined(dual(RSA_LEAF), OK_RECORD, RSA_RECORD, settings=settings)
    assert [each.profile for each in world.net.others] == profiles


# --- post-quantum key exchange --------------------------------------------------------------------------------

ALERT = fails(Phase.HANDSHAKE, FailureKind.TLS, text="tls alert handshake failure")


def pq(asked: Behaviour, *, group: str | None = "x25519", version: str = "TLSv1.3") -> Behaviour:
    """Return a server that negotiates a group, and has another answer for an offer of post-quantum groups only."""
    usual = shakes(group=group, version=version)
    return lambda endpoint: (asked if endpoint.profile == "post-quantum" else usual)(endpoint)


@pytest.mark.parametrize(
    ("server", "on", "off"),
    [
        (pq(shakes(group="SecP256r1MLKEM768")), "supported 2", "unknown 1"),
        (pq(ALERT), "no 2", "unknown 1"),
        (pq(SILENT), "unknown 2", "unknown 1"),
        (pq(ALERT, group="X25519MLKEM768"), "preferred 1", "preferred 1"),
        (pq(ALERT, version="TLSv1.2"), "tls12 1", "tls12 1"),
        (fakes.no_starttls, "unknown 1", "unknown 1"),
    ],
)
async def test_post_quantum_groups_are_asked_for_once(server: Behaviour, on: str, off: str) -> None:
    for expected, flag in ((on, True), (off, False)):
        world, result = await examined(server, settings=Settings(pq=flag))
        end = only(result)
        assert f"{end.pq} {len(world.net.calls)}" == expected
        assert (end.pq_probe is not None) == (len(world.net.calls) == 2)
        assert not world.net.others


async def test_an_inconclusive_probe_for_post_quantum_groups_is_worth_a_retry() -> None:
    assert (await examined(pq(SILENT), settings=Settings(pq=True)))[1].retry
    assert not (await examined(pq(ALERT), settings=Settings(pq=True)))[1].retry


# --- second reading -------------------------------------------------------------------------------------------


def turning(*answers: Answer, servers: Behaviour | Sequence[Behaviour]) -> World:
    return World({**mx(), **fakes.addresses(MX1, V4), (f"_25._tcp.{MX1}", "TLSA"): answers}, {V4: servers})


def published(*records: TLSARecord) -> Answer:
    (answer,) = fakes.tlsa(MX1, *records).values()
    return answer


@pytest.mark.parametrize(
    ("what", "answers", "servers", "expected"),
    [
        ("records of both later", [[OK_RECORD], [OK_RECORD, RSA_RECORD]], [dual(RSA_LEAF)], "protected verified"),
        ("the key is replaced", [[OK_RECORD, RSA_RECORD]], [dual(NEW_RSA), dual(RSA_LEAF)], "protected verified"),
        ("it is lost later", [[OK_RECORD]], [dual(RSA_LEAF), dual(LOST)], "protected verified"),
        ("no longer served", [[OK_RECORD]], [dual(RSA_LEAF), shakes()], "protected verified"),
        ("all is lost later", [[OK_RECORD]], [dual(RSA_LEAF), fakes.refuses], "unknown unknown"),
    ],
)
async def test_a_mismatch_of_the_second_certificate_is_read_twice(
    what: str, answers: list[list[TLSARecord]], servers: list[Behaviour], expected: str
) -> None:
    world = turning(*(published(*records) for records in answers), servers=servers)
    verdict = (await world.examine(DOMAIN)).record.verdict
    assert expected.split(maxsplit=1)[0] == verdict.dane, what
    assert len(world.net.calls) == 2


async def test_a_second_certificate_that_could_not_be_determined_is_worth_a_retry() -> None:
    assert (await examined(dual(SILENT), OK_RECORD))[1].retry
    assert (await examined(dual(BUSY), OK_RECORD))[1].retry
    assert not (await examined(dual(LOST), OK_RECORD))[1].retry  # a reset answer to a ClientHello is final here
    assert not (await examined(shakes(), OK_RECORD))[1].retry
