"""Log lines of posttls-finger, formatted from records, without the program's name.

In the names of this module, ``NA`` stands for ``host[address]:port`` in lower case, used in the lines about TLS, and
``NAP`` stands for the same text in its original case.
"""

import hashlib
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scanner.core import tlsa
from scanner.core.matching import matched_peername
from scanner.core.pkix import failure_line
from scanner.core.policy import Judgement, Policy
from scanner.core.x509 import dn, keys
from scanner.core.x509 import facts as certs
from scanner.core.x509.certificate import parse, spki
from scanner.core.x509.der import DERError
from scanner.core.x509.verify_error import VerifyError
from scanner.facts import CertFacts, Failure, Reply
from scanner.finger.log_keywords import LogMask
from scanner.model import DaneEvidence, PathError, PkixEvidence
from scanner.net.probe_events import Secured
from scanner.vocabulary import FailureKind, Level, Phase, TLSState

_WORDS = {
    TLSState.ANONYMOUS: "Anonymous",
    TLSState.VERIFIED: "Verified",
    TLSState.TRUSTED: "Trusted",
    TLSState.UNTRUSTED: "Untrusted",
}

_CURVES = {"secp256r1": "prime256v1"}
"""OpenSSL's names of elliptic curves, by the names of the same curves in mxsweep's records."""

_DIGESTS = ("sha256", "sha384", "sha512")

REFUSALS = (FailureKind.REJECTED, FailureKind.GARBAGE)
"""Kinds of failures whose text is an SMTP reply."""

LOST_QUIT = "warning: lost connection while sending QUIT command"

LATE_QUIT = "warning: timeout while sending QUIT command"

_UNREADABLE = ("decode error", "illegal parameter", "internal error", "unexpected message", "record overflow")
"""TLS alerts that servers send if they fail to parse a ClientHello."""

LARGE_HELLO = (
    "note: the server did not answer a ClientHello with post-quantum groups, which fills more than one packet;"
    " -o 'tls_eecdh_auto_curves=X25519 prime256v1' sends a smaller one"
)
"""Hint printed after a handshake that failed before the server's first message; posttls-finger prints no hint."""

MAX_FIELD = 256
"""Maximum length in octets of a printed name of a certificate; Postfix replaces a longer name with a warning."""

MAX_ONE_LINE = 255
"""Maximum length in octets of a printed distinguished name, as in Postfix."""

_ATTRIBUTE = re.compile(r"(?<!\\)[/+](?=[A-Za-z0-9.]+=)")

MAX_REPLY = 2048
"""Number of characters; to a printed SMTP refusal of at least this length, Postfix appends no further reply line."""


@dataclass(frozen=True, slots=True)
class LineOptions:
    """The settings and the peer of one TLS session, which determine the log lines about the session."""

    nap: str
    mask: LogMask
    policy: Policy
    digest: str
    resumed: bool = False

    @property
    def na(self) -> str:
        """The text ``host[address]:port`` of the peer in lower case (``NA``)."""
        return self.nap.lower()


def fingerprint(data: bytes, algorithm: str) -> str:
    """Return the digest of ``data`` as pairs of upper-case hex digits, separated by colons."""
    return hashlib.new(algorithm, data).digest().hex(":").upper()


def cut_name(name: str) -> str:
    """Return a one-line distinguished name, cut at an attribute boundary if it is longer than 255 octets."""
    if len(name) <= MAX_ONE_LINE:
        return name
    starts = [match.start() for match in _ATTRIBUTE.finditer(name)]
    return name[: max((start for start in starts if start <= MAX_ONE_LINE), default=0)]


# --- the peer -------------------------------------------------------------------------------------------------


def peer_lines(
    shown: LineOptions, judgement: Judgement, evidence: DaneEvidence | PkixEvidence | None, chain: Sequence[CertFacts]
) -> list[str]:
    """Return the lines before the summary line of a session: invalid names, verification result, names of the peer."""
    if not chain:
        return []
    issuer, odd_issuer = _issuer(shown.na, chain[0])
    subject, odd_subject = _field(shown.na, chain[0].subject_cns[0] if chain[0].subject_cns else "", "subject CN")
    found = [*odd_issuer, *odd_subject]
    if judgement.error is not None:
        found += _failure(shown, judgement.error)
    elif LogMask.PEER in shown.mask and shown.policy.level.must_match and not shown.resumed:
        found += _matches(shown, judgement, evidence)
    if LogMask.PEER in shown.mask:
        cert, key = (fingerprint(data, shown.digest) for data in (chain[0].der, spki(chain[0].der)))
        unnamed = bool(odd_subject) or not chain[0].subject_cns
        rejected = judgement.error is not None and judgement.error.num == VerifyError.UNSPECIFIED
        name = _peername(shown.policy, chain[0], evidence, rejected=rejected) if unnamed else subject
        found.append(f"{shown.na}: subject_CN={name}, issuer={issuer}, cert fingerprint={cert}, pkey fingerprint={key}")
    return found


def raw_key_lines(
    shown: LineOptions, judgement: Judgement, evidence: DaneEvidence | PkixEvidence | None, key: bytes
) -> list[str]:
    """Return the lines before the summary line of a session with a raw public key; ``key`` is its SPKI (RFC 7250)."""
    found: list[str] = []
    if judgement.error is not None:
        found += _failure(shown, judgement.error)
    elif LogMask.PEER in shown.mask and isinstance(evidence, DaneEvidence) and evidence.record is not None:
        record = tlsa.display(evidence.record)
        by_fingerprint = f"Matched fingerprint: {record.split()[-1]}"
        by_dane = f"Matched DANE raw public key: {record}"
        found.append(f"{shown.na}: {by_fingerprint if shown.policy.level is Level.FINGERPRINT else by_dane}")
    if LogMask.PEER in shown.mask:
        found.append(f"{shown.nap}: raw public key fingerprint={fingerprint(key, shown.digest)}")
    return found


def _failure(shown: LineOptions, error: PathError) -> list[str]:
    """Return the line about a failed verification, if the security level or a ``-L`` keyword requires the line."""
    if not (shown.policy.level.must_match or shown.policy.check_names or LogMask.UNTRUSTED in shown.mask):
        return []
    if shown.resumed:
        return [f"{shown.nap}: re-using session with untrusted peer credential, look for details earlier in the log"]
    return [failure_line(replace(error, subject=cut_name(error.subject)), shown.na)]


def _matches(shown: LineOptions, judgement: Judgement, evidence: DaneEvidence | PkixEvidence | None) -> list[str]:
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


def _peername(policy: Policy, leaf: CertFacts, evidence: DaneEvidence | PkixEvidence | None, *, rejected: bool) -> str:
    """Return the certificate name that matches a reference identifier, even without trust; empty with DANE-EE.

    If OpenSSL rejects all TLSA records or trust anchors (error 1), OpenSSL compares names as without TLSA records.
    """
    nameless = isinstance(evidence, DaneEvidence) and not evidence.needs_name
    compared = policy.check_names and (rejected or not nameless)
    return (matched_peername(leaf, policy.references) or "") if compared else ""


def _issuer(na: str, leaf: CertFacts) -> tuple[str, list[str]]:
    """Return the CN of the issuer, or else the O, if printable, and a warning for each name that is not printable."""
    try:
        issuer = parse(leaf.der).issuer
    except DERError:
        return "", []
    warnings: list[str] = []
    for kind, what in (("CN", "issuer CN"), ("O", "issuer Organization")):
        for value in dn.values(issuer, kind)[:1]:
            text, odd = _field(na, value, what)
            warnings += odd
            if not odd:
                return text, warnings
    return "", warnings


def _field(na: str, text: str, what: str) -> tuple[str, list[str]]:
    """Return a name from a certificate; for a name that is too long or not printable, an empty text and a warning."""
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
    """Return a line for each certificate of the verified path, from the root to the leaf (``-L verbose``)."""
    sent = {cert.sha256: cert.subject for cert in chain}
    wrong = {error.depth for error in evidence.errors}
    return [
        f"{na}: depth={depth} verify={int(depth not in wrong)} subject={cut_name(sent.get(digest, ''))}"
        for depth, digest in reversed(list(enumerate(evidence.path)))
    ]


def chain_dump(chain: Sequence[CertFacts], digest: str) -> str:
    """Return the certificate chain in PEM, in the order in which the server sent it (``-C``)."""
    blocks = ["\n---\nCertificate chain\n"]
    for index, cert in enumerate(chain):
        blocks.append(
            f"{index:2} subject: {cut_name(cert.subject)}\n"
            f"    issuer: {cut_name(cert.issuer)}\n"
            f"   cert digest={fingerprint(cert.der, digest)}\n"
            f"   pkey digest={fingerprint(spki(cert.der), digest)}\n"
            f"{ssl.DER_cert_to_PEM_cert(cert.der)}"
        )
    return "".join(blocks)


# --- the summary ----------------------------------------------------------------------------------------------


def summary(na: str, word: TLSState, facts: Secured, chain: Sequence[CertFacts]) -> str:
    """Return the summary line of a TLS session: trust state, protocol, cipher and key exchange."""
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
        if facts.raw_key is not None:
            parts += _raw_signature(facts.raw_key, handshake.signature)
        if facts.own is not None and facts.own_signature is not None:
            parts += _signature("client", certs.facts(facts.own), facts.own_signature)
    return " ".join(parts)


def _signature(whose: str, cert: CertFacts, scheme: str | None) -> list[str]:
    """Return the items of the summary line about the signature of server or client: key type, and digest if known."""
    kinds = {
        "RSA": f"RSA-PSS ({cert.key_bits} bits)",
        "EC": f"ECDSA ({_CURVES.get(cert.curve, cert.curve)})",
    }
    return [f"{whose}-signature {kinds.get(cert.key_type, cert.key_type)}", *_digest(whose, scheme)]


def _raw_signature(key: bytes, scheme: str | None) -> list[str]:
    """Return the items of the summary line about the signature of a server with a raw public key."""
    try:
        found = keys.key(key)
    except DERError:
        found = keys.Key("unknown", 0)
    kinds = {
        "RSA": f"RSA-PSS ({found.bits} bit raw public key)",
        "EC": f"ECDSA ({_CURVES.get(found.curve, found.curve)} raw public key)",
    }
    return [f"server-signature {kinds.get(found.kind, f'{found.kind} (raw public key)')}", *_digest("server", scheme)]


def _digest(whose: str, scheme: str | None) -> list[str]:
    digest = next((digest for digest in _DIGESTS if (scheme or "").endswith(digest)), None)
    return [f"{whose}-digest {digest.upper()}"] if digest else []


# --- failures -------------------------------------------------------------------------------------------------


def handshake_failure(host_port: str, failure: Failure, errors: Sequence[str]) -> list[str]:
    """Return the lines about a failed handshake; ``errors`` are OpenSSL errors as ``CODE:LIBRARY::REASON``."""
    words = {
        FailureKind.TIMEOUT: "Connection timed out",
        FailureKind.CLOSED: "lost connection",
        FailureKind.RESET: "Connection reset by peer",
    }
    if failure.kind in words:
        return [f"SSL_connect error to {host_port}: {words[failure.kind]}"]
    by_gnutls = failure.kind is FailureKind.TLS and not errors
    ours = [f"warning: {host_port}: {failure.text}"] if failure.kind is FailureKind.UNDECODABLE or by_gnutls else []
    return [f"SSL_connect error to {host_port}: -1", *library_problems(errors), *ours]


def internal_error(failure: Failure) -> str:
    """Return the line about an internal error of mxsweep."""
    return f"warning: internal error of mxsweep: {failure.text}"


def suspects_size(failure: Failure, errors: Sequence[str]) -> bool:
    """Return whether a failure is typical of a server or firewall that cannot process a large ClientHello."""
    silent = failure.kind in (FailureKind.CLOSED, FailureKind.RESET, FailureKind.TIMEOUT)
    return silent or any(error.endswith(_UNREADABLE) for error in errors)


def library_problems(errors: Sequence[str]) -> list[str]:
    """Return the lines about OpenSSL's errors; the Python binding provides no source file and line of an error."""
    return [f"warning: TLS library problem: error:{error}:::" for error in errors]


def dialogue_failure(failure: Failure, reply: Reply | None, *, lmtp: bool) -> list[str]:
    """Return Postfix's lines about a failed SMTP dialogue."""
    hello = "LHLO" if lmtp else "EHLO"
    if failure.kind is FailureKind.INTERNAL:
        return [internal_error(failure)]
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
    if failure.text.startswith("a line of "):
        return ["warning: disabling input from unknown_stream", f"{how} while {doing}"]
    return [f"{failure.text if failure.kind is FailureKind.TOO_LONG else how} while {doing}"]


def _reply_text(failure: Failure, reply: Reply | None) -> str:
    """Return the lines of an SMTP reply joined to one text, as Postfix prints a reply."""
    if reply is None:
        return failure.text
    text = reply.lines[0] if reply.lines else ""
    for line in reply.lines[1:]:
        if len(text) < MAX_REPLY:
            text += f"?{line}"
    return text.replace("\t", "?")
