"""What changed between runs: the list, the verdicts, the MX hosts, certificates and TLSA records.

Of two runs or more, given in the order of time, the last is NEW. A domain is compared only if NEW and the run before
it both list it; whoever came or went is told apart, so that a new list does not look like news. Its OLD state is the
latest earlier one that could be told: a time-out in between hides nothing, and "could not tell" never becomes "fixed".

Domains and hosts are joined on disk (``buckets``). In memory are the changes, a count for each MX host, and the digest
of each server certificate of NEW: that grows with hosts and with what changed, not with domains.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeVar

from results.count.summary import SOON
from results.diff.hosts import CertificateChange, Expiring, HostChanges, HostRollover, TLSAChange
from results.diff.join import bucket_count, joined
from results.diff.states import DomainState, Health, HostState, domain_states, host_states
from results.store.files import StoreError
from results.store.reader import Run, lines_path
from scanner.reasons import Reason
from scanner.vocabulary import DomainDane, DomainOutcome, DomainStartTLS, Sender

V = TypeVar("V")

MIN_RUNS = 2
MIN_TURNS = 2  # there and back again


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One of the runs that were compared."""

    path: str
    started: datetime
    level: str


@dataclass(frozen=True, slots=True)
class Words:
    """The four words of a domain's verdict."""

    dane: DomainDane
    starttls: DomainStartTLS
    sender: Sender
    outcome: DomainOutcome


def shared(value: V) -> V:
    """Give one object for all that are equal: many domains change, and few things are said of them."""
    first: V = _first(value)
    return first


@lru_cache(maxsize=4096)
def _first(value: Hashable) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Listed:
    """A domain that came into the list or left it, with its last verdict."""

    domain: str
    verdict: Words
    health: Health


@dataclass(frozen=True, slots=True)
class DomainChange:
    """A domain and its verdicts. ``since`` is when it was first seen broken, without being seen sound in between.

    ``old`` is the latest earlier state that could be told, or else the latest; reasons and ``text`` are those of NEW,
    for a domain that is fixed those of OLD.
    """

    domain: str
    old: Words
    new: Words
    reasons: tuple[Reason, ...] = ()
    text: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class MXChange:
    """MX records (preference and host) of a domain that came and went."""

    domain: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flapping:
    """A domain that went from sound to broken and back, or the reverse, with its health in each run that lists it."""

    domain: str
    health: tuple[Health, ...]


@dataclass(slots=True)
class Comparison:
    """All that changed. ``compared`` is how many domains stand in both of the last two runs.

    ``unclear`` were broken and cannot be told now. ``changed`` are all other changes of a verdict; ``transitions``
    counts all changes by field and ``old > new``. Certificates that expire are those of NEW.
    """

    runs: tuple[RunInfo, ...]
    compared: int = 0
    added: list[Listed] = field(default_factory=list)
    removed: list[Listed] = field(default_factory=list)
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
    expiring: list[Expiring] = field(default_factory=list)


def compare(runs: Sequence[Run], soon: timedelta = timedelta(SOON)) -> Comparison:
    """Compare runs.

    Args:
        runs: two or more, in the order of time.
        soon: certificates that expire within this time after NEW are told.

    Raises:
        ValueError: fewer than two runs, or not in the order of time.
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
    """Changes of domains, one after the other."""

    def __init__(self, found: Comparison) -> None:
        self._found = found
        self._transitions: dict[str, Counter[str]] = {}
        self.affected: Counter[str] = Counter()

    def add(self, key: str, states: tuple[DomainState | None, ...]) -> None:
        *earlier, new = states
        last = earlier[-1]
        if new is not None:
            self.affected.update(new.hosts)
        if new is not None and last is not None:
            self._compare([state for state in earlier if state is not None], last, new)
        elif new is not None:
            self._found.added.append(Listed(key, _words(new), new.health))
        elif last is not None:
            self._found.removed.append(Listed(key, _words(last), last.health))

    def result(self) -> Comparison:
        found = self._found
        for rows in (found.new_broken, found.fixed, found.still_broken, found.unclear, found.changed):
            rows.sort(key=lambda row: row.domain)
        for listed in (found.added, found.removed):
            listed.sort(key=lambda row: row.domain)
        found.flapping.sort(key=lambda row: row.domain)
        found.mx.sort(key=lambda row: row.domain)
        found.transitions = {
            name: dict(sorted(counts.items(), key=lambda row: (-row[1], row[0])))
            for name, counts in self._transitions.items()
        }
        return found

    def _compare(self, earlier: list[DomainState], last: DomainState, new: DomainState) -> None:
        self._found.compared += 1
        old = next((state for state in reversed(earlier) if state.health is not Health.UNKNOWN), last)
        self._health(earlier, old, new)
        self._count(old, new)
        self._mx(earlier, new)
        turns = [state.health for state in (*earlier, new)]
        told = [health for health in turns if health is not Health.UNKNOWN]
        if sum(one is not other for one, other in pairwise(told)) >= MIN_TURNS:
            self._found.flapping.append(Flapping(new.key, tuple(turns)))

    def _health(self, earlier: list[DomainState], old: DomainState, new: DomainState) -> None:
        found = self._found
        was, now = old.health is Health.BROKEN, new.health
        if now is Health.BROKEN:
            (found.still_broken if was else found.new_broken).append(_change(old, new, new, _since(earlier, new)))
        elif was and now is Health.SOUND:
            found.fixed.append(_change(old, new, old, None))
        elif was:
            found.unclear.append(_change(old, new, new, _since(earlier, new)))
        elif _words(old) != _words(new):
            found.changed.append(_change(old, new, new, None))

    def _count(self, old: DomainState, new: DomainState) -> None:
        pairs = (
            ("dane", old.dane, new.dane),
            ("starttls", old.starttls, new.starttls),
            ("outcome", old.outcome, new.outcome),
            ("sender", old.sender, new.sender),
        )
        for name, before, after in pairs:
            if before != after:
                self._transitions.setdefault(name, Counter())[f"{before} > {after}"] += 1

    def _mx(self, earlier: list[DomainState], new: DomainState) -> None:
        known = next((state.mx for state in reversed(earlier) if state.mx is not None), None)
        if known is None or new.mx is None or known == new.mx:
            return
        added = tuple(text for text in new.mx if text not in known)
        removed = tuple(text for text in known if text not in new.mx)
        self._found.mx.append(MXChange(new.key, added, removed))


def _words(state: DomainState) -> Words:
    return shared(Words(state.dane, state.starttls, state.sender, state.outcome))


def _change(old: DomainState, new: DomainState, told: DomainState, since: datetime | None) -> DomainChange:
    return DomainChange(new.key, _words(old), _words(new), shared(told.reasons), shared(told.text), since)


def _since(earlier: list[DomainState], new: DomainState) -> datetime | None:
    """When the domain was first seen broken in the runs at hand, without being seen sound since."""
    since = new.at if new.health is Health.BROKEN else None
    for state in reversed(earlier):
        if state.health is Health.SOUND:
            break
        if state.health is Health.BROKEN:
            since = state.at
    return since
