"""Rules for the effective security level of one MX host, its SNI, and the authentication label of its session.

The rules for level, SNI and label are the rules of posttls-finger (Postfix 3.12). The effective level follows from the
requested level, the TLSA records of the host and the DNSSEC state of the MX RRset. The evidence about the certificate
chain determines the authentication label of a session: Anonymous, Verified, Trusted or Untrusted. The module
``verdict`` computes how a sending mail server would behave.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scanner.core.matching import matched_peername
from scanner.core.sni import server_name
from scanner.core.tlsa import parsed
from scanner.core.x509.verify_error import VerifyError
from scanner.facts import CertFacts, TLSALookup
from scanner.model import DaneEvidence, PathError, PkixEvidence
from scanner.vocabulary import Dane, Level, Security, TLSState


@dataclass(frozen=True, slots=True)
class Peer:
    """The destination of an SMTP session. ``mx`` is the DNSSEC state of the MX RRset, None without MX lookup.

    ``mx_names`` contains the reference identifiers of the domain (RFC 7672 section 3.2.2); ``tokens`` contains the
    match arguments of the user; if ``tokens`` is empty, the default match arguments of the level are used.
    """

    nexthop: str
    hostname: str
    mx: Security | None = None
    mx_names: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """The effective security level for one MX host, and the settings that follow from the level.

    ``references`` contains the reference identifiers in the order of comparison; ``check_names`` is true if a
    certificate name has to match; ``sni`` is the server name to send; ``forced_failure`` is true if no certificate can
    be verified; ``note`` is Postfix's log line about the effective level.
    """

    level: Level
    references: tuple[str, ...] = ()
    check_names: bool = False
    sni: str | None = None
    forced_failure: bool = False
    note: str = ""


def effective(
    asked: Level, peer: Peer, tlsa: TLSALookup | None, *, insecure_mx: Level = Level.DANE, sni: str | None = None
) -> Policy:
    """Return the policy for one MX host: the effective security level, the reference identifiers and the SNI name.

    Args:
        asked: the requested level.
        peer: the destination of the session.
        tlsa: the TLSA lookup, which must not have failed; None if the level needs no TLSA records.
        insecure_mx: the level that replaces dane if the MX RRset is not secure: may, encrypt or dane (``-M``).
        sni: the server name to send if DANE does not determine it.
    """
    if not asked.dane_based:
        return _named(asked, peer, sni)
    downgraded = peer.mx is not None and peer.mx is not Security.SECURE
    if downgraded and insecure_mx is Level.MAY:
        return _named(Level.MAY, peer, sni, "MX RRset is insecure: try to encrypt")
    if tlsa is None or not parsed(tlsa):
        what = "usable TLSA" if tlsa is not None and tlsa.dane is Dane.UNUSABLE else "TLSA"
        return _named(Level.SECURE, peer, sni, f'no {what} records found, resorting to "secure"')
    if downgraded and insecure_mx is Level.ENCRYPT:
        return _named(Level.ENCRYPT, peer, sni, "TLSA RRs found, MX RRset insecure: just encrypt")
    return _with_records(asked, peer, tlsa, downgraded=downgraded)


def _with_records(asked: Level, peer: Peer, tlsa: TLSALookup, *, downgraded: bool) -> Policy:
    """Return the policy for a host with TLSA records.

    If OpenSSL rejects all TLSA records, only level dane-only requires DANE.
    """
    level = Level.HALF_DANE if downgraded else asked
    note = "MX RRset insecure: log verified as trusted" if downgraded else ""
    rejected = tlsa.dane is not None
    if rejected and level is not Level.DANE_ONLY:
        level = Level.ENCRYPT
    return Policy(
        level,
        dane_references(peer, tlsa),
        check_names=True,
        sni=server_name(asked, tlsa),
        forced_failure=rejected and level is Level.DANE_ONLY,
        note=note,
    )


def _named(level: Level, peer: Peer, sni: str | None, note: str = "") -> Policy:
    if level not in (Level.VERIFY, Level.SECURE):
        return Policy(level, sni=sni, note=note)
    default = ("hostname",) if level is Level.VERIFY else ("nexthop", "dot-nexthop")
    references = tuple(_token(token, peer) for token in peer.tokens or default)
    usable = tuple(name for name in references if name != ".")
    return Policy(level, usable, check_names=True, sni=sni, forced_failure=not usable, note=note)


def _token(token: str, peer: Peer) -> str:
    """Return a match argument as a reference identifier (``smtp_tls_verify_cert_match`` of postconf(5))."""
    if token.startswith(("\u3002", "\uff0e", "\uff61")):
        token = "." + token[1:]
    words = {"nexthop": peer.nexthop, "dot-nexthop": "." + peer.nexthop, "hostname": peer.hostname}
    return words.get(token.lower(), token)


def dane_references(peer: Peer, tlsa: TLSALookup) -> tuple[str, ...]:
    """Return the reference identifiers of DANE-TA: TLSA base domain and MX names (RFC 7672 section 3.2.2)."""
    return tuple(dict.fromkeys((tlsa.base_domain, *peer.mx_names)))


@dataclass(frozen=True, slots=True)
class Judgement:
    """The label of a session (such as ``Verified``), the error to report or None, and the matching certificate name."""

    word: TLSState
    error: PathError | None = None
    peername: str | None = None


def basis(policy: Policy, dane: DaneEvidence | None, pkix: PkixEvidence | None) -> DaneEvidence | PkixEvidence | None:
    """Return the evidence, DANE or PKIX, by which the level of a policy authenticates a server."""
    return dane if policy.level.dane_based else pkix


def judge(policy: Policy, chain: Sequence[CertFacts], evidence: DaneEvidence | PkixEvidence | None) -> Judgement:
    """Return the authentication label of a session, from its certificate chain (as sent, leaf first) and evidence.

    The chain is empty for a raw public key, whose evidence needs no name, and for an anonymous server without evidence.
    A name mismatch is reported only if no other error exists. With a name mismatch as the only error, the label is
    Trusted at a level that requires a match (Postfix 3.11).
    """
    if not chain and evidence is None:
        return Judgement(TLSState.ANONYMOUS)
    if policy.forced_failure:
        return Judgement(TLSState.UNTRUSTED, _error(VerifyError.UNSPECIFIED))
    if evidence is None or evidence.errors:
        return Judgement(TLSState.UNTRUSTED, evidence.errors[0] if evidence else None)
    name_due = _name_due(policy, evidence)
    peername = matched_peername(chain[0], policy.references) if name_due else None
    if name_due and peername is None:
        mismatch = _error(VerifyError.HOSTNAME_MISMATCH)
        return Judgement(TLSState.TRUSTED if policy.level.must_match else TLSState.UNTRUSTED, mismatch)
    verified = policy.level.must_match and policy.level is not Level.HALF_DANE
    return Judgement(TLSState.VERIFIED if verified else TLSState.TRUSTED, None, peername)


def _error(num: VerifyError) -> PathError:
    return PathError(num, 0, num.text)


def _name_due(policy: Policy, evidence: DaneEvidence | PkixEvidence) -> bool:
    """Return whether a name has to match: True for DANE-TA and PKIX, False for DANE-EE (RFC 7672 section 3.1.1)."""
    if policy.level.dane_based and isinstance(evidence, DaneEvidence):
        return evidence.needs_name
    return policy.check_names
