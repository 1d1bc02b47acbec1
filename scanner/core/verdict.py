"""The verdict of one address for one domain, from its probes and their evidence.

A verdict on an address has three independent fields: ``tls``, ``dane`` and ``sender``. ``tls`` is the label of
posttls-finger for the session. ``dane`` is the result of comparing the certificate chain with the TLSA records.
``sender`` is the action of Postfix smtp(8) at the requested security level. An inconclusive observation leads to
``unknown``: reply code 421 is not "no STARTTLS", a time-out is not "no TLS". The module ``rollup`` combines the
verdicts of addresses into verdicts of hosts and domains.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from scanner.core import policy
from scanner.core.algorithms import algorithm_verdicts
from scanner.core.compared import compared
from scanner.core.failure_reason import is_local, reason_of
from scanner.core.matching import matched_peername
from scanner.facts import CertFacts, Handshake, Probe, TLSALookup
from scanner.model import EndpointReport, EndpointVerdict, PathError
from scanner.reasons import Reason, result_types
from scanner.settings import CLASSICAL
from scanner.vocabulary import CertAlg, Dane, FailureKind, Level, Phase, Pkix, Security, Sender, StartTLS, TLSState


@dataclass(frozen=True, slots=True)
class View:
    """One MX host of one domain: the requested security level, the names of the host and domain, and the TLSA lookup.

    ``inferred`` is true for a host that was not probed. No failure of the host itself was observed, so a verdict that
    the host fails authentication becomes ``unknown``.
    """

    asked: Level
    peer: policy.Peer
    tlsa: TLSALookup
    inferred: bool = False

    @property
    def undecided(self) -> bool:
        """True at a DANE level if the TLSA lookup failed or is indeterminate, so that TLSA records may exist."""
        return self.asked.dane_based and self.tlsa.dane in (Dane.LOOKUP_FAILED, Dane.UNKNOWN)

    @property
    def policy(self) -> policy.Policy:
        """The policy for this host; if TLSA records may exist but are unknown, the policy of the requested level."""
        return policy.Policy(self.asked) if self.undecided else policy.effective(self.asked, self.peer, self.tlsa)


class _Profiled(Protocol):
    @property
    def profile(self) -> str: ...


class _Connected(Protocol):
    """The attributes common to a probe and a partly decoded probe of a stored run."""

    @property
    def endpoint(self) -> _Profiled: ...
    @property
    def handshake(self) -> object | None: ...


P = TypeVar("P", bound=_Connected)


class ProbeRoles(NamedTuple, Generic[P]):
    """The probes of one address, by their role in the verdict on the address.

    ``own`` is the last probe with the TLS profile of the requested security level, with all key exchange groups or with
    classical groups only. If ``own`` offered classical groups only, ``large`` is the preceding probe, whose handshake
    failed with all key exchange groups; else ``large`` is None. ``spare`` is the probe with opportunistic TLS settings
    that follows the probe ``own``, or None. ``shown`` is the probe that represents the address: ``spare`` if only
    ``spare`` has a handshake, else ``own``. The evidence, chain, TLS version and STARTTLS state of the address are
    those of the probe ``shown``.
    """

    own: P
    large: P | None
    spare: P | None
    shown: P

    @property
    def small_hello_only(self) -> bool:
        """True if the handshake failed with all key exchange groups and succeeded with classical groups only."""
        return self.large is not None and self.own.handshake is not None


def roles(probes: Sequence[P]) -> ProbeRoles[P]:
    """Return the probes of an address by their role in the verdict on the address.

    Args:
        probes: the probes of the address in the order in which they were made, at least one; the first probe has the
            TLS profile of the requested security level. A later probe with the same profile confirms an earlier probe,
            and replaces the earlier probe even if the later probe fails: a mismatch that was not confirmed leaves the
            address ``unknown``.
    """
    if len(probes) == 1:  # nearly all addresses
        return ProbeRoles(probes[0], None, None, probes[0])
    profile = probes[0].endpoint.profile
    same = (profile, CLASSICAL.get(profile))
    last = max(at for at, probe in enumerate(probes) if probe.endpoint.profile in same)
    own, spare = probes[last], probes[-1] if last < len(probes) - 1 else None
    large = probes[last - 1] if own.endpoint.profile != profile else None
    shown = spare if spare is not None and own.handshake is None and spare.handshake is not None else own
    return ProbeRoles(own, large, spare, shown)


def sessions(report: EndpointReport) -> ProbeRoles[Probe]:
    """Return the probes of an address by their role in the verdict on the address; see ``roles``."""
    return roles(report.probes)


def handshake_of(report: EndpointReport) -> Handshake | None:
    """Return the handshake of the probe that represents an address, None without a handshake or a probe."""
    return roles(report.probes).shown.handshake if report.probes else None


def accepted_tcp(report: EndpointReport) -> bool:
    """Return whether any probe of the address got a TCP connection."""
    return any(probe.failure is None or probe.failure.phase is not Phase.CONNECT for probe in report.probes)


def tls_established(report: EndpointReport) -> bool | None:
    """Return whether TLS was established at an address with any TLS profile; None if inconclusive."""
    return established(sessions(report).shown)


def established(probe: Probe) -> bool | None:
    """Return whether a probe established TLS; None after an inconclusive EHLO, a time-out or a loss before TLS."""
    if probe.handshake is not None:
        return True
    if probe.starttls in (StartTLS.NOT_OFFERED, StartTLS.REFUSED) or _handshake_failed(probe):
        return False
    return None


def _handshake_failed(probe: Probe) -> bool:
    failure = probe.failure
    return (
        failure is not None
        and failure.phase is Phase.HANDSHAKE
        and failure.kind in (FailureKind.TLS, FailureKind.CLOSED, FailureKind.RESET, FailureKind.TOO_LONG)
    )


def judge(view: View, report: EndpointReport, certs: Mapping[str, CertFacts]) -> EndpointVerdict:
    """Return the verdict for one address.

    Args:
        view: the MX host with the requested security level.
        report: the probes of the address with their evidence.
        certs: certificates by SHA-256, including each certificate that the server sent.
    """
    parts, rule = sessions(report), view.policy
    chain = _chain(parts.shown, certs)
    dane, dane_reasons = _dane(view, report, parts, chain)
    algorithms = _algorithms(view, report, parts, dane, certs)
    if view.inferred and Dane.MISMATCH in (dane, *algorithms.values()):
        dane, dane_reasons, algorithms = Dane.UNKNOWN, (), {}
    other = (Reason.OTHER_CERTIFICATE_MISMATCH,) if Dane.MISMATCH in list(algorithms.values())[1:] else ()
    word, error = _tls(view, rule, report, parts, chain)
    sender = _sender(view, report, parts, dane, chain)
    reasons = tuple(dict.fromkeys((*dane_reasons, *other, *_session_reasons(parts))))
    return EndpointVerdict(
        address=report.address,
        tls=word,
        dane=Dane.MISMATCH if other else dane,
        pkix=_pkix(report, chain),
        starttls=parts.shown.starttls,
        sender=sender,
        pkix_error=report.pkix.errors[0].text if report.pkix and report.pkix.errors else "",
        name_match=_name_match(view, chain),
        level=rule.level,
        reasons=reasons,
        tlsrpt=result_types(reasons),
        text=_text(parts, error, reasons),
        algorithms=algorithms,
    )


def _chain(probe: Probe, certs: Mapping[str, CertFacts]) -> tuple[CertFacts, ...]:
    return tuple(certs[digest] for digest in probe.handshake.chain) if probe.handshake else ()


# --- dane -----------------------------------------------------------------------------------------------------


def _dane(
    view: View, report: EndpointReport, parts: ProbeRoles[Probe], chain: tuple[CertFacts, ...]
) -> tuple[Dane, tuple[Reason, ...]]:
    if view.tlsa.dane is not None:
        return view.tlsa.dane, ()
    if parts.own.handshake is None:
        return (Dane.NO_TLS if lacks_tls(parts) else Dane.UNKNOWN), ()
    if not chain:
        return _anonymous(view)
    return compared(view.peer, view.tlsa, report.dane, chain)


def _algorithms(
    view: View, report: EndpointReport, parts: ProbeRoles[Probe], dane: Dane, certs: Mapping[str, CertFacts]
) -> dict[CertAlg, Dane]:
    if view.tlsa.dane is not None or parts.own.handshake is None:
        return {}
    return algorithm_verdicts(view.peer, view.tlsa, report.algorithms, (parts.own.handshake, dane), certs)


def lacks_tls(parts: ProbeRoles[Probe]) -> bool:
    """Return whether an authenticating client certainly gets no TLS; False if ``parts.spare`` had a usable session."""
    if parts.spare is not None and parts.spare.handshake is not None and _easier(parts) not in _TOO_WEAK:
        return False
    return established(parts.own) is False


def _anonymous(view: View) -> tuple[Dane, tuple[Reason, ...]]:
    """Return the DANE verdict on a session without certificate: ``mismatch`` unless anonymous suites were offered."""
    return (Dane.MISMATCH, (Reason.NO_CERTIFICATE,)) if view.asked.must_match else (Dane.UNKNOWN, ())


# --- tls and pkix ---------------------------------------------------------------------------------------------


def _tls(
    view: View, rule: policy.Policy, report: EndpointReport, parts: ProbeRoles[Probe], chain: tuple[CertFacts, ...]
) -> tuple[TLSState, PathError | None]:
    shown = parts.shown
    takes_any = view.asked.dane_based and not rule.level.dane_based  # no records to compare
    if shown.handshake is not None and (shown is parts.own or takes_any):
        due = rule if shown is parts.own and not view.undecided else policy.Policy(Level.MAY)
        judgement = policy.judge(due, chain, policy.basis(due, report.dane, report.pkix))
        return judgement.word, judgement.error
    if parts.own.starttls is StartTLS.NOT_OFFERED:
        return TLSState.CLEARTEXT, None
    if parts.own.starttls is StartTLS.REFUSED or _handshake_failed(parts.own):
        return TLSState.FAILED, None
    return TLSState.UNKNOWN, None


def _pkix(report: EndpointReport, chain: tuple[CertFacts, ...]) -> Pkix:
    if not chain or report.pkix is None:
        return Pkix.UNKNOWN
    return Pkix.UNTRUSTED if report.pkix.errors else Pkix.TRUSTED


def _name_match(view: View, chain: tuple[CertFacts, ...]) -> tuple[str, ...]:
    if not chain:
        return ()
    candidates = {"mx": view.peer.hostname, "base": view.tlsa.base_domain, "nexthop": view.peer.nexthop}
    matched = {name for name in {*candidates.values()} if name and matched_peername(chain[0], (name,))}
    return tuple([word for word, name in candidates.items() if name in matched])


# --- sender ---------------------------------------------------------------------------------------------------


def _sender(
    view: View, report: EndpointReport, parts: ProbeRoles[Probe], dane: Dane, chain: tuple[CertFacts, ...]
) -> Sender:
    """Return the action of smtp(8) at an address."""
    if failed_here(parts.own):
        return Sender.UNKNOWN
    if view.asked.dane_based:
        return _dane_sender(view, parts, dane)
    if view.asked in (Level.VERIFY, Level.SECURE):
        rule = view.policy
        verified = parts.own.handshake is not None and (
            policy.judge(rule, chain, report.pkix).word is TLSState.VERIFIED
        )
        return Sender.VERIFIED if verified and usable(parts.own) else Sender.UNKNOWN if view.inferred else Sender.DEFER
    return opportunistic(parts, mandatory=view.asked is Level.ENCRYPT)


def failed_here(probe: Probe) -> bool:
    """Return whether a cause on this machine made the probe fail."""
    return probe.failure is not None and is_local(probe.failure)


def _dane_sender(view: View, parts: ProbeRoles[Probe], dane: Dane) -> Sender:
    insecure_mx = view.peer.mx is not None and view.peer.mx is not Security.SECURE
    if dane is Dane.UNKNOWN and (view.inferred or view.tlsa.dane is Dane.UNKNOWN):
        return Sender.UNKNOWN
    if dane is Dane.OK:
        if insecure_mx:
            return Sender.ENCRYPTED if view.asked is Level.DANE and usable(parts.own) else Sender.DEFER
        return Sender.VERIFIED if usable(parts.own) else Sender.DEFER
    if dane in (Dane.MISMATCH, Dane.NO_TLS, Dane.LOOKUP_FAILED, Dane.UNKNOWN) or view.asked is Level.DANE_ONLY:
        return Sender.DEFER
    return opportunistic(parts, mandatory=dane is Dane.UNUSABLE)


def opportunistic(parts: ProbeRoles[Probe], *, mandatory: bool) -> Sender:
    """Return the sender verdict without authentication: TLS if TLS works, else clear text unless TLS is mandatory."""
    if parts.shown.handshake is not None:
        return Sender.ENCRYPTED if usable(parts.shown) else Sender.DEFER
    if mandatory or not _greeted(parts.own):
        return Sender.DEFER
    return Sender.CLEARTEXT


def deciding(view: View, report: EndpointReport) -> Probe:
    """Return the probe that determines the sender verdict.

    At the security levels verify and secure, it is the probe ``own`` of ``ProbeRoles``, else the probe ``shown``.
    """
    parts = sessions(report)
    return parts.own if view.asked in (Level.VERIFY, Level.SECURE) else parts.shown


def usable(probe: Probe) -> bool:
    """Return whether mail could have been sent in the session; a failure of QUIT is ignored."""
    return probe.failure is None or probe.failure.phase in (Phase.QUIT, Phase.DONE)


def _greeted(probe: Probe) -> bool:
    """Return whether a sender would continue in clear text: 2xx greeting, and EHLO reply 2xx or 5xx (then HELO)."""
    failure = probe.failure
    if probe.endpoint.mode.implicit_tls:
        return False
    if failure is None or failure.phase in (Phase.HANDSHAKE, Phase.QUIT, Phase.DONE):
        return True
    return probe.starttls in (StartTLS.NOT_OFFERED, StartTLS.REFUSED)


# --- reasons --------------------------------------------------------------------------------------------------


def _session_reasons(parts: ProbeRoles[Probe]) -> tuple[Reason, ...]:
    found: list[Reason] = []
    own, easier = parts.own, _easier(parts)
    if easier is not None:
        found.append(easier)
    if own.starttls is StartTLS.NOT_OFFERED and (own.failure is None or own.failure.phase is not Phase.EHLO):
        found.append(Reason.STARTTLS_NOT_OFFERED)
    if own.failure is not None:
        found.append(reason_of(own.failure))
    if parts.shown.handshake is not None and not parts.shown.handshake.chain:
        found.append(Reason.TLS_ANONYMOUS)
    return tuple(found)


_TOO_WEAK = (Reason.TLS_LEGACY_ONLY, Reason.TLS_WEAK_ONLY)


def _easier(parts: ProbeRoles[Probe]) -> Reason | None:
    """Return the reason code if the handshake failed with the first TLS profile and succeeded with a later profile.

    Return None if no probe completed a handshake, or if the reason is unknown.
    """
    own, spare = parts.own, parts.spare
    if own.handshake is not None:
        return Reason.TLS_LARGE_HELLO_INTOLERANT if parts.small_hello_only else None
    if spare is None or spare.handshake is None:
        return None
    if spare.handshake.version not in ("TLSv1.2", "TLSv1.3") or not spare.handshake.chain:
        return Reason.TLS_LEGACY_ONLY
    if parts.large is None:  # a run of a release with two profiles
        dropped = own.failure is not None and own.failure.kind is not FailureKind.TLS
        return Reason.TLS_LARGE_HELLO_INTOLERANT if dropped else None
    weak = spare.handshake.version == "TLSv1.2" and established(own) is False  # TLS 1.3 has no weak signatures
    return Reason.TLS_WEAK_ONLY if weak else None


def _text(parts: ProbeRoles[Probe], error: PathError | None, reasons: tuple[Reason, ...]) -> str:
    """Return the text of the failure of a probe or of a certificate error, as the peer or a library reported it.

    The text is empty if no failure occurred.
    """
    failure = parts.own.failure
    if failure is not None and failure.text:
        code = f"{failure.code} " if failure.kind is FailureKind.REJECTED and failure.code else ""
        return code + failure.text
    if error is not None and reasons:
        return error.text
    before = parts.large.failure if parts.large is not None else None
    return before.text if before is not None else ""
