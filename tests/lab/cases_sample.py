"""Lab domains of hosters with one MX name for each customer, all on one address, for ``--sni-sample``.

The TLSA name of each customer is an alias of one name with the records. They are scanned by ``test_sample.py``, and
are not part of the table in ``scenarios.py``.
"""

from scanner.reasons import Reason
from tests.lab.expectations import broken, protected
from tests.lab.model import Expect, Host, Scenario

CUSTOMERS = 6

REASON = Reason.INFERRED_FROM_SAMPLE
"""The reason of the domains whose MX host is not in the sample."""


def hoster(name: str, cert: str, tlsa: str, expect: Expect, why: str) -> Scenario:
    """Return a hoster: the domains ``dN.HOSTER`` have the MX hosts ``cN.HOSTER``, all at the address of one server."""
    origin = f"{name}.test"
    records = [line for n in range(CUSTOMERS) for line in _customer(f"c{n}.{origin}", f"d{n}.{origin}", origin)]
    host = Host(f"mail.{origin}", (tlsa,), cert, v6=(), tlsa_at=f"keys.{origin}")
    return Scenario(origin, why, expect, (host,), records=tuple(records))


def _customer(host: str, domain: str, origin: str) -> tuple[str, ...]:
    alias = f"_25._tcp.{host}. CNAME _25._tcp.keys.{origin}."
    return (f"{host}. A {{0.4}}", alias, f"{domain}. MX 10 {host}.")


EE = hoster("hoster-ee", "good", "3 1 1 leaf", protected(), "usage 3 requires no name (RFC 7672 section 3.1.1)")
WILDCARD = hoster("hoster-wild", "wildcard", "2 1 1 root", protected(), "the wildcard contains the name of each host")
NAMELESS = hoster("hoster-ta", "root-sent", "2 1 1 root", broken(), "the certificate is for another name (7672 3.2)")
BROKEN = hoster("hoster-bad", "good", "3 1 1 wrong", broken(), "no record matches")

SCENARIOS = (EE, WILDCARD, NAMELESS, BROKEN)


def domains(scenario: Scenario) -> list[str]:
    """Return the domains of the customers of a hoster."""
    return [f"d{n}.{scenario.domain}" for n in range(CUSTOMERS)]
