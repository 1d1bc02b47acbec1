"""The domains that a report names: domains without an MX host, above a limit of the scan, or with an MTA-STS fault."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Protocol

from results.store.partial import VerdictPart
from scanner.reasons import Reason
from scanner.vocabulary import DomainOutcome, DomainSTS

UNROUTED = 1000  # maximum number of listed domains for which no MX host could be determined
LIMITED = 1000  # maximum number of listed domains with more MX hosts or addresses than a limit of the scan
FAULTY = 1000  # maximum number of listed domains for each degree of a fault of MTA-STS

_LIMITS = frozenset((Reason.HOST_LIMIT, Reason.ADDRESS_LIMIT))
_POLICY_REASONS = ("sts-", "tlsrpt-")
_DEGREES = (DomainSTS.BROKEN, DomainSTS.INVALID, None, DomainSTS.LOOKUP_FAILED)
"""The MTA-STS verdicts in the order of the list of faults; None stands for all other MTA-STS verdicts."""


class SeenHost(Protocol):
    """An MX host of a domain, with the reasons of the verdict on the host."""

    @property
    def name(self) -> str:
        """The name of the host."""

    @property
    def report(self) -> str | None:
        """The key of the report of the host, None if the host was not examined."""

    @property
    def reasons(self) -> Collection[str]:
        """The reasons of the host and its addresses."""


@dataclass(frozen=True, slots=True)
class UnroutedDomain:
    """A domain that fails or is inconclusive because no MX host could be determined."""

    domain: str
    reasons: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class LimitedDomain:
    """A domain with more MX hosts or addresses than a limit of the scan.

    ``unexamined`` is the number of the domain's MX hosts that were not examined. ``hosts`` contains the MX hosts of
    which only a part of the addresses was examined.
    """

    domain: str
    unexamined: int
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyFaults:
    """The number of domains with a fault of MTA-STS or TLSRPT, and the names of some of these domains.

    ``count`` is the number of domains. ``domains`` contains at most ``FAULTY`` names, in the order of the MTA-STS
    verdicts ``broken``, ``invalid``, all other verdicts, ``lookup_failed``.
    """

    count: int = 0
    domains: tuple[str, ...] = ()


class ListedDomains:
    """Collector of the domains that a report names."""

    def __init__(self) -> None:
        self.unrouted: list[UnroutedDomain] = []
        self.limited: list[LimitedDomain] = []
        self._faults = 0
        self._faulty: dict[str | None, list[str]] = {degree: [] for degree in _DEGREES}

    def add(self, domain: str, verdict: VerdictPart, hosts: Sequence[SeenHost]) -> None:
        """Add a domain to the lists to which the domain belongs according to its verdict."""
        if not hosts:
            self._unrouted(domain, verdict)
        elif not _LIMITS.isdisjoint(verdict.reasons) and len(self.limited) < LIMITED:
            self.limited.append(_limited(domain, hosts))
        if verdict.sts is not None and any(code.startswith(_POLICY_REASONS) for code in verdict.reasons):
            self._faults += 1
            listed = self._faulty[verdict.sts if verdict.sts in self._faulty else None]
            if len(listed) < FAULTY:
                listed.append(domain)

    def faults(self) -> PolicyFaults:
        """Return the domains with a fault of MTA-STS or TLSRPT."""
        return PolicyFaults(self._faults, tuple(islice(chain(*self._faulty.values()), FAULTY)))

    def _unrouted(self, domain: str, verdict: VerdictPart) -> None:
        if verdict.outcome in (DomainOutcome.FAIL, DomainOutcome.INCONCLUSIVE) and len(self.unrouted) < UNROUTED:
            self.unrouted.append(UnroutedDomain(domain, verdict.reasons, verdict.text))


def _limited(domain: str, hosts: Iterable[SeenHost]) -> LimitedDomain:
    beyond = [host for host in hosts if not _LIMITS.isdisjoint(host.reasons)]
    examined = tuple(host.name for host in beyond if host.report is not None)
    return LimitedDomain(domain, len(beyond) - len(examined), examined)
