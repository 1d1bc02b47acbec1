"""From MX answers to hosts: RFC 5321 section 5.1, RFC 7505, and what Postfix makes of the odd cases."""

import pytest

from scanner.core import route
from scanner.reasons import Reason
from scanner.vocabulary import Outcome, Security
from tests.unit.fakes import answer, failed, nothing

D = "secure.test"


@pytest.mark.parametrize(
    ("records", "hosts", "reasons"),
    [
        (["10 mx.test"], "10 mx.test", ""),
        (["20 b.test", "10 c.test", "10 a.test"], "10 a.test, 10 c.test, 20 b.test", ""),
        (["9 b.test", "10 a.test", "100 c.test"], "9 b.test, 10 a.test, 100 c.test", ""),  # by number, not by text
        (["10 192.0.2.1"], "10 192.0.2.1", "mx-target-numeric"),  # Postfix uses it, with a warning
        (["10 2001:db8::1", "20 a.test"], "10 2001:db8::1, 20 a.test", "mx-target-numeric"),
        (["10 -bad-.test", "20 a.test"], "20 a.test", "mx-target-invalid"),
        (["10 a..test", "20 a.test"], "20 a.test", "mx-target-invalid"),
        (["10 _mx.test"], "10 _mx.test", ""),  # an underscore is no host name of RFC 1123; Postfix takes it
        (["10 1234", "20 a.test"], "20 a.test", "mx-target-invalid"),
        (["10 a.test", "20 a.test"], "10 a.test, 20 a.test", ""),
    ],
)
def test_explicit_mx(records: list[str], hosts: str, reasons: str) -> None:
    way = route.from_mx(D, answer(D, "MX", *records))
    assert ", ".join(f"{hop.preference} {hop.host}" for hop in way.hosts) == hosts
    assert " ".join(way.reasons) == reasons
    assert way.final is None
    assert way.names == (D,)


@pytest.mark.parametrize(
    ("records", "final", "reasons"),
    [
        (["0 ."], "null-mx", "null-mx"),
        (["0 ", "10 a.test"], "null-mx", "null-mx"),
        (["10 a.test", "20 ."], "null-mx", "null-mx"),  # beside others, Postfix takes it at its word
        (["10 -bad-.test"], "mx-targets-unresolvable", "mx-target-invalid mx-targets-unresolvable"),
    ],
)
def test_mx_that_leads_nowhere(records: list[str], final: str, reasons: str) -> None:
    way = route.from_mx(D, answer(D, "MX", *records))
    assert (way.hosts, way.final, " ".join(way.reasons)) == ((), final, reasons)


@pytest.mark.parametrize("outcome", [Outcome.NODATA, Outcome.NXDOMAIN])
def test_only_a_clean_no_falls_back_to_the_domain_itself(outcome: Outcome) -> None:
    way = route.from_mx(D, nothing(D, "MX", outcome))
    assert [(hop.host, hop.preference) for hop in way.hosts] == [(D, 0)]
    assert (way.reasons, way.names, route.mx_security(way)) == ((Reason.IMPLICIT_MX,), (), None)


@pytest.mark.parametrize(
    ("security", "final"),
    [
        (Security.BOGUS, Reason.MX_BOGUS),
        (Security.INDETERMINATE, Reason.MX_LOOKUP_FAILED),
        (Security.INSECURE, Reason.MX_LOOKUP_FAILED),
    ],
)
def test_a_failed_lookup_falls_back_to_nothing(security: Security, final: Reason) -> None:
    way = route.from_mx(D, failed(D, "MX", security))
    assert (way.hosts, way.final, way.reasons, way.text) == ((), final, (final,), "SERVFAIL")


@pytest.mark.parametrize("security", [Security.SECURE, Security.INSECURE, Security.INDETERMINATE])
def test_security_of_the_mx_rrset(security: Security) -> None:
    way = route.from_mx(D, answer(D, "MX", "10 a.test", security=security))
    assert route.mx_security(way) is security
    assert way.reasons == ((Reason.MX_INSECURE,) if security is Security.INSECURE else ())


@pytest.mark.parametrize(
    ("asked", "owner", "names"),
    [
        (D, "real.test", ("real.test", D)),  # both names are the domain's, the RRset's owner first
        (D, D, (D,)),
        (D, "", (D,)),
        ("SECURE.test", "secure.test", ("SECURE.test",)),  # DNS names know no case
    ],
)
def test_names_behind_an_alias(asked: str, owner: str, names: tuple[str, ...]) -> None:
    assert route.from_mx(asked, answer(asked, "MX", "10 a.test", alias_of=owner)).names == (names)


def test_a_host_named_itself_needs_no_mx() -> None:
    way = route.direct("mx.test")
    assert ([hop.host for hop in way.hosts], way.mx, way.names, route.mx_security(way)) == (["mx.test"], None, (), None)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["secure", "secure"], "secure"),
        (["secure", "insecure"], "insecure"),
        (["indeterminate", "secure"], "indeterminate"),
        (["indeterminate", "insecure"], "insecure"),
        (["insecure", "bogus"], "bogus"),
    ],
)
def test_weakest(states: list[str], expected: str) -> None:
    assert route.weakest(map(Security, states)) == expected
