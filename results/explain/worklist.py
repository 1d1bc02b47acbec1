"""Whom to write to, about what: each MX host that fails, once, with the domains that suffer from it.

Hosts that were proved to fail come first, those that concern most domains before others; hosts of which nothing
could be told stand after them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from results.count.domains import Domains
from results.count.failing import FailingHost
from results.explain.cause import Case, Explanation, explain
from results.explain.sightings import sightings
from results.explain.tlsa_cause import SeenCertificate
from results.store.by_key import certs_of, find
from results.store.partial import DomainPart, lines
from results.store.reader import Run
from scanner.core.providers import provider_of
from scanner.model import HostReport
from scanner.vocabulary import Dane

LIMIT = 1000  # hosts explained: more than anybody writes to, and each costs the memory of its report


@dataclass(frozen=True, slots=True)
class Task:
    """An MX host that fails.

    ``domains`` is how many suffer, ``examples`` some of them. ``since`` is when the earliest run began from which on
    it failed in each run that met it, None without history; ``new`` when no earlier run saw it fail. ``contact`` is
    where RFC 5321 section 4.5.1 has somebody read.
    """

    host: str
    domains: int
    examples: tuple[str, ...]
    dane: str
    conclusive: bool
    reasons: tuple[str, ...]
    explanation: Explanation
    contact: str
    since: datetime | None = None
    new: bool = False


def worklist(run: Run, failing: Sequence[FailingHost], history: Sequence[Run], top: int = LIMIT) -> tuple[Task, ...]:
    """Explain the hosts that fail.

    Args:
        run: the run.
        failing: as the summary has them.
        history: earlier runs, to say since when, and to know certificates that were replaced.
        top: hosts explained, at most ``LIMIT``.

    Raises:
        StoreError: a file of a run cannot be read.
    """
    ranked = sorted(failing, key=lambda host: (not host.conclusive, -host.domains, host.host))
    chosen = ranked[: min(top, LIMIT)]
    reports = find(run, "hosts", HostReport, [host.report for host in chosen if host.report is not None])
    certs = certs_of(run, reports.values())
    cases = {
        host.host: Case(host.host, host.dane, host.reasons, reports.get(host.report or ""), certs) for host in chosen
    }
    wanted = {name: case.records_data for name, case in cases.items() if case.dane in (Dane.MISMATCH, Dane.UNUSABLE)}
    seen = sightings(run, history, {name: data for name, data in wanted.items() if data})
    past = [_failed(one) for one in sorted(history, key=lambda one: one.header.started, reverse=True)]
    return tuple(_task(host, cases[host.host], seen.get(host.host, {}), past) for host in chosen)


@dataclass(frozen=True, slots=True)
class _Past:
    """Hosts that an earlier run met, and those of them that failed."""

    started: datetime
    met: frozenset[str]
    failed: frozenset[str]


def _failed(run: Run) -> _Past:
    domains = Domains({}, set())
    for line in lines(run, "domains", DomainPart):
        domains.add(line)
    domains.settle()
    return _Past(run.header.started, frozenset(domains.masks), frozenset(host.host for host in domains.failing()))


def _task(host: FailingHost, case: Case, seen: Mapping[str, SeenCertificate], past: Sequence[_Past]) -> Task:
    case = Case(case.host, case.dane, case.reasons, case.report, case.certs, seen, host.text)
    since = _since(host.host, past)
    return Task(
        host.host,
        host.domains,
        host.examples,
        host.dane,
        host.conclusive,
        host.reasons,
        explain(case),
        f"postmaster@{_mail_domain(host.host)}",
        since,
        new=bool(past) and since is None,
    )


def _mail_domain(host: str) -> str:
    """Whose postmaster to write to; an address is written as a literal (RFC 5321 section 4.1.3)."""
    name = provider_of(host)
    if ":" in name:
        return f"[IPv6:{name}]"
    return f"[{name}]" if name.rpartition(".")[2].isdigit() else name


def _since(host: str, past: Sequence[_Past]) -> datetime | None:
    """Go back through the runs, newest first, for as long as the host fails; runs that did not meet it say nothing."""
    since = None
    for run in past:
        if host in run.failed:
            since = run.started
        elif host in run.met:
            break
    return since
