"""The report as text."""

from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from rich.console import Console

from results.render.escape import MAX_QUOTE
from results.report.model import make_report
from results.report.text import render
from results.store.reader import Run
from results.store.writer import Store
from scanner.model import DomainRecord
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, RunState, Sender
from tests.unit import records
from tests.unit.records import DIGEST, NOON
from tests.unit.results.hostile import HOSTILE, assert_harmless, console, flat, hostile_domain, printed

CERTS = {DIGEST: records.cert()}


def report_of(place: Path, domains: Sequence[DomainRecord], width: int = 80) -> str:
    with Store.create(place, records.header()) as store:
        for record in domains:
            store.put_domain(record, [records.report()], CERTS)
        store.put_reject("list.csv", 1, HOSTILE, HOSTILE)
        store.finish(RunState.COMPLETE, {}, NOON + timedelta(hours=1, minutes=3))
    to = console(width)
    render(make_report(Run.open(place)), to)
    return printed(to)


@pytest.mark.parametrize("width", [80, 120])
def test_a_report_is_escaped_and_fits_the_width(tmp_path: Path, width: int) -> None:
    text = report_of(tmp_path, [hostile_domain(), records.domain()], width)
    assert_harmless(text)
    assert max(map(len, text.splitlines())) <= width
    assert "[red]no[/red]" in flat(text)


def test_the_numbers_of_a_report(tmp_path: Path) -> None:
    broken = records.domain(
        key="b.example",
        hosts=(records.host_verdict(dane=Dane.MISMATCH, sender=Sender.DEFER, text="no match"),),
        verdict=records.verdict(dane=DomainDane.BROKEN, outcome=DomainOutcome.FAIL, sender=Sender.DEFER),
    )
    text = flat(report_of(tmp_path, [records.domain(), broken], 120))
    assert "Run of 2026-09-01 12:00 UTC: complete, took 1 h 03 min" in text
    assert "2 100.0 % 1 100.0 % ████████████████████ signed MX" in text
    assert "1 50.0 % 1 100.0 % ██████████ protected every MX host that counts matches its TLSA records" in text
    assert "1 50.0 % 1 100.0 % ██████████ fail mail is not delivered" in text
    assert "2 100.0 % 1 100.0 % ████████████████████ TLSv1.3" in text
    assert "2 100.0 % 1 100.0 % ████████████████████ connection-refused the TCP connection was refused" in text
    assert "1 mx1.example DANE does not match" in text
    assert "The TCP connection was refused." in text
    assert "0.1 mx1.example 192.0.2.1" in text


def test_certificates_that_expire_are_listed(tmp_path: Path) -> None:
    with Store.create(tmp_path, records.header()) as store:
        cert = records.cert(not_after=NOON + timedelta(days=3))
        store.put_domain(records.domain(), [records.report()], {DIGEST: cert})
        store.finish(RunState.COMPLETE, {}, NOON)
    to = console()
    render(make_report(Run.open(tmp_path)), to)
    assert "2026-09-04 1 mx1.example" in flat(printed(to))


def test_a_run_without_hosts_has_no_tables_of_them(tmp_path: Path) -> None:
    with Store.create(tmp_path, records.header()) as store:
        store.put_domain(records.domain(hosts=()), [], {})
    to = console()
    render(make_report(Run.open(tmp_path)), to)
    assert "Slowest" not in printed(to)
    assert "Failing" not in printed(to)


def test_long_tables_are_cut(tmp_path: Path) -> None:
    failing = [
        records.domain(
            key=f"{number}.example",
            hosts=(records.host_verdict(host=f"mx.{number}.example", dane=Dane.MISMATCH),),
        )
        for number in range(25)
    ]
    text = report_of(tmp_path, failing)
    assert text.count("DANE does not match") == 10 + 1  # the hosts shown, and the count of hosts
    assert "and 15 more hosts" in text


def test_a_long_name_beside_numbers_is_not_folded(tmp_path: Path) -> None:
    hosts = (records.host_verdict(host="mx.twenty-letters.test"),)
    text = report_of(tmp_path, [records.domain(hosts=hosts)])
    assert any(line.split()[-1:] == ["twenty-letters.test"] for line in text.splitlines())


def test_a_run_without_domains_says_so(tmp_path: Path) -> None:
    assert "No domains were scanned." in report_of(tmp_path, [])


def test_a_run_in_progress_is_reported(tmp_path: Path) -> None:
    with Store.create(tmp_path, records.header()) as store:
        store.put_domain(records.domain(), [], {})
        store.sync()
        to = console()
        render(make_report(Run.open(tmp_path)), to)
    assert "12:00 UTC: running\n" in printed(to)


def test_an_ascii_terminal_gets_ascii(tmp_path: Path) -> None:
    with Store.create(tmp_path, records.header()) as store:
        host = records.host_verdict(dane=Dane.MISMATCH, text="gr\u00fc\u00dfe " + "x" * MAX_QUOTE)
        store.put_domain(records.domain(hosts=(host,)), [], {})
    octets = BytesIO()
    stream = TextIOWrapper(octets, "ascii")
    render(make_report(Run.open(tmp_path)), Console(file=stream, width=100))
    stream.flush()
    assert b"##########" in octets.getvalue()
    assert b"gr\\xfc\\xdfe" in octets.getvalue()
