"""The observations of MTA-STS (RFC 8461) and TLSRPT (RFC 8460) for one domain, as immutable objects without behaviour.

An ``STSReport`` contains the DNS answers, every HTTPS request for the policy, and the text of the policy as received,
so that the MTA-STS verdict can be computed again.
"""

from dataclasses import dataclass
from datetime import datetime

from scanner.facts import Answer, Failure, Handshake
from scanner.reasons import Reason
from scanner.vocabulary import Pkix, PolicyMode, TXTRecord


@dataclass(frozen=True, slots=True)
class STSPolicy:
    """An MTA-STS policy with correct syntax (RFC 8461 section 3.2).

    ``mx`` contains the patterns for names of MX hosts in the order of the policy, in lower case, including patterns
    that match no host. ``max_age`` is in seconds, at most the maximum that RFC 8461 allows. ``defects`` lists faults of
    the policy that senders tolerate.
    """

    mode: PolicyMode
    mx: tuple[str, ...]
    max_age: int
    defects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyFetch:
    """One address of the policy host, and the HTTPS request to the address.

    ``reason`` is the reason code if the address was not contacted. ``pkix`` states whether the trust store verifies the
    certificate, ``name_match`` whether the certificate contains the name of the policy host. ``status`` is the HTTP
    status, None if no response was received. ``octets`` is the number of received octets of the response body.
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
    """The MTA-STS policy of a domain, and the TXT record and HTTPS requests by which the policy was found.

    ``record`` is the state of the MTA-STS TXT record, ``id`` the policy id in the record, ``record_error`` the syntax
    error of a faulty record. ``host`` is the name of the policy host. ``body`` is the text of the HTTPS response, empty
    unless a complete response with status 200 was received. ``policy_error`` is the syntax error if ``body`` is not a
    valid policy.
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
