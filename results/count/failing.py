"""The list of failing MX hosts, made from the host verdicts in domain records."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from results.count.columns import EXAMPLES, Share
from results.count.health import Health, host_health
from results.store.partial import HostPart
from scanner.reasons import Reason
from scanner.vocabulary import Dane, Sender, worst

_FAILS = (Dane.MISMATCH, Dane.NO_TLS, Dane.LOOKUP_FAILED, Dane.UNUSABLE)
_PASSED_OVER = (Sender.DEFER, Sender.BOUNCE)


@dataclass(frozen=True, slots=True)
class FailingHost:
    """An MX host that a sender skips or whose DANE check fails; ``domains`` is the number of domains with this host.

    ``text`` is the unescaped SMTP reply or error text that explains the verdict. ``examples`` lists some of the domains
    that use the host. ``report`` is the key of the host's report, None if the host was not examined. ``conclusive`` is
    false if no fault of the host was proved. ``broken`` is true if the host is broken for one of the domains
    (``host_health``). ``down`` is true if no address of the host accepts a connection. ``importance`` is the largest
    value of the column ``importance`` of the target list for the host's domains, as a number. ``shares`` contains the
    numbers of the host's domains for the values of the column of ``--group-by``.
    """

    host: str
    domains: int
    dane: str
    reasons: tuple[str, ...]
    text: str
    report: str | None = None
    examples: tuple[str, ...] = ()
    conclusive: bool = True
    broken: bool = False
    down: bool = False
    importance: float = 0.0
    shares: tuple[Share, ...] = ()


@dataclass(slots=True)
class _Seen:
    """The accumulated verdicts of a failing MX host."""

    domains: int = 0
    dane: str = Dane.OK
    reasons: set[str] = field(default_factory=set)
    text: str = ""
    report: str | None = None
    examples: list[str] = field(default_factory=list)
    conclusive: bool = False
    broken: bool = False


class Failing:
    """Collector of failing MX hosts: ``add`` takes a verdict of an MX host, and ``hosts`` returns the failing hosts."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    @property
    def names(self) -> Collection[str]:
        """The names of the failing MX hosts."""
        return self._seen.keys()

    def add(self, host: HostPart, domains: int, examples: Sequence[str]) -> None:
        """Add ``domains`` domains that have the verdict ``host`` on an MX host; ``examples`` names some of them."""
        seen = self._seen.setdefault(host.host, _Seen())
        seen.domains += domains
        seen.dane = worst(seen.dane, host.dane)
        seen.reasons.update(reasons_of(host))
        seen.text = seen.text or _text(host)
        seen.report = seen.report or host.report
        seen.conclusive = seen.conclusive or host.conclusive or host.dane in _FAILS
        health = host_health(host.dane, host.sender, conclusive=host.conclusive)
        seen.broken = seen.broken or health is Health.BROKEN
        seen.examples += examples[: EXAMPLES - len(seen.examples)]

    def hosts(self) -> tuple[FailingHost, ...]:
        """Return the failing MX hosts; the host with the largest number of domains is first."""
        found = (_failing_host(host, seen) for host, seen in self._seen.items())
        return tuple(sorted(found, key=lambda failing: (-failing.domains, failing.host)))


def fails(host: HostPart) -> bool:
    """Return whether a sender skips the MX host or the DANE check of the host fails."""
    return host.dane in _FAILS or host.sender in _PASSED_OVER


def reasons_of(host: HostPart) -> frozenset[str]:
    """Return all reasons in the verdicts of an MX host and its addresses."""
    found = set(host.reasons)
    for endpoint in host.endpoints:
        found.update(endpoint.reasons)
    return frozenset(found)


def _text(host: HostPart) -> str:
    """Return the SMTP reply or error text in an MX host's verdict, or else the first such text of an address."""
    return next((text for text in (host.text, *(endpoint.text for endpoint in host.endpoints)) if text), "")


def _failing_host(host: str, seen: _Seen) -> FailingHost:
    return FailingHost(
        host,
        seen.domains,
        seen.dane,
        tuple(sorted(seen.reasons)),
        seen.text,
        seen.report,
        tuple(seen.examples),
        seen.conclusive,
        seen.broken,
        Reason.HOST_UNREACHABLE in seen.reasons,
    )
