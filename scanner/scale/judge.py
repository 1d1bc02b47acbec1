"""The judgement of one group of domains (see ``scanner.scale.grouping``) from stored records, without network."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import trio

from results.store import codec
from results.store.by_key import Lookup
from results.store.reader import lines_path
from results.store.writer import CERTS_HELD, digests_of
from scanner.facts import Answer, CertFacts, Endpoint
from scanner.model import DomainRecord, HostReport
from scanner.net.probe import ProbeResult
from scanner.run.examine import DomainObservation, Examiner, has_policy
from scanner.run.host_result import ReportAndCerts
from scanner.run.ports import Ports
from scanner.run.slices import Slices
from scanner.scale.grouping import RECORDS, ROUTES
from scanner.scale.places import PlacedLines
from scanner.scale.plan_files import AddressLine, PlanPlace, RouteLine, read_lines, whole_file
from scanner.scale.planned_lookup import PlannedLookup, Question, no_lookup
from scanner.scale.policy_stage import PolicyLine
from scanner.settings import Settings
from targets.lists import Target

TURN = 64
"""Number of judged domains after which other tasks run, such as the task that checks for a request to end the scan."""


async def no_probe(endpoint: Endpoint, host: str) -> ProbeResult:
    """Raise a ``RuntimeError`` for every probe, because all hosts have been examined."""
    raise RuntimeError(f"no report of {host} for {endpoint.address}")


class JudgedGroup:
    """The domain records of one group of domains (see ``scanner.scale.grouping``), made from stored records.

    Args:
        place: the directory of the plan.
        group: number of the group.
        addresses: number of files with addresses of MX hosts.
        settings: settings of the scan.

    Raises:
        StoreError: a file cannot be read.
    """

    def __init__(self, place: PlanPlace, group: int, addresses: int, settings: Settings) -> None:
        self._path = place.file("judged", group)
        self._routes = {line.key: line for line in read_lines(place.file(ROUTES, group), RouteLine)}
        self._addresses = _wide_answers(place, addresses, list(self._routes.values()), settings)
        self._hosts = PlacedLines(lines_path(place.run, "hosts"), place.places("hosts"), HostReport)
        self._policies = Lookup(place.file(RECORDS, group), PolicyLine) if settings.sts else None
        self._certs = PlacedLines(lines_path(place.run, "certs"), place.places("certs"), CertFacts, CERTS_HELD)

    async def write(self, targets: Iterator[Target], ports: Ports, conditions: Sequence[tuple[str, str]]) -> int:
        """Judge the targets, write their records, and return the number of records that meet a condition.

        Args:
            targets: the targets of the group; a target without a stored route is out of scope and is not judged.
            ports: settings, trusted roots and counters; neither lookups nor probes are made.
            conditions: pairs of a field of the verdict and a value, from ``--fail-on``.

        Raises:
            StoreError: the file cannot be written.
        """
        mx = {(line.mx.name.lower(), "MX"): line.mx for line in self._routes.values() if line.mx is not None}
        lookup = PlannedLookup(mx | self._addresses, no_lookup)
        examiner = Examiner(replace(ports, lookup=lookup, probe=no_probe), self._load)
        matched = 0
        with whole_file(self._path) as file:
            for number, target in enumerate(targets):
                line = self._routes.get(target.destination.key)
                if line is not None:
                    record, octets = await _judged(examiner, await _seen(examiner, target, line, self._policies))
                    file.write(octets)
                    ports.stats.domain(record)
                    matched += any(getattr(record.verdict, field) == value for field, value in conditions)
                if not number % TURN:
                    await trio.lowlevel.checkpoint()
        return matched

    def _load(self, key: str) -> ReportAndCerts | None:
        report = self._hosts.get(key)
        if report is None:
            return None
        found = {digest: self._certs.get(digest) for digest in digests_of(report)}
        return report, {digest: cert for digest, cert in found.items() if cert is not None}


def _wide_answers(
    place: PlanPlace, addresses: int, routes: Sequence[RouteLine], settings: Settings
) -> dict[Question, Answer]:
    """Return the A and AAAA answers of the MX hosts of each domain that may exceed ``--domain-addresses``."""
    limit, per_host = settings.domain_addresses, settings.addresses
    wide = [line for line in routes if per_host is None or len(line.hosts) * per_host > limit]
    hosts = {host for line in wide for host, _ in line.hosts}
    found: dict[Question, Answer] = {}
    for bucket in range(addresses if hosts else 0):
        for line in read_lines(place.file("addresses", bucket), AddressLine):
            if line.host in hosts:
                found |= {(line.host.lower(), a.rtype): a for a in (line.a, line.aaaa) if a is not None}
    return found


async def _seen(
    examiner: Examiner, target: Target, line: RouteLine, policies: Lookup[PolicyLine] | None
) -> DomainObservation:
    """Return the observation of a target; an internal error in an earlier stage becomes part of the observation."""
    if line.error:
        return DomainObservation(target, line.observed_at, error=RuntimeError(line.error))
    seen = await examiner.observe(target, line.observed_at)
    if policies is None or seen.error is not None or not has_policy(target.destination, seen.route):
        return seen
    known = policies.get(target.destination.key)
    if known is None or known.is_open:
        return replace(seen, error=RuntimeError("the MTA-STS policy was not examined"))
    return replace(seen, policy=known.result)


async def _judged(examiner: Examiner, seen: DomainObservation) -> tuple[DomainRecord, bytes]:
    """Return the record of a target and its JSON line; an internal error's record if it cannot be encoded."""
    result = await examiner.judge(seen, Slices())
    try:
        return result.record, codec.encode(result.record)
    except codec.CodecError as error:
        record = examiner.unjudged(seen, error).record
        return record, codec.encode(record)
