"""From facts to evidence to verdicts, for one host and one domain: what follows once the network has spoken.

A scan does it after each examination, and a stored run can be judged again by it: with other code, at another time or
level. Facts go in, nothing is looked up.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from scanner.core import dane, pkix, rollup, route, tlsa, verdict
from scanner.core.pkix import TrustStore
from scanner.core.policy import Peer
from scanner.core.tlsa import Question
from scanner.facts import Answer, CertFacts, TLSALookup
from scanner.model import EndpointReport, HostReport, HostVerdict, Route, RouteHost
from scanner.reasons import Reason
from scanner.vocabulary import Dane, Level, Outcome


def tlsa_step(host: str, port: int, addresses: Sequence[Answer], steps: Sequence[Answer]) -> Question | TLSALookup:
    """The next step of the search for a host's TLSA records (RFC 7672 section 2.2.2).

    Args:
        host: the host as the MX record names it, or an address.
        port: the TCP port.
        addresses: the answers to its address lookups, none for an address.
        steps: the answers to the questions asked so far.

    Returns:
        The question to ask, or the result when there is none left.
    """
    if not addresses:
        return TLSALookup("", (), Dane.INSECURE, Reason.HOST_INSECURE)
    found = [answer for answer in addresses if answer.outcome is Outcome.DATA]
    if not found:
        failed = any(answer.outcome is Outcome.ERROR for answer in addresses)
        return TLSALookup("", (), Dane.LOOKUP_FAILED if failed else Dane.NONE, None)
    security = route.weakest(answer.security for answer in found)
    return tlsa.next_question(host, found[0].rname, security, port, tuple(steps))


def with_dane(report: EndpointReport, chain: Sequence[CertFacts], lookup: TLSALookup, at: datetime) -> EndpointReport:
    """The report of an address whose probes showed a chain, with what the TLSA records say of it.

    Args:
        report: the address with its probes.
        chain: the certificates as sent, leaf first, at least one.
        lookup: the TLSA lookup of the host; where it brought no records to compare, there is no evidence.
        at: the time at which dates are judged.
    """
    found = dane.match(lookup.records, chain, at) if lookup.dane is None else None
    return EndpointReport(report.address, report.probes, found, report.pkix, report.earlier)


def with_pkix(report: EndpointReport, chain: Sequence[CertFacts], trust: TrustStore, at: datetime) -> EndpointReport:
    """The same with what the trusted certificates say of the chain."""
    found = pkix.verify(chain, trust, at)
    return EndpointReport(report.address, report.probes, report.dane, found, report.earlier)


def judge_host(
    level: Level, nexthop: str, way: Route, hop: RouteHost, report: HostReport, certs: Mapping[str, CertFacts]
) -> HostVerdict:
    """The verdict for an MX host as one domain sees it.

    Args:
        level: the level that was asked for.
        nexthop: the domain, or the host or address that was named itself.
        way: the domain's route.
        hop: this host in it.
        report: what was observed, with evidence.
        certs: certificates by SHA-256; those of the shown chains must be among them.
    """
    peer = Peer(nexthop, hop.host, route.mx_security(way), way.names)
    view = verdict.View(level, peer, report.tlsa)
    endpoints = [verdict.judge(view, each, certs) for each in report.endpoints]
    return rollup.judge_host(hop.preference, view, report, endpoints)
