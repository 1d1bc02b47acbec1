"""Lab domains whose servers have a certificate for each key algorithm: which one a client gets is up to its offer.

The recipe ``good`` has an ECDSA key, which OpenSSL's default offer prefers. A server may prefer its RSA key.
"""

from scanner.reasons import Reason
from scanner.vocabulary import DomainDane, DomainOutcome, DomainStartTLS, Sender
from tests.lab.expectations import broken, protected, unprotected
from tests.lab.model import Expect, Host, Scenario

VERIFIED, UNTRUSTED = ("Verified",), ("Untrusted",)
BOTH = ("3 1 1 leaf", "3 1 1 second")
OTHER = Expect(
    DomainOutcome.OK,
    Sender.VERIFIED,
    DomainDane.BROKEN,
    DomainStartTLS.ALL,
    (Reason.OTHER_CERTIFICATE_MISMATCH,),
)
"""The default offer gets a certificate that matches; a client with another offer gets one that does not."""


def dual(name: str, tlsa: tuple[str, ...], expect: Expect, why: str, tls: str = "modern") -> Scenario:
    """Return a domain with one host, which has an ECDSA and an RSA certificate."""
    domain = f"{name}.test"
    host = Host(f"mx.{domain}", tlsa, "good", {"tls": tls}, v6=(), second="rsa")
    return Scenario(domain, why, expect, (host,), VERIFIED if expect.sender is Sender.VERIFIED else UNTRUSTED)


def groups(name: str, tls: str, why: str, *, second: str = "", tlsa: tuple[str, ...] = ("3 1 1 leaf",)) -> Scenario:
    """Return a domain with one host, which accepts the groups of a flavour."""
    domain = f"{name}.test"
    host = Host(f"mx.{domain}", tlsa, "good", {"tls": tls}, v6=(), second=second)
    return Scenario(domain, why, protected(), (host,), VERIFIED)


POST_QUANTUM = (
    groups("pq", "pq", "X25519MLKEM768, for which OpenSSL sends a key share"),
    groups("pq-retry", "pq-retry", "SecP256r1MLKEM768, which needs a second ClientHello"),
    groups("pq-second", "pq-second", "prefers X25519, and accepts a post-quantum group if nothing else is offered"),
    groups("pq-none", "classical", "X25519 only"),
    groups("pq-none-retry", "classical-retry", "P-384 only, which needs a second ClientHello"),
    groups("pq-mldsa", "pq", "a certificate with an ML-DSA key too", second="mldsa", tlsa=BOTH),
)

CASES = (
    dual("dual", BOTH, protected(), "a record for each of both keys"),
    dual("dual-tls12", BOTH, protected(), "the same in TLS 1.2", "tls12"),
    dual("dual-rsa-first", BOTH, protected(), "the server prefers its RSA certificate", "rsa-first"),
    dual("dual-issuer", ("2 0 1 intermediate",), protected(), "one record of the issuer of both"),
    dual("dual-no-rsa", ("3 1 1 leaf",), OTHER, "no record for the RSA key, which a client without ECDSA gets"),
    dual("dual-no-rsa-tls12", ("3 1 1 leaf",), OTHER, "the same in TLS 1.2", "tls12"),
    dual("dual-no-ecdsa", ("3 1 1 second",), broken(Reason.TLSA_MISMATCH), "the ECDSA certificate does not match"),
    dual("dual-no-ecdsa-tls12", ("3 1 1 second",), OTHER, "it is not the one that the server prefers", "rsa-first"),
    *POST_QUANTUM,
    dual("dual-plain", (), unprotected(Reason.TLSA_NONE), "no records: the second certificate is not asked for"),
)
