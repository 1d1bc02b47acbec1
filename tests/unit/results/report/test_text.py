import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from results.explain.domain_summary import in_words
from results.render import words
from results.render.escape import MAX_QUOTE, safe
from results.report.text import print_report
from results.store.reader import Run
from results.store.writer import Store, summary_of
from scanner.facts import TLSARecord
from scanner.model import DaneEvidence, DomainRecord, EndpointReport, PathError, Route, Skipped
from scanner.reasons import TLSRPT, Reason
from scanner.vocabulary import (
    Dane,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    Pkix,
    RunState,
    Security,
    Sender,
    StartTLS,
    TLSState,
    Unusable,
)
from tests.unit import records
from tests.unit.records import DIGEST, NOON

CERTS = {DIGEST: records.cert()}

# What a terminal would obey: clear the screen, change the title, return to the line's begin, reverse the
# direction, hide; and what rich would: colours and links.
HOSTILE = "\x1b[2J\x1b]0;owned\x07454 \rOK \u202emoc.live\u2066\u200b \x9b31m [red]no[/red] [/nope] [link=x]y \x00"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def console(width: int = 80) -> Console:
    return Console(file=StringIO(), width=width, force_terminal=False, color_system=None)


def printed(to: Console) -> str:
    assert isinstance(to.file, StringIO)
    return to.file.getvalue()


def flat(text: str) -> str:
    """Undo the line ends of the layout."""
    return " ".join(text.split())


def report_of(place: Path, domains: Sequence[DomainRecord], width: int = 80) -> str:
    with Store.create(place, records.header()) as store:
        for record in domains:
            store.put_domain(record, [records.report()], CERTS)
        store.put_reject("list.csv", 1, HOSTILE, HOSTILE)
        store.finish(RunState.COMPLETE, {}, NOON + timedelta(hours=1, minutes=3))
    to = console(width)
    print_report(Run.open(place), to)
    return printed(to)


def spoken(record: DomainRecord, width: int = 80) -> str:
    to = console(width)
    in_words(record, to)
    return printed(to)


def hostile_domain() -> DomainRecord:
    """Make a domain in which every text that a stranger chooses is hostile."""
    endpoint = records.endpoint_verdict(
        address=HOSTILE,
        tls=TLSState.FAILED,
        dane=Dane.NO_TLS,
        pkix=Pkix.UNKNOWN,
        starttls=StartTLS.REFUSED,
        sender=Sender.DEFER,
        text=HOSTILE,
        reasons=(Reason.STARTTLS_REFUSED,),
    )
    host = records.host_verdict(
        host=HOSTILE, dane=Dane.NO_TLS, sender=Sender.DEFER, endpoints=(endpoint,), text=HOSTILE
    )
    shaken = records.handshake(version=HOSTILE, cipher=HOSTILE, group=HOSTILE, signature=HOSTILE)
    found = records.evidence(record=TLSARecord(3, 1, 1, HOSTILE), errors=(PathError(10, 0, HOSTILE, HOSTILE),), depth=1)
    report = records.report(
        host=HOSTILE,
        tlsa=replace(records.report().tlsa, records=(TLSARecord(3, 1, 1, HOSTILE),)),
        endpoints=(EndpointReport(HOSTILE, (records.probe(handshake=shaken),), found),),
        skipped=(Skipped(HOSTILE, Reason.OPTED_OUT),),
    )
    return records.domain(
        key=HOSTILE,
        hosts=(host, replace(host, endpoints=(), report=None)),
        verdict=records.verdict(outcome=DomainOutcome.FAIL, sender=Sender.DEFER, text=HOSTILE),
        reports=(report,),
        certificates={DIGEST: summary_of(records.cert(subject=HOSTILE))},
    )


def assert_harmless(text: str) -> None:
    assert OBEYED.search(text) is None
    assert "\\x1b" in text


# --- escaping -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, é, 日本", "plain text, é, 日本"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\r\n", "a"),
        ("a\r\nb", "a\\x0d b"),
        ("\u202eabc", "\\u202eabc"),
        ("\U000e0041", "\\U000e0041"),
        ("e\u0301", "e\\u0301"),
        ("\x9b", "\\x9b"),
        ("\udc80", "\\udc80"),
        ("[red]", "[red]"),
    ],
)
def test_what_is_no_visible_character_is_escaped(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text())
def test_nothing_that_could_be_obeyed_gets_through(text: str) -> None:
    assert all(unicodedata.category(c)[0] not in "CM" and (c == " " or c.isprintable()) for c in safe(text))


def test_long_text_is_cut() -> None:
    assert safe("x" * (MAX_QUOTE + 1)) == "x" * MAX_QUOTE + "…"
    assert safe("x" * MAX_QUOTE) == "x" * MAX_QUOTE


# --- the report -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 120])
def test_a_report_is_harmless_and_keeps_its_width(tmp_path: Path, width: int) -> None:
    text = report_of(tmp_path, [hostile_domain(), records.domain()], width)
    assert_harmless(text)
    assert max(map(len, text.splitlines())) <= width
    assert "[red]no[/red]" in flat(text)


def test_a_report_tells_the_numbers(tmp_path: Path) -> None:
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


def test_certificates_that_expire_are_told(tmp_path: Path) -> None:
    with Store.create(tmp_path, records.header()) as store:
        cert = records.cert(not_after=NOON + timedelta(days=3))
        store.put_domain(records.domain(), [records.report()], {DIGEST: cert})
        store.finish(RunState.COMPLETE, {}, NOON)
    to = console()
    print_report(Run.open(tmp_path), to)
    assert "2026-09-04 1 mx1.example" in flat(printed(to))


def test_a_run_without_hosts_has_no_tables_of_them(tmp_path: Path) -> None:
    with Store.create(tmp_path, records.header()) as store:
        store.put_domain(records.domain(hosts=()), [], {})
    to = console()
    print_report(Run.open(tmp_path), to)
    assert "Slowest" not in printed(to)
    assert "Failing" not in printed(to)


def test_long_tables_end_and_say_so(tmp_path: Path) -> None:
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


def test_names_beside_many_numbers_keep_their_line(tmp_path: Path) -> None:
    hosts = (records.host_verdict(host="mx.twenty-letters.test"),)
    text = report_of(tmp_path, [records.domain(hosts=hosts)])
    assert any(line.split()[-1:] == ["twenty-letters.test"] for line in text.splitlines())


def test_a_run_without_domains_says_so(tmp_path: Path) -> None:
    assert "No domains were scanned." in report_of(tmp_path, [])


def test_a_run_that_goes_on_is_reported(tmp_path: Path) -> None:
    with Store.create(tmp_path, records.header()) as store:
        store.put_domain(records.domain(), [], {})
        store.sync()
        to = console()
        print_report(Run.open(tmp_path), to)
    assert "12:00 UTC: running\n" in printed(to)


def test_a_terminal_that_knows_ascii_alone_gets_ascii(tmp_path: Path) -> None:
    with Store.create(tmp_path, records.header()) as store:
        host = records.host_verdict(dane=Dane.MISMATCH, text="gr\u00fc\u00dfe " + "x" * MAX_QUOTE)
        store.put_domain(records.domain(hosts=(host,)), [], {})
    octets = BytesIO()
    stream = TextIOWrapper(octets, "ascii")
    print_report(Run.open(tmp_path), Console(file=stream, width=100))
    stream.flush()
    assert b"##########" in octets.getvalue()
    assert b"gr\\xfc\\xdfe" in octets.getvalue()


# --- one domain in words --------------------------------------------------------------------------------------


def test_one_domain_in_words_is_harmless() -> None:
    text = spoken(hostile_domain())
    assert_harmless(text)
    assert max(map(len, text.splitlines())) <= 80


def test_a_protected_domain_in_words() -> None:
    record = records.domain(reports=(records.report(),), certificates={DIGEST: summary_of(records.cert())})
    assert spoken(record, 100).splitlines() == [
        "a.example: at level dane, a sender delivers over TLS to a server that proved who it is.",
        "  Delivery: mail is delivered.",
        "  STARTTLS: TLS works at every MX host (all).",
        "  DANE: every MX host that counts matches its TLSA records (protected).",
        "",
        "MX records (DNSSEC-signed)",
        "   10 mx1.example  DANE matches",
        "      some addresses of the host accepted no connection (some-addresses-unreachable)",
        "      TLSA 3 1 1 c3c3c3c3c3c3c3c3...",
        "      192.0.2.1  TLS, verified",
        "        TLSv1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768",
        "        certificate /CN=mx1.example, valid until 2026-09-29",
        "        TLSA 3 1 1 c3c3c3c3c3c3c3c3... matches the server's certificate",
        "      2001:db8::1  could not be judged",
        "        the TCP connection was refused (connection-refused)",
        '        "Connection refused"',
        "      2001:db8::2  not contacted: the host has more addresses than were to be probed",
    ]


def test_without_reports_the_verdicts_are_told() -> None:
    text = spoken(records.domain())
    assert "192.0.2.1  TLS, verified" in text
    assert "TLSA 3 1 1" not in text


def test_a_domain_without_mail_in_words() -> None:
    verdict = records.verdict(
        outcome=DomainOutcome.NO_MAIL,
        sender=Sender.BOUNCE,
        dane=DomainDane.NO_MAIL,
        starttls=DomainStartTLS.NO_MAIL,
        reasons=(Reason.NULL_MX,),
        text=words.of_reason("null-mx"),
    )
    route = Route((), records.answer("a.example", "MX", "0 ."), final=Reason.NULL_MX)
    text = spoken(records.domain(route=route, hosts=(), verdict=verdict), 100)
    assert text.splitlines() == [
        "a.example: at level dane, a sender returns the mail: nothing takes mail for this domain.",
        "  the domain says that it takes no mail (null MX, RFC 7505) (null-mx)",
    ]


def test_a_failed_lookup_in_words() -> None:
    verdict = records.verdict(
        outcome=DomainOutcome.FAIL,
        sender=Sender.DEFER,
        dane=DomainDane.LOOKUP_FAILED,
        starttls=DomainStartTLS.UNKNOWN,
        reasons=(Reason.MX_BOGUS,),
        tlsrpt=(TLSRPT.DNSSEC_INVALID,),
        text="signature expired",
    )
    text = spoken(records.domain(route=Route((), final=Reason.MX_BOGUS), hosts=(), verdict=verdict))
    assert "delivers nothing now and tries again later" in text
    assert "STARTTLS: could not be told (unknown)." in text
    assert "DNSSEC validation of the MX RRset fails (mx-bogus)" in text
    assert '"signature expired"' in text
    assert "TLSRPT result types: dnssec-invalid" in text


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (records.evidence(), "matches the server's certificate"),
        (records.evidence(depth=1, record=TLSARecord(2, 1, 1, "dd")), "TLSA 2 1 1 dd matches the issuer at depth 1"),
        (records.evidence(bare_key=True, depth=2), "matches the key that signed the top of the chain"),
        (
            records.evidence(errors=(PathError(10, 0, "certificate has expired"),)),
            "matches the server's certificate, but: certificate has expired",
        ),
    ],
)
def test_what_matched_is_told(evidence: DaneEvidence, expected: str) -> None:
    endpoint = EndpointReport("192.0.2.1", (records.probe(),), evidence)
    record = records.domain(reports=(records.report(endpoints=(endpoint,)),))
    assert expected in spoken(record, 120)


def test_an_unusable_record_is_told() -> None:
    unusable = TLSARecord(3, 1, 3, "00", Unusable.MATCHING_TYPE)
    report = records.report(tlsa=replace(records.report().tlsa, records=(unusable,)))
    assert "TLSA 3 1 3 00  cannot be used: matching-type" in spoken(records.domain(reports=(report,)))


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (records.route(), "MX records (DNSSEC-signed)"),
        (
            records.route(mx=replace(records.answer("a.example", "MX"), security=Security.INSECURE)),
            "MX records (not DNSSEC-signed)",
        ),
        (records.route(reasons=(Reason.IMPLICIT_MX,)), "Mail host (no MX record: DNSSEC-signed)"),
    ],
)
def test_the_mx_records_are_told(route: Route, expected: str) -> None:
    assert expected in spoken(records.domain(route=route))


def test_a_route_without_mx_lookup_has_no_mx_line() -> None:
    assert "MX records" not in spoken(records.domain(route=records.route(mx=None)))


# --- words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (Sender, words.SENDER),
        (DomainDane, words.DOMAIN_DANE),
        (DomainStartTLS, words.DOMAIN_STARTTLS),
        (DomainOutcome, words.OUTCOME),
        (Dane, words.HOST_DANE),
        (TLSState, words.TLS),
    ],
)
def test_every_verdict_has_words(kind: type, table: dict[object, str]) -> None:
    assert set(table) == set(kind)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "-"),
        (0, 9, "0.0 %"),
        (1, 3, "33.3 %"),
        (1, 10**6, "<0.1 %"),
        (10**6 - 1, 10**6, ">99.9 %"),
        (3, 3, "100.0 %"),
    ],
)
def test_a_share_is_0_or_100_only_where_it_is(part: int, whole: int, text: str) -> None:
    assert words.share(part, whole) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (250, "4 min 10 s"), (3780, "1 h 03 min")]
)
def test_a_time_in_words(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_a_reason_of_a_later_version_is_given_as_it_is() -> None:
    assert words.of_reason("moon-phase") == "moon-phase"


@pytest.mark.parametrize("width", [60, 80])
def test_a_verdict_in_words_goes_on_below_itself(width: int) -> None:
    text = spoken(records.domain(), width)
    first, second, *_ = text.splitlines()
    assert first.startswith("a.example: at level dane, a sender")
    assert second.startswith("  ")
    assert not second.startswith("   ")
