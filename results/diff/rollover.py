"""Classification of the certificate rollovers at a host with TLSA records, from several runs (RFC 7671 section 8.1).

An observation is the state of a host in one run, with usable TLSA records and at least one certificate chain. The TLSA
records *match* in an observation if they match every certificate chain (names and validity periods of the certificates
are ignored). The certificate was *replaced* between two observations when an address that is in both observations sent
another server certificate. If a server has several certificates, only certificates with the same key algorithm are
compared with each other. If no address is in both observations, the certificate was replaced when the sets of server
certificates differ.

The classes of rollovers are defined on two consecutive observations, called the old observation and the new
observation:

``same-records``
    The records match in the old and the new observation, the certificate was replaced, and one record matches the old
    and the new chain: the key or the pinned issuer is the same.
``correct``
    The records match in the old and the new observation, but different records match, and the certificate was replaced.
    ``overlap`` is True when the overlap required by RFC 7671 section 8.1 was observed: the old records match the new
    chain, or the new records match the old chain. ``overlap`` is False when records and certificate both changed
    between the runs, so that the order of these changes is not known.
``never-updated``
    The TLSA records were not updated: the records match in the old observation, or the old observation is the first
    observation; the certificate was replaced; and the records match neither in the new nor in a later observation.
``published-late``
    The certificate was in use before its records were published: the rollover begins as in the class
    ``never-updated``, but other records match the certificate in a later observation. The class ``published-late`` also
    applies if the records of the first observation do not match its certificate, and other records match the same
    certificate in a later observation.
``rolled-back``
    The old certificate is in use again: after a change of the certificate, the unchanged records did not match, and in
    a later observation they match again.
``removed-early``
    The record of a certificate was removed while the certificate was in use: the records match in the old observation,
    the certificate was not replaced, and the changed records do not match in the new observation. The class
    ``removed-early`` also applies if the first run with the host shows TLSA records that do not match the certificate
    of that run, but match the certificate that a later run shows in its place.

The runs do not show the states of a host between two runs. If a rollover caused a mismatch that began and ended between
two runs, its class is therefore ``correct``, and ``overlap`` is False. An inconclusive run (lookup failed, no
connection) is ignored. If a run shows that the host has no usable TLSA record, the observations before this run are
not compared with the observations after it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from scanner.core import dane
from scanner.facts import CertFacts, TLSARecord


class RolloverClass(StrEnum):
    """The class of a certificate rollover; the docstring of the module ``results.diff.rollover`` defines each class."""

    CORRECT = "correct"
    SAME_RECORDS = "same-records"
    PUBLISHED_LATE = "published-late"
    REMOVED_EARLY = "removed-early"
    NEVER_UPDATED = "never-updated"
    ROLLED_BACK = "rolled-back"


@dataclass(frozen=True, slots=True)
class HostObservation:
    """A host in one run: its TLSA records, and the chain as sent, leaf first, by address and key algorithm."""

    at: datetime
    records: tuple[TLSARecord, ...]
    chains: dict[str, tuple[CertFacts, ...]]


@dataclass(frozen=True, slots=True)
class Rollover:
    """A certificate rollover at a host with TLSA records.

    ``began`` is the time of the last observation before the rollover. ``ended`` is the time of the first observation
    after the rollover in which the TLSA records match every chain, None if there is no such observation.
    """

    outcome: RolloverClass
    began: datetime
    ended: datetime | None = None
    overlap: bool | None = None


def rollovers(seen: Sequence[HostObservation]) -> tuple[Rollover, ...]:
    """Return the rollovers of a host.

    Args:
        seen: the observations of the host in the order of time, each with at least one TLSA record and one chain.

    Returns:
        The rollovers in the order of time; empty if neither the certificate nor the TLSA records changed.
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
    """Return whether the server certificate of an address differs between two observations; see ``leaves_replaced``.

    Args:
        old: the chains by address in the earlier observation.
        new: the chains by address in the later observation.
    """
    leaves = ({address: chain[0].sha256 for address, chain in chains.items()} for chains in (old, new))
    return leaves_replaced(*leaves)


def leaves_replaced(old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Return whether the server certificate of an address differs between two observations.

    Args:
        old: the SHA-256 of the server certificate by address and key algorithm (``192.0.2.1 rsa``) in the earlier
            observation.
        new: the same mapping for the later observation.

    If any address is in both mappings, addresses that are in only one mapping are ignored. The certificates of an
    address are compared for each key algorithm that the address has in both mappings; if an address has no such
    algorithm, its certificate counts as replaced. If no address is in both mappings, all certificates are compared.
    """
    common = old.keys() & new.keys()
    addresses = _addresses(old) & _addresses(new)
    if addresses:
        return addresses != _addresses(common) or any(old[place] != new[place] for place in common)
    return set(old.values()) != set(new.values())


def _addresses(places: Iterable[str]) -> set[str]:
    return {place.partition(" ")[0] for place in places}


def _fits(records: Sequence[TLSARecord], seen: HostObservation) -> bool:
    """Return whether the TLSA records of an observation match each certificate chain of the observation."""
    return all(dane.match(records, chain, seen.at).record is not None for chain in seen.chains.values())


def _sound(old: HostObservation, new: HostObservation) -> Rollover:
    kept = [record for record in old.records if record in new.records]
    if any(_fits((record,), old) and _fits((record,), new) for record in kept):
        return Rollover(RolloverClass.SAME_RECORDS, old.at, new.at)
    overlap = _fits(old.records, new) or _fits(new.records, old)
    return Rollover(RolloverClass.CORRECT, old.at, new.at, overlap=overlap)


def _fault(old: HostObservation, new: HostObservation) -> Rollover | None:
    """Return the faulty rollover that happened between two observations.

    Return None if neither the server certificate nor the TLSA records changed, for example if the server no longer
    sends the issuer that a record matches.
    """
    if replaced(old.chains, new.chains):
        return Rollover(RolloverClass.NEVER_UPDATED, old.at)
    return Rollover(RolloverClass.REMOVED_EARLY, old.at) if old.records != new.records else None


def _ended(fault: Rollover | None, old: HostObservation, new: HostObservation) -> list[Rollover]:
    if fault is None:
        return _first_was_wrong(old, new)
    if fault.outcome is RolloverClass.NEVER_UPDATED:
        caught_up = old.records != new.records
        outcome = RolloverClass.PUBLISHED_LATE if caught_up else RolloverClass.ROLLED_BACK
        return [replace(fault, outcome=outcome, ended=new.at)]
    return [replace(fault, ended=new.at)]


def _first_was_wrong(old: HostObservation, new: HostObservation) -> list[Rollover]:
    """Return the rollover that ends with ``new`` if no earlier observation shows its beginning.

    The returned list is empty if the class of the rollover is not known. The records match in ``new``, but not in
    ``old``.
    """
    if not replaced(old.chains, new.chains):
        late = old.records != new.records
        return [Rollover(RolloverClass.PUBLISHED_LATE, old.at, new.at)] if late else []
    early = _fits(old.records, new)
    return [Rollover(RolloverClass.REMOVED_EARLY, old.at, new.at)] if early else []
