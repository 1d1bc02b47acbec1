"""The observations of MTA-STS (RFC 8461) and TLSRPT (RFC 8460) for one domain, as immutable objects without behaviour.

A report contains the DNS answers, every HTTPS request for the policy, and the policy as received, so that the MTA-STS
verdict can be computed again.
"""

from dataclasses import dataclass
from datetime import datetime

from scanner.facts import Answer, Failure, Handshake
from scanner.reasons import Reason
from scanner.vocabulary import Pkix, PolicyMode, TXTRecord


@dataclass(frozen=True, slots=True)
class STSPolicy:
    """An MTA-STS policy with correct syntax (RFC 8461 section 3.2).

    ``mx`` contains the patterns in the order of the policy, in lower case, including patterns that match no host.
    ``max_age`` is in seconds, at most the maximum that RFC 8461 allows. ``defects`` lists faults of the policy that
    senders tolerate.
    """

    mode: PolicyMode
    mx: tuple[str, ...]
    max_age: int
    defects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyFetch:
    """One address of the policy host, and the HTTPS request to it.

    ``reason`` is set if the address was not contacted. ``pkix`` is the verdict on the certificate by the trust store,
    ``name_match`` the verdict for the name of the policy host. ``status`` is the HTTP status, None if no response was
    received. ``octets`` is the number of octets of the body that were received.
    """

    address: str
    started: datetime
    ms: dict[str, float]
    handshake: Handshake | None = None
    pkix: Pkix = Pkix.UNKNOWN
    pkix_error: str = ""
    name_match: bool | None = None
    status: int | None = None
    media_type: str = ""
    octets: int = 0
    failure: Failure | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class STSReport:
    """The MTA-STS policy of a domain, and the record and requests by which it was found.

    ``record`` is the state of the TXT record, ``id`` the policy id in the record, ``record_error`` the syntax error of
    a faulty record. ``host`` is the name of the policy host. ``body`` is the text of the response, empty unless a
    complete response of status 200 was received. ``policy_error`` is the fault of a ``body`` that is not a policy.
    """

    txt: Answer
    record: TXTRecord
    host: str
    observed_at: datetime
    id: str = ""
    record_error: str = ""
    a: Answer | None = None
    aaaa: Answer | None = None
    fetches: tuple[PolicyFetch, ...] = ()
    body: str = ""
    policy: STSPolicy | None = None
    policy_error: str = ""


@dataclass(frozen=True, slots=True)
class TLSRPTReport:
    """The TLSRPT record of a domain; ``rua`` contains the URIs to which senders send their reports."""

    txt: Answer
    record: TXTRecord
    rua: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
