"""The history of an MX host: since when it fails, from earlier runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from results.count.domains import Domains
from results.store.partial import DomainPart, lines
from results.store.reader import Run


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """The hosts of an earlier run, and those of them that failed."""

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
    """Return since when a host fails.

    Args:
        host: the host.
        past: the earlier runs, the newest first. Runs without the host are ignored.

    Returns:
        The start of the earliest run from which on the host failed in every run; None if it failed in none.
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
