"""The whole story of one domain, top to bottom: route it, examine its hosts, judge, tell.

Hosts are examined once each, however many domains share them (``once``); how a host is examined is ``hosts``'
business, how it is judged ``core``'s.
"""

import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from scanner.core import judgement, retry, rollup, route, verdict
from scanner.facts import CertFacts
from scanner.model import DomainRecord, DomainVerdict, HostReport, HostVerdict, Route, RouteHost, TargetInfo
from scanner.reasons import Reason
from scanner.run.hosts import HostExaminer, HostFinding, HostKey
from scanner.run.once import Once, gather, origin
from scanner.run.tools import Tools, now
from scanner.vocabulary import DomainDane, DomainOutcome, DomainStartTLS, Level, Sender
from targets.destination import Destination, Kind
from targets.lists import Target


@dataclass(frozen=True, slots=True)
class Finding:
    """A domain's record with the host reports and certificates that it refers to.

    ``again`` when another pass might tell more; ``before`` is what an earlier pass said.
    """

    record: DomainRecord
    reports: tuple[HostReport, ...] = ()
    certs: dict[str, CertFacts] | None = None
    again: bool = False
    before: DomainVerdict | None = None


Shelf = Callable[[str], tuple[HostReport, dict[str, CertFacts]] | None]
"""Finds the report of a host that was written, by its key, with its certificates by SHA-256."""


class Examiner:
    """Examines domains; shares hosts and endpoints among them.

    Findings that are remembered no more are looked for on the ``shelf``, if there is one.
    """

    def __init__(self, tools: Tools, shelf: Shelf | None = None) -> None:
        self._tools = tools
        self._settings = tools.settings
        self._hosts = HostExaminer(tools)
        self._shelf = shelf
        self._before: dict[str, HostReport] = {}  # what the pass before said of the hosts of this one
        self._pass_began: datetime | None = None  # a later pass, that is
        self._findings: Once[HostKey, HostFinding] = Once(shelf=self._shelved)

    def next_pass(self) -> None:
        """Examine hosts again of which another pass might tell more."""
        self._hosts.next_pass()
        forgotten = self._findings.forget(lambda finding: retry.of_host(finding.report))
        self._before = {finding.report.key: finding.report for finding in forgotten}
        self._pass_began = now()

    async def domain(self, target: Target) -> Finding:
        """Examine and judge one target. A bug of ours becomes a record that says so; the scan goes on."""
        try:
            return await self._domain(target)
        except Exception as error:  # noqa: BLE001 - the one place where our own bugs are caught, counted and told
            return Finding(_internal(target, self._settings.level, error))

    async def _domain(self, target: Target) -> Finding:
        destination = target.destination
        way = await self._route(destination)
        found = await self._examine(destination, way)
        left_alone = way.hosts[len(found) :]
        verdicts = (
            *(self._judge(destination, way, hop, finding) for hop, finding in found),
            *map(rollup.unexamined, left_alone),
        )
        certs = {digest: cert for _, finding in found for digest, cert in finding.certs.items()}
        record = DomainRecord(
            key=destination.key,
            target=_info(target),
            route=way,
            hosts=verdicts,
            verdict=rollup.judge_domain(self._settings.level, way, verdicts),
            observed_at=now(),
        )
        reports = tuple(finding.report for _, finding in found)
        return Finding(record, reports, certs, again=retry.of_route(way) or any(map(retry.of_host, reports)))

    async def _route(self, destination: Destination) -> Route:
        if destination.kind is not Kind.DOMAIN:
            return route.direct(destination.host)
        return route.from_mx(destination.host, await self._tools.lookup(destination.host, "MX"))

    async def _examine(self, destination: Destination, way: Route) -> list[tuple[RouteHost, HostFinding]]:
        """All hosts at once, each by whoever asks first; or one by one up to the first that answers."""
        keys = [HostKey(hop.host, destination.port, self._settings.mode) for hop in way.hosts]
        if not self._settings.first_answer:
            return list(zip(way.hosts, await gather(keys, self._host), strict=True))
        found: list[tuple[RouteHost, HostFinding]] = []
        for hop, key in zip(way.hosts, keys, strict=True):
            found.append((hop, await self._host(key)))
            if any(verdict.accepted_tcp(each) for each in found[-1][1].report.endpoints):
                break
        return found

    async def _host(self, key: HostKey) -> HostFinding:
        spared = True

        def begin() -> Awaitable[HostFinding]:
            nonlocal spared
            spared = False
            return self._anew(key)

        finding = await self._findings.get(key, begin)
        if spared:  # every probe of the host, that is
            self._tools.stats.endpoints_shared += len(finding.report.endpoints)
        return finding

    async def _anew(self, key: HostKey) -> HostFinding:
        finding = await self._hosts.examine(key)
        before = self._before.pop(str(key), None)
        return finding if before is None else replace(finding, report=retry.with_earlier(finding.report, before))

    def _shelved(self, key: HostKey) -> HostFinding | None:
        found = self._shelf(str(key)) if self._shelf is not None else None
        if found is None:
            return None
        report = found[0]
        if self._pass_began is not None and report.observed_at < self._pass_began and retry.of_host(report):
            self._before[report.key] = report
            return None
        return HostFinding(*found)

    def _judge(self, destination: Destination, way: Route, hop: RouteHost, finding: HostFinding) -> HostVerdict:
        return judgement.judge_host(self._settings.level, destination.host, way, hop, finding.report, finding.certs)


def _info(target: Target) -> TargetInfo:
    return TargetInfo(target.raw, target.source, target.line, target.rank, dict(target.fields))


def _internal(target: Target, level: Level, error: Exception) -> DomainRecord:
    cause = origin(error)
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
    return DomainRecord(target.destination.key, _info(target), Route(()), (), verdict_, now())
