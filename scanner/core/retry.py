"""Rules that select the hosts and domains to examine again, and that join an address's probes of several passes.

Only hosts and domains with an inconclusive result are examined again. An address that accepted no connection is probed
again only if no other address of the host accepted a connection, since an address that accepted a connection determines
the verdict on the host.
"""

from dataclasses import replace

from scanner.core import rebuffs
from scanner.core.verdict import accepted_tcp, sessions
from scanner.facts import Answer, Failure, Probe
from scanner.model import EndpointReport, HostReport, Route
from scanner.reasons import Reason
from scanner.vocabulary import Dane, FailureKind, Outcome, Phase, PostQuantum, Security, Served

EARLIER = 12
"""Maximum number of probes of earlier passes kept for an address: three probes in each of four passes."""

_PASSING = (
    FailureKind.TIMEOUT,
    FailureKind.REFUSED,
    FailureKind.UNREACHABLE,
    FailureKind.RESET,
    FailureKind.CLOSED,
    FailureKind.RESOURCES,
    FailureKind.HELD_BACK,
)
_SETTLED_BY_HANDSHAKE = (FailureKind.RESET, FailureKind.CLOSED)
_UNTRIED = (FailureKind.RESOURCES, FailureKind.HELD_BACK)
_OURS = (FailureKind.RESOURCES, FailureKind.LOCAL, FailureKind.INTERNAL)
_FIRST_PERMANENT = 500


def of_probe(probe: Probe) -> bool:
    """Return whether a probe was inconclusive and another connection could be conclusive."""
    failure = probe.failure
    if failure is None or failure.phase in (Phase.QUIT, Phase.DONE):
        return False
    if failure.kind is FailureKind.REJECTED:
        return _for_now(failure)
    if failure.phase is Phase.HANDSHAKE and failure.kind in _SETTLED_BY_HANDSHAKE:
        return False
    return failure.kind in _PASSING


def _for_now(failure: Failure) -> bool:
    """Return whether a refusal is temporary or concerns only this scanner.

    A refusal is temporary or concerns only this scanner if it is a reply 4xx, a refused greeting, or a refusal that
    puts the provider into back-off.
    """
    permanent = failure.code is not None and failure.code >= _FIRST_PERMANENT
    return not permanent or failure.phase is Phase.GREETING or rebuffs.turns_away(failure)


def of_endpoint(report: EndpointReport) -> bool:
    """Return whether a probe of an address was inconclusive and another probe could be conclusive.

    The function checks the last probe with the TLS profile of the requested security level, and the probes for key
    algorithms and post-quantum groups. If the last probe has no handshake, the function also checks the probe with
    opportunistic TLS settings.
    """
    parts = sessions(report)
    spare = parts.spare
    if of_probe(parts.own) or any(each.served is Served.UNKNOWN and of_probe(each.probe) for each in report.algorithms):
        return True
    if report.pq_probe is not None and report.pq is PostQuantum.UNKNOWN and of_probe(report.pq_probe):
        return True
    return parts.own.handshake is None and spare is not None and of_probe(spare)


def of_host(report: HostReport) -> bool:
    """Return whether another examination could change the result of a host."""
    tlsa = report.tlsa
    if any(unanswered(answer) for answer in (report.a, report.aaaa) if answer is not None):
        return True
    if tlsa.dane is Dane.LOOKUP_FAILED and tlsa.reason is not Reason.TLSA_BOGUS:
        return True
    heard = [each for each in report.endpoints if accepted_tcp(each) or _untried(each)]
    return any(map(of_endpoint, heard or report.endpoints))


def spoiled_here(report: HostReport) -> bool:
    """Return whether a limit of this machine or a bug of mxsweep prevented the probe of an address of a host."""
    last = (sessions(each).own.failure for each in report.endpoints)
    return any(failure is not None and failure.kind in _OURS for failure in last)


def of_route(way: Route) -> bool:
    """Return whether another MX lookup could find the route of a domain."""
    return way.mx is not None and unanswered(way.mx)


def unanswered(answer: Answer) -> bool:
    """Return whether a DNS lookup failed; a failed DNSSEC validation is conclusive."""
    return answer.outcome is Outcome.ERROR and answer.security is not Security.BOGUS


def _untried(report: EndpointReport) -> bool:
    """Return whether a cause on this machine prevented every connection to the address."""
    failure = sessions(report).own.failure
    return failure is not None and failure.kind in _UNTRIED


def with_earlier(report: HostReport, before: HostReport) -> HostReport:
    """Return the report of a host in a later pass, with the probes of the earlier passes added."""
    known = {each.address: each for each in before.endpoints}
    endpoints = tuple(_joined(each, known.get(each.address)) for each in report.endpoints)
    return replace(report, endpoints=endpoints)


def _joined(report: EndpointReport, before: EndpointReport | None) -> EndpointReport:
    if before is None:
        return report
    probes = (*before.earlier, *(probe for probe in before.probes if probe not in report.probes))
    return replace(report, earlier=probes[-EARLIER:])
