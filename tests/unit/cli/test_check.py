"""``mxsweep check``: the line, the performance data and the exit code for each verdict and each threshold."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from scanner.cli import check
from scanner.cli.check import PluginStatus, Thresholds, earliest_end, judged
from scanner.cli.commands import main
from scanner.model import AlgorithmReport
from scanner.reasons import Reason
from scanner.vocabulary import CertAlg, Dane, DomainDane, Served
from tests.unit import records
from tests.unit.records import DIGEST, NOON


def line(
    dane: DomainDane, limits: Thresholds | None = None, days: float | None = 41.5, **parts: Any
) -> tuple[int, str]:
    parts = {"hosts": (records.host_verdict(), records.host_verdict()), **parts}
    record = records.domain(key="example.com", verdict=records.verdict(dane=dane, reasons=()), **parts)
    end: datetime | None = None if days is None else NOON + timedelta(days=days)
    return judged(record, end, limits or Thresholds(), NOON)


def test_the_line_of_the_guidelines() -> None:
    assert line(DomainDane.PROTECTED) == (0, "DANE OK - example.com: protected, 2 hosts | days=41 hosts=2")


@pytest.mark.parametrize(
    ("dane", "status", "required"),
    [
        (DomainDane.PROTECTED, PluginStatus.OK, PluginStatus.OK),
        (DomainDane.PARTIAL, PluginStatus.WARNING, PluginStatus.CRITICAL),
        (DomainDane.INSECURE, PluginStatus.WARNING, PluginStatus.CRITICAL),
        (DomainDane.NONE, PluginStatus.WARNING, PluginStatus.CRITICAL),
        (DomainDane.BROKEN, PluginStatus.CRITICAL, PluginStatus.CRITICAL),
        (DomainDane.NO_MAIL, PluginStatus.CRITICAL, PluginStatus.CRITICAL),
        (DomainDane.UNKNOWN, PluginStatus.UNKNOWN, PluginStatus.UNKNOWN),
        (DomainDane.LOOKUP_FAILED, PluginStatus.UNKNOWN, PluginStatus.UNKNOWN),
    ],
)
def test_the_state_of_each_verdict(dane: DomainDane, status: PluginStatus, required: PluginStatus) -> None:
    assert line(dane)[0] is status
    hosts = 0 if dane is DomainDane.NO_MAIL else 2  # an absent domain is not counted as its own mail host
    assert line(dane)[1].startswith(f"DANE {status.name} - example.com: {dane}, {hosts} hosts")
    assert line(dane, Thresholds(require_dane=True))[0] is required


def test_every_verdict_has_a_state() -> None:
    assert set(check._BY_DANE) == set(DomainDane)


@pytest.mark.parametrize(
    ("days", "warn", "crit", "status", "figures"),
    [
        (41.5, 30, 7, PluginStatus.OK, "days=41;30:;7: hosts=2"),
        (29.9, 30, 7, PluginStatus.WARNING, "days=29;30:;7: hosts=2"),
        (6.9, 30, 7, PluginStatus.CRITICAL, "days=6;30:;7: hosts=2"),
        (6.9, 30, None, PluginStatus.WARNING, "days=6;30: hosts=2"),
        (6.9, None, 7, PluginStatus.CRITICAL, "days=6;;7: hosts=2"),
        (-0.5, None, 7, PluginStatus.CRITICAL, "days=-1;;7: hosts=2"),
        (None, 30, 7, PluginStatus.OK, "hosts=2"),
    ],
)
def test_days_to_the_expiry(
    days: float | None, warn: int | None, crit: int | None, status: PluginStatus, figures: str
) -> None:
    state, text = line(DomainDane.PROTECTED, Thresholds(warn, crit), days)
    assert state is status
    assert text.endswith(f" | {figures}")
    assert ("certificate" in text) is (status is not PluginStatus.OK)


@pytest.mark.parametrize(
    ("dane", "limits", "status"),
    [
        (DomainDane.PROTECTED, Thresholds(warn=(("starttls", "all"),)), PluginStatus.WARNING),
        (DomainDane.PROTECTED, Thresholds(crit=(("starttls", "all"),)), PluginStatus.CRITICAL),
        (DomainDane.PROTECTED, Thresholds(crit=(("starttls", "none"),)), PluginStatus.OK),
        (DomainDane.UNKNOWN, Thresholds(warn=(("dane", "unknown"),)), PluginStatus.UNKNOWN),
        (DomainDane.UNKNOWN, Thresholds(crit=(("dane", "unknown"),)), PluginStatus.CRITICAL),
        (DomainDane.BROKEN, Thresholds(warn=(("dane", "broken"),)), PluginStatus.CRITICAL),
    ],
)
def test_the_gravest_finding_is_the_state(dane: DomainDane, limits: Thresholds, status: PluginStatus) -> None:
    assert line(dane, limits)[0] is status


def test_a_broken_host_is_named_with_its_cause() -> None:
    broken = records.host_verdict(host="mx0.ex|ample", dane=Dane.MISMATCH, reasons=(Reason.TLSA_MISMATCH,))
    _, text = line(DomainDane.BROKEN, hosts=(records.host_verdict(), broken))
    before, _, figures = text.partition(" | ")
    assert "; mx0.ex/ample: " in before
    assert figures == "days=41 hosts=2"
    assert "\n" not in text


def test_the_earliest_end_may_be_that_of_a_second_certificate() -> None:
    cert, report = records.cert(), records.report()
    soon = replace(cert, sha256="05" * 32, not_after=NOON)
    probe = records.probe(handshake=records.handshake(chain=(soon.sha256,)))
    end = replace(report.endpoints[0], algorithms=(AlgorithmReport(CertAlg.RSA, Served.YES, probe),))
    known = {each.sha256: each for each in (cert, soon)}
    assert earliest_end([replace(report, endpoints=(end,))], known) == NOON


def test_the_earliest_end_is_that_of_a_server_certificate() -> None:
    cert = records.cert()
    assert earliest_end([records.report()], {DIGEST: cert}) == cert.not_after
    assert earliest_end([records.report()], {}) is None
    assert earliest_end([], {DIGEST: cert}) is None


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["check"], "Missing argument 'DOMAIN'"),
        (["check", "bad domain"], "bad domain: "),
        (["check", "a.example", "--frobnicate"], "--frobnicate"),
        (["check", "a.example", "--warn", "dane"], "--warn dane: FIELD=VALUE was expected"),
        (["check", "a.example", "--crit", "dane=x"], "--crit dane=x: dane is one of protected"),
        (["check", "a.example", "--resolver", "192.0.2.53"], "no resolver validates DNSSEC"),
        (["check", "a.example", "--ca-file", "/none|"], "/none/: cannot read trusted certificates"),
    ],
)
def test_every_error_is_unknown(argv: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == PluginStatus.UNKNOWN
    out = capsys.readouterr().out
    assert out.startswith("DANE UNKNOWN - ")
    assert text in out
    assert out.count("\n") == 1
    assert "|" not in out


def test_a_bug_is_unknown_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def broken(_: object) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(check, "_examine", broken)
    assert main(["check", "a.example"]) == PluginStatus.UNKNOWN
    assert capsys.readouterr().out == "DANE UNKNOWN - ZeroDivisionError: of all things\n"


def test_the_time_limit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def slow(_: object) -> None:
        return None

    monkeypatch.setattr(check, "_examine", slow)
    assert main(["check", "a.example", "--timeout", "9"]) == PluginStatus.UNKNOWN
    assert capsys.readouterr().out == "DANE UNKNOWN - a.example: no result after 9 s (--timeout)\n"
