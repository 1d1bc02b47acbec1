"""posttls-finger's log lines, made from records. Pure: values in, lines out, without the program's prefix.

``NA`` is the lower-cased ``host[address]:port`` that lines of the TLS library carry, ``NAP`` the same with the case as
it is known.
"""

import hashlib
import ssl
from collections.abc import Sequence

from scanner.core import tlsa
from scanner.core.pkix import failure_line
from scanner.core.policy import Judgement, Policy
from scanner.core.x509 import spki
from scanner.finger.logging import Log
from scanner.model import CertFacts, DaneEvidence, Failure, Handshake, Probe
from scanner.vocabulary import FailureKind, Level, Phase, TLSState

_WORDS = {
    TLSState.ANONYMOUS: "Anonymous",
    TLSState.VERIFIED: "Verified",
    TLSState.TRUSTED: "Trusted",
    TLSState.UNTRUSTED: "Untrusted",
}

_CURVES = {"secp256r1": "prime256v1"}
"""Where OpenSSL's name of a curve differs from the one in our records."""

_ASKING = {
    Phase.EHLO: "sending {hello}",
    Phase.EHLO_TLS: "sending {hello}",
    Phase.STARTTLS: "sending STARTTLS",
    Phase.GREETING: "reading server greeting",
}

MAX_FIELD = 256
"""Octets of a name field that Postfix prints; longer ones are dropped with a warning."""


def nap(host: str, address: str, port: int) -> str:
    """``host[address]:port``; a UNIX socket has no port."""
    return f"{host}[{address}]:{port}" if port else f"{host}[{address}]"


def fingerprint(data: bytes, algorithm: str) -> str:
    """Upper-case hex pairs with colons."""
    return hashlib.new(algorithm, data).digest().hex(":").upper()


# --- TLS ------------------------------------------------------------------------------------------------------


def session_lines(
    na: str,
    mask: Log,
    policy: Policy,
    judgement: Judgement,
    evidence: DaneEvidence | None,
    leaf: CertFacts | None,
    digest: str,
) -> list[str]:
    """What is said between handshake and summary: the failure or the match, then who the peer says it is."""
    found: list[str] = []
    if leaf is None:
        return found
    if judgement.error is not None:
        if policy.level.must_match or policy.check_names or Log.UNTRUSTED in mask:
            found.append(failure_line(judgement.error, na))
    elif Log.PEER in mask:
        found += _matches(na, policy, judgement, evidence)
    if Log.PEER in mask:
        found += _peer(na, leaf, judgement, digest)
    return found


def _matches(na: str, policy: Policy, judgement: Judgement, evidence: DaneEvidence | None) -> list[str]:
    found = [f"{na}: matched peername: {judgement.peername}"] if judgement.peername else []
    if evidence is None or evidence.record is None:
        return found
    record = tlsa.display(evidence.record)
    if policy.level is Level.FINGERPRINT:
        found.append(f"{na}: Matched fingerprint: {record.split()[-1]}")
    elif not policy.level.dane_based:
        found.append(f"{na}: Matched trust anchor at depth {evidence.depth}")
    elif evidence.bare_key:
        found.append(f"{na}: Matched DANE TA public key verified certificate at depth {evidence.depth}: {record}")
    else:
        kind = "TA" if evidence.needs_name else "EE"
        found.append(f"{na}: Matched DANE {kind} certificate at depth {evidence.depth}: {record}")
    return found


def _peer(na: str, leaf: CertFacts, judgement: Judgement, digest: str) -> list[str]:
    name = leaf.subject_cns[0] if leaf.subject_cns else judgement.peername or ""
    subject, complaint = _field(na, name, "subject CN")
    issuer, other = _field(na, leaf.issuer_cn, "issuer CN")
    cert, key = fingerprint(leaf.der, digest), fingerprint(spki(leaf.der), digest)
    line = f"{na}: subject_CN={subject}, issuer={issuer}, cert fingerprint={cert}, pkey fingerprint={key}"
    return [*complaint, *other, line]


def _field(na: str, text: str, what: str) -> tuple[str, list[str]]:
    """A name that is fit to print, or nothing and the reason."""
    text = text.rstrip("\0")
    if len(text.encode("utf-8", "surrogateescape")) >= MAX_FIELD:
        return "", [f"warning: tls_text_name: {na}: peer {what} too long: {len(text)}"]
    if "\0" in text:
        return "", [f"warning: tls_text_name: {na}: NULL character in peer {what}"]
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):  # noqa: PLR2004 - ASCII controls
        return "", [f"warning: tls_text_name: {na}: non-printable content in peer {what}"]
    return text, []


def summary(na: str, word: TLSState, handshake: Handshake, leaf: CertFacts | None) -> str:
    """The line that tells the verdict."""
    parts = [
        f"{_WORDS[word]} TLS connection established to {na}: {handshake.version}",
        f"with cipher {handshake.cipher} ({handshake.bits}/{handshake.alg_bits} bits)",
    ]
    if handshake.version == "TLSv1.3":
        if handshake.group:
            parts.append(f"key-exchange {handshake.group}")
        if leaf is not None and not handshake.resumed:
            parts += _signature(handshake, leaf)
    return " ".join(parts)


def _signature(handshake: Handshake, leaf: CertFacts) -> list[str]:
    kinds = {
        "RSA": f"RSA-PSS ({leaf.key_bits} bits)",
        "EC": f"ECDSA ({_CURVES.get(leaf.curve, leaf.curve)})",
    }
    parts = [f"server-signature {kinds.get(leaf.key_type, leaf.key_type)}"]
    digest = next((d for d in ("sha256", "sha384", "sha512") if (handshake.signature or "").endswith(d)), None)
    return [*parts, f"server-digest {digest.upper()}"] if digest else parts


def handshake_failure(host_port: str, failure: Failure) -> list[str]:
    """Why there was no session."""
    if failure.kind is FailureKind.TIMEOUT:
        return [f"SSL_connect error to {host_port}: Connection timed out"]
    if failure.kind is FailureKind.CLOSED:
        return [f"SSL_connect error to {host_port}: lost connection"]
    if failure.kind is FailureKind.RESET:
        return [f"SSL_connect error to {host_port}: Connection reset by peer"]
    lines = [f"SSL_connect error to {host_port}: -1"]
    return [*lines, *(f"warning: TLS library problem: {reason}" for reason in failure.text.split("; ") if reason)]


# --- SMTP -----------------------------------------------------------------------------------------------------


def dialogue_failure(probe: Probe) -> str | None:
    """What went wrong in the dialogue; None when nothing did. A STARTTLS reply that never came is fatal there."""
    failure = probe.failure
    if failure is None or failure.phase in (Phase.CONNECT, Phase.HANDSHAKE):
        return None
    if failure.kind in (FailureKind.REJECTED, FailureKind.GARBAGE):
        words = {Phase.GREETING: "SMTP service not available", Phase.STARTTLS: "STARTTLS rejected"}
        what = words.get(failure.phase, f"{_hello(probe)} rejected")
        return f"{what}: {failure.code or 0} {failure.text}"
    doing = _ASKING.get(failure.phase, "sending QUIT command").format(hello=_hello(probe))
    prefix = "fatal: " if failure.phase is Phase.STARTTLS else ""
    how = "timeout" if failure.kind is FailureKind.TIMEOUT else "lost connection"
    return f"{prefix}{how} while {doing}"


def _hello(probe: Probe) -> str:
    return "LHLO" if probe.endpoint.mode.lmtp else "EHLO"


def chain_dump(chain: Sequence[CertFacts], digest: str) -> str:
    """The chain as sent, in PEM (``-C``); it carries no prefix."""
    blocks = ["\n---\nCertificate chain\n"]
    for index, cert in enumerate(chain):
        blocks.append(
            f"{index:2} subject: {cert.subject}\n"
            f"    issuer: {cert.issuer}\n"
            f"   cert digest={fingerprint(cert.der, digest)}\n"
            f"   pkey digest={fingerprint(spki(cert.der), digest)}\n"
            f"{ssl.DER_cert_to_PEM_cert(cert.der)}"
        )
    return "".join(blocks)
