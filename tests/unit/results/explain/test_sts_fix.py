"""The faults of MTA-STS and TLSRPT with the lines to publish: every proposed policy and record is a valid one."""

from dataclasses import replace

import pytest

from results.explain.sts_fix import PATTERNS, domain_of, policy_faults, policy_lines, record_line
from scanner.core.sts.policy_file import Patterns, parse_policy
from scanner.core.sts.records import sts_report, tlsrpt_report
from scanner.facts import Failure
from scanner.model import DomainRecord, HostVerdict
from scanner.reasons import Reason
from scanner.sts import STSReport
from scanner.vocabulary import FailureKind, HostSTS, Outcome, Phase
from tests.unit import records, sts
from tests.unit.pki import NOW

RECORD = '_mta-sts.secure.test. IN TXT "v=STSv1; id=20260901'


def hosts(*names: str, sts: HostSTS | None = None, **parts: object) -> tuple[HostVerdict, ...]:
    return tuple(records.host_verdict(host=name, sts=sts, **parts) for name in names)


def domain(report: STSReport, *reasons: Reason, mx: tuple[HostVerdict, ...] = (), **parts: object) -> DomainRecord:
    parts = {"tlsrpt": sts.tlsrpt(), **parts}
    return records.domain(sts=report, hosts=mx, verdict=records.verdict(reasons=reasons), **parts)


def policy(mx: tuple[str, ...], *names: str) -> tuple[str, ...]:
    """Return the proposed policy of a domain with a policy and MX hosts."""
    return policy_lines(domain(sts.report(sts.policy(*mx)), mx=hosts(*names)))


@pytest.mark.parametrize(
    ("mx", "names", "expected"),
    [
        (("a.test",), ("a.test",), ["a.test"]),
        (("a.test",), ("a.test", "B.test"), ["a.test", "b.test"]),
        (("*.test",), ("a.test", "b.test", "c.other"), ["*.test", "c.other"]),  # a pattern that matches is kept
        (("old.test", "a.test"), ("a.test",), ["a.test"]),
        (("192.0.2.1",), ("a.test",), ["a.test"]),  # Zuplu/postfix-tlspol#70
        (("a.test",), ("a.test", "not a name"), ["a.test"]),
    ],
)
def test_a_policy_lists_every_mx_host(mx: tuple[str, ...], names: tuple[str, ...], expected: list[str]) -> None:
    lines = policy(mx, *names)
    found = parse_policy("\n".join(lines).encode())
    assert (found.mode, list(found.mx), found.max_age, found.defects) == ("enforce", expected, 604_800, ())
    assert all(Patterns(found.mx).match(name) for name in names if " " not in name)


def test_without_a_valid_policy_the_mode_cannot_prevent_delivery() -> None:  # RFC 8461 section 5: testing
    lines = policy_lines(domain(sts.report(b"<html>"), mx=hosts("a.test")))
    assert lines == ("version: STSv1", "mode: testing", "mx: a.test", "max_age: 604800")


def test_no_policy_is_proposed_without_mx_hosts_or_with_too_many() -> None:
    assert policy(("a.test",)) == ()
    assert policy(("x.test",), *(f"m{n}.test" for n in range(PATTERNS + 1))) == ()
    assert len(policy(("x.test",), *(f"m{n}.test" for n in range(PATTERNS)))) == PATTERNS + 3


def test_a_new_record_has_a_new_valid_id() -> None:
    line = record_line(domain(sts.report(sts.policy())))
    text = line.partition(" IN TXT ")[2]
    found = sts_report("secure.test", sts.txt(text), NOW)
    assert (found.record, found.id) == ("valid", f"{NOW:%Y%m%d%H%M%S}")
    again = record_line(domain(replace(sts.report(sts.policy()), id=found.id)))
    assert sts_report("secure.test", sts.txt(again.partition(" IN TXT ")[2]), NOW).id == f"{found.id}1"


@pytest.mark.parametrize(
    ("report", "reason", "sentence", "lines"),
    [
        (sts.record('"v=STSv1; id=1"', '"v=STSv1; id=2"'), Reason.STS_RECORD_MULTIPLE, "2 records begin with", 1),
        (sts.record('"v=STSv1; id=-"'), Reason.STS_RECORD_INVALID, "the id is not 1 to 32 letters and digits", 1),
        (sts.record(outcome=Outcome.ERROR), Reason.STS_LOOKUP_FAILED, "not known: SERVFAIL.", 0),
        (
            sts.failed(Failure(Phase.CONNECT, FailureKind.REFUSED, text="refused")),
            Reason.STS_FETCH_FAILED,
            "could not be fetched: refused.",
            0,
        ),
        (sts.report(fetch=replace(sts.FETCH, status=404)), Reason.STS_FETCH_STATUS, "HTTP status 404", 4),
        (sts.report(fetch=replace(sts.FETCH, status=301)), Reason.STS_FETCH_REDIRECT, "HTTP status 301", 0),
        (sts.report(b"<html>"), Reason.STS_POLICY_INVALID, "'<html>' is not a field", 4),
        (
            sts.report(sts.policy(), replace(sts.FETCH, media_type="text/html")),
            Reason.STS_MEDIA_TYPE,
            "some senders require: text/html.",
            0,
        ),
        (sts.report(sts.policy()), Reason.STS_DANE_DISAGREE, "opposite verdicts on an MX host.", 0),
    ],
)
def test_faults(report: STSReport, reason: Reason, sentence: str, lines: int) -> None:
    (fault,) = policy_faults(domain(report, Reason.MX_INSECURE, reason, mx=hosts("a.test")))
    assert (fault.cause, len(fault.records)) == (reason, lines)
    assert sentence in fault.sentence
    assert "DOMAIN" not in fault.fix


def test_an_mx_host_that_is_not_listed() -> None:
    mx = (*hosts("a.test", sts=HostSTS.OK), *hosts("b.test", "c.test", sts=HostSTS.PATTERN_MISMATCH))
    (fault,) = policy_faults(domain(sts.report(sts.policy("a.test")), Reason.STS_MX_MISMATCH, mx=mx))
    assert fault.sentence.endswith("policy: b.test, c.test.")
    assert fault.records[2:5] == ("mx: a.test", "mx: b.test", "mx: c.test")
    assert fault.records[-1].startswith(RECORD[:-8])


def test_an_untrusted_certificate_is_named_with_its_error() -> None:
    end = replace(records.host_verdict().endpoints[0], pkix_error="certificate has expired")
    mx = (records.host_verdict(host="a.test", sts=HostSTS.UNTRUSTED, endpoints=(end,)),)
    (fault,) = policy_faults(domain(sts.report(sts.policy("a.test")), Reason.STS_HOST_UNTRUSTED, mx=mx))
    assert fault.sentence.endswith("not trusted: a.test (certificate has expired).")


def test_many_hosts_are_cut() -> None:
    mx = hosts(*(f"m{n}.test" for n in range(12)), sts=HostSTS.NO_TLS)
    (fault,) = policy_faults(domain(sts.report(sts.policy("a.test")), Reason.STS_HOST_NO_TLS, mx=mx))
    assert fault.sentence.endswith("m9.test, and 2 more.")


@pytest.mark.parametrize(
    ("texts", "rua"),
    [
        (('"v=TLSRPTv1; rua=a@b"',), ("mailto:postmaster@secure.test",)),
        (('v=TLSRPTv1; rua=mailto:a"@b.test', "v=TLSRPTv1; rua=mailto:x@b.test"), ("mailto:postmaster@secure.test",)),
    ],
)
def test_a_tlsrpt_record(texts: tuple[str, ...], rua: tuple[str, ...]) -> None:
    record = domain(sts.record(), Reason.TLSRPT_RECORD_INVALID, tlsrpt=sts.tlsrpt(*texts))
    (fault,) = policy_faults(record)
    (line,) = fault.records
    found = tlsrpt_report(sts.txt(line.partition(" IN TXT ")[2]))
    assert (found.record, found.rua, found.defects) == ("valid", rua, ())


def test_a_domain_that_was_not_examined() -> None:
    record = records.domain(key="a.test")
    assert (policy_faults(record), domain_of(record)) == ((), "a.test")
