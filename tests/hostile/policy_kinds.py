"""The kinds of attack by MTA-STS policy hosts, and the domains of each with their DNS answers."""

from dataclasses import dataclass

from scanner.core.sts.records import policy_host, record_name
from scanner.facts import Answer
from scanner.vocabulary import Outcome, Security

Table = dict[tuple[str, str], Answer]

DOMAINS = 3
NETWORK = 200  # the kinds have the networks 127.200.0.0/16 and following


@dataclass(frozen=True, slots=True)
class PolicyAttack:
    """A kind of attack, and the MTA-STS verdict and reason of its domains, by RFC 8461 and the limits of a fetch.

    Without ``named``, the certificate of the policy host is for another name.
    """

    name: str
    manner: str
    expected: str
    named: bool = True


TOO_LONG, UNREAD, INVALID = "invalid sts-fetch-too-long", "lookup_failed sts-fetch-failed", "invalid sts-policy-invalid"

POLICY_KINDS = (
    PolicyAttack("endless body", "endless-body", TOO_LONG),
    PolicyAttack("body in chunks of one octet", "one-octet-chunks", TOO_LONG),
    PolicyAttack("dripping body", "dripping", UNREAD),
    PolicyAttack("silence after the request", "silent", UNREAD),
    PolicyAttack("loop of redirects", "redirect-loop", "invalid sts-fetch-redirect"),
    PolicyAttack("endless header", "huge-header", TOO_LONG),
    PolicyAttack("header of 65,536 fields", "many-headers", TOO_LONG),
    PolicyAttack("endless interim responses", "interim", TOO_LONG),
    PolicyAttack("policy of 10,000 mx lines", "10000-patterns", TOO_LONG),
    PolicyAttack("policy of 5,500 mx lines", "5500-patterns", "broken sts-mx-mismatch"),
    PolicyAttack("policy of 21,845 unknown fields", "fields", INVALID),
    PolicyAttack("policy of one line", "one-line", INVALID),
    PolicyAttack("compressed body", "compressed", INVALID),
    PolicyAttack("certificate of another name", "policy", "invalid sts-certificate-invalid", named=False),
)


@dataclass(frozen=True, slots=True)
class PolicyDomain:
    """A domain of an attack and the address of its policy host."""

    name: str
    address: str
    kind: PolicyAttack


def policy_domains() -> list[PolicyDomain]:
    """Return the domains of all kinds; a kind has a network of 127.0.0.0/8 of its own."""
    return [
        PolicyDomain(f"p{number}.s{place}.test", f"127.{NETWORK + place}.{number}.1", kind)
        for place, kind in enumerate(POLICY_KINDS)
        for number in range(DOMAINS)
    ]


def certified_names() -> list[str]:
    """Return the names in the certificate of the policy hosts."""
    return [policy_host(domain.name) for domain in policy_domains() if domain.kind.named]


def policy_answers(domain: PolicyDomain, mx: str) -> Table:
    """Return the DNS answers of a domain with a faultless MX host."""
    host = policy_host(domain.name)
    rows = (
        Answer(domain.name, "MX", Outcome.DATA, Security.SECURE, (f"10 {mx}",), rname=domain.name),
        Answer(record_name(domain.name), "TXT", Outcome.DATA, Security.SECURE, ('"v=STSv1; id=1"',)),
        Answer(host, "A", Outcome.DATA, Security.SECURE, (domain.address,), rname=host),
    )
    return {(row.name, row.rtype): row for row in rows}
