"""Counts of domains, and of the MX hosts that they have."""

from dataclasses import replace
from pathlib import Path

import pytest

from results.count import domains as counting_domains
from results.count.summary import Count
from scanner.facts import Answer
from scanner.model import DomainRecord, HostReport, Route
from scanner.reasons import Reason
from scanner.vocabulary import (
    Dane,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    Level,
    Security,
    Sender,
)
from tests.unit import records
from tests.unit.results.count.runs import summary

INSECURE_MX = replace(records.answer("a.example", "MX", "10 mx1.example"), security=Security.INSECURE)


NO_MAIL = records.verdict(
    outcome=DomainOutcome.NO_MAIL,
    sender=Sender.BOUNCE,
    dane=DomainDane.NO_MAIL,
    starttls=DomainStartTLS.NO_MAIL,
    reasons=(Reason.NULL_MX,),
)


def funnel_of(place: Path, record: DomainRecord, *reports: HostReport) -> tuple[int, ...]:
    funnel = summary(place, [record], reports or [records.report()]).funnel
    return (
        funnel.with_mail,
        funnel.mx_secure,
        funnel.with_tlsa,
        funnel.matched,
        funnel.protected,
    )


def with_mx(mx: Answer | None) -> Route:
    return records.route(mx=mx)


TLSA_NONE = replace(records.report().tlsa, dane=Dane.NONE, reason=Reason.TLSA_NONE, records=())


MISMATCH = records.host_verdict(dane=Dane.MISMATCH, sender=Sender.DEFER)


@pytest.mark.parametrize(
    ("record", "report", "expected"),
    [
        (records.domain(), records.report(), (1, 1, 1, 1, 1)),
        (records.domain(verdict=records.verdict(dane=DomainDane.BROKEN)), records.report(), (1, 1, 1, 1, 0)),
        (records.domain(hosts=(MISMATCH,)), records.report(), (1, 1, 1, 0, 0)),
        (records.domain(), records.report(tlsa=TLSA_NONE), (1, 1, 0, 0, 0)),
        (records.domain(route=with_mx(INSECURE_MX)), records.report(), (1, 0, 0, 0, 0)),
        (records.domain(route=with_mx(None)), records.report(), (1, 1, 1, 1, 1)),
        (records.domain(verdict=NO_MAIL), records.report(), (0, 0, 0, 0, 0)),
        (records.domain(route=Route((), final=Reason.MX_LOOKUP_FAILED)), records.report(), (0, 0, 0, 0, 0)),
    ],
)
def test_a_domain_gets_as_far_as_it_gets(
    tmp_path: Path, record: DomainRecord, report: HostReport, expected: tuple[int, ...]
) -> None:
    assert funnel_of(tmp_path, record, report) == expected


def test_a_reason_counts_once_for_a_domain_wherever_it_stands(tmp_path: Path) -> None:
    both = records.domain(
        hosts=(records.host_verdict(), records.host_verdict(host="mx2.example")),
        verdict=records.verdict(reasons=(Reason.SOME_ADDRESSES_UNREACHABLE, Reason.IMPLICIT_MX)),
    )
    found = summary(tmp_path, [both])
    assert found.reasons == {"connection-refused": 1, "implicit-mx": 1, "some-addresses-unreachable": 1}


def test_the_worst_that_is_said_of_a_host_stands(tmp_path: Path) -> None:
    domains = [
        records.domain(),
        records.domain(key="b.example", hosts=(MISMATCH,)),
        records.domain(key="c.example"),
    ]
    assert summary(tmp_path, domains).host_dane == {"mismatch": 1}


def test_levels_below_dane_are_counted_by_what_matches(tmp_path: Path) -> None:
    record = records.domain(verdict=records.verdict(level=Level.MAY, sender=Sender.ENCRYPTED))
    assert funnel_of(tmp_path, record) == (1, 1, 1, 1, 1)


def test_a_domain_with_two_hosts_counts_once_for_a_word_of_either(tmp_path: Path) -> None:
    hosts = (records.host_verdict(), records.host_verdict(host="mx2.example"))
    found = summary(tmp_path, [records.domain(hosts=hosts)])
    assert found.tables["reasons"].rows["some-addresses-unreachable"] == Count(1, 2)
    assert [(row.name, row.domains, row.hosts) for row in found.providers] == [
        ("mx1.example", 1, 1),
        ("mx2.example", 1, 1),
    ]


def test_settling_in_between_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domains = [
        records.domain(key=f"{number}.example", hosts=(records.host_verdict(host=f"mx{number % 3}.example"),))
        for number in range(12)
    ]
    whole = summary(tmp_path / "one", domains)
    for limit in ("KNOWN", "KINDS", "VERDICTS"):
        with monkeypatch.context() as patch:
            patch.setattr(counting_domains, limit, 1)
            assert replace(summary(tmp_path / limit, domains), slowest=whole.slowest) == whole
