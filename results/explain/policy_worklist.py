"""The list of domains with a fault of MTA-STS or TLSRPT: each domain with its faults, remedies and contact.

Domains whose policy prevents delivery to an MX host are first, and domains whose policy could not be determined last.
"""

from dataclasses import dataclass

from results.count.columns import column_value
from results.count.listed_domains import PolicyFaults
from results.explain.cause import Explanation
from results.explain.sts_fix import domain_of, policy_faults
from results.render import words
from results.store.by_key import each
from results.store.reader import Run
from scanner.model import DomainRecord
from scanner.vocabulary import DomainSTS, Mechanism


@dataclass(frozen=True, slots=True)
class PolicyTask:
    """A domain with the explanations of its faults of MTA-STS and TLSRPT.

    ``contact`` is the postmaster address that RFC 5321 section 4.5.1 requires. ``group`` is the value of the column of
    the target list by which the report is divided.
    """

    domain: str
    sts: DomainSTS
    mechanism: Mechanism | None
    faults: tuple[Explanation, ...]
    contact: str
    group: str = ""

    @property
    def urgent(self) -> bool:
        """True unless the policy could not be determined."""
        return self.sts is not DomainSTS.LOOKUP_FAILED

    @property
    def state(self) -> str:
        """The meaning of the MTA-STS verdict."""
        return words.DOMAIN_STS[self.sts]


def policy_worklist(run: Run, faults: PolicyFaults, top: int, column: str = "") -> tuple[PolicyTask, ...]:
    """Return the domains with faults, at most ``top``, in the order of ``faults``.

    Args:
        run: the run.
        faults: the domains with faults in the summary of the run.
        top: maximum number of domains.
        column: column of the target list whose value becomes ``group``; empty for none.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    chosen = faults.domains[:top]
    found = {key: _task(record, column) for key, record in each(run, "domains", DomainRecord, chosen)}
    return tuple([found[key] for key in chosen if key in found])


def _task(record: DomainRecord, column: str) -> PolicyTask:
    return PolicyTask(
        record.key,
        record.verdict.sts or DomainSTS.UNKNOWN,
        record.verdict.mechanism,
        policy_faults(record),
        f"postmaster@{domain_of(record)}",
        column_value(record.target.fields, column),
    )
