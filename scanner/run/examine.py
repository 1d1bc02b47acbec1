"""The examination of one domain: find its route, examine the hosts on it, and judge what was observed.

Observation waits for the network; judgement does not wait. The writer judges many domains in a row, which takes two
thirds of the time that it takes between probes. Each host is examined once, however many domains have it; ``hosts``
examines a host, and ``core`` judges it.
"""

import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scanner.core import judgement, retry, rollup, verdict
from scanner.facts import CertFacts
from scanner.model import DomainRecord, DomainVerdict, HostReport, Route, RouteHost, TargetInfo
from scanner.net.error_groups import root_cause
from scanner.net.single_flight import SingleFlight, gather
from scanner.reasons import Reason
from scanner.run.host_result import HostKey, HostResult, ReportAndCerts
from scanner.run.hosts import HostExaminer
from scanner.run.ports import Ports, now
from scanner.run.routing import find_route, host_keys
from scanner.vocabulary import DomainDane, DomainOutcome, DomainStartTLS, Level, Sender
from targets.destination import Destination
from targets.lists import Target

_NO_ROUTE = Route(())


@dataclass(frozen=True, slots=True)
class DomainObservation:
    """The route of a target and the results of the hosts on it, or the bug of ours that prevented the observation."""

    target: Target
    began: datetime
    route: Route = _NO_ROUTE
    hosts: Sequence[tuple[RouteHost, HostResult]] = ()
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class DomainResult:
    """A domain's record with the host reports and certificates that it refers to.

    ``retry`` is true if another pass might give a better result.
    """

    record: DomainRecord
    reports: tuple[HostReport, ...] = ()
    certs: dict[str, CertFacts] | None = None
    retry: bool = False


LoadHost = Callable[[str], ReportAndCerts | None]
"""Returns the stored report of a host by its key, with its certificates by SHA-256, or None."""


class Examiner:
    """Examines domains, which share hosts and endpoints.

    Args:
        ports: the lookups, probes and settings.
        load: returns reports of hosts that were stored earlier and are not in memory.
    """

    def __init__(self, ports: Ports, load: LoadHost | None = None) -> None:
        self._ports = ports
        self._settings = ports.settings
        self._load = load
        self._host_examiner = HostExaminer(ports)
        self._hosts: SingleFlight[HostKey, HostResult] = SingleFlight(load=self._loaded)
        self._earlier: dict[str, HostReport] = {}  # reports of the pass before, of hosts that this pass examines again
        self._pass_began: datetime | None = None  # None in the first pass

    async def examine(self, target: Target) -> DomainResult:
        """Examine and judge one target."""
        return self.judge(await self.observe(target))

    async def observe(self, target: Target) -> DomainObservation:
        """Find the route of a target and examine its hosts. A bug of ours becomes part of the observation."""
        began = now()
        try:
            route = await find_route(target.destination, self._ports.lookup)
            return DomainObservation(target, began, route, await self._examine_hosts(target.destination, route))
        except Exception as error:  # noqa: BLE001 - bugs of ours are recorded and counted; the scan goes on
            return DomainObservation(target, began, error=error)

    def judge(self, seen: DomainObservation) -> DomainResult:
        """Judge an observation. A bug of ours becomes the record of the domain."""
        if seen.error is not None:
            return DomainResult(_internal_record(seen, self._settings.level, seen.error))
        try:
            return self._judge(seen)
        except Exception as error:  # noqa: BLE001 - the same
            return DomainResult(_internal_record(seen, self._settings.level, error))

    def next_pass(self) -> None:
        """Begin a retry pass: hosts and endpoints that are worth a retry are examined again."""
        self._host_examiner.next_pass()
        forgotten = self._hosts.forget(lambda result: result.has_report and retry.of_host(result.report))
        self._earlier = {result.report.key: result.report for result in forgotten}
        self._pass_began = now()

    # --- observation ------------------------------------------------------------------------------------------

    async def _examine_hosts(self, destination: Destination, route: Route) -> list[tuple[RouteHost, HostResult]]:
        """Examine all hosts concurrently, or in their order up to the first that accepts a connection."""
        keys = host_keys(route, destination, self._settings.mode)
        if not self._settings.first_answer:
            return list(zip(route.hosts, await gather(keys, self._host), strict=True))
        examined: list[tuple[RouteHost, HostResult]] = []
        for route_host, key in zip(route.hosts, keys, strict=True):
            examined.append((route_host, await self._host(key)))
            if any(map(verdict.accepted_tcp, examined[-1][1].endpoints)):
                break
        return examined

    async def _host(self, key: HostKey) -> HostResult:
        """Return the result of a host, which is examined for the first domain that has it."""
        shared = True

        def begin() -> Awaitable[HostResult]:
            nonlocal shared
            shared = False
            return self._examine_host(key)

        result = await self._hosts.get(key, begin)
        if shared:
            self._ports.stats.endpoints_shared += len(result.endpoints)
        return result

    async def _examine_host(self, key: HostKey) -> HostResult:
        result = await self._host_examiner.examine(key)
        earlier = self._earlier.pop(str(key), None)
        if earlier is None:
            return result
        return HostResult.of_report(retry.with_earlier(result.report, earlier), result.certs)

    def _loaded(self, key: HostKey) -> HostResult | None:
        """Return the result of a stored report, unless the host is to be examined again in this pass."""
        stored = self._load(str(key)) if self._load is not None else None
        if stored is None:
            return None
        report = stored[0]
        if self._pass_began is not None and report.observed_at < self._pass_began and retry.of_host(report):
            self._earlier[report.key] = report
            return None
        return HostResult.of_report(*stored)

    # --- judgement --------------------------------------------------------------------------------------------

    def _judge(self, seen: DomainObservation) -> DomainResult:
        destination, route, level = seen.target.destination, seen.route, self._settings.level
        judged = [
            judgement.judge_host(level, destination.host, route, route_host, result.report, result.certs)
            for route_host, result in seen.hosts
        ]
        verdicts = (*judged, *map(rollup.unexamined, route.hosts[len(seen.hosts) :]))
        record = DomainRecord(
            key=destination.key,
            target=_target_info(seen.target),
            route=route,
            hosts=verdicts,
            verdict=rollup.judge_domain(level, route, verdicts),
            observed_at=seen.began,
        )
        reports = tuple([result.report for _, result in seen.hosts])
        certs = {digest: cert for _, result in seen.hosts for digest, cert in result.certs.items()}
        worth_a_retry = retry.of_route(route) or any(map(retry.of_host, reports))
        return DomainResult(record, reports, certs, retry=worth_a_retry)


def _target_info(target: Target) -> TargetInfo:
    return TargetInfo(target.raw, target.source, target.line, target.rank, dict(target.fields))


def _internal_record(seen: DomainObservation, level: Level, error: Exception) -> DomainRecord:
    """Return the record of a domain whose examination failed by a bug of ours; its text names the place."""
    cause = root_cause(error)
    frames = traceback.extract_tb(cause.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    unknown = DomainVerdict(
        outcome=DomainOutcome.INCONCLUSIVE,
        sender=Sender.UNKNOWN,
        dane=DomainDane.UNKNOWN,
        starttls=DomainStartTLS.UNKNOWN,
        level=level,
        reasons=(Reason.INTERNAL,),
        text=f"{type(cause).__name__}: {cause}{place}",
    )
    return DomainRecord(seen.target.destination.key, _target_info(seen.target), _NO_ROUTE, (), unknown, seen.began)
