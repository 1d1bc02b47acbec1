"""The differences between runs: the list of domains, verdicts, MX records, certificates and TLSA records.

The runs are given in the order of time. NEW is the last run, and the previous run is the run before NEW. Only domains
that both of these runs list are compared. A domain that only NEW or only the previous run lists is reported as added
or removed; a changed list therefore does not appear as changed verdicts. The OLD state of a domain is its latest
conclusive state before NEW. A time-out in one run therefore hides no change. An inconclusive state never counts as
fixed.

Domains and hosts are joined in temporary files (``join``). Memory contains the changes, a counter for each MX host and
the digest of each server certificate of NEW. It grows with the numbers of hosts and changes, not of domains.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from results.count.summary import SOON
from results.diff.hosts import CertificateChange, ExpiringCertificate, HostChanges, HostRollover, TLSAChange
from results.diff.join import bucket_count, joined
from results.diff.states import DomainHealth, DomainState, HostState, domain_states, host_states
from results.diff.verdicts import DomainChange, DomainWords, Transitions, domain_words, shared
from results.store.files import StoreError
from results.store.reader import Run, lines_path

MIN_RUNS = 2
MIN_TURNS = 2  # minimum number of health changes of a flapping domain: a change and its reversal


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A compared run."""

    path: str
    started: datetime
    level: str


@dataclass(frozen=True, slots=True)
class ListedDomain:
    """A domain that was added to or removed from the list of domains, with its last verdict."""

    domain: str
    verdict: DomainWords
    health: DomainHealth


@dataclass(frozen=True, slots=True)
class MXChange:
    """The added and the removed MX records (preference and host) of a domain."""

    domain: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flapping:
    """A domain whose health changed at least twice, with its health in each run that lists the domain."""

    domain: str
    health: tuple[DomainHealth, ...]


@dataclass(slots=True)
class Comparison:
    """All differences between the compared runs.

    ``compared`` is the number of domains listed both by NEW and by the run before it. ``unclear`` contains domains that
    were broken and are inconclusive in NEW. ``changed`` contains all other domains whose verdict changed.
    ``transitions`` counts the verdict changes by field and ``old > new``. ``expiring`` contains hosts whose certificate
    in NEW has expired or expires soon.
    """

    runs: tuple[RunInfo, ...]
    compared: int = 0
    added: list[ListedDomain] = field(default_factory=list)
    removed: list[ListedDomain] = field(default_factory=list)
    new_broken: list[DomainChange] = field(default_factory=list)
    fixed: list[DomainChange] = field(default_factory=list)
    still_broken: list[DomainChange] = field(default_factory=list)
    unclear: list[DomainChange] = field(default_factory=list)
    changed: list[DomainChange] = field(default_factory=list)
    transitions: dict[str, dict[str, int]] = field(default_factory=dict)
    flapping: list[Flapping] = field(default_factory=list)
    mx: list[MXChange] = field(default_factory=list)
    certificates: list[CertificateChange] = field(default_factory=list)
    tlsa: list[TLSAChange] = field(default_factory=list)
    rollovers: list[HostRollover] = field(default_factory=list)
    expiring: list[ExpiringCertificate] = field(default_factory=list)


def compare(runs: Sequence[Run], soon: timedelta = timedelta(SOON)) -> Comparison:
    """Compare two or more runs.

    Args:
        runs: at least two runs, in the order of time.
        soon: maximum time from the end of NEW to the expiry of the listed certificates.

    Raises:
        ValueError: there are fewer than two runs, or they are not in the order of time.
        StoreError: a file of a run cannot be read, or temporary files cannot be written.
    """
    if len(runs) < MIN_RUNS:
        raise ValueError("two runs or more are needed to compare")
    for one, other in pairwise(runs):
        if one.header.started > other.header.started:
            raise ValueError(f"{one.path} is newer than {other.path}: give the older run first")
    domains = _Domains(Comparison(tuple(map(_info, runs))))
    for key, states in joined(DomainState, [domain_states(run) for run in runs], _buckets(runs, "domains")):
        domains.add(key, states)
    result = domains.result()
    hosts = HostChanges(domains.affected)
    for _, seen in joined(HostState, [host_states(run) for run in runs], _buckets(runs, "hosts")):
        hosts.add(seen)
    header = runs[-1].header
    found = hosts.judge(runs, (header.finished or header.started) + soon)
    result.certificates, result.tlsa = found.certificates, found.tlsa
    result.rollovers, result.expiring = found.rollovers, found.expiring
    return result


def _info(run: Run) -> RunInfo:
    return RunInfo(str(run.path), run.header.started, str(run.header.settings.get("level", "")))


def _buckets(runs: Sequence[Run], name: str) -> int:
    try:
        paths = (lines_path(run.path, name) for run in runs)
        return bucket_count(path.stat().st_size for path in paths if path.exists())
    except OSError as error:
        raise StoreError(f"{error.filename}: {error.strerror}") from error


class _Domains:
    """Collector of the changes of domains. ``affected`` is the number of domains of NEW by report key of the host."""

    def __init__(self, found: Comparison) -> None:
        self._found = found
        self._transitions = Transitions()
        self.affected: Counter[str] = Counter()

    def add(self, key: str, states: tuple[DomainState | None, ...]) -> None:
        *earlier, new = states
        last = earlier[-1]
        if new is not None:
            self.affected.update(new.hosts)
        if new is not None and last is not None:
            self._compare([state for state in earlier if state is not None], last, new)
        elif new is not None:
            self._found.added.append(ListedDomain(key, domain_words(new), new.health))
        elif last is not None:
            self._found.removed.append(ListedDomain(key, domain_words(last), last.health))

    def result(self) -> Comparison:
        found = self._found
        for rows in (found.new_broken, found.fixed, found.still_broken, found.unclear, found.changed):
            rows.sort(key=lambda row: row.domain)
        for listed in (found.added, found.removed):
            listed.sort(key=lambda row: row.domain)
        found.flapping.sort(key=lambda row: row.domain)
        found.mx.sort(key=lambda row: row.domain)
        found.transitions = self._transitions.sorted()
        return found

    def _compare(self, earlier: list[DomainState], last: DomainState, new: DomainState) -> None:
        self._found.compared += 1
        old = next((state for state in reversed(earlier) if state.health is not DomainHealth.UNKNOWN), last)
        self._health(earlier, old, new)
        self._transitions.add(domain_words(old), domain_words(new))
        self._mx(earlier, new)
        health = [state.health for state in (*earlier, new)]
        conclusive = [one for one in health if one is not DomainHealth.UNKNOWN]
        if sum(one is not other for one, other in pairwise(conclusive)) >= MIN_TURNS:
            self._found.flapping.append(Flapping(new.key, tuple(health)))

    def _health(self, earlier: list[DomainState], old: DomainState, new: DomainState) -> None:
        found = self._found
        was, now = old.health is DomainHealth.BROKEN, new.health
        if now is DomainHealth.BROKEN:
            (found.still_broken if was else found.new_broken).append(_change(old, new, new, _since(earlier, new)))
        elif was and now is DomainHealth.SOUND:
            found.fixed.append(_change(old, new, old, None))
        elif was:
            found.unclear.append(_change(old, new, new, _since(earlier, new)))
        elif domain_words(old) != domain_words(new):
            found.changed.append(_change(old, new, new, None))

    def _mx(self, earlier: list[DomainState], new: DomainState) -> None:
        known = next((state.mx for state in reversed(earlier) if state.mx is not None), None)
        if known is None or new.mx is None or known == new.mx:
            return
        added = tuple(text for text in new.mx if text not in known)
        removed = tuple(text for text in known if text not in new.mx)
        self._found.mx.append(MXChange(new.key, added, removed))


def _change(old: DomainState, new: DomainState, cause: DomainState, since: datetime | None) -> DomainChange:
    words = domain_words(old), domain_words(new)
    return DomainChange(new.key, *words, shared(cause.reasons), shared(cause.text), since)


def _since(earlier: list[DomainState], new: DomainState) -> datetime | None:
    """Return the start time of the first run since which the domain was broken and in no run sound."""
    since = new.at if new.health is DomainHealth.BROKEN else None
    for state in reversed(earlier):
        if state.health is DomainHealth.SOUND:
            break
        if state.health is DomainHealth.BROKEN:
            since = state.at
    return since
