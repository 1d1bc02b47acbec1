"""The rule for the health of domains and MX hosts: whether a domain or host needs repair.

The report of a run and the comparison of runs use the functions of this module.

Verdict values are compared as text, so that values that a later version of mxsweep writes can be counted.
"""

from collections.abc import Collection
from enum import StrEnum

from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, Sender

_ABSENT = (Reason.NXDOMAIN, Reason.NO_ADDRESS)
_NOT_KNOWN = (DomainDane.UNKNOWN, DomainDane.LOOKUP_FAILED)
_PASSED_OVER = (Sender.DEFER, Sender.BOUNCE)


class Health(StrEnum):
    """The health of a domain or MX host: whether the domain or host needs repair.

    ``absent`` occurs only for domains: the domain does not exist, or it has neither MX records nor an address.
    Health ``unknown`` means that the result for the domain or host is inconclusive.
    """

    SOUND = "sound"
    BROKEN = "broken"
    ABSENT = "absent"
    UNKNOWN = "unknown"

    @property
    def bad(self) -> bool:
        """True for ``broken`` and ``absent``: a fault of the domain or host was proved."""
        return self in (Health.BROKEN, Health.ABSENT)


def domain_health(dane: str, outcome: str, reasons: Collection[str]) -> Health:
    """Return the health of a domain: ``broken`` if DANE is broken, mail is not delivered, or no MX host has an address.

    Args:
        dane: the DANE verdict.
        outcome: the delivery outcome at the security level of the scan.
        reasons: the reason codes.
    """
    if dane == DomainDane.BROKEN or outcome == DomainOutcome.FAIL or Reason.MX_TARGETS_UNRESOLVABLE in reasons:
        return Health.BROKEN
    if outcome == DomainOutcome.NO_MAIL and any(code in reasons for code in _ABSENT):
        return Health.ABSENT
    if outcome == DomainOutcome.INCONCLUSIVE or dane in _NOT_KNOWN:
        return Health.UNKNOWN
    return Health.SOUND


def host_health(dane: str, sender: str, *, conclusive: bool) -> Health:
    """Return the health of an MX host; the health of a host that does not answer is ``unknown``.

    Args:
        dane: the DANE verdict.
        sender: the predicted action of a sending mail server at this host.
        conclusive: true if the action of a sender would be the same at another attempt.
    """
    passed_over = sender in _PASSED_OVER
    if dane in (Dane.MISMATCH, Dane.NO_TLS) or (passed_over and conclusive):
        return Health.BROKEN
    if passed_over or sender == Sender.UNKNOWN or dane in (Dane.UNKNOWN, Dane.LOOKUP_FAILED):
        return Health.UNKNOWN
    return Health.SOUND
