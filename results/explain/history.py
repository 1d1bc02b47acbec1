"""Search of earlier runs for the start of a failure of an MX host or domain, and for new failures."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from results.count.domains import VERDICTS, Domains, decoded_verdict
from results.count.failing import FailingHost
from results.count.health import Health, domain_health
from results.store.partial import DomainPart, lines
from results.store.reader import Run


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """The MX hosts of an earlier run.

    ``failed`` contains the hosts that failed, including inconclusive hosts; ``broken`` only those with a proved fault.
    """

    started: datetime
    hosts: frozenset[str]
    failed: frozenset[str]
    broken: frozenset[str] = frozenset()


def earlier_runs(history: Iterable[Run]) -> list[EarlierRun]:
    """Return the MX hosts of earlier runs, the newest run first.

    Raises:
        StoreError: a file of a run cannot be read.
    """
    return [_earlier(run) for run in sorted(history, key=lambda run: run.header.started, reverse=True)]


def failing_since(host: str, past: Sequence[EarlierRun]) -> datetime | None:
    """Return the start time of the run since which a host has failed.

    Args:
        host: the name of the host.
        past: the hosts of the earlier runs, the newest run first. Runs without the host are ignored.

    Returns:
        The start time of the first run of the unbroken series of earlier runs in which the host failed. The series ends
        with the newest earlier run that contains the host; None if the host did not fail in that run.
    """
    since = None
    for run in past:
        if host in run.failed:
            since = run.started
        elif host in run.hosts:
            break
    return since


def newly_broken_hosts(failing: Iterable[FailingHost], past: Sequence[EarlierRun]) -> int:
    """Return the number of MX hosts that are broken now and were not broken in their latest conclusive earlier run.

    A host that no earlier run contains is not counted.
    """
    return sum(_was_not_broken(host.host, past) for host in failing if host.broken)


def _was_not_broken(host: str, past: Sequence[EarlierRun]) -> bool:
    known = False
    for run in past:
        if host in run.broken:
            return False
        known = known or host in run.hosts
        if host in run.hosts and host not in run.failed:
            return True
    return known


def newly_broken_domains(run: Run, history: Iterable[Run]) -> int:
    """Return the number of domains that are broken now and were sound in their latest conclusive earlier run.

    A domain with only inconclusive results in earlier runs is also counted. The rule for a newly broken domain is the
    rule of ``mxsweep diff``. The memory needed grows with the number of broken domains.

    Raises:
        StoreError: a file of a run cannot be read.
    """
    open_ = {key for key, health in _healths(run) if health.bad}
    inconclusive: set[str] = set()
    found = 0
    for past in sorted(history, key=lambda one: one.header.started, reverse=True):
        for key, health in _healths(past):
            if key not in open_:
                continue
            if health is Health.UNKNOWN:
                inconclusive.add(key)
                continue
            found += health is Health.SOUND
            open_.discard(key)
            inconclusive.discard(key)
    return found + len(inconclusive)


def _healths(run: Run) -> Iterator[tuple[str, Health]]:
    """Yield the key and health of each domain of a run."""
    known: dict[bytes, Health] = {}
    for line in lines(run, "domains", DomainPart):
        raw = bytes(line.verdict)
        health = known.get(raw)
        if health is None:
            verdict = decoded_verdict(line.verdict)
            health = domain_health(verdict.dane, verdict.outcome, verdict.reasons)
            if len(known) < VERDICTS:
                known[raw] = health
        yield line.key, health


def _earlier(run: Run) -> EarlierRun:
    domains = Domains({}, set())
    for line in lines(run, "domains", DomainPart):
        domains.add(line)
    domains.settle()
    failing = domains.failing()
    failed = frozenset(host.host for host in failing)
    broken = frozenset(host.host for host in failing if host.broken)
    return EarlierRun(run.header.started, frozenset(domains.masks), failed, broken)
