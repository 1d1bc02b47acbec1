"""The recomputed verdicts of stored runs; they follow from PKIX and RFC 7672 (dates count for DANE-TA only)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from results.diff.rejudge import MissingPartError, Rejudge, rejudge
from results.diff.verdicts import change_text
from results.store.corrupt import CorruptLines
from results.store.files import StoreError
from results.store.reader import Run
from results.store.writer import Store
from scanner.core import rollup
from scanner.core.pkix import EMPTY, TrustStore
from scanner.facts import CertFacts, TLSALookup, TLSARecord
from scanner.model import DomainRecord, EndpointReport, HostReport, PkixEvidence, Route, RouteHost
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, DomainSTS, Level, Outcome, RunState, Security
from tests.unit import pki, records, sts

AT = pki.NOW
HOST = "mail.secure.test"
LEAF = replace(pki.LEAF_PLAN, sans=pki.dns(HOST), not_after=AT + timedelta(days=20)).make()
TRUST = TrustStore.from_pem(pki.ROOT.pem)


def rdata(record: TLSARecord) -> str:
    return f"{record.usage:02x}{record.selector:02x}{record.matching_type:02x}{record.data}"


def host(
    *pins: TLSARecord, address: Security = Security.SECURE, leaf: pki.Made = LEAF
) -> tuple[HostReport, tuple[CertFacts, ...]]:
    """Return the facts of a host without evidence; the judgement has to compute it."""
    chain = pki.chain(leaf, pki.INTER)
    shaken = records.handshake(chain=tuple(cert.sha256 for cert in chain))
    probe = records.probe(handshake=shaken, started=AT)
    outcome = Outcome.DATA if pins else Outcome.NXDOMAIN
    step = records.answer(f"_25._tcp.{HOST}", "TLSA", *map(rdata, pins), outcome=outcome)
    report = records.report(
        key=f"{HOST}:25/smtp",
        host=HOST,
        a=records.answer(HOST, "A", "192.0.2.1", security=address),
        aaaa=None,
        tlsa=TLSALookup(HOST, (), Dane.UNKNOWN, None, steps=(step,)),
        endpoints=(EndpointReport("192.0.2.1", (probe,), pkix=PkixEvidence(())),),
        skipped=(),
        observed_at=AT,
    )
    return report, chain


def domain(key: str = "secure.test", **parts: object) -> DomainRecord:
    mx = records.answer(key, "MX", f"10 {HOST}")
    route = records.route(HOST, mx=mx, names=(key,))
    verdict = records.host_verdict(host=HOST, report=f"{HOST}:25/smtp", endpoints=(), reasons=())
    return records.domain(key=key, route=route, hosts=(verdict,), observed_at=AT, **parts)


def written(path: Path, *domains: DomainRecord, of: tuple[HostReport, tuple[CertFacts, ...]]) -> Run:
    with Store.create(path, records.header()) as store:
        store.put_host(*of)
        for record in domains:
            store.put_domain(record, [], {cert.sha256: cert for cert in of[1]})
        store.finish(RunState.COMPLETE, {}, AT)
    return Run.open(path)


def settled(directory: Path, *pins: TLSARecord, level: Level = Level.DANE, **parts: Any) -> Run:
    """Return a run whose verdicts are those of the current code."""
    report, chain = host(*pins, **parts)
    raw = written(directory / "raw", domain(), of=(report, chain))
    judge = Rejudge(raw, TRUST, level)
    record = judge.record(domain())
    return written(directory / "run", record, of=(judge.report(report.key), chain))


def words(record: DomainRecord) -> tuple[str, str]:
    return record.verdict.dane, record.verdict.outcome


@pytest.mark.parametrize("pin", [pki.tlsa(3, 1, 1, LEAF), pki.tlsa(2, 1, 1, pki.INTER), None])
def test_nothing_changes_with_the_same_code_level_and_time(tmp_path: Path, pin: TLSARecord | None) -> None:
    run = settled(tmp_path, *([pin] if pin else []))
    judge = Rejudge(run, TRUST)
    assert [judge.record(record) for record in run.domains()] == list(run.domains())
    assert [judge.report(report.key) for report in run.hosts()] == list(run.hosts())
    found = rejudge(run, TRUST)
    assert (found.domains, found.left, found.changed, found.endpoints, found.transitions) == (1, 0, [], [], {})


def test_facts_become_evidence_and_verdicts(tmp_path: Path) -> None:
    """The stored verdicts contradict the facts."""
    run = written(tmp_path / "run", domain(), of=host(pki.tlsa(3, 1, 1, LEAF, wrong=True)))
    found = rejudge(run, TRUST)
    (change,) = found.changed
    assert (change.old.dane, change.new.dane) == (DomainDane.PROTECTED, DomainDane.BROKEN)
    assert change.reasons == (Reason.TLSA_MISMATCH, Reason.LEVEL_NOT_MET)
    assert found.transitions["dane"] == {"protected > broken": 1}


@pytest.mark.parametrize(
    ("pin", "days", "expected"),
    [
        (pki.tlsa(2, 1, 1, pki.INTER), 19, []),
        (pki.tlsa(2, 1, 1, pki.INTER), 21, [DomainDane.BROKEN]),  # DANE-TA: dates count (RFC 7671 section 5.2)
        (pki.tlsa(3, 1, 1, LEAF), 21, []),  # DANE-EE: they do not (RFC 7671 section 5.1)
    ],
)
def test_at_another_time(tmp_path: Path, pin: TLSARecord, days: int, expected: list[DomainDane]) -> None:
    run = settled(tmp_path, pin)
    found = rejudge(run, TRUST, at=AT + timedelta(days=days))
    assert [change.new.dane for change in found.changed] == expected


def test_an_address_that_is_no_longer_trusted_is_reported_where_the_domain_does_not_change(tmp_path: Path) -> None:
    run = settled(tmp_path, pki.tlsa(3, 1, 1, LEAF))
    found = rejudge(run, TRUST, at=AT + timedelta(days=21))
    assert found.changed == []
    (change,) = found.endpoints
    assert (change.host, change.address, change.domains) == (HOST, "192.0.2.1", 1)
    assert (change.old.pkix, change.new.pkix) == ("trusted", "untrusted")
    assert change.text == "certificate has expired"


def test_with_other_trusted_certificates(tmp_path: Path) -> None:
    run = settled(tmp_path, level=Level.VERIFY)
    assert words(next(run.domains())) == ("none", "ok")
    (change,) = rejudge(run, EMPTY).changed
    assert (change.old.outcome, change.new.outcome) == (DomainOutcome.OK, DomainOutcome.FAIL)


def test_at_another_level(tmp_path: Path) -> None:
    run = settled(tmp_path)
    assert words(next(run.domains())) == ("none", "ok")
    (change,) = rejudge(run, TRUST, Level.DANE_ONLY).changed
    assert (change.new.dane, change.new.outcome) == (DomainDane.NONE, DomainOutcome.FAIL)


def test_a_question_that_was_not_asked_keeps_the_lookup(tmp_path: Path) -> None:
    report, chain = host(pki.tlsa(3, 1, 1, LEAF))
    unasked = replace(report, tlsa=replace(report.tlsa, steps=()))
    run = written(tmp_path / "run", domain(), of=(unasked, chain))
    assert Rejudge(run, TRUST).report(report.key).tlsa == unasked.tlsa


def test_domains_with_missing_parts_are_counted(tmp_path: Path) -> None:
    report, _ = host(pki.tlsa(3, 1, 1, LEAF))
    run = written(tmp_path / "run", domain(), of=(report, ()))  # no certificates
    found = rejudge(run, TRUST)
    assert (found.domains, found.left, found.changed) == (1, 1, [])
    with pytest.raises(MissingPartError):
        Rejudge(run, TRUST).report("nowhere:25/smtp")


def test_a_certificate_with_another_digest_is_missing(tmp_path: Path) -> None:
    report, chain = host(pki.tlsa(3, 1, 1, LEAF))
    run = written(tmp_path / "run", domain(), of=(report, tuple(replace(cert, der=b"another") for cert in chain)))
    assert rejudge(run, TRUST).left == 1


def test_an_internal_error_has_no_facts_to_judge(tmp_path: Path) -> None:
    verdict = records.verdict(dane=DomainDane.UNKNOWN, reasons=(Reason.INTERNAL,))
    bug = replace(domain(verdict=verdict), route=Route(()), hosts=())
    run = written(tmp_path / "run", bug, of=host())
    assert rejudge(run, TRUST).changed == []


def test_a_host_that_was_named_itself(tmp_path: Path) -> None:
    record = domain(key=f"[{HOST}]")
    direct = replace(record, route=Route((RouteHost(HOST, 0),)))
    run = written(tmp_path / "run", direct, of=host(pki.tlsa(2, 1, 1, pki.INTER)))
    assert words(Rejudge(run, TRUST).record(direct)) == ("protected", "ok")


def test_hosts_above_a_limit_stay_unexamined(tmp_path: Path) -> None:
    pin = pki.tlsa(3, 1, 1, LEAF)
    report, chain = host(pin)
    mx = records.answer("secure.test", "MX", f"10 {HOST}", "20 mx2.secure.test", "30 mx3.secure.test")
    route = records.route(HOST, "mx2.secure.test", "mx3.secure.test", mx=mx, names=("secure.test",))
    beyond = [
        rollup.unexamined(hop, reason)
        for hop, reason in zip(route.hosts[1:], (Reason.ADDRESS_LIMIT, Reason.HOST_LIMIT), strict=True)
    ]
    old = replace(domain(), route=route, hosts=(domain().hosts[0], *beyond))
    judge = Rejudge(written(tmp_path / "run", old, of=(report, chain)), TRUST)
    new = judge.record(old)
    assert new.hosts[1:] == tuple(beyond)
    assert (new.hosts[0].dane, new.verdict.dane) == ("ok", "unknown")


POLICY_LEAF = replace(pki.LEAF_PLAN, sans=pki.dns(sts.HOST), not_after=AT + timedelta(days=10)).make()


def with_policy(directory: Path, *pins: TLSARecord) -> Run:
    """Return a run with a domain that has a policy of mode ``enforce``, judged by the current code."""
    report, chain = host(*pins)
    policy_chain = pki.chain(POLICY_LEAF, pki.INTER)
    shaken = records.handshake(chain=tuple(cert.sha256 for cert in policy_chain))
    policy = sts.report(sts.policy(HOST), replace(sts.FETCH, handshake=shaken))
    raw = domain(sts=policy, tlsrpt=sts.tlsrpt(), verdict=records.verdict(sts=DomainSTS.UNKNOWN))
    certs = (*chain, *policy_chain)
    judge = Rejudge(written(directory / "raw", raw, of=(report, certs)), TRUST)
    return written(directory / "run", judge.record(raw), of=(judge.report(report.key), certs))


def test_mta_sts_is_judged_again(tmp_path: Path) -> None:
    run = with_policy(tmp_path, pki.tlsa(3, 1, 1, LEAF))
    (stored,) = run.domains()
    verdict = stored.verdict
    assert (verdict.sts, verdict.sender_sts, verdict.sender_both, verdict.mechanism, stored.hosts[0].sts) == (
        *("protected", "verified", "verified", "both"),
        "ok",
    )
    assert Rejudge(run, TRUST).record(stored) == stored
    assert rejudge(run, TRUST).changed == []


@pytest.mark.parametrize(
    ("days", "expected"),
    [  # RFC 8461 sections 3.3 and 4.2: the certificates of the policy host and of the MX host must be valid
        (9, ""),
        (15, "sts protected > invalid, mechanism both > dane"),
        (25, "sts protected > invalid, mechanism both > dane"),
    ],
)
def test_mta_sts_at_another_time(tmp_path: Path, days: int, expected: str) -> None:
    run = with_policy(tmp_path, pki.tlsa(3, 1, 1, LEAF))
    found = rejudge(run, TRUST, at=AT + timedelta(days=days))
    assert [change_text(change.old, change.new) for change in found.changed] == ([expected] if expected else [])


def test_a_missing_certificate_of_a_policy_host(tmp_path: Path) -> None:
    run = with_policy(tmp_path)
    stored = list(run.domains())
    lost = written(tmp_path / "lost", *stored, of=host())
    assert rejudge(lost, TRUST).left == 1


@pytest.mark.parametrize("order", [1, -1])
def test_only_domains_outside_the_certificate_share_a_verdict(tmp_path: Path, order: int) -> None:
    """RFC 7672 section 3.2.2: the domain is a reference identifier of DANE-TA(2)."""
    leaf = replace(pki.LEAF_PLAN, sans=pki.dns("named.test", "*.wild.test"), not_after=AT + timedelta(days=20)).make()
    names = ["a.test", "named.test", "b.test", "x.wild.test"][::order]
    run = written(tmp_path / "run", *map(domain, names), of=host(pki.tlsa(2, 1, 1, pki.INTER), leaf=leaf))
    judge = Rejudge(run, TRUST)
    found = {record.key: judge.record(record).verdict.dane for record in run.domains()}
    protected, broken = DomainDane.PROTECTED, DomainDane.BROKEN
    assert found == {"a.test": broken, "b.test": broken, "named.test": protected, "x.wild.test": protected}


def test_shared_verdicts_are_bounded_and_differ_by_the_mx_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanner.core.judgement.VERDICTS", 1)
    run = written(tmp_path / "run", domain(), of=host(pki.tlsa(3, 1, 1, LEAF)))
    judge = Rejudge(run, TRUST)
    for preference in (10, 20, 10):
        mx = records.answer("secure.test", "MX", f"{preference} {HOST}")
        route = records.route(HOST, mx=mx, names=("secure.test",))
        (verdict,) = judge.record(replace(domain(), route=route)).hosts
        assert verdict.preference == preference


def test_the_order_of_the_domains_has_no_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"d{number}.test" for number in range(20)]
    run = written(tmp_path / "run", *map(domain, names), of=host(pki.tlsa(3, 1, 1, LEAF, wrong=True)))
    one = rejudge(run, TRUST)
    monkeypatch.setattr("results.diff.rejudge.KEPT", 1)  # several buckets
    assert rejudge(run, TRUST) == one
    assert [change.domain for change in one.changed] == sorted(names)


def test_a_corrupt_domain_line_is_skipped_and_counted(tmp_path: Path) -> None:
    run = written(tmp_path / "run", domain(), of=host(pki.tlsa(3, 1, 1, LEAF)))
    with (run.path / "domains.jsonl").open("ab") as file:
        file.write(b'{"key":"odd.test","target":1}\n')
    with pytest.raises(StoreError, match="line 2"):
        rejudge(run, TRUST)
    corrupt = CorruptLines()
    assert rejudge(Run.open(run.path, corrupt), TRUST).domains == 1
