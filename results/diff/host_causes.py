"""The cause of a new TLSA mismatch: a change of the certificate, of the TLSA records, or of certificate and records."""

from collections.abc import Sequence
from enum import StrEnum

from results.diff.rollover import leaves_replaced
from results.diff.states import HostState
from results.render.words import of_reason
from scanner.reasons import Reason


class HostCause(StrEnum):
    """What changed at an MX host since the latest conclusive earlier run: the certificate, the TLSA records or both."""

    CERTIFICATE = "certificate-changed"
    RECORDS = "tlsa-changed"
    BOTH = "certificate-and-tlsa-changed"
    PUBLISHED = "tlsa-published"


_WORDS: dict[HostCause, str] = {
    HostCause.CERTIFICATE: "certificate changed, TLSA not",
    HostCause.RECORDS: "TLSA changed, certificate not",
    HostCause.BOTH: "certificate and TLSA changed, but do not match",
    HostCause.PUBLISHED: "TLSA published that does not match",
}


def cause_of(states: Sequence[HostState | None]) -> HostCause | None:
    """Return whether the certificate, the TLSA records or both changed at an MX host.

    Args:
        states: the state of the host in each run, the newest run last; None for a run that does not contain the host.

    Returns:
        The cause; None if neither the certificate nor the TLSA records changed, or if it is not known whether a change
        happened.
    """
    *earlier, new = states
    if new is None or not new.records:
        return None
    known = [state for state in earlier if state is not None]
    records = next((state.records for state in reversed(known) if state.records is not None), None)
    if records == ():
        return HostCause.PUBLISHED
    old = next((state for state in reversed(known) if state.chains), None)
    if old is None or records is None or not new.chains:
        return None
    certificate, changed = leaves_replaced(_leaves(old), _leaves(new)), records != new.records
    if certificate:
        return HostCause.BOTH if changed else HostCause.CERTIFICATE
    return HostCause.RECORDS if changed else None


def cause_text(cause: HostCause, reason: str) -> str:
    """Return a cause of a change as text, with the meaning of the reason code unless the code is ``tlsa-mismatch``."""
    return _WORDS[cause] if reason in ("", Reason.TLSA_MISMATCH) else f"{_WORDS[cause]}: {of_reason(reason)}"


def _leaves(state: HostState) -> dict[str, str]:
    return {address: chain[0] for address, chain in state.chains.items()}
