from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from results.count.summary import Count
from scanner.model import Route
from scanner.reasons import Reason
from scanner.vocabulary import (
    Dane,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    Outcome,
    RunState,
    Security,
    Sender,
)
from tests.unit import records
from tests.unit.records import DIGEST, NOON
from tests.unit.results.count.runs import summary

CERTS = {DIGEST: records.cert()}
INSECURE_MX = replace(records.answer("a.example", "MX", "10 mx1.example"), security=Security.INSECURE)
NO_MAIL = records.verdict(
    outcome=DomainOutcome.NO_MAIL,
    sender=Sender.BOUNCE,
    dane=DomainDane.NO_MAIL,
    starttls=DomainStartTLS.NO_MAIL,
    reasons=(Reason.NULL_MX,),
)


MISMATCH = records.host_verdict(dane=Dane.MISMATCH, sender=Sender.DEFER)


def test_domains_are_counted_once_by_their_last_line(tmp_path: Path) -> None:
    again = records.domain(verdict=records.verdict(dane=DomainDane.UNKNOWN, outcome=DomainOutcome.INCONCLUSIVE))
    found = summary(tmp_path, [records.domain(), records.domain(key="b.example"), again])
    assert found.funnel.domains == 2
    assert found.dane == {"protected": 1, "unknown": 1}
    assert found.outcome == {"inconclusive": 1, "ok": 1}
    assert found.sender == {"verified": 2}
    assert found.starttls == {"all": 2}


def test_a_run_says_when_and_what_was_not_scanned(tmp_path: Path) -> None:
    found = summary(tmp_path, [])
    assert (found.state, found.started) == (RunState.COMPLETE, NOON)
    assert found.finished == NOON + timedelta(hours=1)
    assert found.rejects == {"not-a-domain": 1}


def test_a_failed_mx_lookup_is_not_counted_as_no_mail(tmp_path: Path) -> None:
    error = replace(INSECURE_MX, outcome=Outcome.ERROR, security=Security.INDETERMINATE, records=())
    record = records.domain(
        route=Route((), error, final=Reason.MX_LOOKUP_FAILED),
        hosts=(),
        verdict=records.verdict(outcome=DomainOutcome.INCONCLUSIVE, dane=DomainDane.LOOKUP_FAILED),
    )
    assert summary(tmp_path, [record]).outcome == {"inconclusive": 1}


# --- both weightings ------------------------------------------------------------------------------------------


def test_every_word_is_counted_by_domains_and_by_hosts(tmp_path: Path) -> None:
    """Three domains on one host, one on another: 3 of 4 domains, 1 of 2 hosts."""
    second = records.report(key="mx2.example:25:smtp", host="mx2.example", endpoints=())
    other = records.host_verdict(host="mx2.example", report=second.key, dane=Dane.NONE, endpoints=(), reasons=())
    domains = [records.domain(key=f"{number}.example") for number in range(3)]
    domains.append(
        records.domain(key="d.example", hosts=(other,), verdict=records.verdict(dane=DomainDane.NONE, reasons=()))
    )
    tables = summary(tmp_path, domains, [records.report(), second]).tables
    assert tables["dane"].rows == {"protected": Count(3, 1), "none": Count(1, 1)}
    assert tables["dane"].base == Count(4, 2)
    assert tables["host_dane"].rows == {"ok": Count(3, 1), "none": Count(1, 1)}
    assert tables["post_quantum"].rows == {"yes": Count(3, 1)}
    assert tables["post_quantum"].base == Count(3, 1)
    assert tables["funnel"].rows["protected"] == Count(3, 1)
    assert tables["reasons"].rows["connection-refused"] == Count(3, 1)
