"""The changes of the MTA-STS policy and of the TLSRPT record of a domain over several runs.

The newest run is compared with the latest earlier run that could determine the record or policy; a record or policy
that the newest run could not determine is not compared. A sender that has a policy in its cache fetches the policy
again only if the id of the TXT record changes or the policy expires (RFC 8461 section 5.1), so a change of the policy
or of the MX hosts without a new id is reported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from scanner.core.sts.policy_file import Patterns
from scanner.sts import STSPolicy
from scanner.vocabulary import DomainSTS, PolicyMode, TXTRecord

LISTED = 20  # maximum number of patterns or MX hosts in a text

_UNKNOWN = (TXTRecord.LOOKUP_FAILED, TXTRecord.UNKNOWN)


class PolicyChangeKind(StrEnum):
    """A change of MTA-STS or TLSRPT at a domain.

    ``id-not-changed`` means that the policy changed, but the id of the MTA-STS record did not. ``mx-changed`` means
    that the MX hosts changed, but the policy and its id did not.
    """

    STS_PUBLISHED = "sts-published"
    STS_REMOVED = "sts-removed"
    STS_RECORD = "sts-record"
    POLICY_LOST = "policy-lost"
    MODE = "mode"
    POLICY = "policy"
    ID_NOT_CHANGED = "id-not-changed"
    MX_CHANGED = "mx-changed"
    TLSRPT_PUBLISHED = "tlsrpt-published"
    TLSRPT_REMOVED = "tlsrpt-removed"
    TLSRPT_RECORD = "tlsrpt-record"


CHANGE_WORDS = {
    PolicyChangeKind.STS_PUBLISHED: "MTA-STS record published",
    PolicyChangeKind.STS_REMOVED: "MTA-STS record removed",
    PolicyChangeKind.STS_RECORD: "state of the MTA-STS record",
    PolicyChangeKind.POLICY_LOST: "no valid policy any more",
    PolicyChangeKind.MODE: "mode of the policy",
    PolicyChangeKind.POLICY: "policy",
    PolicyChangeKind.ID_NOT_CHANGED: "the policy changed, its id did not: senders keep the old policy until it expires",
    PolicyChangeKind.MX_CHANGED: "the MX hosts changed, the policy and its id did not",
    PolicyChangeKind.TLSRPT_PUBLISHED: "TLSRPT record published",
    PolicyChangeKind.TLSRPT_REMOVED: "TLSRPT record removed",
    PolicyChangeKind.TLSRPT_RECORD: "state of the TLSRPT record",
}
"""The meaning of each kind of change."""


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A change of MTA-STS or TLSRPT at a domain; ``old`` and ``new`` are unescaped texts of the changed values."""

    domain: str
    kind: PolicyChangeKind
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class PolicyState:
    """The MTA-STS policy and TLSRPT record of a domain in one run.

    ``policy`` is None without a usable policy; ``lost`` is true if the policy is missing because of a fault of the
    domain. ``tlsrpt`` is None if the TLSRPT record was not queried.
    """

    record: TXTRecord
    id: str
    policy: STSPolicy | None
    lost: bool
    tlsrpt: TXTRecord | None

    @property
    def content(self) -> tuple[str, frozenset[str], int] | None:
        """Mode, patterns (without their order) and ``max_age`` of the policy; None without a policy."""
        return None if self.policy is None else (self.policy.mode, frozenset(self.policy.mx), self.policy.max_age)


class _StoredRecord(Protocol):
    @property
    def record(self) -> TXTRecord: ...


class _StoredPolicy(_StoredRecord, Protocol):
    @property
    def id(self) -> str: ...
    @property
    def policy(self) -> STSPolicy | None: ...


def policy_state(sts: _StoredPolicy, tlsrpt: _StoredRecord | None, verdict: DomainSTS | None) -> PolicyState:
    """Return the state of a domain's policy.

    Args:
        sts: the MTA-STS policy of the domain.
        tlsrpt: the TLSRPT record of the domain, None if the record was not queried.
        verdict: the MTA-STS verdict of the domain.
    """
    lost = sts.policy is None and verdict is DomainSTS.INVALID
    return PolicyState(sts.record, sts.id, sts.policy, lost, None if tlsrpt is None else tlsrpt.record)


def policy_changes(
    domain: str, states: Sequence[PolicyState], mx: Sequence[tuple[str, ...] | None]
) -> Iterator[PolicyChange]:
    """Yield the changes of the MTA-STS record, the MTA-STS policy and the TLSRPT record of a domain.

    Args:
        domain: the domain.
        states: the states of the domain in the order of time, the state in the newest run last.
        mx: the MX records (``10 mx.example``) of the domain in the same runs, None if the lookup failed.
    """
    *earlier, new = states
    for kind, old, now in (*_record(earlier, new), *_policy(earlier, new, mx), *_tlsrpt(earlier, new)):
        yield PolicyChange(domain, kind, old, now)


_Found = tuple[PolicyChangeKind, str, str]


def _record(earlier: Sequence[PolicyState], new: PolicyState) -> Iterator[_Found]:
    known = [state.record for state in earlier if state.record not in _UNKNOWN]
    if known:
        kinds = PolicyChangeKind.STS_PUBLISHED, PolicyChangeKind.STS_REMOVED, PolicyChangeKind.STS_RECORD
        yield from _state(known[-1], new.record, kinds)


def _tlsrpt(earlier: Sequence[PolicyState], new: PolicyState) -> Iterator[_Found]:
    known = [state.tlsrpt for state in earlier if state.tlsrpt is not None and state.tlsrpt not in _UNKNOWN]
    if known and new.tlsrpt is not None:
        kinds = PolicyChangeKind.TLSRPT_PUBLISHED, PolicyChangeKind.TLSRPT_REMOVED, PolicyChangeKind.TLSRPT_RECORD
        yield from _state(known[-1], new.tlsrpt, kinds)


def _state(
    old: TXTRecord, new: TXTRecord, kinds: tuple[PolicyChangeKind, PolicyChangeKind, PolicyChangeKind]
) -> Iterator[_Found]:
    if new not in (*_UNKNOWN, old):
        published, removed, other = kinds
        kind = published if old is TXTRecord.ABSENT else removed if new is TXTRecord.ABSENT else other
        yield kind, old, new


def _policy(earlier: Sequence[PolicyState], new: PolicyState, mx: Sequence[tuple[str, ...] | None]) -> Iterator[_Found]:
    place = next((at for at in reversed(range(len(earlier))) if earlier[at].policy is not None), None)
    if place is None:
        return
    old = earlier[place]
    if new.policy is None or old.policy is None:
        if new.lost and new.record is not TXTRecord.ABSENT:
            yield PolicyChangeKind.POLICY_LOST, _shown(old.policy), ""
        return
    if old.policy.mode is not new.policy.mode:
        yield PolicyChangeKind.MODE, old.policy.mode, new.policy.mode
    if old.content != new.content:
        same_id = old.id == new.id
        kind = PolicyChangeKind.ID_NOT_CHANGED if same_id else PolicyChangeKind.POLICY
        yield kind, _shown(old.policy), _shown(new.policy)
    elif old.id == new.id and new.policy.mode is not PolicyMode.NONE:
        yield from _stale(new.policy, mx[place], mx[-1])


def _stale(policy: STSPolicy, before: tuple[str, ...] | None, now: tuple[str, ...] | None) -> Iterator[_Found]:
    """Compare the MX hosts of two runs with the same policy and id, and name hosts that the policy does not list."""
    if before is None or now is None:
        return
    old, new = _hosts(before), _hosts(now)
    if old == new:
        return
    patterns = Patterns(policy.mx)
    unlisted = sorted(host for host in new if not patterns.match(host))
    note = f" (not listed in the policy: {_list(unlisted)})" if unlisted else " (all listed in the policy)"
    yield PolicyChangeKind.MX_CHANGED, _list(sorted(old)), _list(sorted(new)) + note


def _hosts(records: Sequence[str]) -> set[str]:
    return {record.partition(" ")[2] for record in records}


def _shown(policy: STSPolicy | None) -> str:
    return "" if policy is None else f"mode {policy.mode}, max_age {policy.max_age}, mx {_list(policy.mx) or 'none'}"


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
