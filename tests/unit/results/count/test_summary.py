from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from results.count import domains as counting_domains
from results.count.summary import SLOWEST, Count, Summary, last_handshake, summarise
from results.store.reader import Run
from results.store.writer import Store
from scanner.facts import Answer
from scanner.model import DomainRecord, EndpointReport, HostReport, Route
from scanner.reasons import Reason
from scanner.vocabulary import (
    Dane,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    Level,
    Outcome,
    RunState,
    Security,
    Sender,
)
from tests.unit import records
from tests.unit.records import DIGEST, NOON

CERTS = {DIGEST: records.cert()}
INSECURE_MX = replace(records.answer("a.example", "MX", "10 mx1.example"), security=Security.INSECURE)
NO_MAIL = records.verdict(
    outcome=DomainOutcome.NO_MAIL,
    sender=Sender.BOUNCE,
    dane=DomainDane.NO_MAIL,
    starttls=DomainStartTLS.NO_MAIL,
    reasons=(Reason.NULL_MX,),
)


def summary(place: Path, domains: Sequence[DomainRecord], reports: Sequence[HostReport] = ()) -> Summary:
    with Store.create(place, records.header()) as store:
        for report in reports:
            store.put_host(report, [records.cert()])
        for record in domains:
            store.put_domain(record, [], CERTS)
        store.put_reject("-", 1, "x y", "not-a-domain")
        store.finish(RunState.COMPLETE, {}, NOON + timedelta(hours=1))
    return summarise(Run.open(place))


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


def test_domains_are_counted_once_by_their_last_line(tmp_path: Path) -> None:
    again = records.domain(verdict=records.verdict(dane=DomainDane.UNKNOWN, outcome=DomainOutcome.INCONCLUSIVE))
    found = summary(tmp_path, [records.domain(), records.domain(key="b.example"), again])
    assert found.funnel.domains == 2
    assert found.dane == {"protected": 1, "unknown": 1}
    assert found.outcome == {"inconclusive": 1, "ok": 1}
    assert found.sender == {"verified": 2}
    assert found.starttls == {"all": 2}


def test_hosts_and_addresses_are_counted_once_however_many_domains_share_them(tmp_path: Path) -> None:
    domains = [records.domain(key=f"{number}.example") for number in range(9)]
    found = summary(tmp_path, domains, [records.report()])
    assert (found.hosts, found.endpoints) == (1, 2)
    assert found.host_dane == {"ok": 1}
    assert found.tls_versions == {"TLSv1.3": 1}
    assert found.ciphers == {"TLS_AES_256_GCM_SHA384": 1}
    assert found.groups == {"X25519MLKEM768": 1}
    assert found.key_types == {"ec 256": 1}


def test_the_last_handshake_of_an_address_counts(tmp_path: Path) -> None:
    legacy = replace(records.probe(), handshake=records.handshake(version="TLSv1", group=None, chain=()))
    failed = replace(records.probe(), handshake=None)
    report = records.report(endpoints=(EndpointReport("192.0.2.1", (failed, legacy)),))
    found = summary(tmp_path, [], [report])
    assert (found.tls_versions, found.groups) == ({"TLSv1": 1}, {"unknown": 1})
    assert found.key_types == {"unknown": 1}


def test_an_address_whose_mismatch_could_not_be_confirmed_counts_as_one_without_a_handshake(tmp_path: Path) -> None:
    """The verdicts' case 31: the first probe has TLS, the one that was to confirm its mismatch is refused."""
    end = EndpointReport("192.0.2.1", (records.probe(), records.refused("192.0.2.1")))
    found = summary(tmp_path, [], [records.report(endpoints=(end,))])
    assert (found.endpoints, found.tls_versions, found.key_types) == (1, {}, {})
    assert last_handshake(end.probes) is None


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


def test_failing_hosts_are_ranked_by_domains(tmp_path: Path) -> None:
    down = records.host_verdict(
        host="down.example", dane=Dane.NONE, sender=Sender.DEFER, endpoints=(records.unreached(),), reasons=()
    )
    wrong = replace(MISMATCH, host="wrong.example", endpoints=(), reasons=(Reason.TLSA_MISMATCH,), text="no match")
    domains = [
        records.domain(key="a.example", hosts=(down, records.host_verdict())),
        records.domain(key="b.example", hosts=(down, wrong)),
    ]
    first, second = summary(tmp_path, domains).failing
    assert (first.host, first.domains, first.dane) == ("down.example", 2, Dane.NONE)
    assert first.reasons == (Reason.CONNECTION_REFUSED,)
    assert first.text == "Connection refused"
    assert (second.host, second.domains, second.text) == ("wrong.example", 1, "no match")


def test_the_slowest_addresses_come_first_and_are_bounded(tmp_path: Path) -> None:
    reports = [
        records.report(
            key=f"mx{number}.example:25:smtp",
            host=f"mx{number}.example",
            endpoints=(
                EndpointReport("192.0.2.1", (records.probe(ms={"connect": number, "ehlo": 1.0}), records.refused())),
            ),
        )
        for number in range(SLOWEST + 5)
    ]
    slowest = summary(tmp_path, [], reports).slowest
    assert len(slowest) == SLOWEST
    # connect 24 ms, EHLO 1 ms, and 3 ms of the refused probe
    assert (slowest[0].host, slowest[0].ms) == (f"mx{SLOWEST + 4}.example", SLOWEST + 4 + 1 + 3)


@pytest.mark.parametrize(("days", "expected"), [(-1, ["mx1.example"]), (20, ["mx1.example"]), (22, [])])
def test_certificates_that_expire_soon_are_named(tmp_path: Path, days: int, expected: list[str]) -> None:
    finished = NOON + timedelta(hours=1)
    with Store.create(tmp_path, records.header()) as store:
        store.put_host(records.report(), [records.cert(not_after=finished + timedelta(days=days))])
        store.finish(RunState.COMPLETE, {}, finished)
    assert [row.host for row in summarise(Run.open(tmp_path)).expiring] == expected


def test_a_run_says_when_and_what_was_not_scanned(tmp_path: Path) -> None:
    found = summary(tmp_path, [])
    assert (found.state, found.started) == (RunState.COMPLETE, NOON)
    assert found.finished == NOON + timedelta(hours=1)
    assert found.rejects == {"not-a-domain": 1}


def test_levels_below_dane_are_counted_by_what_matches(tmp_path: Path) -> None:
    record = records.domain(verdict=records.verdict(level=Level.MAY, sender=Sender.ENCRYPTED))
    assert funnel_of(tmp_path, record) == (1, 1, 1, 1, 1)


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


def test_a_domain_with_two_hosts_counts_once_for_a_word_of_either(tmp_path: Path) -> None:
    hosts = (records.host_verdict(), records.host_verdict(host="mx2.example"))
    found = summary(tmp_path, [records.domain(hosts=hosts)])
    assert found.tables["reasons"].rows["some-addresses-unreachable"] == Count(1, 2)
    assert [(row.name, row.domains, row.hosts) for row in found.providers] == [
        ("mx1.example", 1, 1),
        ("mx2.example", 1, 1),
    ]


def test_addresses_that_disagree_are_told(tmp_path: Path) -> None:
    first = EndpointReport("192.0.2.1", (records.probe(),), records.evidence())
    other = records.probe("192.0.2.2", handshake=records.handshake(version="TLSv1.2", chain=("0d" * 32,)))
    second = EndpointReport("192.0.2.2", (other,), records.evidence(record=None, depth=-1))
    found = summary(tmp_path, [records.domain()], [records.report(endpoints=(first, second))])
    assert {row.what: dict(row.values) for row in found.disagreements} == {
        "certificate": {"192.0.2.1": DIGEST[:16], "192.0.2.2": "0d" * 8},
        "tls-version": {"192.0.2.1": "TLSv1.3", "192.0.2.2": "TLSv1.2"},
        "dane": {"192.0.2.1": "match", "192.0.2.2": "no match"},
    }
    assert set(found.tables["disagreements"].rows) == {"certificate", "tls-version", "dane"}


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
