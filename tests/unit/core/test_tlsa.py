"""TLSA records: RFC 6698, 7671 and 7672, and what posttls-finger was seen to do with odd ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.tlsa import (
    agile,
    display,
    known_answer,
    lookup_result,
    next_question,
    ordered,
    parameters,
    parse_rdata,
    presentation,
)
from scanner.facts import Answer, TLSALookup, TLSARecord
from scanner.reasons import Reason
from scanner.vocabulary import Dane, Outcome, Security, Unusable
from tests.unit.pki import LEAF, ROOT

A32, A64 = "aa" * 32, "aa" * 64
OK = f"030101{A32}"

USABILITY = [
    (OK, None),
    (f"020002{A64}", None),
    (f"030000{LEAF.der.hex()}", None),
    (f"020100{ROOT.spki.hex()}", None),
    ("", Unusable.TRUNCATED),
    ("03", Unusable.TRUNCATED),
    ("030101", Unusable.TRUNCATED),  # no association data
    (f"000101{A32}", Unusable.USAGE),  # RFC 7672 section 3.1.3
    (f"010101{A32}", Unusable.USAGE),
    (f"040101{A32}", Unusable.USAGE),
    (f"ff01ff{A32}", Unusable.USAGE),
    (f"0301ff{A32}", Unusable.PRIVATE_MATCHING_TYPE),
    (f"030201{A32}", Unusable.SELECTOR),
    (f"030103{A32}", Unusable.MATCHING_TYPE),
    (f"030101{A32}00", Unusable.DIGEST_LENGTH),
    (f"030101{A64}", Unusable.DIGEST_LENGTH),
    (f"030102{A32}", Unusable.DIGEST_LENGTH),
    ("030101aa", Unusable.DIGEST_LENGTH),
    (f"030000{A32}", Unusable.BAD_CERTIFICATE),
    (f"030000{LEAF.der.hex()}00", Unusable.BAD_CERTIFICATE),
    (f"030000{LEAF.der.hex()[:-2]}", Unusable.BAD_CERTIFICATE),
    (f"030000{LEAF.spki.hex()}", Unusable.BAD_CERTIFICATE),
    (f"030100{LEAF.der.hex()}", Unusable.BAD_KEY),
    (f"020100{ROOT.spki.hex()}00", Unusable.BAD_KEY),
    (f"030100{A32}", Unusable.BAD_KEY),
]


@pytest.mark.parametrize(("text", "unusable"), USABILITY)
def test_usability(text: str, unusable: Unusable | None) -> None:
    assert parse_rdata(text).unusable is unusable


def test_the_fields_of_a_record() -> None:
    assert parse_rdata("020001" + "Ab" * 32) == TLSARecord(2, 0, 1, "ab" * 32)
    assert parse_rdata("0301") == TLSARecord(3, 1, 0, "", Unusable.TRUNCATED)


def test_a_digest_not_listed_is_not_used() -> None:
    assert parse_rdata(f"030102{A64}", ("sha256",)).unusable is Unusable.MATCHING_TYPE
    assert parse_rdata(OK, ("sha256",)).unusable is None
    assert parse_rdata(OK, ("nosuch",)).unusable is Unusable.MATCHING_TYPE


@given(st.binary(max_size=80))
def test_any_rdata_is_decoded_and_shown(rdata: bytes) -> None:
    record = parse_rdata(rdata.hex())
    assert bytes.fromhex(record.data) == rdata[3:]
    assert (record.unusable is Unusable.TRUNCATED) == (len(rdata) < 4)
    if len(rdata) >= 3:
        assert (record.usage, record.selector, record.matching_type) == tuple(rdata[:3])
    assert display(record).startswith(f"{record.usage} {record.selector} {record.matching_type} ")


@pytest.mark.parametrize(
    ("data", "digits", "expected"),
    [
        ("ab" * 32, None, "3 1 1 " + "ab" * 32),
        ("ab" * 32, 64, "3 1 1 " + "ab" * 32),
        ("ab" * 32, 8, "3 1 1 abababab..."),
        ("ab" * 32, 0, "3 1 1 ..."),
        ("abab", 8, "3 1 1 abab"),
        ("", None, "3 1 1 "),
    ],
)
def test_presentation_with_a_length(data: str, digits: int | None, expected: str) -> None:  # RFC 6698 section 2.2
    record = TLSARecord(3, 1, 1, data)
    assert presentation(record, digits) == expected
    assert parameters(record) == "3 1 1"


def test_display() -> None:
    assert display(TLSARecord(3, 1, 2, "ab" * 64)) == "3 1 2 " + "AB" * 64
    assert display(TLSARecord(2, 0, 0, "ab" * 32 + "00" + "cd" * 32)) == f"2 0 0 {'AB' * 32}...{'CD' * 32}"


# --- order and agility ----------------------------------------------------------------------------------------


def record(text: str, data: str = "", *, unusable: Unusable | None = None) -> TLSARecord:
    usage, selector, matching_type = map(int, text.split())
    return TLSARecord(usage, selector, matching_type, data, unusable)


def texts(records: tuple[TLSARecord, ...]) -> list[str]:
    return [f"{r.usage} {r.selector} {r.matching_type}" for r in records]


def test_order() -> None:
    mixed = ["2 0 0", "3 0 1", "2 1 2", "3 1 0", "3 1 1", "2 0 1", "3 1 2", "2 1 1"]
    want = ["3 1 2", "3 1 1", "3 1 0", "3 0 1", "2 1 2", "2 1 1", "2 0 1", "2 0 0"]
    assert texts(ordered([record(t) for t in mixed])) == want
    swapped = texts(ordered([record("3 1 2"), record("3 1 1"), record("3 1 0")], ("sha256", "sha512")))
    assert swapped == ["3 1 1", "3 1 2", "3 1 0"]


def test_records_that_are_alike_keep_their_order() -> None:
    twins = [record("3 1 1", "bb"), record("3 1 1", "aa")]
    assert list(ordered(twins)) == twins


AGILITY = [  # RFC 7671 section 9: per usage and selector
    (["3 1 2", "3 1 1"], ["3 1 2"]),
    (["3 0 2", "3 1 1"], ["3 1 1", "3 0 2"]),
    (["2 1 2", "3 1 1"], ["3 1 1", "2 1 2"]),
    (["3 1 2", "3 1 0", "3 1 1"], ["3 1 2", "3 1 0"]),
    (["3 1 1", "3 1 1"], ["3 1 1", "3 1 1"]),
]


@pytest.mark.parametrize(("given_", "taking_part"), AGILITY)
def test_agility(given_: list[str], taking_part: list[str]) -> None:
    assert texts(agile([record(t) for t in given_])) == taking_part


def test_an_unusable_record_suppresses_nothing() -> None:
    weak = record("3 1 1")
    assert agile([record("3 1 2", unusable=Unusable.DIGEST_LENGTH), weak]) == (weak,)


def test_agility_follows_the_digests_option() -> None:
    assert texts(agile([record("3 1 1"), record("3 1 2")], ("sha256", "sha512"))) == ["3 1 1"]


# --- lookup ---------------------------------------------------------------------------------------------------

NX, NODATA, DATA, ERROR = Outcome.NXDOMAIN, Outcome.NODATA, Outcome.DATA, Outcome.ERROR
SEC, INS, BOG, IND = Security.SECURE, Security.INSECURE, Security.BOGUS, Security.INDETERMINATE


def answer(outcome: Outcome, security: Security = SEC, *records: str, rtype: str = "TLSA") -> Answer:
    return Answer("_25._tcp.mx.test", rtype, outcome, security, records)


RESULTS = [
    (answer(DATA, SEC, OK), None, None),
    (answer(DATA, SEC, f"000101{A32}", OK), None, None),
    (answer(DATA, SEC, f"000101{A32}", f"010101{A32}"), Dane.UNUSABLE, Reason.TLSA_UNUSABLE_USAGE),
    (answer(DATA, SEC, f"000101{A32}", "03"), Dane.UNUSABLE, Reason.TLSA_UNUSABLE_DATA),
    (answer(DATA, SEC, f"0301ff{A32}"), Dane.UNUSABLE, Reason.TLSA_UNUSABLE_DATA),  # RFC 6698 section 7.4: private
    (answer(DATA, SEC, f"0201ff{A32}"), Dane.UNUSABLE, Reason.TLSA_UNUSABLE_DATA),
    (answer(DATA, SEC, "030101"), Dane.UNUSABLE, Reason.TLSA_UNUSABLE_DATA),
    (answer(DATA, SEC, "020000"), Dane.UNUSABLE, Reason.TLSA_UNUSABLE_DATA),
    (answer(DATA, SEC, ""), Dane.UNUSABLE, Reason.TLSA_UNUSABLE_DATA),
    (answer(DATA, SEC, f"030103{A32}"), Dane.UNUSABLE, Reason.TLSA_UNUSABLE_DATA),
    (answer(DATA, SEC, f"000101{A32}", "030101aa"), Dane.UNUSABLE, Reason.TLSA_UNUSABLE_DATA),
    (answer(DATA, INS, OK), Dane.NONE, Reason.TLSA_INSECURE),
    (answer(DATA, BOG, OK), Dane.LOOKUP_FAILED, Reason.TLSA_BOGUS),
    (answer(DATA, IND, OK), Dane.UNKNOWN, Reason.DNS_INDETERMINATE),
    (answer(NX), Dane.NONE, Reason.TLSA_NONE),
    (answer(NODATA, INS), Dane.NONE, Reason.TLSA_NONE),
    (answer(NODATA, IND), Dane.UNKNOWN, Reason.DNS_INDETERMINATE),
    (answer(ERROR, IND), Dane.LOOKUP_FAILED, Reason.TLSA_LOOKUP_FAILED),
    (answer(ERROR, BOG), Dane.LOOKUP_FAILED, Reason.TLSA_BOGUS),
]


@pytest.mark.parametrize(("step", "dane", "reason"), RESULTS)
def test_result(step: Answer, dane: Dane | None, reason: Reason | None) -> None:
    got = lookup_result("mx.test", (step,))
    assert (got.base_domain, got.dane, got.reason, got.steps) == ("mx.test", dane, reason, (step,))


def test_insecure_records_are_kept_as_facts_and_failed_ones_are_not() -> None:
    assert len(lookup_result("mx.test", (answer(DATA, INS, OK),)).records) == 1
    assert lookup_result("mx.test", (answer(DATA, BOG, OK),)).records == ()


@pytest.mark.parametrize(("count", "defects"), [(100, ()), (101, ("tlsa-many",))])
def test_all_of_many_records_are_used(count: int, defects: tuple[str, ...]) -> None:  # Postfix reads 100
    got = lookup_result("mx.test", (answer(DATA, SEC, *[f"030101{number:064x}" for number in range(count)]),))
    assert (len(got.records), got.dane, got.defects) == (count, None, defects)


# --- base domain ----------------------------------------------------------------------------------------------

AT_RNAME, AT_QNAME, IS_ALIAS = ("_25._tcp.real.test", "TLSA"), ("_25._tcp.mx.test", "TLSA"), ("mx.test", "CNAME")
HIT, NONE, SERVFAIL = answer(DATA, SEC, OK), answer(NX), answer(ERROR, IND)
USELESS, UNSIGNED = answer(DATA, SEC, "03"), answer(DATA, INS, OK)


def cname(security: Security = SEC, outcome: Outcome = DATA) -> Answer:
    return answer(outcome, security, "real.test", rtype="CNAME")


SEARCH = [  # alias?, address, answers in order; questions asked; base domain and verdict (RFC 7672 section 2.2.2)
    (False, SEC, [HIT], [AT_QNAME], "mx.test", None),
    (False, SEC, [NONE], [AT_QNAME], "mx.test", Dane.NONE),
    (False, INS, [], [], "mx.test", Dane.INSECURE),
    (False, IND, [], [], "mx.test", Dane.UNKNOWN),
    (False, BOG, [], [], "mx.test", Dane.LOOKUP_FAILED),
    (True, IND, [], [], "mx.test", Dane.UNKNOWN),
    (True, SEC, [HIT], [AT_RNAME], "real.test", None),
    (True, SEC, [NONE, HIT], [AT_RNAME, AT_QNAME], "mx.test", None),
    (True, SEC, [UNSIGNED, HIT], [AT_RNAME, AT_QNAME], "mx.test", None),
    (True, SEC, [NONE, NONE], [AT_RNAME, AT_QNAME], "mx.test", Dane.NONE),
    (True, SEC, [NONE, SERVFAIL], [AT_RNAME, AT_QNAME], "mx.test", Dane.LOOKUP_FAILED),
    (True, SEC, [SERVFAIL], [AT_RNAME], "real.test", Dane.LOOKUP_FAILED),  # final: no second try
    (True, SEC, [USELESS], [AT_RNAME], "real.test", Dane.UNUSABLE),
    (True, INS, [cname(), HIT], [IS_ALIAS, AT_QNAME], "mx.test", None),
    (True, INS, [cname(), SERVFAIL], [IS_ALIAS, AT_QNAME], "mx.test", Dane.LOOKUP_FAILED),
    (True, INS, [cname(INS)], [IS_ALIAS], "mx.test", Dane.INSECURE),
    (True, INS, [cname(BOG)], [IS_ALIAS], "mx.test", Dane.LOOKUP_FAILED),
    (True, INS, [cname(IND)], [IS_ALIAS], "mx.test", Dane.UNKNOWN),
    (True, INS, [cname(IND, ERROR)], [IS_ALIAS], "mx.test", Dane.LOOKUP_FAILED),
    (True, INS, [cname(SEC, NODATA)], [IS_ALIAS], "mx.test", Dane.LOOKUP_FAILED),
]


def search(
    qname: str, rname: str, address: Security, answers: list[Answer], *, force: bool = False
) -> tuple[list[tuple[str, str]], TLSALookup]:
    asked: list[tuple[str, str]] = []
    while not isinstance(
        step := next_question(qname, rname, address, 25, answers[: len(asked)], force=force), TLSALookup
    ):
        asked.append(step)
        assert len(asked) <= len(answers), f"asks too much: {asked}"
    assert len(asked) == len(answers)
    return asked, step


LONG = ".".join(["c" * 60] * 4)  # 243 characters; with "_25._tcp." 252


@pytest.mark.parametrize(
    ("base", "possible"),
    [  # RFC 1035 section 2.3.4: 255 octets at most, that is 253 characters
        ("mx.test", True),
        (f"{LONG[:-1]}.a", True),
        (f"{LONG}.a", False),
        (f"{LONG[:-1]}.\\097", True),  # an escape is one octet
    ],
)
def test_a_name_too_long_for_records_is_not_asked_about(base: str, *, possible: bool) -> None:
    question = (f"_25._tcp.{base}", "TLSA")
    known = known_answer(question)
    assert (known is None) == possible
    if known is not None:
        found = lookup_result(base, (known,))
        assert (found.dane, found.reason) == (Dane.NONE, Reason.TLSA_NAME_IMPOSSIBLE)


@pytest.mark.parametrize(("alias", "address", "answers", "questions", "base", "dane"), SEARCH)
def test_search(
    alias: bool,  # noqa: FBT001 - a column of the table
    address: Security,
    answers: list[Answer],
    questions: list[tuple[str, str]],
    base: str,
    dane: Dane | None,
) -> None:
    asked, found = search("mx.test", "real.test" if alias else "MX.test".lower(), address, answers)
    assert asked == questions
    assert (found.base_domain, found.dane, found.steps) == (base, dane, tuple(answers))


@pytest.mark.parametrize("rname", ["mx.test", "real.test"])
def test_force_asks_behind_insecure_addresses(rname: str) -> None:
    asked, found = search("mx.test", rname, INS, [HIT], force=True)
    assert (asked, found.dane) == ([AT_QNAME], None)


def test_force_changes_nothing_behind_secure_ones() -> None:
    assert search("mx.test", "real.test", SEC, [HIT], force=True)[0] == [AT_RNAME]


def test_names_are_compared_without_case() -> None:
    assert search("MX.test", "mx.TEST", SEC, [NONE])[1].dane is Dane.NONE
