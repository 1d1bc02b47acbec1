"""The verdict of an MTA-STS policy on one MX host (RFC 8461 sections 4.1 and 4.2).

The host must be listed in the policy, offer TLS, and present a certificate that chains to a trusted root and contains
the name of the host as a dNSName; common names are ignored. MTA-STS and DANE are judged from the same probes.
"""

from collections.abc import Mapping, Sequence

from scanner.core import rollup, verdict
from scanner.core.matching import matched_peername
from scanner.core.sts.policy_file import Patterns
from scanner.facts import CertFacts
from scanner.model import EndpointReport, HostReport
from scanner.vocabulary import HostSTS, Sender

BAD = (HostSTS.PATTERN_MISMATCH, HostSTS.NO_TLS, HostSTS.UNTRUSTED, HostSTS.NAME_MISMATCH)
"""The verdicts on a host that prevent delivery under a policy of mode ``enforce``, the most severe verdict first."""

_IN_ORDER = (*BAD, HostSTS.OK)


def judge_host(patterns: Patterns, report: HostReport, certs: Mapping[str, CertFacts]) -> HostSTS:
    """Return the verdict of a policy on a host.

    Args:
        patterns: the MX patterns of the policy.
        report: the observations of the host.
        certs: certificates by SHA-256, including every certificate of the chains in the report.

    Returns:
        The most severe verdict on the addresses of the host; an address without a conclusive connection is ignored if
        another address has a conclusive connection. If the host has more addresses than the default limit, ``ok``
        becomes ``unknown``, as for DANE. For a host that was not probed (``HostReport.inferred``), a negative verdict
        on an address becomes ``unknown``.
    """
    if not patterns.match(report.host):
        return HostSTS.PATTERN_MISMATCH
    seen = {judge_address(report.host, each, certs) for each in report.endpoints}
    found = next((state for state in _IN_ORDER if state in seen), HostSTS.UNKNOWN)
    if report.inferred is not None and found in BAD:
        return HostSTS.UNKNOWN
    return HostSTS.UNKNOWN if found is HostSTS.OK and rollup.is_incomplete(report) else found


def judge_address(host: str, report: EndpointReport, certs: Mapping[str, CertFacts]) -> HostSTS:
    """Return the verdict on one address of a host that the policy lists."""
    session = verdict.sessions(report)
    if session.own.handshake is None:
        return HostSTS.NO_TLS if verdict.lacks_tls(session) else HostSTS.UNKNOWN
    chain = session.own.handshake.chain
    if not chain:
        return HostSTS.UNTRUSTED
    if report.pkix is None:
        return HostSTS.UNKNOWN
    if report.pkix.errors:
        return HostSTS.UNTRUSTED
    return HostSTS.OK if is_named(certs[chain[0]], host) else HostSTS.NAME_MISMATCH


def is_named(leaf: CertFacts, host: str) -> bool:
    """Return whether a certificate contains a host name as dNSName, or a matching wildcard (RFC 6125 section 6.4)."""
    return bool(leaf.dns_names) and matched_peername(leaf, (host,)) is not None


def sender_enforcing(sts: HostSTS, report: HostReport) -> Sender:
    """Return the action of a sender at a host, if the sender applies a policy of mode ``enforce``."""
    if sts is HostSTS.OK:
        usable = any(verdict.usable(verdict.sessions(each).own) for each in report.endpoints)
        return Sender.VERIFIED if usable else Sender.DEFER
    return Sender.DEFER if sts in BAD else _inconclusive(report)


def sender_opportunistic(report: HostReport) -> Sender:
    """Return the action of a sender at a host, if the sender uses TLS without authentication where TLS works."""
    senders = [_at_address(each) for each in report.endpoints]
    found = next((sender for sender in senders if sender in (Sender.ENCRYPTED, Sender.CLEARTEXT)), None)
    return found or _inconclusive(report, senders)


def _at_address(report: EndpointReport) -> Sender:
    session = verdict.sessions(report)
    return Sender.UNKNOWN if verdict.failed_here(session.own) else verdict.opportunistic(session, mandatory=False)


def _inconclusive(report: HostReport, senders: Sequence[Sender] = ()) -> Sender:
    """Return ``unknown`` if the host was not probed or a cause on this machine made a probe fail, else ``defer``."""
    local = Sender.UNKNOWN in senders or report.inferred is not None
    local = local or any(verdict.failed_here(verdict.sessions(each).own) for each in report.endpoints)
    return Sender.UNKNOWN if local or (not report.endpoints and report.skipped) else Sender.DEFER
