"""Lab domains about TLS itself, and about certificates without TLSA records."""

from dataclasses import replace

from scanner.reasons import Reason
from scanner.vocabulary import DomainStartTLS
from tests.lab.expectations import broken, cleartext, inconclusive, protected, unprotected
from tests.lab.model import Expect, Host, Scenario

VERIFIED, UNTRUSTED, NO_SESSION = ("Verified",), ("Untrusted",), ("",)
EE = ("3 1 1 leaf",)
NONE = DomainStartTLS.NONE
LARGE = Reason.TLS_LARGE_HELLO_INTOLERANT


def opportunistic(name: str, cert: str, why: str) -> Scenario:
    """Without TLSA a sender at level dane takes any certificate (smtp(8) falls back to level may)."""
    domain = f"{name}.test"
    return Scenario(domain, why, unprotected(Reason.TLSA_NONE), (Host(f"mx.{domain}", (), cert),), UNTRUSTED)


def session(
    name: str, expect: Expect, why: str, *, tlsa: tuple[str, ...] = EE, cert: str = "good", **smtp: object
) -> Scenario:
    """Return a domain with one host and one address."""
    finger = VERIFIED if expect == protected() else NO_SESSION
    return Scenario(f"{name}.test", why, expect, (Host(f"mx.{name}.test", tlsa, cert, smtp, v6=()),), finger)


def large_hello(name: str, how: str, why: str) -> Scenario:
    """Return a server that fails on a large ClientHello; posttls-finger of Debian offers no post-quantum groups."""
    host = Host(f"mx.{name}.test", EE, "good", {"fault": f"{how}@large-hello"}, v6=())
    return Scenario(f"{name}.test", why, protected(LARGE), (host,), VERIFIED)


CERTIFICATES = (
    opportunistic("cert-good", "good", "a chain to the lab's root with the right name: still unauthenticated"),
    opportunistic("cert-expired", "expired", "expired"),
    opportunistic("cert-not-yet-valid", "not-yet-valid", "not valid yet"),
    opportunistic("cert-self-signed", "self-signed", "self-signed"),
    opportunistic("cert-wrong-name", "wrong-name", "for another name"),
    opportunistic("cert-wildcard", "wildcard", "a wildcard"),
    opportunistic("cert-cn-only", "cn-only", "no subjectAltName"),
    opportunistic("cert-no-cn", "no-cn", "no common name"),
    opportunistic("cert-leaf-only", "leaf-only", "the intermediate is missing"),
    opportunistic("cert-rsa", "rsa", "RSA 2048"),
    opportunistic("cert-ed25519", "ed25519", "Ed25519"),
)

LEGACY = Reason.TLS_LEGACY_ONLY
VERSIONS = (
    session("tls12", protected(), "TLS 1.2 at most", tls="tls12"),
    session(
        "tls10",
        broken(LEGACY),
        "TLS 1.0 only, which needs OpenSSL's security level 0: a sender that authenticates refuses it (RFC 8996)",
        cert="rsa",
        tls="tls10",
    ),
    session(
        "tls10-plain",
        unprotected(LEGACY),
        "the same without TLSA: better than nothing",
        tlsa=(),
        cert="rsa",
        tls="tls10",
    ),
    session(
        "sha1",
        broken(Reason.TLS_WEAK_ONLY),
        "TLS 1.2 that signs with SHA-1 only: OpenSSL's security level 1 refuses it (RFC 9155)",
        tls="sha1",
    ),
    session("sha1-plain", unprotected(Reason.TLS_WEAK_ONLY), "the same without TLSA", tlsa=(), tls="sha1"),
    session(
        "anonymous",
        broken(LEGACY, Reason.TLS_ANONYMOUS),
        "only suites without a certificate (RFC 7672 section 8.2: opportunistic use only)",
        tls="anonymous",
    ),
    session(
        "anonymous-plain",
        unprotected(LEGACY, Reason.TLS_ANONYMOUS),
        "the same without TLSA",
        tlsa=(),
        tls="anonymous",
    ),
)

FAILURES = (
    session(
        "tls-plaintext",
        broken(Reason.TLS_HANDSHAKE_FAILED, starttls=NONE),
        "the ClientHello is answered in clear text",
        fault="plaintext@handshake",
    ),
    session(
        "tls-plaintext-plain",
        cleartext(Reason.TLS_HANDSHAKE_FAILED),
        "the same without TLSA: Postfix tries again in clear text",
        tlsa=(),
        fault="plaintext@handshake",
    ),
    session("tls-silent", inconclusive(Reason.TLS_TIMEOUT), "no ServerHello ever", fault="silent@handshake"),
    session(
        "tls-big-chain",
        broken(Reason.TLS_MESSAGE_TOO_LONG, starttls=NONE),
        "a megabyte of certificates, ten times what OpenSSL reads by default: a failed handshake",
        cert="big",
    ),
)


LARGE_HELLOS = (
    large_hello("hello-reset", "reset", "resets the connection after a ClientHello of more than one segment"),
    large_hello("hello-alert", "alert", "answers a large ClientHello with an alert"),
    large_hello("hello-silent", "silent", "answers nothing to a large ClientHello"),
    replace(
        session("hello-plain", unprotected(LARGE), "the same without TLSA", tlsa=(), fault="close@large-hello"),
        finger=UNTRUSTED,
    ),
    session(
        "hello-sha1",
        broken(Reason.TLS_WEAK_ONLY),
        "does not take a large ClientHello and signs with SHA-1 only: an authenticating sender gets no TLS",
        fault="reset@large-hello",
        tls="sha1",
    ),
)

NAMES = (
    session("sni", protected(), "a handshake without the host's name as SNI fails; DANE sends it", by_name=True),
    session(
        "sni-plain",
        cleartext(Reason.TLS_HANDSHAKE_FAILED),
        "the same without TLSA: Postfix sends no SNI, and tries again in clear text",
        tlsa=(),
        by_name=True,
    ),
)

CASES = (*CERTIFICATES, *VERSIONS, *FAILURES, *LARGE_HELLOS, *NAMES)
