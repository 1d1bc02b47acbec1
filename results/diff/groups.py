"""Changes of health, grouped by MX host and cause: all domains with the same fault at the same MX host form a group.

A host of a domain belongs to a group if the health of the host changed. The earlier state of the host is the latest
conclusive state of the host in an earlier record of the same domain. A domain whose change no host explains, such as a
domain that does not exist, belongs to a group without a host.
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
"""The cause of a fixed domain whose broken MX host is no longer in the domain's MX records."""


class ChangeKind(StrEnum):
    """The kind of change in the health (``sound``, ``broken`` or ``unknown``) of a domain or MX host.

    ``new-unknown`` means that the domain or host was protected in the latest earlier run that contains it, and is
    inconclusive now. ``unclear`` means that the domain or host was broken in its latest conclusive run, and now is
    inconclusive or is inferred to be sound without a probe of the broken host (``--sni-sample``).
    """

    NEW_BROKEN = "new-broken"
    NEW_UNKNOWN = "new-unknown"
    FIXED = "fixed"
    STILL_BROKEN = "still-broken"
    UNCLEAR = "unclear"

    @property
    def broken_now(self) -> bool:
        """True for a change to a broken state, and for a broken state that did not change."""
        return self in (ChangeKind.NEW_BROKEN, ChangeKind.STILL_BROKEN)


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """The domains that are affected by one change at one MX host.

    ``host`` is the MX host of the group, empty if no MX host explains the change. ``cause`` is a value of ``HostCause``
    or a reason code; if ``kind`` is ``fixed``, ``cause`` is the cause of the former fault. ``words`` is the text of the
    cause. ``text`` is an SMTP reply or error text of the host in the newest run; if ``kind`` is ``fixed``, in the run
    with the former fault. ``since`` is the earliest time at which a domain of the group was observed as broken since
    its last sound state. ``group`` is the value of the column of the target list by which changes are grouped, and
    empty without such a column. ``domains`` is sorted.
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
    """A group of domains to which further domains can be added."""

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
    """Collector of groups of domains whose changes have the same cause.

    ``add`` adds a changed domain, ``observe`` adds the states of an MX host, and ``result`` returns the groups.
    """

    def __init__(self) -> None:
        self._members: dict[_Key, _Members] = {}
        self._causes: dict[str, HostCause | None] = {}
        self._wanted: set[str] = set()

    def add(
        self, kind: ChangeKind | None, earlier: Sequence[DomainState], new: DomainState, since: datetime | None
    ) -> None:
        """Add a domain.

        Args:
            kind: the change of the domain's health, None if no ``ChangeKind`` describes the change.
            earlier: the earlier states of the domain, at least one, in the order of time.
            new: the state in the newest run.
            since: the time at which the domain was first observed as broken after its last sound state.
        """
        if kind is None and all(host.health is Health.SOUND for state in (*earlier, new) for host in state.hosts):
            return
        changed = list(_changed_hosts(earlier, new))
        for own, host in changed:
            self._put(own, host, new, _since(host.host, earlier) or since)
        if kind is None or any(own is kind for own, _ in changed):
            return
        broken = [host for host in new.hosts if kind.broken_now and host.health is Health.BROKEN]
        for host in broken:
            self._put(kind, host, new, since)
        if not broken:
            state = earlier[-1] if kind is ChangeKind.FIXED else new
            reason = next((str(code) for code in state.verdict.reasons), "")
            self._put(kind, MXState("", None, Dane.NONE, state.health, reason, state.verdict.text), new, since)

    def observe(self, key: str, states: Sequence[HostState | None]) -> None:
        """Store the cause of the changes at a host, which follows from the states of the host in all runs.

        ``key`` is the report key of the host.
        """
        if key in self._wanted:
            self._causes[key] = cause_of(states)

    def result(self) -> list[ChangeGroup]:
        """Return the groups of domains in the order of ``ChangeKind``.

        Groups of the same kind are sorted by ``ChangeGroup.group``, groups without this value last. Among groups with
        the same kind and value, the group with the most domains is first.
        """
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
    """Yield the ``ChangeKind`` and the state of each host of a domain, except for hosts without a change to report.

    The yielded state is the state in the newest run; for the kind ``FIXED``, the state in the latest earlier run in
    which the host was broken.
    """
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


def _since(name: str, earlier: Sequence[DomainState]) -> datetime | None:
    """Return the time at which a host was first observed as broken after its last sound state; None if never."""
    since = None
    for state in reversed(earlier):
        health = next((host.health for host in state.hosts if host.host == name), None)
        if health is Health.SOUND:
            break
        if health is Health.BROKEN:
            since = state.at
    return since


def _kind(old: MXState | None, last: MXState | None, new: MXState) -> ChangeKind | None:
    was = old is not None and old.health is Health.BROKEN
    if new.health is Health.BROKEN:
        return ChangeKind.STILL_BROKEN if was else ChangeKind.NEW_BROKEN
    if was:
        return ChangeKind.FIXED if new.health is Health.SOUND and not new.unseen else ChangeKind.UNCLEAR
    unanswered = new.health is Health.UNKNOWN and new.report is not None  # a host beyond a limit has no report
    protected = old is not None and old.dane is Dane.OK and last is old
    return ChangeKind.NEW_UNKNOWN if unanswered and protected else None


def _merged(one: ChangeGroup, other: ChangeGroup) -> ChangeGroup:
    domains = tuple(sorted({*one.domains, *other.domains}))
    since = min(filter(None, (one.since, other.since)), default=None)
    return ChangeGroup(one.kind, one.host, one.cause, one.words, domains, one.text or other.text, since, one.group)


def host_counts(groups: Iterable[ChangeGroup]) -> dict[ChangeKind, int]:
    """Return the number of MX hosts for each kind of change.

    A host that was already broken for another domain is not counted as newly broken. A host that is still broken for
    another domain is not counted as fixed.
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
    """Return the number of domains and MX hosts for each kind of change.

    ``domains`` is the number of domains for each kind of change.
    """
    hosts = host_counts(groups)
    return {str(kind): Count(domains[kind], hosts[kind]) for kind in ChangeKind}
