"""The whole story of one domain, top to bottom: route it, examine its hosts, judge, tell.

Hosts are examined once each, however many domains share them (``once``); how a host is examined is ``hosts``'
business, how it is judged ``core``'s. Seeing waits for the network, judging waits for nothing: so the one who writes
may judge many domains in a row, which takes two thirds of the time that it takes here and there between probes.
"""

import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scanner.core import judgement, retry, rollup, route, verdict
from scanner.facts import CertFacts
from scanner.model import DomainRecord, DomainVerdict, HostReport, HostVerdict, Route, RouteHost, TargetInfo
from scanner.net.error_groups import root_cause
from scanner.net.single_flight import SingleFlight, gather
from scanner.reasons import Reason
from scanner.run.hosts import HostExaminer, HostKey, HostResult
from scanner.run.ports import Ports, now
from scanner.vocabulary import DomainDane, DomainOutcome, DomainStartTLS, Level, Sender
from targets.destination import Destination, Kind
from targets.lists import Target

_NOWHERE = Route(())


@dataclass(frozen=True, slots=True)
class DomainObservation:
    """What was seen on the way that a target's mail takes, or the bug of ours that kept us from it."""

    target: Target
    began: datetime
    way: Route = _NOWHERE
    hosts: Sequence[tuple[RouteHost, HostResult]] = ()
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class DomainResult:
    """A domain's record with the host reports and certificates that it refers to.

    ``again`` when another pass might tell more.
    """

    record: DomainRecord
    reports: tuple[HostReport, ...] = ()
    certs: dict[str, CertFacts] | None = None
    again: bool = False


Shelf = Callable[[str], tuple[HostReport, dict[str, CertFacts]] | None]
"""Finds the report of a host that was written, by its key, with its certificates by SHA-256."""


class Examiner:
    """Examines domains; shares hosts and endpoints among them.

    Findings that are remembered no more are looked for on the ``shelf``, if there is one.
    """

    def __init__(self, tools: Ports, shelf: Shelf | None = None) -> None:
        self._tools = tools
        self._settings = tools.settings
        self._hosts = HostExaminer(tools)
        self._shelf = shelf
        self._before: dict[str, HostReport] = {}  # what the pass before said of the hosts of this one
        self._pass_began: datetime | None = None  # a later pass, that is
        self._findings: SingleFlight[HostKey, HostResult] = SingleFlight(load=self._shelved)

    def next_pass(self) -> None:
        """Examine hosts again of which another pass might tell more."""
        self._hosts.next_pass()
        forgotten = self._findings.forget(lambda finding: finding.drawn and retry.of_host(finding.report))
        self._before = {finding.report.key: finding.report for finding in forgotten}
        self._pass_began = now()

    async def domain(self, target: Target) -> DomainResult:
        """Examine and judge one target."""
        return self.judge(await self.see(target))

    async def see(self, target: Target) -> DomainObservation:
        """Examine one target. A bug of ours becomes a record that says so; the scan goes on."""
        began = now()
        try:
            way = await self._route(target.destination)
            return DomainObservation(target, began, way, await self._examine(target.destination, way))
        except Exception as error:  # noqa: BLE001 - our own bugs are caught, counted and told, here and in judge
            return DomainObservation(target, began, error=error)

    def judge(self, seen: DomainObservation) -> DomainResult:
        """Judge what was seen of a target; a bug of ours becomes a record here too."""
        if seen.error is not None:
            return DomainResult(_internal(seen, self._settings.level, seen.error))
        try:
            return self._judged(seen)
        except Exception as error:  # noqa: BLE001 - see above
            return DomainResult(_internal(seen, self._settings.level, error))

    def _judged(self, seen: DomainObservation) -> DomainResult:
        destination, way = seen.target.destination, seen.way
        verdicts = (
            *[self._judge(destination, way, hop, finding) for hop, finding in seen.hosts],
            *map(rollup.unexamined, way.hosts[len(seen.hosts) :]),
        )
        record = DomainRecord(
            key=destination.key,
            target=_info(seen.target),
            route=way,
            hosts=verdicts,
            verdict=rollup.judge_domain(self._settings.level, way, verdicts),
            observed_at=seen.began,
        )
        reports = tuple([finding.report for _, finding in seen.hosts])
        certs = {digest: cert for _, finding in seen.hosts for digest, cert in finding.certs.items()}
        return DomainResult(record, reports, certs, again=retry.of_route(way) or any(map(retry.of_host, reports)))

    async def _route(self, destination: Destination) -> Route:
        if destination.kind is not Kind.DOMAIN:
            return route.direct(destination.host)
        return route.from_mx(destination.host, await self._tools.lookup(destination.host, "MX"))

    async def _examine(self, destination: Destination, way: Route) -> list[tuple[RouteHost, HostResult]]:
        """All hosts at once, each by whoever asks first; or one by one up to the first that answers."""
        keys = [HostKey(hop.host, destination.port, self._settings.mode) for hop in way.hosts]
        if not self._settings.first_answer:
            return list(zip(way.hosts, await gather(keys, self._host), strict=True))
        found: list[tuple[RouteHost, HostResult]] = []
        for hop, key in zip(way.hosts, keys, strict=True):
            found.append((hop, await self._host(key)))
            if any(map(verdict.accepted_tcp, found[-1][1].seen)):
                break
        return found

    async def _host(self, key: HostKey) -> HostResult:
        spared = True

        def begin() -> Awaitable[HostResult]:
            nonlocal spared
            spared = False
            return self._anew(key)

        finding = await self._findings.get(key, begin)
        if spared:  # every probe of the host, that is
            self._tools.stats.endpoints_shared += len(finding.seen)
        return finding

    async def _anew(self, key: HostKey) -> HostResult:
        finding = await self._hosts.examine(key)
        before = self._before.pop(str(key), None)
        if before is None:
            return finding
        return HostResult.known(retry.with_earlier(finding.report, before), finding.certs)

    def _shelved(self, key: HostKey) -> HostResult | None:
        found = self._shelf(str(key)) if self._shelf is not None else None
        if found is None:
            return None
        report = found[0]
        if self._pass_began is not None and report.observed_at < self._pass_began and retry.of_host(report):
            self._before[report.key] = report
            return None
        return HostResult.known(*found)

    def _judge(self, destination: Destination, way: Route, hop: RouteHost, finding: HostResult) -> HostVerdict:
        return judgement.judge_host(self._settings.level, destination.host, way, hop, finding.report, finding.certs)


def _info(target: Target) -> TargetInfo:
    return TargetInfo(target.raw, target.source, target.line, target.rank, dict(target.fields))


def _internal(seen: DomainObservation, level: Level, error: Exception) -> DomainRecord:
    cause = root_cause(error)
    frames = traceback.extract_tb(cause.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    verdict_ = DomainVerdict(
        outcome=DomainOutcome.INCONCLUSIVE,
        sender=Sender.UNKNOWN,
        dane=DomainDane.UNKNOWN,
        starttls=DomainStartTLS.UNKNOWN,
        level=level,
        reasons=(Reason.INTERNAL,),
        text=f"{type(cause).__name__}: {cause}{where}",
    )
    return DomainRecord(seen.target.destination.key, _info(seen.target), _NOWHERE, (), verdict_, seen.began)
