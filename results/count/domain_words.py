"""The labels under which a domain and the verdict of an MX host are counted.

The table ``funnel`` counts domains by steps of protection, from all domains to the protected domains; the domains of a
step are a subset of the domains of the preceding step. The table ``inconclusive`` counts the reasons that cause an
unknown verdict, without reasons that are only a consequence of another reason.
"""

from collections.abc import Collection, Iterator

from results.count.base import UNKNOWN, Word
from results.count.health import domain_health, host_health
from results.store.partial import HostPart, RoutePart, VerdictPart
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, Security

FUNNEL = ("domains", "with_mail", "mx_secure", "with_tlsa", "matched", "protected")
"""Names of the steps of the funnel, which are the fields of ``count.domains.Funnel``."""

NOT_ASKED = "not asked"

_NOT_A_CAUSE = frozenset(
    (
        Reason.LEVEL_NOT_MET,
        Reason.DELIVERED_BY_LESSER_MX,
        Reason.IMPLICIT_MX,
        Reason.MX_INSECURE,
        Reason.MX_TARGET_IS_ALIAS,
        Reason.HOST_INSECURE,
        Reason.TLSA_NONE,
        Reason.TLSA_NAME_IMPOSSIBLE,
        Reason.TLSA_INSECURE,
        Reason.HOST_UNREACHABLE,
        Reason.SOME_ADDRESSES_UNREACHABLE,
        Reason.SOME_ADDRESSES_INCONCLUSIVE,
    )
)
"""Reason codes that do not cause an unknown verdict by themselves."""


def funnel_step(route: RoutePart, verdict: VerdictPart, hosts_dane: Collection[str], *, usable: bool) -> int:
    """Return the index in ``FUNNEL`` of the last step of protection that a domain reaches.

    Args:
        route: the MX answer of the domain, with its reasons (``RoutePart``).
        verdict: the verdict of the domain.
        hosts_dane: the DANE verdicts of the MX hosts.
        usable: whether an MX host of the domain has usable TLSA records.
    """
    if not hosts_dane or route.final is not None or verdict.outcome == DomainOutcome.NO_MAIL:
        return 0
    if route.mx is not None and route.mx.security != Security.SECURE:
        return 1
    if not usable:
        return 2
    if Dane.OK not in hosts_dane:
        return 3
    return 5 if verdict.dane == DomainDane.PROTECTED else 4


def mx_state(route: RoutePart) -> str:
    """Return the DNSSEC state of the MX answer, or ``NOT_ASKED`` if the MX records were not looked up."""
    return route.mx.security if route.mx is not None else NOT_ASKED


def mx_kind(route: RoutePart) -> str:
    """Return the source of the MX hosts (``mx``, ``implicit-mx``, ``given``), or the reason why no MX hosts exist."""
    if route.final is not None:
        return route.final
    if Reason.IMPLICIT_MX in route.reasons:
        return "implicit-mx"
    return "given" if route.mx is None else "mx"


def words_of_domain(verdict: VerdictPart, mx: str, kind: str, step: int, *, routed: bool) -> Iterator[Word]:
    """Yield the labels of a domain.

    Args:
        verdict: the verdict of the domain.
        mx: result of ``mx_state``.
        kind: result of ``mx_kind``.
        step: result of ``funnel_step``.
        routed: whether the domain has MX hosts. If the domain has MX hosts, the causes of an inconclusive outcome are
            labels of the hosts, not of the domain.
    """
    yield "outcome", verdict.outcome
    yield "sender", verdict.sender
    yield "dane", verdict.dane
    yield "starttls", verdict.starttls
    if verdict.sts is not None:
        yield "sts", verdict.sts
    if verdict.mechanism is not None:
        yield "mechanism", verdict.mechanism
    yield "dnssec_mx", mx
    yield "mx", kind
    yield "health", domain_health(verdict.dane, verdict.outcome, verdict.reasons)
    for name in FUNNEL[: step + 1]:
        yield "funnel", name
    for code in verdict.reasons:
        yield "reasons", code
        if verdict.outcome == DomainOutcome.INCONCLUSIVE and not routed and code not in _NOT_A_CAUSE:
            yield "inconclusive", code


def words_of_host(host: HostPart, reasons: Collection[str]) -> Iterator[Word]:
    """Yield the labels of an MX host's verdict, such as ``("host_dane", "mismatch")``.

    ``reasons`` includes the reason codes of the host's addresses.
    """
    yield "host_dane", host.dane
    yield "host_health", host_health(host.dane, host.sender, conclusive=host.conclusive)
    for code in reasons:
        yield "reasons", code
        if UNKNOWN in (host.dane, host.starttls) and code not in _NOT_A_CAUSE:
            yield "inconclusive", code
