"""The domains that a report names, within limits."""

from dataclasses import dataclass

import pytest

from results.count import listed_domains
from results.count.listed_domains import LimitedDomain, ListedDomains, UnroutedDomain
from results.store.partial import VerdictPart


@dataclass
class MailHost:
    """An MX host with reasons."""

    name: str
    report: str | None = "key"
    reasons: tuple[str, ...] = ()


HOST = MailHost("mx.test")


def verdict(*reasons: str, outcome: str = "ok", sts: str | None = None) -> VerdictPart:
    return VerdictPart(outcome, "verified", "none", "all", reasons, "text", sts)


def test_domains_without_an_mx_host() -> None:
    listed = ListedDomains()
    listed.add("a.test", verdict("mx-lookup-failed", outcome="inconclusive"), ())
    listed.add("b.test", verdict("null-mx", outcome="no_mail"), ())
    listed.add("c.test", verdict(outcome="fail"), (HOST,))
    assert listed.unrouted == [UnroutedDomain("a.test", ("mx-lookup-failed",), "text")]


def test_domains_above_a_limit() -> None:
    listed = ListedDomains()
    hosts = (HOST, MailHost("many.test", "key", ("address-limit",)), MailHost("mx9.test", None, ("host-limit",)))
    listed.add("a.test", verdict("host-limit", "address-limit"), hosts)
    assert listed.limited == [LimitedDomain("a.test", 1, ("many.test",))]


def test_faults_of_mta_sts_are_in_order_and_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed_domains, "FAULTY", 3)
    listed = ListedDomains()
    for number in range(4):
        listed.add(f"later{number}.test", verdict("sts-lookup-failed", sts="lookup_failed"), (HOST,))
    listed.add("noted.test", verdict("sts-media-type", sts="protected"), (HOST,))
    listed.add("unexamined.test", verdict("sts-media-type"), (HOST,))
    listed.add("fine.test", verdict("mx-insecure", sts="none"), (HOST,))
    listed.add("invalid.test", verdict("sts-policy-invalid", sts="invalid"), (HOST,))
    found = listed.faults()
    assert (found.count, found.domains) == (6, ("invalid.test", "noted.test", "later0.test"))
