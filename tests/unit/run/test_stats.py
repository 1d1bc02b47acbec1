"""The counters of a scan."""

from dataclasses import replace

from scanner.reasons import Reason
from scanner.run.stats import Stats
from scanner.vocabulary import DomainDane, DomainOutcome
from tests.unit import records

OK = records.verdict()
UNKNOWN = records.verdict(dane=DomainDane.UNKNOWN, outcome=DomainOutcome.INCONCLUSIVE)


def test_a_domain_is_counted_once_with_its_last_verdict() -> None:
    stats = Stats()
    stats.domain(records.domain(verdict=UNKNOWN))
    assert (stats.tally("outcome"), stats.tally("dane")) == ({"inconclusive": 1}, {"unknown": 1})
    stats.domain(records.domain(verdict=OK), before=UNKNOWN)
    assert (stats.tally("outcome"), stats.tally("dane")) == ({"ok": 1}, {"protected": 1})
    assert (stats.done, stats.judged) == (1, 2)


def test_internal_errors_are_counted_each_time() -> None:
    stats = Stats()
    verdict = replace(UNKNOWN, reasons=(Reason.INTERNAL,))
    stats.domain(records.domain(verdict=verdict))
    stats.domain(records.domain(verdict=verdict), before=verdict)
    assert stats.internal_errors == 2


def test_the_last_outage_is_the_last_message_until_it_ends() -> None:
    stats = Stats()
    stats.outage("dns", "the DNS fails")
    stats.outage("network", "every connection fails")
    stats.outage("dns", "the DNS still fails")
    assert list(stats.outages.values()) == ["every connection fails", "the DNS still fails"]
    stats.outage("network", "")
    stats.outage("network", "")
    assert stats.outages == {"dns": "the DNS still fails"}
