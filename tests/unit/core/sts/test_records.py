"""TXT records of MTA-STS (RFC 8461 section 3.1) and TLSRPT (RFC 8460 section 3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.sts import records
from scanner.vocabulary import Outcome, TXTRecord
from tests.unit import sts
from tests.unit.fakes import DOMAIN
from tests.unit.pki import NOW


@pytest.mark.parametrize(
    ("rdata", "text"),
    [
        ('"v=STSv1; id=1"', "v=STSv1; id=1"),
        ('"v=STSv1;" " id=1"', "v=STSv1; id=1"),  # RFC 8461 section 3.1: joined without spaces
        ('"v=STS" "v1; id=" "1"', "v=STSv1; id=1"),
        (r'"a\"b\\c\100"', 'a"b\\cd'),  # RFC 1035 section 5.1
        (r'"\195\164"', "\u00c3\u00a4"),  # octets, not UTF-8
        ('""', ""),
        ("", ""),
        ("v=STSv1; id=1", "v=STSv1; id=1"),
        ('"a;b" ";c"', "a;b;c"),
    ],
)
def test_text_of_character_strings(rdata: str, text: str) -> None:
    assert records.text_of(rdata) == text


@pytest.mark.parametrize(
    ("text", "state", "policy_id"),
    [
        ("v=STSv1; id=20160831085700Z;", "valid", "20160831085700Z"),  # the RFC's example
        ("v=STSv1;id=1", "valid", "1"),
        ("v=STSv1 ;id=1", "valid", "1"),  # aykevl/mta-sts#19: spaces may precede a semicolon
        ("v=STSv1 \t; \tid=1 ; ", "valid", "1"),
        ("v=STSv1; ext=a:b; id=abc", "valid", "abc"),
        ("v=STSv1; id=abc; ext=x", "valid", "abc"),
        ("v=STSv1; id=first; id=second", "valid", "first"),
        ("v=STSv1; id=" + "a" * 32, "valid", "a" * 32),
        ("v=STSv1; id=" + "a" * 33, "invalid", ""),  # mail-in-a-box#1779: 1 to 32
        ("v=STSv1; id=", "invalid", ""),
        ("v=STSv1; id=2026-09-01", "invalid", ""),  # letters and digits only
        ("v=STSv1; id=\u0661", "invalid", ""),  # a digit, not of ASCII
        ("v=STSv1;", "invalid", ""),
        ("v=STSv1; ", "invalid", ""),
        ("v=STSv1; ext=1", "invalid", ""),
        ("v=STSv1; id=1; ext", "invalid", ""),
        ("v=STSv1; id=1; e x=1", "invalid", ""),
        ("v=STSv1; id=1;;", "invalid", ""),
        ("v=STSv1; ID=1", "invalid", ""),  # field names have a case: this one is an extension
        ("v=STSv1", "invalid", ""),
        ("V=STSv1; id=1", "invalid", ""),  # the version has a case
        ("v=stsv1; id=1", "invalid", ""),
        (" v=STSv1; id=1", "invalid", ""),
        ("v=STSv1 id=1", "invalid", ""),
        ("v=STSv10; id=1", "invalid", ""),
        ("v=spf1 -all", "absent", ""),
        ("id=1; v=STSv1", "absent", ""),
        ("", "absent", ""),
    ],
)
def test_one_record(text: str, state: str, policy_id: str) -> None:
    found = sts.record(f'"{text}"')
    assert (found.record, found.id) == (state, policy_id)
    assert bool(found.record_error) == (found.record is TXTRecord.INVALID)


@pytest.mark.parametrize(
    ("texts", "state"),
    [
        (("v=STSv1; id=1", "v=STSv1; id=2"), "multiple"),  # hardenize-public#41: no policy
        (("v=STSv1; id=1", "v=STSv1;"), "multiple"),  # counted before the syntax is read
        (("v=STSv1; id=1", "v=spf1 -all"), "valid"),  # other records are discarded
        (("v=STSv1; id=1", "v=STSv1"), "valid"),  # does not begin with the version and a semicolon
        (("v=spf1 -all", "any"), "absent"),
    ],
)
def test_several_records(texts: tuple[str, ...], state: str) -> None:
    assert sts.record(*(f'"{text}"' for text in texts)).record == state


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.NODATA, "absent"),
        (Outcome.NXDOMAIN, "absent"),
        (Outcome.ERROR, "lookup_failed"),  # Snawoot/postfix-mta-sts-resolver#60, Zuplu/postfix-tlspol#4 and #82
    ],
)
def test_answers_without_records(outcome: Outcome, state: str) -> None:
    assert records.sts_report(DOMAIN, sts.txt(outcome=outcome), NOW).record == state
    assert records.tlsrpt_report(sts.txt(outcome=outcome)).record == state


@pytest.mark.parametrize(
    ("text", "state", "rua", "defects"),
    [
        ("v=TLSRPTv1;rua=mailto:reports@example.com", "valid", "mailto:reports@example.com", 0),  # RFC 8460 section 3.1
        ("v=TLSRPTv1; rua=https://r.example/v1/tlsrpt", "valid", "https://r.example/v1/tlsrpt", 0),
        ("v=TLSRPTv1; rua=mailto:a@b , https://c/;", "valid", "mailto:a@b https://c/", 0),
        ("v=TLSRPTv1; rua=mailto:a@b; x=1", "valid", "mailto:a@b", 0),
        ("v=TLSRPTv1; rua=MAILTO:a@b", "valid", "MAILTO:a@b", 0),
        ("v=TLSRPTv1; rua=mailto:a@b,ftp://c", "valid", "mailto:a@b", 1),
        ("v=TLSRPTv1; rua=mailto:a@b; odd field", "valid", "mailto:a@b", 1),
        ("v=TLSRPTv1; rua=a@b", "invalid", "", 1),
        ("v=TLSRPTv1; rua=", "invalid", "", 1),
        ("v=TLSRPTv1; ruf=mailto:a@b", "invalid", "", 1),
        ("v=TLSRPTv1;", "invalid", "", 1),
        ("v=TLSRPTv1", "invalid", "", 1),
        ("v=tlsrptv1; rua=mailto:a@b", "invalid", "", 1),
        ("v=DMARC1; rua=mailto:a@b", "absent", "", 0),
    ],
)
def test_a_tlsrpt_record(text: str, state: str, rua: str, defects: int) -> None:
    found = sts.tlsrpt(f'"{text}"')
    assert (found.record, " ".join(found.rua), len(found.defects)) == (state, rua, defects)


def test_several_tlsrpt_records() -> None:
    assert sts.tlsrpt('"v=TLSRPTv1; rua=mailto:a@b"', '"v=TLSRPTv1; rua=mailto:c@d"').record is TXTRecord.MULTIPLE


def test_a_tlsrpt_record_with_many_uris_is_cut() -> None:
    assert len(sts.tlsrpt('"v=TLSRPTv1; rua=' + ",".join(["mailto:a@b"] * 5000) + '"').rua) == records.MAX_URIS


def test_names() -> None:
    assert records.record_name("a.test") == "_mta-sts.a.test"
    assert records.policy_host("a.test") == "mta-sts.a.test"
    assert records.tlsrpt_name("a.test") == "_smtp._tls.a.test"


PIECES = st.sampled_from(
    ["v=STSv1", "v=TLSRPTv1", ";", " ", "id=", "a1", '"', "\\", "\\200", "rua=mailto:a@b", ",", "="]
)


@given(st.lists(st.one_of(st.text(max_size=20), st.lists(PIECES).map("".join)), max_size=4))
def test_any_records_give_a_state(texts: list[str]) -> None:
    found, reporting = sts.record(*texts), sts.tlsrpt(*texts)
    assert (found.record is TXTRecord.VALID) == bool(found.id)
    assert found.id.isascii()
    assert (reporting.record is TXTRecord.VALID) == bool(reporting.rua)
