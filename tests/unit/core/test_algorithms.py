"""Certificates by key algorithm: what a handshake shows, what to ask for, and the verdicts."""

from dataclasses import replace

import pytest

from scanner.core import algorithms
from scanner.core.policy import Peer
from scanner.facts import Failure, Handshake, Probe, TLSALookup
from scanner.model import AlgorithmReport
from scanner.settings import CERT_ALGS
from scanner.vocabulary import CertAlg, Dane, FailureKind, Phase, Served
from tests.unit import records

USABLE = TLSALookup("mx1.example", (), None, None)
ALERT = "tls alert handshake failure"


def shaken(cipher: str = "", signature: str | None = None, version: str = "TLSv1.2", chain: str = "leaf") -> Handshake:
    return Handshake(version, cipher, 256, 256, None, signature, None, (chain,) if chain else ())


@pytest.mark.parametrize(
    ("handshake", "alg"),
    [
        # names of the IANA registry "TLS SignatureScheme"
        (shaken(signature="rsa_pss_rsae_sha256", version="TLSv1.3"), CertAlg.RSA),
        (shaken(signature="rsa_pkcs1_sha1"), CertAlg.RSA),
        (shaken(signature="rsa_pss_pss_sha384"), CertAlg.RSA),
        (shaken(signature="ecdsa_secp384r1_sha384"), CertAlg.ECDSA),
        (shaken(signature="ecdsa_brainpoolP256r1tls13_sha256"), CertAlg.ECDSA),
        (shaken("ECDHE-ECDSA-AES256-GCM-SHA384", "ed25519"), CertAlg.EDDSA),
        (shaken(signature="ed448"), CertAlg.EDDSA),
        (shaken(signature="mldsa65"), CertAlg.MLDSA),
        (shaken(signature="0x0402"), CertAlg.OTHER),  # DSA
        # without a signature scheme, the cipher suite names the key (RFC 5246 appendix A.5)
        (shaken("ECDHE-RSA-AES256-SHA", version="TLSv1"), CertAlg.RSA),
        (shaken("DHE-RSA-AES256-SHA", version="TLSv1.1"), CertAlg.RSA),
        (shaken("ECDHE-ECDSA-AES256-SHA", version="TLSv1"), CertAlg.ECDSA),
        (shaken("AES128-SHA"), CertAlg.RSA),
        (shaken("AECDH-AES256-SHA", chain=""), CertAlg.OTHER),
        (shaken("ADH-AES256-SHA", chain=""), CertAlg.OTHER),
        (shaken("DHE-DSS-AES256-SHA"), CertAlg.OTHER),
        (shaken("TLS_AES_256_GCM_SHA384", version="TLSv1.3"), CertAlg.OTHER),
    ],
)
def test_the_algorithm_of_a_handshake(handshake: Handshake, alg: CertAlg) -> None:
    assert algorithms.algorithm_of(handshake) is alg


def probe(handshake: Handshake | None = None, failure: Failure | None = None, profile: str = "authenticated") -> Probe:
    made = records.probe(handshake=handshake, failure=failure)
    return replace(made, endpoint=replace(made.endpoint, profile=profile))


RSA, ECDSA = shaken(signature="rsa_pss_rsae_sha256"), shaken(signature="ecdsa_secp256r1_sha256")


@pytest.mark.parametrize(
    ("own", "lookup", "asked"),
    [
        (probe(RSA), USABLE, ["ecdsa"]),
        (probe(ECDSA), USABLE, ["rsa"]),
        (probe(shaken(signature="ed25519")), USABLE, ["rsa", "ecdsa"]),
        (probe(ECDSA, profile="authenticated-classical"), USABLE, ["rsa-classical"]),
        (probe(ECDSA, profile="opportunistic-classical"), USABLE, ["rsa-classical"]),
        (probe(), USABLE, []),
        (probe(shaken("AECDH-AES256-SHA", chain="")), USABLE, []),
        (probe(RSA), replace(USABLE, dane=Dane.NONE), []),
        (probe(RSA), replace(USABLE, dane=Dane.UNUSABLE), []),
        (probe(RSA), replace(USABLE, dane=Dane.LOOKUP_FAILED), []),
    ],
)
def test_only_the_other_certificate_of_a_host_with_tlsa_is_asked_for(
    own: Probe, lookup: TLSALookup, asked: list[str]
) -> None:
    assert [name for _, name in algorithms.wanted(CERT_ALGS, own, lookup)] == asked
    assert algorithms.wanted((), own, lookup) == []


def failed(kind: FailureKind, text: str = "", phase: Phase = Phase.HANDSHAKE) -> Probe:
    return probe(failure=Failure(phase, kind, text=text))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (probe(ECDSA), Served.YES),
        (probe(RSA), Served.UNKNOWN),
        (failed(FailureKind.TLS, ALERT), Served.NO),
        (failed(FailureKind.TLS, "sslv3 alert handshake failure"), Served.NO),
        (failed(FailureKind.TLS, "tlsv1 alert insufficient security"), Served.NO),
        # RFC 8446 section 6.2: an internal error is "unrelated to the peer"
        (failed(FailureKind.TLS, "tlsv1 alert internal error"), Served.UNKNOWN),
        (failed(FailureKind.TLS, "wrong version number"), Served.UNKNOWN),
        (failed(FailureKind.TIMEOUT), Served.UNKNOWN),
        (failed(FailureKind.RESET), Served.UNKNOWN),
        (failed(FailureKind.CLOSED), Served.UNKNOWN),
        (failed(FailureKind.HELD_BACK, phase=Phase.CONNECT), Served.UNKNOWN),
        (failed(FailureKind.REJECTED, "alert handshake failure", Phase.GREETING), Served.UNKNOWN),
        (probe(), Served.UNKNOWN),
    ],
)
def test_only_an_alert_of_the_server_shows_that_it_has_no_such_certificate(other: Probe, expected: Served) -> None:
    assert algorithms.served(CertAlg.ECDSA, other) is expected


@pytest.mark.parametrize("handshake", [None, shaken(signature="ecdsa_secp256r1_sha256", chain=""), ECDSA])
def test_a_damaged_run_gives_no_verdict(handshake: Handshake | None) -> None:
    """The run lacks the handshake, the chain or a certificate of the chain."""
    report = AlgorithmReport(CertAlg.ECDSA, Served.YES, probe(handshake), records.evidence())
    found = algorithms.algorithm_verdicts(Peer("example", "mx1.example"), USABLE, [report], (RSA, Dane.OK), {})
    assert found == {CertAlg.RSA: Dane.OK, CertAlg.ECDSA: Dane.UNKNOWN}


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([], {}),
        ([AlgorithmReport(CertAlg.ECDSA, Served.NO, failed(FailureKind.TLS, ALERT))], {CertAlg.RSA: Dane.OK}),
        (
            [AlgorithmReport(CertAlg.ECDSA, Served.UNKNOWN, failed(FailureKind.TIMEOUT))],
            {CertAlg.RSA: Dane.OK, CertAlg.ECDSA: Dane.UNKNOWN},
        ),
    ],
)
def test_verdicts_by_algorithm(reports: list[AlgorithmReport], expected: dict[CertAlg, Dane]) -> None:
    peer = Peer("example", "mx1.example", None, ())
    found = algorithms.algorithm_verdicts(peer, USABLE, reports, (RSA, Dane.OK), {})
    assert list(found.items()) == list(expected.items())
    assert algorithms.default_verdict(found, Dane.OK) is Dane.OK
