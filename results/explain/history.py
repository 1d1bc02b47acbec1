"""The history of an MX host: the start of its failure, derived from earlier runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from results.count.domains import Domains
from results.store.partial import DomainPart, lines
from results.store.reader import Run


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """The hosts and the failing hosts of an earlier run."""

    started: datetime
    hosts: frozenset[str]
    failed: frozenset[str]


def earlier_runs(history: Iterable[Run]) -> list[EarlierRun]:
    """Return the hosts of earlier runs, the newest run first.

    Raises:
        StoreError: a file of a run cannot be read.
    """
    return [_earlier(run) for run in sorted(history, key=lambda run: run.header.started, reverse=True)]


def failing_since(host: str, past: Sequence[EarlierRun]) -> datetime | None:
    """Return the time since which a host has failed.

    Args:
        host: the key of the host.
        past: the earlier runs, the newest first. Runs without the host are ignored.

    Returns:
        The start time of the earliest run since which the host failed in every run; None if the host did not fail in
        the latest run that contains it.
    """
    since = None
    for run in past:
        if host in run.failed:
            since = run.started
        elif host in run.hosts:
            break
    return since


def _earlier(run: Run) -> EarlierRun:
    domains = Domains({}, set())
    for line in lines(run, "domains", DomainPart):
        domains.add(line)
    domains.settle()
    return EarlierRun(run.header.started, frozenset(domains.masks), frozenset(host.host for host in domains.failing()))
