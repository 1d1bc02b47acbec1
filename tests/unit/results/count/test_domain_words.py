"""The words of domains and of verdicts of MX hosts."""

import pytest

from results.count.domain_words import FUNNEL, funnel_step, mx_kind, mx_state, words_of_domain, words_of_host
from results.store.partial import HostPart, MXPart, RoutePart, VerdictPart

SECURE = RoutePart(MXPart("data", "secure"), (), None)
OK = VerdictPart("ok", "verified", "protected", "all")
UNSURE = VerdictPart("inconclusive", "defer", "unknown", "unknown", ("host-unreachable", "connect-timeout"))


@pytest.mark.parametrize(
    ("route", "verdict", "dane", "usable", "step"),
    [
        (SECURE, OK, (), True, "domains"),  # no MX host
        (RoutePart(None, (), "null-mx"), OK, ("ok",), True, "domains"),
        (SECURE, VerdictPart("no_mail", "bounce", "no_mail", "no_mail"), ("ok",), True, "domains"),
        (RoutePart(MXPart("data", "insecure"), (), None), OK, ("ok",), True, "with_mail"),
        (RoutePart(MXPart("data", "indeterminate"), (), None), OK, ("ok",), True, "with_mail"),
        (SECURE, OK, ("none",), False, "mx_secure"),
        (SECURE, OK, ("mismatch", "unknown"), True, "with_tlsa"),
        (SECURE, VerdictPart("ok", "verified", "broken", "all"), ("ok", "mismatch"), True, "matched"),
        (RoutePart(None, (), None), OK, ("ok",), True, "protected"),  # no MX lookup was due
    ],
)
def test_the_last_step_that_a_domain_reaches(
    route: RoutePart, verdict: VerdictPart, dane: tuple[str, ...], *, usable: bool, step: str
) -> None:
    assert FUNNEL[funnel_step(route, verdict, dane, usable=usable)] == step


@pytest.mark.parametrize(
    ("route", "kind", "state"),
    [
        (SECURE, "mx", "secure"),
        (RoutePart(MXPart("nodata", "secure"), ("implicit-mx",), None), "implicit-mx", "secure"),
        (RoutePart(None, (), None), "given", "not asked"),
        (RoutePart(MXPart("error", "bogus"), (), "mx-bogus"), "mx-bogus", "bogus"),
    ],
)
def test_how_the_mx_hosts_are_known(route: RoutePart, kind: str, state: str) -> None:
    assert (mx_kind(route), mx_state(route)) == (kind, state)


def test_a_domain_without_mx_hosts_has_its_own_causes() -> None:
    words = set(words_of_domain(UNSURE, "secure", "mx", 1, routed=False))
    assert {word for table, word in words if table == "inconclusive"} == {"connect-timeout"}
    assert {word for table, word in words if table == "funnel"} == {"domains", "with_mail"}
    routed = set(words_of_domain(UNSURE, "secure", "mx", 1, routed=True))
    assert words - routed == {("inconclusive", "connect-timeout")}


@pytest.mark.parametrize(
    ("dane", "starttls", "causes"), [("ok", "all", 0), ("unknown", "all", 1), ("ok", "unknown", 1)]
)
def test_an_unknown_verdict_has_causes(dane: str, starttls: str, causes: int) -> None:
    host = HostPart("mx", 10, None, dane, starttls, "defer", conclusive=False)
    words = list(words_of_host(host, ["host-unreachable", "connect-timeout"]))
    assert sum(table == "inconclusive" for table, _ in words) == causes
    assert ("reasons", "host-unreachable") in words
