"""The report as text."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from rich.console import Console

from results.render.escape import MAX_QUOTE
from results.report.formats import to_markdown
from results.report.model import make_report
from results.report.text import hidden, render
from results.store.reader import Run
from results.store.writer import Store
from scanner.model import DomainRecord, TargetInfo
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainDane, DomainOutcome, RunState, Sender
from tests.unit import records
from tests.unit.records import DIGEST, NOON
from tests.unit.results.explain.test_worklist import BROKEN, run_of
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
    assert "1 50.0 % 1 100.0 % ██████████ protected every MX host that answers matches its TLSA records" in text
    assert "1 50.0 % 1 100.0 % ██████████ fail mail is not delivered" in text
    assert "2 100.0 % 1 100.0 % ████████████████████ TLSv1.3" in text
    assert "2 100.0 % 1 100.0 % ████████████████████ connection-refused the TCP connection was refused" in text
    assert "1 mx1.example DANE does not match" in text
    assert "The TCP connection was refused." in text
    assert "mx1.example 192.0.2.1 0.10" in text


def test_certificates_that_expire_are_listed(tmp_path: Path) -> None:
    with Store.create(tmp_path, records.header()) as store:
        cert = records.cert(not_after=NOON + timedelta(days=3))
        store.put_domain(records.domain(), [records.report()], {DIGEST: cert})
        store.finish(RunState.COMPLETE, {}, NOON)
    to = console()
    render(make_report(Run.open(tmp_path)), to)
    assert "mx1.example 1 2026-09-04" in flat(printed(to))


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


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_table_loses_the_names_of_its_rows(tmp_path: Path, width: int) -> None:
    hosts = (records.host_verdict(host="mx.twenty-letters.test"),)
    text = report_of(tmp_path, [records.domain(hosts=hosts)], width)
    assert max(map(len, text.splitlines())) <= width
    for name in ("twenty-letters.test", "protected", "TLSv1.3", "TLS_AES_256_GCM_SHA384", "connection-refused"):
        assert any(name in line.split() for line in text.splitlines()), name


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_record_to_publish_stands_alone_on_one_line(tmp_path: Path, width: int) -> None:
    """The line has nothing but the record, and no blanks at its end, so that it can be copied."""
    to = console(width)
    render(make_report(run_of(tmp_path / "run", [BROKEN])), to)
    (line,) = (line for line in printed(to).splitlines() if "IN TLSA" in line)
    assert line.lstrip() == f"_25._tcp.mx1.example. IN TLSA 3 1 1 {records.SPKI}"


def test_what_to_do_precedes_the_statistics(tmp_path: Path) -> None:
    """A host that does not answer is listed with the broken hosts, by the number of its domains."""
    down = records.host_verdict(
        host="down.example",
        report=None,
        dane=Dane.UNKNOWN,
        sender=Sender.DEFER,
        conclusive=False,
        reasons=(Reason.HOST_UNREACHABLE,),
    )
    domains = [replace(BROKEN, key=f"d{number}.example", hosts=(down,)) for number in range(3)]
    to = console(100)
    render(make_report(run_of(tmp_path / "run", [*domains, BROKEN])), to)
    text = flat(printed(to))
    places = [text.index(part) for part in ("Overview", "What to do first", "down.example", "mx1.example", "Delivery")]
    assert places == sorted(places)
    assert "3 down.example does not answer" in text
    assert "Inconclusive" not in text


def test_the_label_and_the_notes_are_shown(tmp_path: Path) -> None:
    header = records.header(label="partners", notes=("list.csv could not be read to its end",))
    with Store.create(tmp_path, header) as store:
        store.put_domain(records.domain(), [], {})
        store.finish(RunState.INTERRUPTED, {}, NOON)
    to = console()
    render(make_report(Run.open(tmp_path)), to)
    text = flat(printed(to))
    assert "list partners, level dane" in text
    assert "Note: The run is interrupted: it does not contain all domains of its list." in text
    assert "Note: list.csv could not be read to its end" in text


def test_the_values_of_a_column_are_limited(tmp_path: Path) -> None:
    owned = [replace(BROKEN, key=f"{n}.example", target=TargetInfo("a", fields={"owner": str(n)})) for n in range(5)]
    report = make_report(run_of(tmp_path / "run", owned), column="owner")
    to = console(100)
    render(report, to, 2)
    assert printed(to).count("owner: ") == 2
    assert "and 3 more values of owner" in printed(to)
    assert "and 3 more values of owner" in to_markdown(report, 2)


def test_failing_hosts_are_divided_by_a_column(tmp_path: Path) -> None:
    def owned(name: str, owner: str) -> DomainRecord:
        return replace(BROKEN, key=f"{name}.example", target=TargetInfo(name, fields={"Owner": owner}))

    to = console(100)
    run = run_of(tmp_path / "run", [owned("a", "Ann"), owned("b", "Bob"), owned("c", "Ann"), owned("d", "")])
    render(make_report(run, column="owner"), to)
    text = flat(printed(to))
    assert text.index("owner: Ann") < text.index("owner: (none)") < text.index("owner: Bob")
    assert "domains: a.example, c.example; postmaster@mx1.example" in text
    assert "Domains by owner owner domains protected broken unknown Ann 2 0 2 0 (none) 1 0 1 0 Bob 1 0 1 0" in text


def test_a_run_without_domains_says_so(tmp_path: Path) -> None:
    assert "No domains were scanned." in report_of(tmp_path, [])


def test_a_run_in_progress_is_reported(tmp_path: Path) -> None:
    with Store.create(tmp_path, records.header()) as store:
        store.put_domain(records.domain(), [], {})
        store.sync()
        to = console()
        render(make_report(Run.open(tmp_path)), to)
    assert "12:00 UTC: running; the scan has not ended" in printed(to)


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


def test_hosts_that_are_not_shown_are_counted(tmp_path: Path) -> None:
    """The limit is for the urgent hosts and for the other hosts separately, as in the text."""
    (task,) = make_report(run_of(tmp_path / "run", [BROKEN])).tasks
    urgent, other = replace(task, conclusive=True), replace(task, conclusive=False, down=False)
    assert (urgent.urgent, other.urgent) == (True, False)
    assert [hidden([urgent] * 3 + [other] * n, 2) for n in range(4)] == [1, 1, 1, 2]
    assert hidden([urgent, other], 2) == 0
