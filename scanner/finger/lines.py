"""posttls-finger's log lines, made from records. Pure: values in, lines out, without the program's prefix.

``NA`` is the lower-cased ``host[address]:port`` that lines of the TLS library carry, ``NAP`` the same with the case as
it is known.
"""

import hashlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from scanner.core import tlsa
from scanner.core.matching import matched_peername
from scanner.core.pkix import failure_line
from scanner.core.policy import Judgement, Policy
from scanner.core.x509 import facts as certs
from scanner.core.x509.certificate import spki
from scanner.facts import CertFacts, Failure, Reply
from scanner.finger.logging import Log
from scanner.model import DaneEvidence, PkixEvidence
from scanner.net.probe_events import Secured
from scanner.vocabulary import FailureKind, Level, Phase, TLSState

_WORDS = {
    TLSState.ANONYMOUS: "Anonymous",
    TLSState.VERIFIED: "Verified",
    TLSState.TRUSTED: "Trusted",
    TLSState.UNTRUSTED: "Untrusted",
}

_CURVES = {"secp256r1": "prime256v1"}
"""Where OpenSSL's name of a curve differs from the one in our records."""

_DIGESTS = ("sha256", "sha384", "sha512")

REFUSALS = (FailureKind.REJECTED, FailureKind.GARBAGE)
"""Failures that are a reply."""

LOST_QUIT = "warning: lost connection while sending QUIT command"

MAX_FIELD = 256
"""Octets of a name field that Postfix prints; longer ones are dropped with a warning."""

MAX_REPLY = 2048
"""Characters of a refusal after which Postfix adds no further line (``line_length_limit``)."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a session's lines depend on besides the peer."""

    nap: str
    mask: Log
    policy: Policy
    digest: str
    resumed: bool = False

    @property
    def na(self) -> str:
        """The peer as lines of the TLS library have it."""
        return self.nap.lower()


def fingerprint(data: bytes, algorithm: str) -> str:
    """Upper-case hex pairs with colons."""
    return hashlib.new(algorithm, data).digest().hex(":").upper()


# --- the peer -------------------------------------------------------------------------------------------------


def peer_lines(
    shown: Shown, judgement: Judgement, evidence: DaneEvidence | PkixEvidence | None, chain: Sequence[CertFacts]
) -> list[str]:
    """What is said between handshake and summary: the failure or the match, then who the peer says it is."""
    if not chain:
        return []
    found: list[str] = []
    if judgement.error is not None:
        if shown.policy.level.must_match or shown.policy.check_names or Log.UNTRUSTED in shown.mask:
            found.append(_old_failure(shown) if shown.resumed else failure_line(judgement.error, shown.na))
    elif Log.PEER in shown.mask and shown.policy.level.must_match and not shown.resumed:
        found += _matches(shown, judgement, evidence)
    if Log.PEER in shown.mask:
        found += _peer(shown, chain[0], _peername(shown.policy, chain[0], evidence))
    return found


def _old_failure(shown: Shown) -> str:
    return f"{shown.nap}: re-using session with untrusted peer credential, look for details earlier in the log"


def _matches(shown: Shown, judgement: Judgement, evidence: DaneEvidence | PkixEvidence | None) -> list[str]:
    found = [f"{shown.na}: matched peername: {judgement.peername}"] if judgement.peername else []
    if not isinstance(evidence, DaneEvidence) or evidence.record is None:
        return found
    record = tlsa.display(evidence.record)
    depth = evidence.depth
    if shown.policy.level is Level.FINGERPRINT:
        what = f"Matched fingerprint: {record.split()[-1]}"
    elif not shown.policy.level.dane_based:
        what = f"Matched trust anchor at depth {depth}"
    elif evidence.bare_key:
        what = f"Matched DANE TA public key verified certificate at depth {depth}: {record}"
    else:
        what = f"Matched DANE {'TA' if evidence.needs_name else 'EE'} certificate at depth {depth}: {record}"
    return [*found, f"{shown.na}: {what}"]


def _peername(policy: Policy, leaf: CertFacts, evidence: DaneEvidence | PkixEvidence | None) -> str:
    """The name that matches a reference, looked for even where the chain is worth nothing, but not with DANE-EE."""
    compared = policy.check_names and not (isinstance(evidence, DaneEvidence) and not evidence.needs_name)
    return (matched_peername(leaf, policy.references) or "") if compared else ""


def _peer(shown: Shown, leaf: CertFacts, peername: str) -> list[str]:
    name = leaf.subject_cns[0] if leaf.subject_cns else peername
    subject, complaint = _field(shown.na, name, "subject CN")
    issuer, other = _field(shown.na, leaf.issuer_cn, "issuer CN")
    cert, key = fingerprint(leaf.der, shown.digest), fingerprint(spki(leaf.der), shown.digest)
    line = f"{shown.na}: subject_CN={subject}, issuer={issuer}, cert fingerprint={cert}, pkey fingerprint={key}"
    return [*complaint, *other, line]


def _field(na: str, text: str, what: str) -> tuple[str, list[str]]:
    """A name that is fit to print, or nothing and the reason."""
    text = text.rstrip("\0")
    size = len(text.encode("utf-8", "surrogateescape"))
    if size >= MAX_FIELD:
        return "", [f"warning: tls_text_name: {na}: peer {what} too long: {size}"]
    if "\0" in text:
        return "", [f"warning: tls_text_name: {na}: NULL character in peer {what}"]
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):  # noqa: PLR2004 - ASCII controls
        return "", [f"warning: tls_text_name: {na}: non-printable content in peer {what}"]
    return text, []


def path_lines(na: str, evidence: DaneEvidence | PkixEvidence, chain: Sequence[CertFacts]) -> list[str]:
    """The certificates of the path that was judged, from its top to the leaf (``-L verbose``)."""
    sent = {cert.sha256: cert.subject for cert in chain}
    wrong = {error.depth for error in evidence.errors}
    return [
        f"{na}: depth={depth} verify={int(depth not in wrong)} subject={sent.get(digest, '')}"
        for depth, digest in reversed(list(enumerate(evidence.path)))
    ]


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


# --- the summary ----------------------------------------------------------------------------------------------


def summary(na: str, word: TLSState, facts: Secured, chain: Sequence[CertFacts]) -> str:
    """The line that tells the verdict."""
    handshake = facts.handshake
    parts = [
        f"{_WORDS[word]} TLS connection established to {na}: {handshake.version}",
        f"with cipher {handshake.cipher} ({handshake.bits}/{handshake.alg_bits} bits)",
    ]
    if handshake.version == "TLSv1.3":
        if handshake.group:
            parts.append(f"key-exchange {handshake.group}")
        if chain and not handshake.resumed:
            parts += _signature("server", chain[0], handshake.signature)
        if facts.own is not None and facts.own_signature is not None:
            parts += _signature("client", certs.facts(facts.own), facts.own_signature)
    return " ".join(parts)


def _signature(whose: str, cert: CertFacts, scheme: str | None) -> list[str]:
    """How a side signed: the kind of key by its certificate, the digest by the signature scheme."""
    kinds = {
        "RSA": f"RSA-PSS ({cert.key_bits} bits)",
        "EC": f"ECDSA ({_CURVES.get(cert.curve, cert.curve)})",
    }
    parts = [f"{whose}-signature {kinds.get(cert.key_type, cert.key_type)}"]
    digest = next((digest for digest in _DIGESTS if (scheme or "").endswith(digest)), None)
    return [*parts, f"{whose}-digest {digest.upper()}"] if digest else parts


# --- failures -------------------------------------------------------------------------------------------------


def handshake_failure(host_port: str, failure: Failure, errors: Sequence[str]) -> list[str]:
    """Why there was no session. ``errors`` are the TLS library's, ``CODE:LIBRARY::REASON``."""
    words = {
        FailureKind.TIMEOUT: "Connection timed out",
        FailureKind.CLOSED: "lost connection",
        FailureKind.RESET: "Connection reset by peer",
    }
    if failure.kind in words:
        return [f"SSL_connect error to {host_port}: {words[failure.kind]}"]
    ours = [f"warning: {host_port}: {failure.text}"] if failure.kind is FailureKind.UNDECODABLE else []
    return [f"SSL_connect error to {host_port}: -1", *library_problems(errors), *ours]


def library_problems(errors: Sequence[str]) -> list[str]:
    """The errors of the TLS library; file and line of its source are not known and left empty."""
    return [f"warning: TLS library problem: error:{error}:::" for error in errors]


def dialogue_failure(failure: Failure, reply: Reply | None, *, lmtp: bool) -> list[str]:
    """What went wrong in the dialogue, in Postfix's words; nothing for what is told elsewhere."""
    hello = "LHLO" if lmtp else "EHLO"
    if failure.kind is FailureKind.INTERNAL:
        return [f"warning: internal error of mxsweep: {failure.text}"]
    if failure.kind in REFUSALS:
        words = {Phase.GREETING: "SMTP service not available", Phase.STARTTLS: "STARTTLS rejected"}
        what = words.get(failure.phase, f"{hello} rejected")
        return [f"{what}: {failure.code or 0} {_reply_text(failure, reply)}"]
    doing = {
        Phase.GREETING: "reading server greeting",
        Phase.STARTTLS: "sending STARTTLS",
        Phase.QUIT: "sending QUIT command",
    }.get(failure.phase, f"sending {hello}")
    how = "timeout" if failure.kind is FailureKind.TIMEOUT else "lost connection"
    cut = ["warning: disabling input from unknown_stream"] if failure.text.startswith("a line of ") else []
    return [*cut, f"{how} while {doing}"]


def _reply_text(failure: Failure, reply: Reply | None) -> str:
    """A reply's lines in one, as Postfix collects and prints them."""
    if reply is None:
        return failure.text
    text = reply.lines[0] if reply.lines else ""
    for line in reply.lines[1:]:
        if len(text) < MAX_REPLY:
            text += f"?{line}"
    return text.replace("\t", "?")
