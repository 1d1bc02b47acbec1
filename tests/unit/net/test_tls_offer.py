"""The offers of TLS profiles, and the certificate that each offer gets from servers with one or two certificates."""

from datetime import UTC, datetime
from unittest.mock import ANY

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from OpenSSL import SSL, crypto

from scanner.core.algorithms import algorithm_of, served
from scanner.core.dialogue import Dialogue
from scanner.facts import Endpoint
from scanner.net.failures import failure_of
from scanner.net.probe import record
from scanner.net.tls import context_for
from scanner.settings import AUTHENTICATED, CLASSICAL_GROUPS, OF_ALGORITHM, TLSProfile
from scanner.vocabulary import CertAlg, Mode, Phase
from tests.unit.mailserver import certificate, key, server_context
from tests.unit.net.test_tls import V12, V13, handshake

STARTED = datetime(2026, 9, 1, tzinfo=UTC)


def dual_context(*kinds: str, version: int) -> SSL.Context:
    """Return the context of a server with a certificate of each kind."""
    context = server_context(None, version=version)
    for kind in kinds:
        context.use_certificate(certificate(kind))
        private = key(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        context.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, private))
    return context


async def outcome(context: SSL.Context, alg: CertAlg, groups: str | None = None) -> tuple[str, str]:
    """Return ``served`` for the offer of one key algorithm, and the algorithm of the certificate that it gets."""
    endpoint = Endpoint("192.0.2.1", 25, None, Mode.SMTP, alg)
    dialogue = Dialogue("me", lmtp=False, implicit_tls=False, want_tls=True, ehlo_after_tls=True)
    try:
        client, _, _ = await handshake(context, OF_ALGORITHM[alg, groups])
    except SSL.Error as error:
        failure = failure_of(error, Phase.HANDSHAKE)
        probe = record(endpoint, STARTED, dialogue, None, unconnected=failure)
        return served(alg, probe), failure.text
    facts, _ = client.facts()
    return served(alg, record(endpoint, STARTED, dialogue, facts)), algorithm_of(facts)


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("groups", [None, CLASSICAL_GROUPS])
@pytest.mark.parametrize(
    ("kinds", "alg", "expected"),
    [
        ("rsa p256", CertAlg.RSA, "yes"),
        ("rsa p256", CertAlg.ECDSA, "yes"),
        ("p384 rsa", CertAlg.ECDSA, "yes"),
        ("rsa ed25519", CertAlg.EDDSA, "yes"),
        ("rsa", CertAlg.ECDSA, "no"),
        ("p256", CertAlg.RSA, "no"),
        ("ed25519", CertAlg.RSA, "no"),
        ("ed25519", CertAlg.ECDSA, "no"),
        ("rsa p256", CertAlg.EDDSA, "no"),
    ],
)
async def test_the_offer_of_an_algorithm_selects_the_certificate(
    version: int, groups: str | None, kinds: str, alg: CertAlg, expected: str
) -> None:
    found, what = await outcome(dual_context(*kinds.split(), version=version), alg, groups)
    assert (found, what if found == "yes" else alg) == (expected, alg)


@pytest.mark.parametrize("version", [SSL.TLS1_VERSION, SSL.TLS1_1_VERSION])
async def test_versions_without_signature_algorithms_are_no_refusal(version: int) -> None:
    # OpenSSL's security level 1 refuses these versions: nothing is known about the certificate
    found, what = await outcome(dual_context("rsa", version=version), CertAlg.ECDSA)
    assert found != "yes", what


@pytest.mark.parametrize(("kinds", "default"), [("mldsa", "mldsa"), ("mldsa p256 rsa", "mldsa"), ("p256", "ecdsa")])
async def test_ml_dsa(kinds: str, default: str) -> None:
    """OpenSSL's default offer names ML-DSA first, so a server that has such a certificate sends it."""
    context = dual_context(*kinds.split(), version=V13)
    assert await outcome(context, CertAlg.MLDSA) == (("yes", "mldsa") if "mldsa" in kinds else ("no", ANY))
    client, _, _ = await handshake(context, AUTHENTICATED)
    assert algorithm_of(client.facts()[0]) == default


async def test_ml_dsa_in_tls_12_is_not_determined() -> None:
    found, what = await outcome(dual_context("rsa", version=V12), CertAlg.MLDSA)
    assert (found, "protocol version" in what) == ("unknown", True)


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        (TLSProfile("odd", AUTHENTICATED.ciphers, 1, groups="P-999"), "unknown group in P-999"),
        (TLSProfile("odd", AUTHENTICATED.ciphers, 1, sigalgs="rsa_md2"), "unknown signature algorithm in rsa_md2"),
        (TLSProfile("odd", "NO-SUCH", 1), "no cipher match"),
    ],
)
def test_an_offer_that_the_library_does_not_know(profile: TLSProfile, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        context_for(profile)


def test_each_profile_has_one_context() -> None:
    profiles = list(OF_ALGORITHM.values())
    assert len({id(context_for(profile)) for profile in profiles}) == len(profiles)
    assert all(context_for(profile) is context_for(profile) for profile in profiles)
