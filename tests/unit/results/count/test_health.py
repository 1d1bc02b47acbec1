"""Health of domains and MX hosts; the cases of domains and hosts in runs are in the tests of the comparison."""

import pytest

from results.count.health import Health, domain_health, host_health


@pytest.mark.parametrize(
    ("dane", "outcome", "reasons", "expected"),
    [
        ("protected", "ok", (), Health.SOUND),
        ("broken", "ok", ("delivered-by-lesser-mx",), Health.BROKEN),
        ("none", "fail", (), Health.BROKEN),
        ("no_mail", "no_mail", ("mx-targets-unresolvable",), Health.BROKEN),
        ("no_mail", "no_mail", ("nxdomain",), Health.ABSENT),
        ("no_mail", "no_mail", ("null-mx",), Health.SOUND),
        ("unknown", "ok", (), Health.UNKNOWN),
        ("lookup_failed", "inconclusive", (), Health.UNKNOWN),
        ("value-of-a-later-version", "ok", (), Health.SOUND),
    ],
)
def test_domains(dane: str, outcome: str, reasons: tuple[str, ...], expected: Health) -> None:
    assert domain_health(dane, outcome, reasons) is expected


@pytest.mark.parametrize(
    ("dane", "sender", "conclusive", "expected"),
    [
        ("ok", "verified", True, Health.SOUND),
        ("no_tls", "defer", True, Health.BROKEN),
        ("mismatch", "defer", False, Health.BROKEN),
        ("none", "bounce", True, Health.BROKEN),
        ("unknown", "defer", False, Health.UNKNOWN),
        ("none", "unknown", False, Health.UNKNOWN),
    ],
)
def test_hosts(dane: str, sender: str, conclusive: bool, expected: Health) -> None:  # noqa: FBT001 - a column of a table
    assert host_health(dane, sender, conclusive=conclusive) is expected
