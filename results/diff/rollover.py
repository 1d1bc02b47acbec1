"""How a host went from one certificate to the next, as far as several runs can show.

An observation is one run's view of a host with usable TLSA records and at least one certificate chain. It *fits* when
records match every chain that was shown (names and dates left aside). The certificate was *replaced* between two
observations when an address seen in both showed another leaf (when none was seen in both: when the leaves differ).

Over observations in the order of time, with ``a`` just before ``b``:

``same-records``
    Both fit, replaced, and one record matches before and after: the key or the pinned issuer stayed.
``correct``
    Both fit, replaced, by different records. ``overlap`` is True when the overlap that RFC 7671 section 8.1 asks for
    was seen: the records of ``a`` match the chain of ``b`` too, or those of ``b`` the chain of ``a``. It is False when
    records and certificate both changed between the runs, so that their order was not seen.
``never-updated``
    ``a`` fits, or is the first and does not; replaced; ``b`` does not fit, nor does any later observation.
``published-late``
    As before, but a later observation fits, by other records. Or the first observation does not fit and the same
    certificate fits later: in either case the certificate was served before its records were published.
``rolled-back``
    As before, but a later observation fits by the records of before: the certificate was taken back.
``removed-early``
    ``a`` fits, not replaced, the records changed and ``b`` does not fit: the record of the certificate in use is
    gone. Or the first observation does not fit and its records match the certificate of the next one.

What lies between two runs is not seen: a fault that began and ended there is a ``correct`` without overlap. A run that
could not tell (lookup failed, no connection) is passed over; one in which the records are securely absent ends the
story, and DANE begins anew with the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from scanner.core import dane
from scanner.facts import CertFacts, TLSARecord


class RolloverClass(StrEnum):
    """How a rollover went; see the module."""

    CORRECT = "correct"
    SAME_RECORDS = "same-records"
    PUBLISHED_LATE = "published-late"
    REMOVED_EARLY = "removed-early"
    NEVER_UPDATED = "never-updated"
    ROLLED_BACK = "rolled-back"


@dataclass(frozen=True, slots=True)
class Observation:
    """A host in one run: its TLSA records, and by address the chain as sent, leaf first."""

    at: datetime
    records: tuple[TLSARecord, ...]
    chains: dict[str, tuple[CertFacts, ...]]


@dataclass(frozen=True, slots=True)
class Rollover:
    """One rollover. ``began`` is the observation before it, ``ended`` the first after it that fits, if any."""

    outcome: RolloverClass
    began: datetime
    ended: datetime | None = None
    overlap: bool | None = None


def rollovers(seen: Sequence[Observation]) -> tuple[Rollover, ...]:
    """Find the rollovers in what was seen of a host.

    Args:
        seen: its observations in the order of time, each with a record and a chain.

    Returns:
        The rollovers in the order of time; a renewal without any change of certificate or records is none.
    """
    found: list[Rollover] = []
    fault: Rollover | None = None
    for old, new in pairwise(seen):
        if _fits(old.records, old):
            if not _fits(new.records, new):
                fault = _fault(old, new)
            elif replaced(old.chains, new.chains):
                found.append(_sound(old, new))
        elif _fits(new.records, new):
            found += _ended(fault, old, new)
            fault = None
        elif fault is None and replaced(old.chains, new.chains):
            fault = Rollover(RolloverClass.NEVER_UPDATED, old.at)
    return (*found, fault) if fault else tuple(found)


def replaced(old: dict[str, tuple[CertFacts, ...]], new: dict[str, tuple[CertFacts, ...]]) -> bool:
    """Tell whether an address shows another leaf; one seen once tells nothing while others were seen twice."""
    common = old.keys() & new.keys()
    if common:
        return any(old[address][0].sha256 != new[address][0].sha256 for address in common)
    return {chain[0].sha256 for chain in old.values()} != {chain[0].sha256 for chain in new.values()}


def _fits(records: Sequence[TLSARecord], seen: Observation) -> bool:
    """Tell whether records match every chain of an observation."""
    return all(dane.match(records, chain, seen.at).record is not None for chain in seen.chains.values())


def _sound(old: Observation, new: Observation) -> Rollover:
    kept = [record for record in old.records if record in new.records]
    if any(_fits((record,), old) and _fits((record,), new) for record in kept):
        return Rollover(RolloverClass.SAME_RECORDS, old.at, new.at)
    overlap = _fits(old.records, new) or _fits(new.records, old)
    return Rollover(RolloverClass.CORRECT, old.at, new.at, overlap=overlap)


def _fault(old: Observation, new: Observation) -> Rollover | None:
    """What went wrong between two; a chain that lost its pinned issuer is no rollover."""
    if replaced(old.chains, new.chains):
        return Rollover(RolloverClass.NEVER_UPDATED, old.at)
    return Rollover(RolloverClass.REMOVED_EARLY, old.at) if old.records != new.records else None


def _ended(fault: Rollover | None, old: Observation, new: Observation) -> list[Rollover]:
    if fault is None:
        return _first_was_wrong(old, new)
    if fault.outcome is RolloverClass.NEVER_UPDATED:
        caught_up = old.records != new.records
        outcome = RolloverClass.PUBLISHED_LATE if caught_up else RolloverClass.ROLLED_BACK
        return [replace(fault, outcome=outcome, ended=new.at)]
    return [replace(fault, ended=new.at)]


def _first_was_wrong(old: Observation, new: Observation) -> list[Rollover]:
    """How it began was not seen; how it ended still tells two of the cases."""
    if not replaced(old.chains, new.chains):
        late = old.records != new.records
        return [Rollover(RolloverClass.PUBLISHED_LATE, old.at, new.at)] if late else []
    early = _fits(old.records, new)
    return [Rollover(RolloverClass.REMOVED_EARLY, old.at, new.at)] if early else []
