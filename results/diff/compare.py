"""The differences between runs in the list of domains, verdicts, MX records, MTA-STS, certificates and TLSA records.

The compared runs are given in the order of time. A domain of the newest run is compared with all earlier runs that
contain the domain. The old state of a domain is the latest conclusive state of the domain in the earlier runs. A change
between two conclusive states is found even if the domain is inconclusive in a run between the two states. A domain with
an inconclusive state in the newest run is never reported as fixed.

A domain that only the newest run contains is reported as added. A domain that the newest run lacks is reported as
removed if the latest complete earlier run, or a run between that run and the newest run, contains the domain. If the
newest run is not complete, a domain that the newest run lacks is reported as not scanned. Domains that are added to the
list of domains or removed from the list do not appear as changes of verdicts.

Domains and hosts of several runs are joined in temporary files (module ``join``). The memory contains the changes, a
counter for each MX host and the digest of each server certificate of the newest run. The memory needed grows with the
number of hosts and the number of changes, not with the number of domains.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from results.count.base import Count
from results.count.health import Health
from results.count.summary import SOON
from results.diff.groups import ChangeGroup, ChangeKind, Groups, counts_of
from results.diff.hosts import CertificateChange, ExpiringCertificate, HostChanges, HostRollover, TLSAChange
from results.diff.join import bucket_count, joined
from results.diff.policies import PolicyChange, policy_changes
from results.diff.states import DomainRow, DomainState, HostState, domain_rows, host_states, row_class, state_of
from results.diff.verdicts import DomainChange, DomainWords, Transitions, differences, shared
from results.store import codec
from results.store.files import StoreError
from results.store.last_lines import last_places
from results.store.reader import Run, lines_path
from scanner.model import RunHeader
from scanner.vocabulary import DomainDane, RunState

MIN_RUNS = 2
MIN_TURNS = 2  # minimum number of health changes of a flapping domain: a change and its reversal


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A compared run; ``domains`` is the number of domains in the run."""

    path: str
    started: datetime
    level: str
    state: RunState = RunState.COMPLETE
    label: str = ""
    domains: int = 0

    @property
    def complete(self) -> bool:
        """True if the scan of the run is complete."""
        return self.state is RunState.COMPLETE


@dataclass(frozen=True, slots=True)
class ListedDomain:
    """A domain that was added to the list of domains or removed from the list, with the last verdict of the domain."""

    domain: str
    verdict: DomainWords
    health: Health
    group: str = ""


@dataclass(frozen=True, slots=True)
class MXChange:
    """The added and the removed MX records (preference and host) of a domain."""

    domain: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flapping:
    """A domain whose health changed at least twice, with its health in each run that contains the domain."""

    domain: str
    health: tuple[Health, ...]


@dataclass(slots=True)
class Comparison:
    """All differences between the compared runs.

    ``column`` is the column of the target list by whose values the changes are grouped. ``compared`` is the number of
    domains that occur both in the newest run and in an earlier run. ``counts`` contains the number of domains and MX
    hosts of each ``ChangeKind``, and ``groups`` contains the changes by MX host and cause. ``new_unknown`` contains
    domains that were wholly or partly protected and are inconclusive in the newest run. ``unclear`` contains domains
    that were broken and are inconclusive or only inferred to be sound in the newest run. ``absent`` is the number of
    domains with the health ``absent`` in the newest run and in the latest conclusive earlier run. ``changed`` contains
    the domains whose verdict changed and that are in no other member. ``not_scanned`` is the number of domains that the
    newest run lacks because the newest run is incomplete. ``transitions`` counts the changes of verdicts by member of
    the verdict, such as ``dane``, and by the text ``old > new``. ``expiring`` contains hosts whose certificate in the
    newest run has expired or expires soon.
    """

    runs: tuple[RunInfo, ...]
    column: str = ""
    compared: int = 0
    counts: dict[str, Count] = field(default_factory=dict)
    groups: list[ChangeGroup] = field(default_factory=list)
    added: list[ListedDomain] = field(default_factory=list)
    removed: list[ListedDomain] = field(default_factory=list)
    not_scanned: int = 0
    absent: int = 0
    new_broken: list[DomainChange] = field(default_factory=list)
    new_unknown: list[DomainChange] = field(default_factory=list)
    fixed: list[DomainChange] = field(default_factory=list)
    still_broken: list[DomainChange] = field(default_factory=list)
    unclear: list[DomainChange] = field(default_factory=list)
    changed: list[DomainChange] = field(default_factory=list)
    transitions: dict[str, dict[str, int]] = field(default_factory=dict)
    flapping: list[Flapping] = field(default_factory=list)
    mx: list[MXChange] = field(default_factory=list)
    policies: list[PolicyChange] = field(default_factory=list)
    certificates: list[CertificateChange] = field(default_factory=list)
    tlsa: list[TLSAChange] = field(default_factory=list)
    rollovers: list[HostRollover] = field(default_factory=list)
    expiring: list[ExpiringCertificate] = field(default_factory=list)


def compare(runs: Sequence[Run], soon: timedelta = timedelta(SOON), column: str = "") -> Comparison:
    """Compare two or more runs.

    Args:
        runs: at least two runs, in the order of time.
        soon: maximum time from the end of the newest run to the expiry of the listed certificates.
        column: column of the target list by whose values the changes are grouped, such as ``owner``; empty for none.

    Raises:
        ValueError: there are fewer than two runs, or the runs are not in the order of time.
        StoreError: a file of a run cannot be read, or temporary files cannot be written.
    """
    if len(runs) < MIN_RUNS:
        raise ValueError("two runs or more are needed to compare")
    for one, other in pairwise(runs):
        if one.header.started > other.header.started:
            raise ValueError(f"{one.path} is newer than {other.path}: give the older run first")
    domains = _Domains([info(run) for run in runs], column)
    rows = joined(row_class(column), [domain_rows(run, column) for run in runs], _buckets(runs, "domains"))
    for key, found_rows in rows:
        domains.add(key, tuple(_state(run, row, column) for run, row in zip(runs, found_rows, strict=True)))
    hosts = HostChanges(domains.affected)
    for key, seen in joined(HostState, [host_states(run) for run in runs], _buckets(runs, "hosts")):
        hosts.add(seen)
        domains.groups.observe(key, seen)
    result, header = domains.result(), runs[-1].header
    found = hosts.judge(runs, _end(header) + soon)
    result.certificates, result.tlsa = found.certificates, found.tlsa
    result.rollovers, result.expiring = found.rollovers, found.expiring
    return result


def _state(run: Run, row: DomainRow | None, column: str) -> DomainState | None:
    """Return the state of a domain; None if the run does not contain the domain, or its line cannot be decoded."""
    try:
        return None if row is None else state_of(row, column)
    except codec.UNREADABLE as error:
        run.skip("domains", row.key if row else "", error)
        return None


def alone(run: Run) -> Comparison:
    """Return a comparison that contains one run and no differences, because no earlier run exists.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    size = len(last_places(lines_path(run.path, "domains"), None, run.corrupt))
    return Comparison((replace(info(run), domains=size),), counts=counts_of(dict.fromkeys(ChangeKind, 0), ()))


def info(run: Run) -> RunInfo:
    """Return the description of a run, without the number of its domains."""
    header = run.header
    return RunInfo(str(run.path), header.started, str(header.settings.get("level", "")), header.state, header.label)


def _end(header: RunHeader) -> datetime:
    return header.finished or header.started


def _buckets(runs: Sequence[Run], name: str) -> int:
    try:
        paths = (lines_path(run.path, name) for run in runs)
        return bucket_count(path.stat().st_size for path in paths if path.exists())
    except OSError as error:
        raise StoreError(f"{error.filename}: {error.strerror}") from error


class _Domains:
    """Collector of the changes of domains.

    ``affected`` maps the report key of a host to the number of domains that use the host in the newest run.
    """

    def __init__(self, runs: Sequence[RunInfo], column: str) -> None:
        self._runs = runs
        self._found = Comparison((), column)
        self._transitions = Transitions()
        self._sizes = [0] * len(runs)
        complete = [number for number, run in enumerate(runs[:-1]) if run.complete]
        self._listing = complete[-1] if complete else 0  # index of the latest run that contains its whole list
        self.affected: Counter[str] = Counter()
        self.groups = Groups()

    def add(self, key: str, states: tuple[DomainState | None, ...]) -> None:
        for number, state in enumerate(states):
            self._sizes[number] += state is not None
        *earlier, new = states
        known = [state for state in earlier if state is not None]
        if new is not None:
            self.affected.update(host.report for host in new.hosts if host.report is not None)
        if new is not None and known:
            self._compare(known, new)
        elif new is not None:
            self._found.added.append(ListedDomain(key, new.verdict.words, new.health, new.group))
        elif any(earlier[self._listing :]):
            self._missing(key, known[-1])

    def result(self) -> Comparison:
        found = self._found
        found.runs = tuple(replace(run, domains=size) for run, size in zip(self._runs, self._sizes, strict=True))
        for rows in (*_lists(found).values(), found.changed):
            rows.sort(key=lambda row: row.domain)
        for listed in (found.added, found.removed):
            listed.sort(key=lambda row: row.domain)
        found.flapping.sort(key=lambda row: row.domain)
        found.mx.sort(key=lambda row: row.domain)
        found.policies.sort(key=lambda row: row.domain)
        found.transitions = self._transitions.sorted()
        found.groups = self.groups.result()
        found.counts = counts_of({kind: len(rows) for kind, rows in _lists(found).items()}, found.groups)
        return found

    def _missing(self, key: str, last: DomainState) -> None:
        if self._runs[-1].complete:
            self._found.removed.append(ListedDomain(key, last.verdict.words, last.health, last.group))
        else:
            self._found.not_scanned += 1

    def _compare(self, earlier: list[DomainState], new: DomainState) -> None:
        self._found.compared += 1
        self._mx(earlier, new)
        self._policies([*earlier, new])
        same = all(state.verdict is new.verdict and state.hosts is new.hosts for state in earlier)
        if same and new.health is Health.SOUND:  # the usual case: only a host can be broken
            self.groups.add(None, earlier, new, None)
            return
        old = next((state for state in reversed(earlier) if state.health is not Health.UNKNOWN), earlier[-1])
        self._health(earlier, old, new)
        if old.verdict.words is not new.verdict.words:  # equal words are usually one object
            self._transitions.add(old.verdict.words, new.verdict.words)
        health = [state.health for state in (*earlier, new)]
        conclusive = [one.bad for one in health if one is not Health.UNKNOWN]
        if sum(one is not other for one, other in pairwise(conclusive)) >= MIN_TURNS:
            self._found.flapping.append(Flapping(new.key, tuple(health)))

    def _health(self, earlier: list[DomainState], old: DomainState, new: DomainState) -> None:
        kind, since = _kind(earlier[-1], old, new), _since(earlier, new)
        self.groups.add(kind, earlier, new, since)
        if kind is not None:
            cause = old if kind is ChangeKind.FIXED else new
            shown = None if kind in (ChangeKind.FIXED, ChangeKind.NEW_UNKNOWN) else since
            _lists(self._found)[kind].append(_change(old, new, cause, shown))
        elif old.health is new.health is Health.ABSENT:
            self._found.absent += 1
        elif old.verdict is not new.verdict and any(differences(old.verdict.words, new.verdict.words)):
            self._found.changed.append(_change(old, new, new, None))

    def _policies(self, states: list[DomainState]) -> None:
        known = [(state.policy, state.mx) for state in states if state.policy is not None]
        if states[-1].policy is not None and len(known) >= MIN_RUNS:
            policies, mx = zip(*known, strict=True)
            self._found.policies += policy_changes(states[-1].key, policies, mx)

    def _mx(self, earlier: list[DomainState], new: DomainState) -> None:
        known = next((state.mx for state in reversed(earlier) if state.mx is not None), None)
        if known is None or new.mx is None or known == new.mx:
            return
        added = tuple(text for text in new.mx if text not in known)
        removed = tuple(text for text in known if text not in new.mx)
        self._found.mx.append(MXChange(new.key, added, removed))


def _lists(found: Comparison) -> dict[ChangeKind, list[DomainChange]]:
    """Return the lists of changed domains in a comparison, by the kind of change."""
    return {
        ChangeKind.NEW_BROKEN: found.new_broken,
        ChangeKind.NEW_UNKNOWN: found.new_unknown,
        ChangeKind.FIXED: found.fixed,
        ChangeKind.STILL_BROKEN: found.still_broken,
        ChangeKind.UNCLEAR: found.unclear,
    }


def _kind(last: DomainState, old: DomainState, new: DomainState) -> ChangeKind | None:
    """Return the kind of a domain's change.

    Args:
        last: the latest earlier state of the domain.
        old: the latest conclusive earlier state; ``last`` if no earlier state is conclusive.
        new: the state in the newest run.
    """
    was, now = old.health, new.health
    if now.bad and not was.bad:
        return ChangeKind.NEW_BROKEN
    if now.bad:
        return None if was is now is Health.ABSENT else ChangeKind.STILL_BROKEN
    if was.bad:
        return ChangeKind.FIXED if now is Health.SOUND and not _is_unseen(old, new) else ChangeKind.UNCLEAR
    protected = old.verdict.words.dane in (DomainDane.PROTECTED, DomainDane.PARTIAL)
    return ChangeKind.NEW_UNKNOWN if now is Health.UNKNOWN and protected and last is old else None


def _is_unseen(old: DomainState, new: DomainState) -> bool:
    """Return whether a host that was broken was not probed again, so that the end of its fault was not seen."""
    broken = {host.host for host in old.hosts if host.health is Health.BROKEN}
    return any(host.unseen for host in new.hosts if host.host in broken)


def _change(old: DomainState, new: DomainState, cause: DomainState, since: datetime | None) -> DomainChange:
    words, why = (old.verdict.words, new.verdict.words), cause.verdict
    return DomainChange(new.key, *words, shared(why.reasons), shared(why.text), since, shared(new.group))


def _since(earlier: list[DomainState], new: DomainState) -> datetime | None:
    """Return the time at which a domain was first observed as broken after its last sound state; None if never."""
    since = new.at if new.health.bad else None
    for state in reversed(earlier):
        if state.health is Health.SOUND:
            break
        if state.health.bad:
            since = state.at
    return since
