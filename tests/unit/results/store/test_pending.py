"""What a run that ended early owes a later pass: what another visit might tell better, and all who name such a host."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from results.store import codec, line_keys, pending
from results.store.files import StoreError
from results.store.writer import Store
from scanner.core import retry
from scanner.facts import Answer, Failure, TLSALookup
from scanner.model import DomainRecord, EndpointReport, HostReport
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainOutcome, FailureKind, Outcome, Phase
from tests.unit import records
from tests.unit.records import DIGEST, NOON
from tests.unit.results.store.test_codec import values

CERTS = {DIGEST: records.cert()}
SOUND = records.report().endpoints[:1]
BUSY = Failure(Phase.GREETING, FailureKind.REJECTED, 421, "4.3.2 come back later")


def half(key: str = "mx1.example:25:smtp") -> HostReport:
    """A host of which one address told all and the other one wants to be asked again."""
    busy = records.probe("192.0.2.2", handshake=None, failure=BUSY)
    return records.report(key=key, endpoints=(*SOUND, EndpointReport("192.0.2.2", (busy,))))


def run_of(place: Path, *parts: tuple[DomainRecord, HostReport]) -> Path:
    with Store.create(place / "run", records.header()) as store:
        for domain, report in parts:
            store.put_domain(domain, [report], CERTS)
    return place / "run"


def of(report: HostReport, key: str = "a.example", **parts: object) -> DomainRecord:
    return records.domain(key=key, hosts=(records.host_verdict(report=report.key),), **parts)


@pytest.mark.parametrize(
    "owing",
    [
        half(),
        records.report(endpoints=SOUND, a=records.answer("mx1.example", "A", outcome=Outcome.ERROR)),
        records.report(endpoints=SOUND, tlsa=TLSALookup("mx1.example", (), Dane.LOOKUP_FAILED, None)),
    ],
    ids=["an address", "an address lookup", "a TLSA lookup"],
)
def test_a_settled_domain_is_pending_with_its_host(tmp_path: Path, owing: HostReport) -> None:
    whole = records.report(key="mx2.example:25:smtp")
    assert pending.pending_domains(run_of(tmp_path, (of(whole, "whole.example"), whole), (of(owing), owing))) == {
        "a.example"
    }


def test_a_host_that_has_been_visited_again_may_have_been_told_to_some_only(tmp_path: Path) -> None:
    """Killed in a later pass: the host is known by now, the line of its second domain is from before."""
    first, again = half(), records.report(observed_at=NOON + timedelta(minutes=5))
    inconclusive = records.verdict(outcome=DomainOutcome.INCONCLUSIVE)
    lines = (of(first), first), (of(first, "b.example", verdict=inconclusive), first), (of(again), again)
    assert pending.pending_domains(run_of(tmp_path, *lines)) == {"a.example", "b.example"}


@pytest.mark.parametrize(
    ("outcome", "keys"),
    [(Outcome.ERROR, {"a.example"}), (Outcome.DATA, set())],
)
def test_a_domain_of_which_nobody_knows_where_its_mail_goes(tmp_path: Path, outcome: Outcome, keys: set[str]) -> None:
    mx: Answer = records.answer("a.example", "MX", outcome=outcome)
    way = records.route(mx=mx, reasons=(Reason.MX_LOOKUP_FAILED,))
    assert pending.pending_domains(run_of(tmp_path, (records.domain(route=way), records.report()))) == keys


def test_an_address_that_is_left_alone_is_left_alone_again(tmp_path: Path) -> None:
    left = records.report(endpoints=())
    inconclusive = records.verdict(outcome=DomainOutcome.INCONCLUSIVE)
    assert pending.pending_domains(run_of(tmp_path, (of(left, verdict=inconclusive), left))) == set()


def test_a_line_that_is_none(tmp_path: Path) -> None:
    run = run_of(tmp_path, (of(half()), half()))
    with (run / "domains.jsonl").open("ab") as file:
        file.write(b'{"key":"b.example","hosts":[{"report":"\\ud800"}]}\n')
    with pytest.raises(StoreError, match=r"domains\.jsonl: no JSON string"):
        pending.pending_domains(run)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(values(HostReport).filter(lambda report: all(each.probes for each in report.endpoints)))
def test_no_host_worth_a_visit_is_passed_over_unread(report: HostReport) -> None:
    assert pending._FLAW.search(codec.encode(report)) or not retry.of_host(report)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(values(DomainRecord))
def test_every_report_that_a_domain_names_is_cut_out(record: DomainRecord) -> None:
    named = {host.report for host in record.hosts if host.report is not None}
    assert named <= set(line_keys.strings_of(codec.encode(record), "report"))
