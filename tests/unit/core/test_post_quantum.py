"""Post-quantum readiness: what each pair of probes shows, and which address is asked."""

from dataclasses import replace

import pytest

from scanner.core import post_quantum
from scanner.facts import Failure, Probe
from scanner.model import AlgorithmReport
from scanner.vocabulary import CertAlg, FailureKind, Phase, Served
from tests.unit import records

LOST = Failure(Phase.HANDSHAKE, FailureKind.TIMEOUT)
ALERT = Failure(Phase.HANDSHAKE, FailureKind.TLS, text="ssl/tls alert handshake failure")
ODD = Failure(Phase.HANDSHAKE, FailureKind.TLS, text="tlsv1 alert internal error")


def shaken(group: str | None, version: str = "TLSv1.3", *, profile: str = "authenticated", **more: str) -> Probe:
    probe = records.probe(handshake=records.handshake(group=group, version=version, **more))
    return replace(probe, endpoint=replace(probe.endpoint, profile=profile))


def failed(failure: Failure) -> Probe:
    return records.probe(handshake=None, failure=failure)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("X25519MLKEM768", True),
        ("SecP256r1MLKEM768", True),
        ("MLKEM1024", True),
        ("X25519Kyber768Draft00", True),
        ("x25519", False),
        ("secp384r1", False),
        ("ffdhe2048", False),
    ],
)
def test_names_of_groups(group: str, *, expected: bool) -> None:
    assert post_quantum.is_post_quantum(group) is expected


CLASSICAL = shaken("x25519")


@pytest.mark.parametrize(
    ("own", "asked", "expected"),
    [
        (shaken("X25519MLKEM768"), None, "preferred"),
        (shaken("SecP256r1MLKEM768"), None, "preferred"),
        (CLASSICAL, None, "unknown"),
        (CLASSICAL, shaken("SecP384r1MLKEM1024"), "supported"),
        (CLASSICAL, failed(ALERT), "no"),
        (CLASSICAL, failed(LOST), "unknown"),
        (CLASSICAL, failed(ODD), "unknown"),
        (CLASSICAL, records.refused(), "unknown"),
        (shaken("x25519", "TLSv1.2"), None, "tls12"),
        (shaken(None, "TLSv1"), None, "tls12"),
        (failed(LOST), None, "unknown"),
        (records.refused(), None, "unknown"),
    ],
)
def test_readiness(own: Probe, asked: Probe | None, expected: str) -> None:
    assert post_quantum.readiness(own, asked) == expected


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (CLASSICAL, "post-quantum"),
        (shaken("X25519MLKEM768"), None),
        (shaken(None), None),
        (shaken("x25519", "TLSv1.2"), None),
        (shaken("x25519", profile="authenticated-classical"), None),  # the server fails on a large ClientHello
        (shaken("x25519", profile="opportunistic-classical"), None),
        (failed(ALERT), None),
    ],
)
def test_only_a_classical_group_in_tls_13_is_asked(own: Probe, expected: str | None) -> None:
    assert post_quantum.wanted(own) == expected


@pytest.mark.parametrize(
    ("own", "asked", "expected"),
    [
        (shaken("x25519", signature="mldsa65"), None, "yes"),
        (shaken("x25519", signature="rsa_pss_rsae_sha256"), None, "unknown"),
        (shaken("x25519", signature="rsa_pss_rsae_sha256"), Served.YES, "yes"),
        (shaken("x25519", signature="rsa_pss_rsae_sha256"), Served.NO, "no"),
        (shaken("x25519", signature="rsa_pss_rsae_sha256"), Served.UNKNOWN, "unknown"),
        (shaken("x25519", "TLSv1.2", signature="rsa_pss_rsae_sha256"), None, "no"),
        (failed(LOST), None, "unknown"),
    ],
)
def test_signature(own: Probe, asked: Served | None, expected: str) -> None:
    others = [] if asked is None else [AlgorithmReport(CertAlg.MLDSA, asked, own)]
    assert post_quantum.signature(own, others) == expected
