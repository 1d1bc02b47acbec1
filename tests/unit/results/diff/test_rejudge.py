"""Stored runs judged again. Expected verdicts follow from RFC 7672 (DANE-EE has no dates, DANE-TA has) and PKIX."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from results.diff.rejudge import Missing, Rejudge, rejudge
from results.store.by_key import Lookup
from results.store.reader import Run, lines_path
from results.store.writer import Store
from scanner.cli import report_modes as analysis
from scanner.cli.errors import CliError
from scanner.core.pkix import EMPTY, TrustStore
from scanner.facts import CertFacts, TLSALookup, TLSARecord
from scanner.model import DomainRecord, EndpointReport, HostReport, PkixEvidence, Route, RouteHost
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, Level, Outcome, RunState, Security
from tests.unit import pki, records

AT = pki.NOW
HOST = "mail.secure.test"
LEAF = replace(pki.LEAF_PLAN, sans=pki.dns(HOST), not_after=AT + timedelta(days=20)).make()
TRUST = TrustStore.from_pem(pki.ROOT.pem)


def rdata(record: TLSARecord) -> str:
    return f"{record.usage:02x}{record.selector:02x}{record.matching_type:02x}{record.data}"


def host(*pins: TLSARecord, address: Security = Security.SECURE) -> tuple[HostReport, tuple[CertFacts, ...]]:
    """Facts of a host; its evidence is a blank that judging again has to fill in."""
    chain = pki.chain(LEAF, pki.INTER)
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
            store.put_domain(record, [], {})
        store.finish(RunState.COMPLETE, {}, AT)
    return Run.open(path)


def settled(directory: Path, *pins: TLSARecord, level: Level = Level.DANE, **parts: Security) -> Run:
    """A run whose verdicts are those of today's code."""
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
    """The stored verdicts are all wrong; the facts say otherwise."""
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


def test_an_address_that_is_no_longer_trusted_is_told_even_where_the_domain_stays_as_it_is(tmp_path: Path) -> None:
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


def test_a_question_that_was_never_asked_leaves_the_lookup_as_it_was(tmp_path: Path) -> None:
    report, chain = host(pki.tlsa(3, 1, 1, LEAF))
    unasked = replace(report, tlsa=replace(report.tlsa, steps=()))
    run = written(tmp_path / "run", domain(), of=(unasked, chain))
    assert Rejudge(run, TRUST).report(report.key).tlsa == unasked.tlsa


def test_what_the_run_lacks_is_left_and_counted(tmp_path: Path) -> None:
    report, _ = host(pki.tlsa(3, 1, 1, LEAF))
    run = written(tmp_path / "run", domain(), of=(report, ()))  # no certificates
    found = rejudge(run, TRUST)
    assert (found.domains, found.left, found.changed) == (1, 1, [])
    with pytest.raises(Missing):
        Rejudge(run, TRUST).report("nowhere:25/smtp")


def test_a_certificate_that_its_digest_does_not_fit_is_lacking(tmp_path: Path) -> None:
    report, chain = host(pki.tlsa(3, 1, 1, LEAF))
    run = written(tmp_path / "run", domain(), of=(report, tuple(replace(cert, der=b"another") for cert in chain)))
    assert rejudge(run, TRUST).left == 1


def test_our_own_bug_is_no_fact(tmp_path: Path) -> None:
    verdict = records.verdict(dane=DomainDane.UNKNOWN, reasons=(Reason.INTERNAL,))
    bug = replace(domain(verdict=verdict), route=Route(()), hosts=())
    run = written(tmp_path / "run", bug, of=host())
    assert rejudge(run, TRUST).changed == []


def test_a_host_that_was_named_itself(tmp_path: Path) -> None:
    record = domain(key=f"[{HOST}]")
    direct = replace(record, route=Route((RouteHost(HOST, 0),)))
    run = written(tmp_path / "run", direct, of=host(pki.tlsa(2, 1, 1, pki.INTER)))
    assert words(Rejudge(run, TRUST).record(direct)) == ("protected", "ok")


def test_lines_are_read_by_key_and_the_last_one_counts(tmp_path: Path) -> None:
    old, chain = host()
    run = written(tmp_path / "run", of=(old, chain))
    path = lines_path(run.path, "hosts")
    with path.open("ab") as file:
        file.write(path.read_bytes().replace(b'"port":25', b'"port":26') + b'{"key":"torn')
    lookup = Lookup(path, HostReport)
    found = lookup.get(old.key)
    assert found is not None
    assert found.port == 26
    assert lookup.get("torn") is None


# --- the command ----------------------------------------------------------------------------------------------


def test_json_tells_all(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    run = settled(tmp_path, pki.tlsa(2, 1, 1, pki.INTER))
    bundle = tmp_path / "root.pem"
    bundle.write_bytes(pki.ROOT.pem)
    at = (AT + timedelta(days=21)).isoformat()
    analysis.rejudge(run, at=at, level=None, ca_file=str(bundle), ca_path=None, form="json")
    document = json.loads(capfdbinary.readouterr().out)
    assert document["transitions"]["dane"] == {"protected > broken": 1}


def test_the_run_s_own_trusted_roots_are_used_and_one_that_is_gone_is_told(tmp_path: Path) -> None:
    with Store.create(tmp_path / "run", records.header(settings={"ca_file": str(tmp_path / "gone.pem")})) as store:
        store.finish(RunState.COMPLETE, {}, AT)
    run = Run.open(tmp_path / "run")
    with pytest.raises(CliError, match=r"gone\.pem"):
        analysis.rejudge(run, at=None, level=None, ca_file=None, ca_path=None, form="text")
