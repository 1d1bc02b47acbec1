"""The verdict of MTA-STS on a domain, beside the verdict of DANE, and the mechanism that protects mail to the domain.

``sts`` is the verdict of the MTA-STS policy alone. ``sender_sts`` is the action of a sender that uses only MTA-STS, and
``sender_both`` the action of a sender that uses DANE and MTA-STS. A sender that uses DANE and MTA-STS tries the MX
hosts in the order of preference. The first applicable rule of this list determines the action of the sender at an MX
host:

1. If the MX RRset is secure or absent, and the host has usable TLSA records or its TLSA lookup failed, DANE alone
   determines the action of the sender (RFC 8461 section 2: MTA-STS never overrides a failure of DANE).
2. If the domain has a policy of mode ``enforce``, the policy determines the action of the sender.
3. If no policy of mode ``enforce`` exists, the sender acts as at the security level ``dane``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scanner.core import judgement, rollup
from scanner.core.judgement import HostVerdicts
from scanner.core.route import mx_security
from scanner.core.sts import host_verdict
from scanner.core.sts.discovery import Discovery, discovery
from scanner.core.sts.policy_file import Patterns
from scanner.facts import CertFacts
from scanner.model import DomainVerdict, HostReport, HostVerdict, Route
from scanner.reasons import Reason, result_types
from scanner.sts import STSReport, TLSRPTReport
from scanner.vocabulary import (
    Dane,
    DomainDane,
    DomainSTS,
    HostSTS,
    Level,
    Mechanism,
    PolicyMode,
    Security,
    Sender,
    TXTRecord,
)

HOST_REASONS = {
    HostSTS.PATTERN_MISMATCH: Reason.STS_MX_MISMATCH,
    HostSTS.NO_TLS: Reason.STS_HOST_NO_TLS,
    HostSTS.UNTRUSTED: Reason.STS_HOST_UNTRUSTED,
    HostSTS.NAME_MISMATCH: Reason.STS_HOST_NAME_MISMATCH,
}
"""The reason code of a domain, by the MTA-STS verdict on one of its MX hosts; these verdicts prevent delivery."""

_DANE_BAD = (Dane.MISMATCH, Dane.NO_TLS)
_UNDECIDED = (DomainSTS.LOOKUP_FAILED, DomainSTS.UNKNOWN)


@dataclass(frozen=True, slots=True)
class STSView:
    """A domain with its verdicts except those on MTA-STS, and the facts from which MTA-STS is judged.

    ``reports`` contains the report of each MX host that was examined, by the key of the host report; ``certs`` contains
    the certificates of the hosts' chains by SHA-256.
    """

    nexthop: str
    route: Route
    hosts: tuple[HostVerdict, ...]
    verdict: DomainVerdict
    reports: Mapping[str, HostReport]
    certs: Mapping[str, CertFacts]


@dataclass(frozen=True, slots=True)
class STSVerdict:
    """The verdicts on MTA-STS: of each MX host, in the order of preference, and of the domain."""

    sts: DomainSTS
    hosts: tuple[HostSTS, ...]
    sender_sts: Sender
    sender_both: Sender
    mechanism: Mechanism
    reasons: tuple[Reason, ...] = ()
    text: str = ""


def judge(view: STSView, sts: STSReport | None, tlsrpt: TLSRPTReport | None = None) -> STSVerdict:
    """Return the verdict on MTA-STS of a domain.

    Args:
        view: the domain with its verdict.
        sts: the MTA-STS report of the domain, None if the domain accepts no mail, so that the policy was not requested.
        tlsrpt: the TLSRPT record of the domain, None if the record was not queried.
    """
    if view.verdict.dane is DomainDane.NO_MAIL:
        hosts = tuple([HostSTS.UNKNOWN for _ in view.hosts])
        return STSVerdict(DomainSTS.NO_MAIL, hosts, Sender.BOUNCE, Sender.BOUNCE, Mechanism.NO_MAIL)
    found = Discovery(None, DomainSTS.UNKNOWN) if sts is None else discovery(sts)
    return _JudgedDomain(view, found).verdict(tlsrpt)


Verdicts = tuple[tuple[HostVerdict, ...], DomainVerdict]
"""The verdicts of the MX hosts of a domain, and of the domain."""


def with_sts(
    view: STSView, sts: STSReport | None, tlsrpt: TLSRPTReport | None, shared: HostVerdicts | None = None
) -> Verdicts:
    """Add the verdicts on the MTA-STS policy and TLSRPT record to the verdicts of a domain; arguments as for ``judge``.

    ``shared`` contains the verdicts of the first MX host. If ``shared`` is given, domains at level ``dane``
    without a policy share one result if their host verdicts and everything else in the result are equal.
    """
    found = discovery(sts) if sts is not None and shared is not None else None
    if shared is None or found is None or found.policy is not None or view.verdict.level is not Level.DANE:
        return _with_sts(view, sts, tlsrpt)
    facts = found, rollup.decisive(view.route), _tlsrpt_reasons(tlsrpt)
    return shared.shared(facts, view.hosts, lambda: _with_sts(view, sts, tlsrpt))


def _with_sts(view: STSView, sts: STSReport | None, tlsrpt: TLSRPTReport | None) -> Verdicts:
    found, verdict = judge(view, sts, tlsrpt), view.verdict
    hosts = tuple([replace(host, sts=word) for host, word in zip(view.hosts, found.hosts, strict=True)])
    with_verdict = replace(
        verdict,
        reasons=tuple(dict.fromkeys((*verdict.reasons, *found.reasons))),
        tlsrpt=tuple(dict.fromkeys((*verdict.tlsrpt, *result_types(found.reasons)))),
        text=verdict.text or found.text,
        sts=found.sts,
        sender_sts=found.sender_sts,
        sender_both=found.sender_both,
        mechanism=found.mechanism,
    )
    return hosts, with_verdict


class _JudgedDomain:
    """The computation of the MTA-STS verdict of one domain that accepts mail."""

    def __init__(self, view: STSView, found: Discovery) -> None:
        self._view = view
        self._found = found
        self._enforced = found.policy is not None and found.policy.mode is PolicyMode.ENFORCE
        self._hosts = self._host_verdicts()
        self._pairs = list(zip(view.hosts, self._hosts, strict=True))

    def verdict(self, tlsrpt: TLSRPTReport | None) -> STSVerdict:
        """Return the verdict on MTA-STS, with the reason code of a faulty TLSRPT record."""
        sts = self._domain()
        sender_both = self._sender_both()
        return STSVerdict(
            sts=sts,
            hosts=self._hosts,
            sender_sts=self._sender_sts(),
            sender_both=sender_both,
            mechanism=self._mechanism(sts, sender_both),
            reasons=(*self._found.reasons, *self._host_reasons(), *_tlsrpt_reasons(tlsrpt)),
            text=self._found.text,
        )

    # --- hosts ------------------------------------------------------------------------------------------------

    def _host_verdicts(self) -> tuple[HostSTS, ...]:
        policy, why = self._found.policy, self._found.why
        if policy is None or policy.mode is PolicyMode.NONE:
            verdict = HostSTS.UNKNOWN if why in _UNDECIDED else HostSTS.NONE
            return tuple([verdict for _ in self._view.hosts])
        patterns = Patterns(policy.mx)
        return tuple([self._host_verdict(patterns, host) for host in self._view.hosts])

    def _host_verdict(self, patterns: Patterns, host: HostVerdict) -> HostSTS:
        report = self._report(host)
        if report is not None:
            return host_verdict.judge_host(patterns, report, self._view.certs)
        return HostSTS.UNKNOWN if patterns.match(host.host) else HostSTS.PATTERN_MISMATCH

    def _report(self, host: HostVerdict) -> HostReport | None:
        return self._view.reports.get(host.report) if host.report is not None else None

    def _host_reasons(self) -> tuple[Reason, ...]:
        """Return the reason codes of the hosts that affect the verdict of the domain; none without a policy."""
        if self._found.policy is None:
            return ()
        pairs = self._voting(self._pairs)
        found = [HOST_REASONS[sts] for _, sts in pairs if sts in HOST_REASONS]
        if any(map(_disagree, pairs)):
            found.append(Reason.STS_DANE_DISAGREE)
        return tuple(dict.fromkeys(found))

    def _voting(self, pairs: Sequence[tuple[HostVerdict, HostSTS]]) -> list[tuple[HostVerdict, HostSTS]]:
        """Return the MX hosts that affect the MTA-STS verdict of the domain.

        An unreachable host affects the verdict only if all hosts are unreachable or the name of the host matches no
        ``mx`` pattern.
        """
        voters = [(host, sts) for host, sts in pairs if host.votes]
        kept = [
            (host, sts)
            for host, sts in voters
            if sts is HostSTS.PATTERN_MISMATCH or Reason.HOST_UNREACHABLE not in host.reasons
        ]
        return kept or voters

    # --- domain -----------------------------------------------------------------------------------------------

    def _domain(self) -> DomainSTS:
        policy, why = self._found.policy, self._found.why
        if policy is None:
            return why or DomainSTS.UNKNOWN
        if policy.mode is PolicyMode.NONE:
            return DomainSTS.OFF
        if policy.mode is PolicyMode.TESTING:
            return DomainSTS.TESTING
        if self._view.route.final is not None:
            return DomainSTS.LOOKUP_FAILED
        return self._enforcing(self._pairs)

    def _enforcing(self, pairs: Sequence[tuple[HostVerdict, HostSTS]]) -> DomainSTS:
        """Return the verdict of a policy of mode ``enforce`` on the given hosts."""
        states = {sts for _, sts in self._voting(pairs)}
        if states & set(host_verdict.BAD):
            return DomainSTS.BROKEN
        return DomainSTS.PROTECTED if states == {HostSTS.OK} else DomainSTS.UNKNOWN

    # --- senders ----------------------------------------------------------------------------------------------

    def _sender_sts(self) -> Sender:
        """Return the action of a sender that uses only MTA-STS; a sender with a cached policy could act differently."""
        if self._found.why in _UNDECIDED:
            return Sender.UNKNOWN
        return self._action([self._sts_sender(host, sts) for host, sts in self._pairs])

    def _sts_sender(self, host: HostVerdict, sts: HostSTS) -> Sender:
        report = self._report(host)
        if report is None:
            return Sender.UNKNOWN
        if self._enforced:
            return host_verdict.sender_enforcing(sts, report)
        return host_verdict.sender_opportunistic(report)

    def _sender_both(self) -> Sender:
        return self._action([self._both_sender(host, sts) for host, sts in self._pairs])

    def _both_sender(self, host: HostVerdict, sts: HostSTS) -> Sender:
        report = self._report(host)
        if report is None:
            return Sender.UNKNOWN
        if not self._dane_decides(report):
            if self._found.why in _UNDECIDED:
                return Sender.UNKNOWN
            if self._enforced:
                return host_verdict.sender_enforcing(sts, report)
        view = self._view
        return judgement.dane_sender(host, view.verdict.level, view.nexthop, view.route, report, view.certs)

    def _dane_decides(self, report: HostReport) -> bool:
        """Return whether DANE alone determines a sender's action at a host; True if the DNSSEC state is not known."""
        security = mx_security(self._view.route)
        if report.tlsa.dane is Dane.UNKNOWN or security is Security.INDETERMINATE:
            return True
        return security in (None, Security.SECURE) and report.tlsa.dane in (None, Dane.LOOKUP_FAILED)

    def _action(self, senders: Sequence[Sender]) -> Sender:
        """Return the action of a sender for the domain, from the action at each MX host in the order of preference.

        The result is ``unknown`` if both hold: it is not known whether the domain has a policy, and a host with the
        action ``unknown`` precedes every host to which the sender delivers.
        """
        first = next((each for each in senders if each in rollup.DELIVERS or each is Sender.UNKNOWN), None)
        if self._found.why in _UNDECIDED and first is Sender.UNKNOWN:
            return Sender.UNKNOWN
        return rollup.action(self._view.route, senders)

    # --- mechanism --------------------------------------------------------------------------------------------

    def _mechanism(self, sts: DomainSTS, sender_both: Sender) -> Mechanism:
        dane = self._view.verdict.dane
        if dane is DomainDane.BROKEN and mx_security(self._view.route) in (None, Security.SECURE):
            return Mechanism.BROKEN
        if dane is DomainDane.PROTECTED:
            return Mechanism.BOTH if sts is DomainSTS.PROTECTED else Mechanism.DANE
        if dane in (DomainDane.UNKNOWN, DomainDane.LOOKUP_FAILED) or sts in _UNDECIDED:
            return Mechanism.UNKNOWN
        if self._enforced:
            return _OF_POLICY[self._enforcing(self._left_to_sts())]
        return self._without_policy(sender_both)

    def _left_to_sts(self) -> list[tuple[HostVerdict, HostSTS]]:
        """Return the hosts at which a sender that uses DANE and MTA-STS applies the policy."""
        return [
            (host, sts)
            for host, sts in self._pairs
            if (report := self._report(host)) is None or not self._dane_decides(report)
        ]

    def _without_policy(self, sender_both: Sender) -> Mechanism:
        if sender_both in (Sender.VERIFIED, Sender.ENCRYPTED):
            return Mechanism.OPPORTUNISTIC
        if sender_both is Sender.CLEARTEXT:
            return Mechanism.CLEARTEXT
        conclusive = sender_both is Sender.DEFER and all(host.conclusive for host in self._view.hosts)
        return Mechanism.BROKEN if conclusive else Mechanism.UNKNOWN


_OF_POLICY = {
    DomainSTS.PROTECTED: Mechanism.STS,
    DomainSTS.BROKEN: Mechanism.BROKEN,
    DomainSTS.UNKNOWN: Mechanism.UNKNOWN,
}


def _disagree(pair: tuple[HostVerdict, HostSTS]) -> bool:
    host, sts = pair
    only_dane = host.dane is Dane.OK and sts in host_verdict.BAD
    return only_dane or (host.dane in _DANE_BAD and sts is HostSTS.OK)


def _tlsrpt_reasons(tlsrpt: TLSRPTReport | None) -> tuple[Reason, ...]:
    broken = tlsrpt is not None and tlsrpt.record in (TXTRecord.INVALID, TXTRecord.MULTIPLE)
    return (Reason.TLSRPT_RECORD_INVALID,) if broken else ()
