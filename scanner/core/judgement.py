"""Computation of evidence and verdicts from facts, for one MX host and one domain.

A scan calls the functions of this module after the examination of a host or domain. The functions of this module can
also recompute the verdicts of a stored run for another time or security level. No function of this module sends DNS
questions.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar, cast

from scanner.core import dane, pkix, rollup, route, tlsa, verdict
from scanner.core.matching import ComparedNames, compared_names
from scanner.core.pkix import TrustStore
from scanner.core.policy import Peer
from scanner.core.tlsa import Question
from scanner.facts import Answer, CertFacts, TLSALookup
from scanner.model import AlgorithmReport, DomainVerdict, EndpointReport, HostReport, HostVerdict, Route, RouteHost
from scanner.reasons import Reason
from scanner.vocabulary import Dane, Level, Outcome, Security, Sender


def tlsa_step(host: str, port: int, addresses: Sequence[Answer], steps: Sequence[Answer]) -> Question | TLSALookup:
    """Return the next step of the search for a host's TLSA records (RFC 7672 section 2.2.2).

    Args:
        host: the host as the MX record names it, or an address.
        port: the TCP port.
        addresses: the answers to the address lookups of the host; empty if ``host`` is an address.
        steps: the answers of the TLSA lookup so far.

    Returns:
        The next DNS question, or the complete TLSA lookup if no question is left.
    """
    if not addresses:
        return TLSALookup("", (), Dane.INSECURE, Reason.HOST_INSECURE)
    found = [answer for answer in addresses if answer.outcome is Outcome.DATA]
    if not found:
        failed = any(answer.outcome is Outcome.ERROR for answer in addresses)
        return TLSALookup("", (), Dane.LOOKUP_FAILED if failed else Dane.NONE, None)
    security = route.weakest(answer.security for answer in found)
    return tlsa.next_question(host, found[0].rname, security, port, tuple(steps))


_Report = TypeVar("_Report", EndpointReport, AlgorithmReport)
_Verdict = TypeVar("_Verdict")


def with_dane(report: _Report, chain: Sequence[CertFacts], lookup: TLSALookup, at: datetime) -> _Report:
    """Return a report with DANE evidence about the certificate chain that the server sent.

    Args:
        report: the report of an address, or of the probe for a key algorithm.
        chain: the certificates as sent, leaf first, at least one.
        lookup: the TLSA lookup of the host; without usable records the DANE evidence is None.
        at: the time at which the validity of certificates is checked.
    """
    return replace(report, dane=dane.match(lookup.records, chain, at) if lookup.dane is None else None)


def with_pkix(report: _Report, chain: Sequence[CertFacts], trust: TrustStore, at: datetime) -> _Report:
    """Return a report with PKIX evidence about the certificate chain of the server; arguments as for ``with_dane``."""
    return replace(report, pkix=pkix.verify(chain, trust, at))


def judge_host(
    level: Level, nexthop: str, way: Route, hop: RouteHost, report: HostReport, certs: Mapping[str, CertFacts]
) -> HostVerdict:
    """Return the verdict on an MX host for one domain.

    Args:
        level: the requested security level.
        nexthop: the domain, or the host or address of a destination without MX lookup.
        way: the route of the domain, with its MX hosts and MX answer.
        hop: the MX host and its preference.
        report: the observations of the host, with evidence.
        certs: certificates by SHA-256, including every certificate of the chains in the report.
    """
    view = view_of(level, nexthop, way, hop, report)
    endpoints = [verdict.judge(view, each, certs) for each in report.endpoints]
    return rollup.judge_host(hop.preference, view, report, endpoints)


def view_of(level: Level, nexthop: str, way: Route, hop: RouteHost, report: HostReport) -> verdict.View:
    """Return the facts by which the addresses of an MX host are judged; the arguments are those of ``judge_host``."""
    peer = Peer(nexthop, hop.host, route.mx_security(way), way.names)
    return verdict.View(level, peer, report.tlsa, inferred=report.inferred is not None)


SharedBy = tuple[Level, RouteHost, Security | None]
"""The properties of a domain on which the verdict of a host depends if no certificate of the host names the domain."""

VERDICTS = 64
"""Maximum number of address verdicts in the host verdicts that are kept for one MX host."""

DOMAINS = 4
"""Maximum number of kept verdicts on domains with the same first MX host."""

NAMES = 512
"""Maximum number of names in a host's leaf certificates up to which domains share the verdict on the host."""


class HostVerdicts:
    """The verdicts of one MX host for the domains that use the host, and of the domains whose first MX host it is.

    A domain is named in a certificate if a leaf certificate of the host matches the domain. The verdict of the host for
    a domain that is not named depends on the domain only by the security level, the MX record and the security of the
    MX answer, so many domains share one verdict. The verdict for a named domain is computed for this domain alone, and
    so is every verdict if the leaf certificates have more than ``NAMES`` names, because the comparison would be
    expensive. Domains with the same verdicts of all hosts and equal properties of the route (``rollup.decisive``) also
    share the verdict of the domain.

    Args:
        report: the observations of the host, with evidence.
        certs: certificates by SHA-256, including every certificate with which ``judge_host`` judges the host.
    """

    __slots__ = ("_domains", "_limit", "_names", "_shares", "_verdicts")

    def __init__(self, report: HostReport, certs: Mapping[str, CertFacts]) -> None:
        leaves = [certs[digest] for digest in _leaves(report) if digest in certs]
        self._shares = sum(len(compared_names(leaf)) + 1 for leaf in leaves) <= NAMES
        self._names = ComparedNames(leaves if self._shares else ())
        self._verdicts: dict[SharedBy, HostVerdict] = {}
        self._limit = VERDICTS // max(1, len(report.endpoints))
        self._domains: dict[tuple[Hashable, ...], tuple[Sequence[HostVerdict], object]] = {}

    def key(self, level: Level, nexthop: str, way: Route, hop: RouteHost) -> SharedBy | None:
        """Return the key of the verdict that a domain shares with other domains, None for a named domain.

        The arguments are those of ``judge_host``.
        """
        if not self._shares or self._names.match({nexthop, *way.names}):
            return None
        return level, hop, route.mx_security(way)

    def get(self, key: SharedBy | None) -> HostVerdict | None:
        """Return the verdict with a key, or None."""
        return self._verdicts.get(key) if key is not None else None

    def keep(self, key: SharedBy | None, verdict: HostVerdict) -> None:
        """Keep a verdict for other domains, unless ``key`` is None or the host has more than ``VERDICTS`` addresses."""
        if key is None or not self._limit:
            return
        if len(self._verdicts) >= self._limit:
            self._verdicts.clear()
        self._verdicts[key] = verdict

    def domain(self, level: Level, way: Route, hosts: Sequence[HostVerdict]) -> DomainVerdict:
        """Return the verdict of a domain whose first MX host is this host; arguments as for ``rollup.judge_domain``."""
        return self.shared((level, rollup.decisive(way)), hosts, lambda: rollup.judge_domain(level, way, hosts))

    def shared(self, facts: Hashable, hosts: Sequence[HostVerdict], judge: Callable[[], _Verdict]) -> _Verdict:
        """Return the result of ``judge``, a judgement of a domain whose first MX host is this host.

        The result is kept for other domains with equal facts and the same host verdicts, unless the number of hosts and
        addresses of the domain exceeds ``VERDICTS // DOMAINS``. Host verdicts are compared by identity, and a kept
        result keeps its host verdicts in memory.

        Args:
            facts: everything on which the result depends, except the host verdicts.
            hosts: the verdicts of the hosts, in the order of the route.
            judge: function without side effects that computes the result.
        """
        key = (facts, *map(id, hosts))
        kept = self._domains.get(key)
        if kept is not None:
            return cast("_Verdict", kept[1])
        found = judge()
        if sum(1 + len(each.endpoints) for each in hosts) <= VERDICTS // DOMAINS:
            if len(self._domains) >= DOMAINS:
                del self._domains[next(iter(self._domains))]
            self._domains[key] = hosts, found
        return found


def _leaves(report: HostReport) -> list[str]:
    """Return the SHA-256 of each leaf certificate of a host once."""
    probes = [probe for each in report.endpoints for probe in (*each.probes, *[a.probe for a in each.algorithms])]
    chains = [probe.handshake.chain for probe in probes if probe.handshake is not None]
    return list(dict.fromkeys(chain[0] for chain in chains if chain))


def dane_sender(
    found: HostVerdict, level: Level, nexthop: str, way: Route, report: HostReport, certs: Mapping[str, CertFacts]
) -> Sender:
    """Return the action of a sender with security level ``dane`` at a host that was judged at any level.

    ``found`` is the verdict on the host, ``level`` the security level of ``found``. The other arguments are those of
    ``judge_host``.
    """
    if level is Level.DANE:
        return found.sender
    hop = RouteHost(found.host, found.preference)
    return judge_host(Level.DANE, nexthop, way, hop, report, certs).sender
