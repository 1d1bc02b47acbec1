"""The examination of one domain: determine its route (MX hosts), examine these hosts, and judge the observation.

The observation of a domain (DNS lookups and probes) waits for the network, and the judgement of the domain does not.
The writer task judges many domains one after the other, which takes a third less time than judging a domain between two
probes. Each host is examined once, even if many domains use the host. The module ``scanner.run.hosts`` examines a host,
and the package ``scanner.core`` judges the host.
"""

import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scanner.core import judgement, retry, rollup, verdict
from scanner.core.sts.discovery import worth_retry
from scanner.core.sts.domain_verdict import STSView, with_sts
from scanner.facts import CertFacts
from scanner.model import DomainRecord, DomainVerdict, HostReport, HostVerdict, Route, RouteHost, TargetInfo
from scanner.net.error_groups import root_cause
from scanner.net.failures import TEXT_LIMIT
from scanner.net.single_flight import SingleFlight, gather
from scanner.reasons import Reason
from scanner.run.domain_slots import DomainSlots, HostDomains
from scanner.run.host_result import HostKey, HostResult, ReportAndCerts
from scanner.run.hosts import HostExaminer
from scanner.run.policies import PolicyExaminer, PolicyResult
from scanner.run.ports import Ports, now
from scanner.run.routing import find_route, host_keys
from scanner.run.slices import Slices
from scanner.vocabulary import DomainDane, DomainOutcome, DomainStartTLS, Level, Sender
from targets.destination import Destination, Kind
from targets.lists import Target

_NO_ROUTE = Route(())


@dataclass(frozen=True, slots=True)
class DomainObservation:
    """The observation of a target: its route, the results of its hosts and its MTA-STS policy, or an internal error."""

    target: Target
    began: datetime
    route: Route = _NO_ROUTE
    hosts: Sequence[tuple[RouteHost, HostResult]] = ()
    policy: PolicyResult | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class DomainResult:
    """The record of a domain with the host reports and certificates that the record refers to.

    ``retry`` is true if another examination of the domain might replace an inconclusive result.
    """

    record: DomainRecord
    reports: tuple[HostReport, ...] = ()
    certs: dict[str, CertFacts] | None = None
    retry: bool = False


LoadHost = Callable[[str], ReportAndCerts | None]
"""A function that takes the key of a host and returns its stored report and certificates by SHA-256, or None."""


class Examiner:
    """The examiner of domains; the results of hosts and endpoints are shared by the domains.

    Args:
        ports: interfaces for lookups and probes, and settings.
        load: function that returns a host's report and certificates from the run directory, if they are not in memory.
    """

    def __init__(self, ports: Ports, load: LoadHost | None = None) -> None:
        self._ports = ports
        self._settings = ports.settings
        self._load = load
        self._host_examiner = HostExaminer(ports, self._examined)
        self._policies = PolicyExaminer(ports, ports.fetch) if ports.fetch and self._settings.sts else None
        self._hosts: SingleFlight[HostKey, HostResult] = SingleFlight(load=self._loaded, weigh=_octets)
        self._domains_of: dict[HostKey, HostDomains] = {}  # hosts that are being examined now
        self._earlier: dict[str, HostReport] = {}  # reports of the previous pass for hosts examined again
        # the observation times of the reports that a retry pass replaces, by host; None in the first pass
        self._replaced: dict[str, datetime] | None = None

    async def examine(self, target: Target) -> DomainResult:
        """Examine and judge one target."""
        return await self.judge(await self.observe(target), Slices())

    async def observe(self, target: Target, began: datetime | None = None) -> DomainObservation:
        """Determine the route of a target (its MX hosts), and examine the hosts on the route.

        An internal error of mxsweep becomes part of the observation.

        Args:
            target: the target to observe.
            began: the time of the MX lookup if the lookup was made earlier; None for the current time.
        """
        began = began or now()
        try:
            route = await find_route(target.destination, self._ports.lookup)
            hosts = await self._examine_hosts(target.destination, route)
            return DomainObservation(target, began, route, hosts, await self._policy(target.destination, route))
        except Exception as error:  # noqa: BLE001 - internal errors are recorded and counted; the scan goes on
            return DomainObservation(target, began, error=error)

    async def judge(self, seen: DomainObservation, slices: Slices) -> DomainResult:
        """Judge the observation of a domain; other tasks can run after each time slice of the computation.

        If the observation contains an internal error, return a record that describes the error.
        """
        if seen.error is not None:
            return self.unjudged(seen, seen.error)
        try:
            return await self._judge(seen, slices)
        except Exception as error:  # noqa: BLE001 - recorded and counted, as in observe
            return self.unjudged(seen, error)

    def unjudged(self, seen: DomainObservation, error: Exception) -> DomainResult:
        """Return a result for a domain that has no record because of an internal error.

        The text of the verdict names the error and the place in the code where the error occurred.
        """
        return DomainResult(_internal_record(seen, self._settings.level, error))

    def next_pass(self) -> None:
        """Begin a retry pass: hosts and endpoints with inconclusive results are examined again."""
        self._host_examiner.next_pass()
        if self._policies is not None:
            self._policies.next_pass()
        forgotten = self._hosts.forget(lambda result: result.has_report and result.worth_a_retry)
        self._earlier = {result.report.key: result.report for result in forgotten}
        self._replaced = {key: report.observed_at for key, report in self._earlier.items()}

    # --- observation ------------------------------------------------------------------------------------------

    async def _examine_hosts(self, destination: Destination, route: Route) -> list[tuple[RouteHost, HostResult]]:
        """Examine the hosts of a route, up to the limits of hosts and of addresses of one domain.

        The hosts are examined concurrently, or in preference order until one host accepts a connection.
        """
        keys = await self._host_examiner.within_limits(host_keys(route, destination, self._settings.mode))
        slots = DomainSlots(self._settings.caps.per_domain)
        if not self._settings.first_answer:
            results = await gather(keys, lambda key: self._host(key, slots), slots.limit)
            return list(zip(route.hosts, results, strict=False))
        examined: list[tuple[RouteHost, HostResult]] = []
        for route_host, key in zip(route.hosts, keys, strict=False):
            examined.append((route_host, await self._host(key, slots)))
            if any(map(verdict.accepted_tcp, examined[-1][1].endpoints)):
                break
        return examined

    async def _policy(self, destination: Destination, route: Route) -> PolicyResult | None:
        """Return the result about a domain's MTA-STS policy; None without ``--sts`` and without ``has_policy``."""
        if self._policies is None or not has_policy(destination, route):
            return None
        return await self._policies.examine(destination.host)

    async def _host(self, key: HostKey, slots: DomainSlots) -> HostResult:
        """Return the result of a host; examine the host only for the first domain that uses the host."""
        shared = True

        def begin() -> Awaitable[HostResult]:
            nonlocal shared
            shared = False
            return self._examine_host(key, slots)

        if (domains := self._domains_of.get(key)) is not None:  # the host is being examined for another domain
            domains.add(slots)
        result = await self._hosts.get(key, begin)
        if shared:
            self._ports.stats.endpoints_shared += len(result.endpoints)
        return result

    async def _examine_host(self, key: HostKey, slots: DomainSlots) -> HostResult:
        domains = self._domains_of[key] = HostDomains(slots)
        try:
            result = await self._host_examiner.examine(key, domains, again=str(key) in self._earlier)
        except Exception as error:
            _name_host(error, key.host)
            raise
        finally:
            del self._domains_of[key]
        earlier = self._earlier.pop(str(key), None)
        if earlier is None:
            return result
        await result.complete(Slices())
        return HostResult.of_report(retry.with_earlier(result.report, earlier), result.certs)

    def _examined(self, key: HostKey) -> HostResult | None:
        """Return the result of a host that was examined earlier, from memory or the run directory."""
        return self._hosts.kept(key)

    def _loaded(self, key: HostKey) -> HostResult | None:
        """Return the result from a stored report of a host, unless this retry pass is to examine the host again."""
        stored = self._load(str(key)) if self._load is not None else None
        if stored is None:
            return None
        report = stored[0]
        if self._is_replaced(report):
            self._earlier[report.key] = report
            return None
        return HostResult.of_report(*stored)

    def _is_replaced(self, report: HostReport) -> bool:
        """Return whether the host of a stored report is to be examined again in this retry pass.

        Because the clock may be set back at any time, the observation times of reports are only compared for equality,
        not for order.
        """
        if self._replaced is None or not retry.of_host(report):
            return False
        return self._replaced.setdefault(report.key, report.observed_at) == report.observed_at

    # --- judgement --------------------------------------------------------------------------------------------

    async def _judge(self, seen: DomainObservation, slices: Slices) -> DomainResult:
        destination, route, level = seen.target.destination, seen.route, self._settings.level
        judged = [await self._judge_host(seen, hop, result, slices) for hop, result in seen.hosts]
        verdicts = (*judged, *self._unexamined(seen))
        shared = seen.hosts[0][1].verdicts if seen.hosts else None
        found = shared.domain(level, route, verdicts) if shared else rollup.judge_domain(level, route, verdicts)
        reports = tuple([result.report for _, result in seen.hosts])
        certs = {digest: cert for _, result in seen.hosts for digest, cert in result.certs.items()}
        worth_a_retry = retry.of_route(route) or any(result.worth_a_retry for _, result in seen.hosts)
        sts, tlsrpt = (seen.policy.sts, seen.policy.tlsrpt) if seen.policy else (None, None)
        if self._settings.sts and destination.kind is Kind.DOMAIN:
            by_key = {report.key: report for report in reports}
            view = STSView(destination.host, route, verdicts, found, by_key, certs)
            verdicts, found = with_sts(view, sts, tlsrpt, shared)
            certs |= seen.policy.certs if seen.policy else {}
            worth_a_retry = worth_a_retry or (sts is not None and worth_retry(sts))
        info = _target_info(seen.target)
        record = DomainRecord(destination.key, info, route, verdicts, found, seen.began, sts=sts, tlsrpt=tlsrpt)
        await slices.turn(destination.key)
        return DomainResult(record, reports, certs, retry=worth_a_retry)

    async def _judge_host(
        self, seen: DomainObservation, hop: RouteHost, result: HostResult, slices: Slices
    ) -> HostVerdict:
        """Return the verdict of a host; an exception in this method gets a note with the name of the host."""
        try:
            await result.complete(slices)
            domain = (self._settings.level, seen.target.destination.host, seen.route, hop)
            key = result.verdicts.key(*domain)
            found = result.verdicts.get(key)
            if found is None:
                view = judgement.view_of(*domain, result.report)
                found = await _judged_addresses(hop, view, result, slices)
                result.verdicts.keep(key, found)
        except Exception as error:
            _name_host(error, hop.host)
            raise
        return found

    def _unexamined(self, seen: DomainObservation) -> Iterator[HostVerdict]:
        """Yield the verdicts of the hosts on the route that were not examined."""
        for place, hop in enumerate(seen.route.hosts[len(seen.hosts) :], len(seen.hosts)):
            if place >= self._settings.hosts:
                yield rollup.unexamined(hop, Reason.HOST_LIMIT)
            else:
                yield rollup.unexamined(hop, None if self._settings.first_answer else Reason.ADDRESS_LIMIT)


async def _judged_addresses(hop: RouteHost, view: verdict.View, result: HostResult, slices: Slices) -> HostVerdict:
    """Judge a host, one address after the other, as ``judgement.judge_host`` does."""
    endpoints = []
    for each in result.report.endpoints:
        endpoints.append(verdict.judge(view, each, result.certs))
        await slices.turn(hop.host)
    return rollup.judge_host(hop.preference, view, result.report, endpoints)


def has_policy(destination: Destination, route: Route) -> bool:
    """Return whether the MTA-STS policy of a destination is examined: the destination is a domain that accepts mail.

    An MTA-STS policy belongs to a domain, not to a mail host that a destination names (RFC 8461 section 3.4).
    """
    return destination.kind is Kind.DOMAIN and route.final not in rollup.NO_MAIL


def _octets(result: HostResult) -> int:
    return result.octets


def _name_host(error: Exception, host: str) -> None:
    """Add the MX host to the notes of an internal error, only once, because all domains of a host share the error."""
    cause, note = root_cause(error), f"MX host {host}"
    if note not in getattr(cause, "__notes__", ()):
        cause.add_note(note)


def _target_info(target: Target) -> TargetInfo:
    return TargetInfo(target.raw, target.source, target.line, target.rank, dict(target.fields))


def _internal_record(seen: DomainObservation, level: Level, error: Exception) -> DomainRecord:
    """Return the record of a domain whose examination raised an internal error, with the place in the code as text."""
    cause = root_cause(error)
    frames = traceback.extract_tb(cause.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    named = "".join(f"{note}: " for note in getattr(cause, "__notes__", ()))
    unknown = DomainVerdict(
        outcome=DomainOutcome.INCONCLUSIVE,
        sender=Sender.UNKNOWN,
        dane=DomainDane.UNKNOWN,
        starttls=DomainStartTLS.UNKNOWN,
        level=level,
        reasons=(Reason.INTERNAL,),
        text=f"{named}{type(cause).__name__}: {str(cause)[:TEXT_LIMIT]}{place}",
    )
    return DomainRecord(seen.target.destination.key, _target_info(seen.target), _NO_ROUTE, (), unknown, seen.began)
