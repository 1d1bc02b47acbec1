"""Changes of health grouped by MX host and cause: one group for all domains that one fault concerns.

A host of a domain belongs to a group if its health changed. Its earlier state is the latest conclusive state in an
earlier record of the same domain. A domain whose change no host explains, such as a domain that does not exist, belongs
to a group without a host.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from results.count.base import Count
from results.count.health import Health
from results.diff.host_causes import HostCause, cause_of, cause_text
from results.diff.states import DomainState, HostState, MXState
from results.diff.verdicts import shared
from results.render.words import of_reason
from scanner.vocabulary import Dane

REMOVED = "mx-record-removed"
"""The cause of a fixed domain whose broken MX host is no longer in its MX records."""


class ChangeKind(StrEnum):
    """The change of a domain's or host's health.

    ``new-unknown`` means that it was protected in the latest conclusive run and is inconclusive now, for the first
    time. ``unclear`` means that it was broken and is inconclusive now.
    """

    NEW_BROKEN = "new-broken"
    NEW_UNKNOWN = "new-unknown"
    FIXED = "fixed"
    STILL_BROKEN = "still-broken"
    UNCLEAR = "unclear"

    @property
    def broken_now(self) -> bool:
        """True for changes to a broken state, and for broken states that stay."""
        return self in (ChangeKind.NEW_BROKEN, ChangeKind.STILL_BROKEN)


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """The domains that one change of one MX host concerns.

    ``host`` is empty if no MX host explains the change. ``cause`` is a value of ``HostCause`` or a reason code, of the
    former fault if ``kind`` is ``fixed``; ``words`` is its text. ``text`` is a text of the peer. ``since`` is the start
    time of the earliest run since which one of the domains was broken. ``group`` is the value of the column by which
    changes are grouped, else empty. ``domains`` is sorted.
    """

    kind: ChangeKind
    host: str
    cause: str
    words: str
    domains: tuple[str, ...]
    text: str = ""
    since: datetime | None = None
    group: str = ""


@dataclass(slots=True)
class _Members:
    """The members of a group that is not finished."""

    domains: list[str] = field(default_factory=list)
    text: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Key:
    kind: ChangeKind
    group: str
    host: str
    report: str | None
    reason: str
    dane: str


class Groups:
    """Collector of groups. ``add`` takes a compared domain, ``observe`` the states of a host, ``result`` finishes."""

    def __init__(self) -> None:
        self._members: dict[_Key, _Members] = {}
        self._causes: dict[str, HostCause | None] = {}
        self._wanted: set[str] = set()

    def add(
        self, kind: ChangeKind | None, earlier: Sequence[DomainState], new: DomainState, since: datetime | None
    ) -> None:
        """Add a domain.

        Args:
            kind: the change of the domain's health, None if it is of no kind.
            earlier: the earlier states of the domain, at least one, in the order of time.
            new: the state in NEW.
            since: the start time of the first run since which the domain was broken.
        """
        if kind is None and all(host.health is Health.SOUND for state in (*earlier, new) for host in state.hosts):
            return
        changed = list(_changed_hosts(earlier, new))
        for own, host in changed:
            self._put(own, host, new, since)
        if kind is None or any(own is kind for own, _ in changed):
            return
        broken = [host for host in new.hosts if kind.broken_now and host.health is Health.BROKEN]
        for host in broken:
            self._put(kind, host, new, since)
        if not broken:
            state = earlier[-1] if kind is ChangeKind.FIXED else new
            reason = next((str(code) for code in state.reasons), "")
            self._put(kind, MXState("", None, Dane.NONE, state.health, reason, state.text), new, since)

    def observe(self, key: str, states: Sequence[HostState | None]) -> None:
        """Take the states of a host in all runs, to find out what changed at the host; ``key`` is its report key."""
        if key in self._wanted:
            self._causes[key] = cause_of(states)

    def result(self) -> list[ChangeGroup]:
        """Return the groups in the order of ``ChangeKind``, the largest number of domains of a value first."""
        order = list(ChangeKind)
        merged: dict[tuple[ChangeKind, str, str, str], ChangeGroup] = {}
        for key, members in self._members.items():
            made = self._made(key, members)
            place = (made.kind, made.group, made.host, made.cause)
            merged[place] = _merged(merged[place], made) if place in merged else made
        return sorted(
            merged.values(),
            key=lambda row: (order.index(row.kind), not row.group, row.group, -len(row.domains), row.host, row.cause),
        )

    def _put(self, kind: ChangeKind, host: MXState, new: DomainState, since: datetime | None) -> None:
        key = _Key(kind, new.group, host.host, host.report, host.reason, host.dane)
        members = self._members.setdefault(key, _Members())
        members.domains.append(new.key)
        members.text = members.text or shared(host.text)
        if since is not None:
            members.since = min(since, members.since or since)
        if kind is ChangeKind.NEW_BROKEN and host.dane is Dane.MISMATCH and host.report is not None:
            self._wanted.add(host.report)

    def _made(self, key: _Key, members: _Members) -> ChangeGroup:
        found = self._causes.get(key.report or "") if key.kind is ChangeKind.NEW_BROKEN else None
        if key.reason == REMOVED:
            cause, text = REMOVED, "the MX record of the broken host was removed"
        elif found is not None and key.dane == Dane.MISMATCH:
            cause, text = str(found), cause_text(found, key.reason)
        else:
            cause, text = key.reason, of_reason(key.reason) if key.reason else "the cause is not known"
        domains = tuple(sorted(members.domains))
        return ChangeGroup(key.kind, key.host, cause, text, domains, members.text, members.since, key.group)


def _changed_hosts(earlier: Sequence[DomainState], new: DomainState) -> Iterator[tuple[ChangeKind, MXState]]:
    """Yield each host of a domain whose health is of a kind. The state is the former state if the host was fixed."""
    past = [{host.host: host for host in state.hosts} for state in earlier]
    for host in new.hosts:
        seen = [state[host.host] for state in past if host.host in state]
        old = next((one for one in reversed(seen) if one.health is not Health.UNKNOWN), None)
        kind = _kind(old, seen[-1] if seen else None, host)
        if kind is not None:
            yield kind, old if kind is ChangeKind.FIXED and old is not None else host
    if new.health is Health.SOUND:
        names = {host.host for host in new.hosts}
        for name, host in past[-1].items():
            if name not in names and host.health is Health.BROKEN:
                yield ChangeKind.FIXED, MXState(name, None, host.dane, host.health, REMOVED, "")


def _kind(old: MXState | None, last: MXState | None, new: MXState) -> ChangeKind | None:
    was = old is not None and old.health is Health.BROKEN
    if new.health is Health.BROKEN:
        return ChangeKind.STILL_BROKEN if was else ChangeKind.NEW_BROKEN
    if was:
        return ChangeKind.FIXED if new.health is Health.SOUND else ChangeKind.UNCLEAR
    unanswered = new.health is Health.UNKNOWN and new.report is not None  # a host beyond a limit of the scan has none
    protected = old is not None and old.dane is Dane.OK and last is old
    return ChangeKind.NEW_UNKNOWN if unanswered and protected else None


def _merged(one: ChangeGroup, other: ChangeGroup) -> ChangeGroup:
    domains = tuple(sorted({*one.domains, *other.domains}))
    since = min(filter(None, (one.since, other.since)), default=None)
    return ChangeGroup(one.kind, one.host, one.cause, one.words, domains, one.text or other.text, since, one.group)


def host_counts(groups: Iterable[ChangeGroup]) -> dict[ChangeKind, int]:
    """Return the number of MX hosts of each kind.

    A host that was broken for another domain before is not newly broken. A host that is broken for another domain now
    is not fixed.
    """
    names: dict[ChangeKind, set[str]] = {kind: set() for kind in ChangeKind}
    for group in groups:
        if group.host:
            names[group.kind].add(group.host)
    new, still, fixed = names[ChangeKind.NEW_BROKEN], names[ChangeKind.STILL_BROKEN], names[ChangeKind.FIXED]
    before = still | fixed | names[ChangeKind.UNCLEAR]
    names[ChangeKind.NEW_BROKEN], names[ChangeKind.FIXED] = new - before, fixed - new - still
    return {kind: len(found) for kind, found in names.items()}


def counts_of(domains: dict[ChangeKind, int], groups: Iterable[ChangeGroup]) -> dict[str, Count]:
    """Return the number of domains and MX hosts of each kind; ``domains`` is the number of domains of each kind."""
    hosts = host_counts(groups)
    return {str(kind): Count(domains[kind], hosts[kind]) for kind in ChangeKind}
