"""Rules that combine verdicts on addresses into the verdict on an MX host, and verdicts on hosts into one on a domain.

In each function of this module, the first applicable rule determines the verdict. A host that accepted no TCP
connection affects the DANE verdict of the domain only if no host of the domain accepted one, or if the DNS alone
determines the DANE verdict of the host: a domain with an unreachable host without TLSA records is not protected.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scanner.core import verdict
from scanner.core.algorithms import default_verdict
from scanner.core.retry import unanswered
from scanner.core.route import mx_security
from scanner.facts import Answer
from scanner.model import DomainVerdict, EndpointReport, EndpointVerdict, HostReport, HostVerdict, Route, RouteHost
from scanner.reasons import Reason, result_types
from scanner.settings import ADDRESSES
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainStartTLS, Level, Outcome, Security, Sender

DELIVERS = (Sender.VERIFIED, Sender.ENCRYPTED, Sender.CLEARTEXT)
_BY_DNS = (Dane.NONE, Dane.INSECURE, Dane.UNUSABLE, Dane.LOOKUP_FAILED)
_NOT_COVERED = (Dane.NONE, Dane.INSECURE, Dane.UNUSABLE)
_BROKEN = (Dane.MISMATCH, Dane.NO_TLS)
_MISSING = {Outcome.NXDOMAIN: Reason.MX_TARGET_NXDOMAIN, Outcome.NODATA: Reason.MX_TARGET_NO_ADDRESS}
NO_MAIL = (Reason.NULL_MX, Reason.NXDOMAIN, Reason.NO_ADDRESS, Reason.MX_TARGETS_UNRESOLVABLE)


# --- host -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """An address of an MX host with its verdict."""

    report: EndpointReport
    verdict: EndpointVerdict


def judge_host(
    preference: int, view: verdict.View, report: HostReport, endpoints: Sequence[EndpointVerdict]
) -> HostVerdict:
    """Return the verdict for an MX host.

    Args:
        preference: the preference of the MX record.
        view: the requested level, and the MX host with the reference identifiers of the domain.
        report: the observations of the host.
        endpoints: the verdicts of the endpoints in the report, in the same order.
    """
    judged = [Judged(r, v) for r, v in zip(report.endpoints, endpoints, strict=True)]
    dane = Dane.UNKNOWN if report.skipped and not judged else _host_dane(view, report, judged)
    sender = _host_sender(report, judged)
    return HostVerdict(
        host=report.host,
        preference=preference,
        report=report.key,
        dane=dane,
        starttls=_host_starttls(judged),
        sender=sender,
        votes=_votes(report),
        conclusive=sender in DELIVERS or _conclusive(view, report, judged),
        endpoints=tuple(endpoints),
        reasons=_host_reasons(view, report, judged),
        text=next((v.text for v in endpoints if v.text), _dns_text(report)),
    )


def _host_dane(view: verdict.View, report: HostReport, judged: Sequence[Judged]) -> Dane:
    """Return the DANE verdict of a host by the first applicable rule."""
    if view.tlsa.dane is not None:
        return view.tlsa.dane
    seen = {each.verdict.dane for each in judged}
    found = next((d for d in (Dane.MISMATCH, Dane.NO_TLS, Dane.OK) if d in seen), Dane.UNKNOWN)
    return Dane.UNKNOWN if found is Dane.OK and is_incomplete(report) else found


def is_incomplete(report: HostReport) -> bool:
    """Return whether the address limit excluded addresses of a host.

    The result is False if the user has set the address limit below the default.
    """
    beyond = sum(skipped.reason is Reason.ADDRESS_LIMIT for skipped in report.skipped)
    return bool(beyond) and len(report.endpoints) + len(report.skipped) - beyond >= ADDRESSES


def _host_starttls(judged: Sequence[Judged]) -> DomainStartTLS:
    """Return whether all, some or none of the addresses have TLS; ignore addresses for which this is not known."""
    seen = {verdict.tls_established(each.report) for each in judged} - {None}
    if not seen:
        return DomainStartTLS.UNKNOWN
    if seen == {True, False}:
        return DomainStartTLS.SOME
    return DomainStartTLS.ALL if True in seen else DomainStartTLS.NONE


def _host_sender(report: HostReport, judged: Sequence[Judged]) -> Sender:
    """Return how a sender delivers to the host: the sender verdict of the first address that accepts mail.

    Without such an address, return ``unknown`` if a sender verdict is unknown or all addresses were skipped.
    """
    senders = [each.verdict.sender for each in judged]
    delivering = next((s for s in senders if s in DELIVERS), None)
    if delivering is not None:
        return delivering
    if Sender.UNKNOWN in senders or (not senders and report.skipped):
        return Sender.UNKNOWN
    return Sender.DEFER


def _votes(report: HostReport) -> bool:
    """Return whether a host affects the verdict of a domain, because it was probed or its address lookup failed."""
    failed = any(answer.outcome is Outcome.ERROR for answer in _answers(report))
    return bool(report.endpoints) or (failed and not report.skipped)


def _answers(report: HostReport) -> list[Answer]:
    return [answer for answer in (report.a, report.aaaa) if answer is not None]


def _conclusive(view: verdict.View, report: HostReport, judged: Sequence[Judged]) -> bool:
    """Return whether a sender skips the host for a cause that another delivery attempt would meet again.

    Addresses without a TCP connection are ignored if another address accepted a connection. A sender skips a host
    without a probed address if the A and AAAA lookups of the host found no address or failed the DNSSEC validation. At
    a DANE level, a host is skipped if the DNSSEC validation of its TLSA records failed.
    """
    if not judged:
        return not report.skipped and not any(map(unanswered, _answers(report)))
    if view.asked.dane_based and view.tlsa.reason is Reason.TLSA_BOGUS:
        return True
    reached = [each for each in judged if verdict.accepted_tcp(each.report)]
    return bool(reached) and all(_failed_for_good(view, each) for each in reached)


def _failed_for_good(view: verdict.View, each: Judged) -> bool:
    if view.asked.dane_based:
        dane = default_verdict(each.verdict.algorithms, each.verdict.dane)
        if dane in _BROKEN:
            return True
        if dane in (Dane.UNKNOWN, Dane.LOOKUP_FAILED):
            return False
    probe = verdict.deciding(view, each.report)
    established = verdict.established(probe)
    return established is False or (established is True and verdict.usable(probe))


def _host_reasons(view: verdict.View, report: HostReport, judged: Sequence[Judged]) -> tuple[Reason, ...]:
    own = [*_address_reasons(report), *([view.tlsa.reason] if view.tlsa.reason and report.endpoints else [])]
    own += [Reason.INFERRED_FROM_SAMPLE] if view.inferred else []
    own += [skipped.reason for skipped in report.skipped]
    per_address = [reason for each in judged for reason in each.verdict.reasons]
    return tuple(dict.fromkeys((*own, *_reach_reasons(judged), *per_address)))


def _address_reasons(report: HostReport) -> list[Reason]:
    """Return the reason codes that follow from the A and AAAA lookups of a host."""
    answers = _answers(report)
    found = [Reason.MX_TARGET_IS_ALIAS] if any(answer.aliases for answer in answers) else []
    if any(answer.outcome is Outcome.DATA for answer in answers):
        return found + [_FAMILY_FAILED[a.rtype] for a in answers if a.outcome is Outcome.ERROR]
    errors = [answer for answer in answers if answer.outcome is Outcome.ERROR]
    if errors:
        proved = all(answer.security is Security.BOGUS for answer in errors)
        return [*found, Reason.ADDRESS_BOGUS if proved else Reason.ADDRESS_LOOKUP_FAILED]
    gone = [_MISSING[answer.outcome] for answer in answers if answer.outcome in _MISSING]
    return [*found, *gone[:1]]


_FAMILY_FAILED = {"A": Reason.A_LOOKUP_FAILED, "AAAA": Reason.AAAA_LOOKUP_FAILED}


def _reach_reasons(judged: Sequence[Judged]) -> list[Reason]:
    """Return the reason codes of failed connections to a host, but not of connections that failed for a local cause."""
    if all(verdict.tls_established(each.report) for each in judged):  # the usual case; the rest costs 1 % of a probe
        return []
    tried = [each.report for each in judged if not verdict.failed_here(verdict.sessions(each.report).own)]
    reached = [report for report in tried if verdict.accepted_tcp(report)]
    if not reached:
        return [Reason.HOST_UNREACHABLE] if tried and len(tried) == len(judged) else []
    established = {verdict.tls_established(report) for report in reached}
    unreachable = [Reason.SOME_ADDRESSES_UNREACHABLE] if len(reached) < len(tried) else []
    inconclusive = [Reason.SOME_ADDRESSES_INCONCLUSIVE] if None in established and len(established) > 1 else []
    return unreachable + inconclusive


def _dns_text(report: HostReport) -> str:
    steps = [*_answers(report), *report.tlsa.steps]
    return next((answer.error for answer in steps if answer.error), "")


def unexamined(hop: RouteHost, limit: Reason | None = None) -> HostVerdict:
    """Return the verdict for an MX host that was not examined.

    Args:
        hop: the MX host and its preference.
        limit: the limit that excluded the host; an excluded host affects the verdict of the domain. If ``limit`` is
            None, the scan skipped the host because an earlier MX host of the route had answered.
    """
    return HostVerdict(
        host=hop.host,
        preference=hop.preference,
        report=None,
        dane=Dane.UNKNOWN,
        starttls=DomainStartTLS.UNKNOWN,
        sender=Sender.UNKNOWN,
        votes=limit is not None,
        conclusive=False,
        reasons=() if limit is None else (limit,),
        text="not examined: an earlier host had answered" if limit is None else "",
    )


# --- domain ---------------------------------------------------------------------------------------------------


def judge_domain(level: Level, route: Route, hosts: Sequence[HostVerdict]) -> DomainVerdict:
    """Return a domain's verdict at a security level, from its MX answer and its host verdicts in ``route`` order."""
    final = route.final or _nowhere(route, hosts)
    if final in NO_MAIL:
        return _no_mail(level, route, final)
    sender = action(route, [host.sender for host in hosts])
    decider = next((host for host in hosts if host.sender in DELIVERS), None)
    doubt = (Reason.DNS_INDETERMINATE,) if mx_security(route) is Security.INDETERMINATE else ()
    reasons = list(dict.fromkeys((*route.reasons, *doubt, *(r for host in hosts for r in host.reasons))))
    if decider is not None and any(_failed_before(decider, host) for host in hosts):
        reasons.append(Reason.DELIVERED_BY_LESSER_MX)
    outcome = _outcome(route, hosts, sender)
    if outcome is DomainOutcome.FAIL:
        reasons.append(Reason.LEVEL_NOT_MET)
    return DomainVerdict(
        outcome=outcome,
        sender=sender,
        dane=_domain_dane(route, hosts),
        starttls=_domain_starttls(hosts),
        level=level,
        reasons=tuple(reasons),
        tlsrpt=result_types(reasons),
        text=route.text or next((host.text for host in hosts if host.text), ""),
    )


def decisive(route: Route) -> tuple[object, ...]:
    """Return the properties of a route on which the result of ``judge_domain`` depends, beside the host verdicts."""
    return route.final, route.reasons, route.text, route.mx is None, mx_security(route)


def _nowhere(route: Route, hosts: Sequence[HostVerdict]) -> Reason | None:
    """Return the reason why no MX host has an address, if every address lookup was conclusive."""
    if not hosts or not all(_absent(host) for host in hosts):
        return None
    if Reason.IMPLICIT_MX not in route.reasons and route.mx is not None:
        return Reason.MX_TARGETS_UNRESOLVABLE
    return Reason.NXDOMAIN if Reason.MX_TARGET_NXDOMAIN in hosts[0].reasons else Reason.NO_ADDRESS


def _absent(host: HostVerdict) -> bool:
    return not host.votes and not host.endpoints and set(host.reasons) & set(_MISSING.values()) != set()


def _no_mail(level: Level, route: Route, final: Reason) -> DomainVerdict:
    kept = [reason for reason in route.reasons if reason is not Reason.IMPLICIT_MX]
    return DomainVerdict(
        outcome=DomainOutcome.NO_MAIL,
        sender=Sender.BOUNCE,
        dane=DomainDane.NO_MAIL,
        starttls=DomainStartTLS.NO_MAIL,
        level=level,
        reasons=tuple(dict.fromkeys((*kept, final))),
        text=final.words,
    )


def action(route: Route, senders: Sequence[Sender]) -> Sender:
    """Return the action of a sender for a domain, from its actions at the MX hosts in the order of its attempts."""
    delivering = next((sender for sender in senders if sender in DELIVERS), None)
    if delivering is not None:
        return delivering
    return Sender.UNKNOWN if route.final is None and Sender.UNKNOWN in senders else Sender.DEFER


def _failed_before(decider: HostVerdict, host: HostVerdict) -> bool:
    """Return whether a host with a lower preference value than ``decider`` failed, except by a missing address."""
    return host.preference < decider.preference and host.votes and host.sender is Sender.DEFER


def _outcome(route: Route, hosts: Sequence[HostVerdict], sender: Sender) -> DomainOutcome:
    """Return ``ok``, or ``fail`` for a bogus MX answer or conclusive failures at every host, else ``inconclusive``."""
    if sender in DELIVERS:
        return DomainOutcome.OK
    if route.final is Reason.MX_BOGUS:
        return DomainOutcome.FAIL
    if sender is Sender.DEFER and hosts and all(host.conclusive for host in hosts):
        return DomainOutcome.FAIL
    return DomainOutcome.INCONCLUSIVE


def _domain_dane(route: Route, hosts: Sequence[HostVerdict]) -> DomainDane:
    """Return the DANE verdict of a domain by the first applicable rule."""
    if route.final is not None:
        return DomainDane.LOOKUP_FAILED
    votes = [host.dane for host in _dane_voters(hosts)]
    if any(vote in _BROKEN for vote in votes):
        return DomainDane.BROKEN
    security = mx_security(route)
    if not votes or security is Security.INDETERMINATE:
        return DomainDane.UNKNOWN
    if security is Security.INSECURE:
        return DomainDane.INSECURE
    return _combined(votes)


def _combined(votes: Sequence[Dane]) -> DomainDane:
    if all(vote is Dane.OK for vote in votes):
        return DomainDane.PROTECTED
    if Dane.OK in votes and any(vote in _NOT_COVERED for vote in votes):
        return DomainDane.PARTIAL
    if Dane.UNKNOWN in votes or Dane.LOOKUP_FAILED in votes:
        return DomainDane.UNKNOWN
    return DomainDane.NONE


def _dane_voters(hosts: Sequence[HostVerdict]) -> list[HostVerdict]:
    """Return the hosts with ``votes`` that are reachable or judged from the DNS alone, or else all with ``votes``."""
    voters = [host for host in hosts if host.votes]
    kept = [host for host in voters if host.dane in _BY_DNS or Reason.HOST_UNREACHABLE not in host.reasons]
    return kept or voters


def _domain_starttls(hosts: Sequence[HostVerdict]) -> DomainStartTLS:
    """Return ``some`` if only some hosts have TLS, ``unknown`` if a host is inconclusive, else ``all`` or ``none``."""
    voters = [host for host in hosts if host.votes]
    reached = [host.starttls for host in voters if Reason.HOST_UNREACHABLE not in host.reasons]
    seen = set(reached)
    if DomainStartTLS.SOME in seen or {DomainStartTLS.ALL, DomainStartTLS.NONE} <= seen:
        return DomainStartTLS.SOME
    if len(seen) != 1:
        return DomainStartTLS.UNKNOWN
    return seen.pop()
