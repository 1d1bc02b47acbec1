"""The list of failing MX hosts, each host once, with the cause, remedy, contact, affected domains and history.

Broken hosts and hosts that do not answer precede inconclusive hosts in the list. Among the hosts that are broken or do
not answer, and among the inconclusive hosts, the hosts are sorted by the number of affected domains, the largest first,
and then by the column ``importance`` of the target list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from results.count.columns import Share
from results.count.failing import FailingHost
from results.explain.case import HostCase
from results.explain.cause import Explanation, explain
from results.explain.evidence import evidence_of
from results.explain.history import EarlierRun, earlier_runs, failing_since
from results.explain.sightings import sightings
from results.explain.tlsa_cause import SeenCertificate
from results.store.by_key import certs_of, find
from results.store.reader import Run
from scanner.core.providers import provider_of
from scanner.model import HostReport
from scanner.vocabulary import Dane

LIMIT = 1000  # maximum number of explained hosts; memory contains the report of each of these hosts


@dataclass(frozen=True, slots=True)
class Task:
    """A failing MX host with the explanation of the failure.

    ``domains`` is the number of affected domains, ``examples`` names some affected domains. ``since`` is the start time
    of the earlier run in which the failure began: the host failed in this run and in every later run that contains the
    host. ``since`` is None if the failure is new. ``new`` is true if earlier runs were given and ``since`` is None.
    ``contact`` is the postmaster address that RFC 5321 section 4.5.1 requires. ``down`` is true if no address of the
    host accepts a connection. ``shares`` contains the number of affected domains and some of their names for each value
    of a column of the target list. ``evidence`` contains lines of text about the TLSA records, replies and certificates
    of the host.
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
    down: bool = False
    shares: tuple[Share, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def urgent(self) -> bool:
        """True if the host is broken or does not answer, false if the verdict of the host is inconclusive."""
        return self.conclusive or self.down


def worklist(
    run: Run,
    failing: Sequence[FailingHost],
    history: Sequence[Run],
    top: int = LIMIT,
    past: Sequence[EarlierRun] | None = None,
) -> tuple[Task, ...]:
    """Return the failing MX hosts with the explanations of their failures.

    Args:
        run: the run.
        failing: the failing hosts in the summary of the run.
        history: earlier runs, which are searched for the start of each failure and for certificates that match the
            TLSA records.
        top: maximum number of returned hosts, at most ``LIMIT``.
        past: the MX hosts and the failing MX hosts of each earlier run; None to read these hosts from ``history``.

    Raises:
        StoreError: a file of a run cannot be read.
    """
    ranked = sorted(
        failing, key=lambda host: (not (host.conclusive or host.down), -host.domains, -host.importance, host.host)
    )
    chosen = ranked[: min(top, LIMIT)]
    reports = find(run, "hosts", HostReport, [host.report for host in chosen if host.report is not None])
    certs = certs_of(run, reports.values())
    cases = {
        host.host: HostCase(host.host, host.dane, host.reasons, reports.get(host.report or ""), certs)
        for host in chosen
    }
    wanted = {name: case.records_data for name, case in cases.items() if case.dane in (Dane.MISMATCH, Dane.UNUSABLE)}
    seen = sightings(run, history, {name: data for name, data in wanted.items() if data})
    past = earlier_runs(history) if past is None else past
    return tuple(_task(host, cases[host.host], seen.get(host.host, {}), past) for host in chosen)


def _task(host: FailingHost, case: HostCase, seen: Mapping[str, SeenCertificate], past: Sequence[EarlierRun]) -> Task:
    case = HostCase(case.host, case.dane, case.reasons, case.report, case.certs, seen, host.text)
    since = failing_since(host.host, past)
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
        down=host.down,
        shares=host.shares,
        evidence=evidence_of(case.report, case.certs or {}),
    )


def _mail_domain(host: str) -> str:
    """Return the domain of a host's postmaster address.

    For a host without a name, return an address literal (RFC 5321 section 4.1.3).
    """
    name = provider_of(host)
    if ":" in name:
        return f"[IPv6:{name}]"
    return f"[{name}]" if name.rpartition(".")[2].isdigit() else name
