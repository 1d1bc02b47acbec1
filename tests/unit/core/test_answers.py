from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.core.answers import (
    ALIAS_LOOP,
    MALFORMED,
    NOT_A_NAME,
    TIMEOUT,
    TRUNCATED,
    bogus,
    failed,
    interpret,
    joined,
    postfix_text,
    shows_bogus,
    unfinished,
)
from scanner.core.wire import Message, Record
from scanner.facts import EDE, Alias, Answer
from scanner.vocabulary import Outcome, Security

NXDOMAIN, SERVFAIL = "NXDOMAIN", "SERVFAIL"


def message(*answers: Record, rcode: str = "NOERROR", ad: bool = True, soa: int | None = None) -> Message:
    return Message(
        id=1,
        qr=True,
        tc=False,
        aa=False,
        ra=True,
        ad=ad,
        rcode=rcode,
        question=None,
        answers=answers,
        negative_ttl=soa,
    )


def mx(owner: str, text: str, ttl: int = 300) -> Record:
    return Record(owner, "MX", ttl, text)


def cname(owner: str, target: str, ttl: int = 300) -> Record:
    return Record(owner, "CNAME", ttl, target)


def read(reply: Message, rtype: str = "MX", name: str = "a.example", *, trusted: bool = True) -> Answer:
    return interpret(reply, name, rtype, trusted=trusted, resolver="127.0.0.1:53", ms=1.5)


def test_data_whole() -> None:
    reply = message(mx("a.example", "20 b.example", 60), mx("a.example", "10 c.example"))
    assert read(reply, name="A.Example.") == Answer(
        name="a.example",
        rtype="MX",
        outcome=Outcome.DATA,
        security=Security.SECURE,
        records=("10 c.example", "20 b.example"),
        rname="a.example",
        rcode="NOERROR",
        ttl=60,
        resolver="127.0.0.1:53",
        ms=1.5,
    )


# RFC 2308 section 2: only these two are negative answers; every other rcode says nothing about the name.
@pytest.mark.parametrize(
    ("reply", "outcome", "error"),
    [
        (message(soa=60), Outcome.NODATA, ""),
        (message(rcode=NXDOMAIN, soa=60), Outcome.NXDOMAIN, ""),
        (message(), Outcome.NODATA, ""),
        (message(Record("a.example", "RRSIG", 5, "00")), Outcome.NODATA, ""),
        (message(rcode=SERVFAIL), Outcome.ERROR, SERVFAIL),
        (message(rcode="REFUSED"), Outcome.ERROR, "REFUSED"),
        (message(rcode="NOTIMP"), Outcome.ERROR, "NOTIMP"),
        (message(rcode="FORMERR"), Outcome.ERROR, "FORMERR"),
        (message(rcode="YXDOMAIN"), Outcome.ERROR, "YXDOMAIN"),
        (message(rcode="RCODE11"), Outcome.ERROR, "RCODE11"),
        (message(mx("a.example", "1 b.example"), rcode=SERVFAIL), Outcome.ERROR, SERVFAIL),
        (message(mx("a.example", "1 b.example"), rcode=NXDOMAIN), Outcome.ERROR, "NXDOMAIN with records"),
        (message(mx("b.example", "1 b.example")), Outcome.ERROR, "records of another name"),
        (message(Record("example", "DNAME", 5, "b.example")), Outcome.ERROR, "records of another name"),
        (message()._replace(tc=True), Outcome.ERROR, TRUNCATED),
        (message()._replace(delegation=True), Outcome.ERROR, "referral: the server does not recurse"),
        (message(cname("a.example", "a.example")), Outcome.ERROR, ALIAS_LOOP),
        (message(cname("a.example", "b"), cname("b", "a.example")), Outcome.ERROR, ALIAS_LOOP),
    ],
)
def test_outcomes(reply: Message, outcome: Outcome, error: str) -> None:
    answer = read(reply)
    assert (answer.outcome, answer.error, answer.records) == (outcome, error, ())
    assert answer.security is (Security.INDETERMINATE if outcome is Outcome.ERROR else Security.SECURE)


# RFC 4035 section 3.2.3, and the rule that the AD bit of an untrusted resolver proves nothing.
@pytest.mark.parametrize(
    ("ad", "trusted", "security"),
    [
        (True, True, Security.SECURE),
        (False, True, Security.INSECURE),
        (True, False, Security.INDETERMINATE),
        (False, False, Security.INDETERMINATE),
    ],
)
def test_security(ad: bool, trusted: bool, security: Security) -> None:  # noqa: FBT001 - columns of the table
    for reply in (message(mx("a.example", "0 ."), ad=ad), message(ad=ad), message(rcode=NXDOMAIN, ad=ad)):
        assert read(reply, trusted=trusted).security is security


@pytest.mark.parametrize(
    ("rtype", "texts", "order"),
    [
        ("MX", ["100 a", "20 b", "20 a", "3 z"], ("3 z", "20 a", "20 b", "100 a")),
        ("SRV", ["1 10 25 b", "1 9 25 a", "0 0 465 z"], ("0 0 465 z", "1 9 25 a", "1 10 25 b")),
        ("A", ["192.0.2.9", "192.0.2.1", "192.0.2.9"], ("192.0.2.1", "192.0.2.9")),
        ("TLSA", ["03", "", "030101aa"], ("", "03", "030101aa")),
        ("MX", ["0 ."], ("0 .",)),
    ],
)
def test_an_rrset_has_one_order(rtype: str, texts: list[str], order: tuple[str, ...]) -> None:
    assert read(message(*(Record("a.example", rtype, 5, t) for t in texts)), rtype).records == order


@given(st.permutations([mx("a.example", f"{n % 3} m{n}") for n in range(6)]))
def test_the_order_of_a_reply_does_not_show(records: list[Record]) -> None:
    assert read(message(*records)) == read(message(*sorted(records)))


def test_aliases_are_followed_to_the_records() -> None:
    chain = (mx("c.example", "1 x"), cname("b.example", "c.example", 7), cname("a.example", "b.example"))
    answer = read(message(*chain))
    assert (answer.records, answer.rname, answer.ttl) == (("1 x",), "c.example", 7)
    assert answer.aliases == (
        Alias("a.example", "b.example", Security.SECURE),
        Alias("b.example", "c.example", Security.SECURE),
    )


def test_a_clear_ad_bit_tells_not_which_alias_was_insecure() -> None:
    answer = read(message(cname("a.example", "b"), mx("b", "1 x"), ad=False))
    assert answer.security is Security.INSECURE
    assert answer.aliases == (Alias("a.example", "b", Security.INDETERMINATE),)


def test_the_alias_that_a_dname_makes_is_followed() -> None:  # RFC 6672 section 3.1
    dname = Record("example", "DNAME", 300, "example.net")
    answer = read(message(dname, cname("a.example", "a.example.net"), mx("a.example.net", "1 x")))
    assert (answer.rname, answer.records) == ("a.example.net", ("1 x",))
    behind = read(message(dname, cname("a.example", "a.example.net"), soa=9))
    assert behind.outcome is Outcome.NODATA


def test_an_alias_to_nowhere_is_a_negative_answer() -> None:
    answer = read(message(cname("a.example", "b.example"), rcode=NXDOMAIN, soa=20))
    assert (answer.outcome, answer.rname, answer.ttl) == (Outcome.NXDOMAIN, "b.example", 20)


def test_a_question_for_the_alias_itself_follows_nothing() -> None:
    answer = read(message(cname("a.example", "b.example"), cname("b.example", "c")), "CNAME")
    assert (answer.records, answer.rname, answer.aliases) == (("b.example",), "a.example", ())


@pytest.mark.parametrize(("hops", "outcome"), [(10, Outcome.DATA), (11, Outcome.ERROR)])
def test_at_most_ten_aliases(hops: int, outcome: Outcome) -> None:
    chain = [cname("a.example" if n == 0 else f"n{n}", f"n{n + 1}") for n in range(hops)]
    assert read(message(*chain, mx(f"n{hops}", "1 x"))).outcome is outcome


def test_a_negative_answer_lives_as_long_as_its_soa() -> None:  # RFC 2308 section 5
    assert read(message(soa=60)).ttl == 60
    assert read(message(cname("a.example", "b", 9), soa=60)).ttl == 9
    assert read(message()).ttl == 0


def test_no_reply() -> None:
    answer = failed("A.example.", "TLSA", TIMEOUT, resolver="[::1]:53")
    assert answer == Answer(
        name="a.example",
        rtype="TLSA",
        outcome=Outcome.ERROR,
        security=Security.INDETERMINATE,
        rname="a.example",
        resolver="[::1]:53",
        error=TIMEOUT,
    )


# What a question without validation shows about a SERVFAIL; codes of RFC 8914 section 4.
@pytest.mark.parametrize(
    ("codes", "unchecked", "shows"),
    [
        ([], "NOERROR", True),
        ([], NXDOMAIN, True),
        ([], SERVFAIL, False),
        ([], "REFUSED", False),
        ([7], "NOERROR", True),
        ([22], "NOERROR", False),
        ([22, 23], "NOERROR", False),
        ([22, 9], "NOERROR", True),
    ],
)
def test_telling_bogus_from_broken(codes: list[int], unchecked: str, shows: bool) -> None:  # noqa: FBT001 - a column
    refused = replace(read(message(rcode=SERVFAIL)), ede=tuple(EDE(code, "") for code in codes))
    assert shows_bogus(refused, message(rcode=unchecked)) is shows


@pytest.mark.parametrize(
    ("ede", "error"),
    [
        ((), "DNSSEC validation failed"),
        ((EDE(7, ""),), "DNSSEC validation failed: EDE 7 (Signature Expired)"),
        ((EDE(6, "no DS"), EDE(999, "")), "DNSSEC validation failed: no DS; EDE 999"),
    ],
)
def test_bogus_says_why(ede: tuple[EDE, ...], error: str) -> None:
    answer = bogus(read(message(rcode=SERVFAIL)._replace(ede=ede)))
    assert (answer.security, answer.outcome, answer.rcode) == (Security.BOGUS, Outcome.ERROR, SERVFAIL)
    assert (answer.error, answer.ede) == (error, ede)


def test_an_alias_without_a_word_on_its_target_is_unfinished() -> None:
    assert unfinished(read(message(cname("a.example", "b"))))
    assert not unfinished(read(message(cname("a.example", "b"), soa=60)))
    assert not unfinished(read(message()))
    assert not unfinished(read(message(cname("a.example", "b"), rcode=NXDOMAIN)))


# Secure only where both replies are; the security of an error is its own.
@pytest.mark.parametrize(
    ("first", "rest", "security"),
    [
        (True, message(mx("b", "1 x")), Security.SECURE),
        (True, message(mx("b", "1 x"), ad=False), Security.INSECURE),
        (False, message(mx("b", "1 x")), Security.INSECURE),
        (False, message(rcode=SERVFAIL), Security.INDETERMINATE),
        (True, message(rcode=SERVFAIL), Security.INDETERMINATE),
    ],
)
def test_joining(first: bool, rest: Message, security: Security) -> None:  # noqa: FBT001 - a column
    start = read(message(cname("a.example", "b"), ad=first))
    whole = joined(start, read(rest, name="b"))
    assert (whole.name, whole.rname, whole.security, whole.ms) == ("a.example", "b", security, 3.0)
    assert whole.aliases == start.aliases
    assert whole.outcome is read(rest, name="b").outcome


def test_joining_the_bogus() -> None:
    start = read(message(cname("a.example", "b"), ad=False))
    assert joined(start, bogus(read(message(rcode=SERVFAIL), name="b"))).security is Security.BOGUS


def test_joining_in_a_circle_is_a_loop() -> None:
    start = read(message(cname("a.example", "b")))
    whole = joined(start, read(message(cname("b", "a.example")), name="b"))
    assert (whole.outcome, whole.error, whole.security) == (Outcome.ERROR, ALIAS_LOOP, Security.INDETERMINATE)


def test_joining_too_many_is_a_loop() -> None:
    chain = [cname(f"n{n}", f"n{n + 1}") for n in range(10)]
    start = read(message(*chain), name="n0")
    assert joined(start, read(message(mx("n10", "1 x")), name="n10")).outcome is Outcome.DATA
    rest = read(message(cname("n10", "n11"), mx("n11", "1 x")), name="n10")
    assert joined(start, rest).error == ALIAS_LOOP


# The texts as posttls-finger prints them.
SUBJECT = "Name service error for name=a.example type=MX: "
LONG = ".".join(["a" * 50] * 4 + ["b" * 50])
NOT_FOUND = f"Host or domain name not found. {SUBJECT}"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (read(message(mx("a.example", "1 x"))), ""),
        (read(message(rcode=NXDOMAIN)), f"{NOT_FOUND}Host not found"),
        (read(message()), f"{NOT_FOUND}Host found but no data record of requested type"),
        (read(message(rcode=SERVFAIL)), f"{NOT_FOUND}Host not found, try again"),
        (bogus(read(message(rcode=SERVFAIL))), f"{NOT_FOUND}Host not found, try again"),
        (read(message(rcode="REFUSED")), f"{NOT_FOUND}Host not found, try again"),
        (read(message(rcode="NOTIMP")), f"{NOT_FOUND}Host not found, try again"),
        (failed("a.example", "MX", TIMEOUT), f"{NOT_FOUND}Host not found, try again"),
        (failed("a.example", "MX", "Network is unreachable"), f"{NOT_FOUND}Host not found, try again"),
        (read(message(rcode="FORMERR")), f"{NOT_FOUND}Non-recoverable error"),
        (read(message(rcode="YXDOMAIN")), f"{NOT_FOUND}Non-recoverable error"),
        (read(message(mx("b", "1 x"))), f"{SUBJECT}Malformed or unexpected name server reply"),
        (failed("a.example", "MX", MALFORMED), f"{SUBJECT}Malformed or unexpected name server reply"),
        (read(message(cname("a.example", "a.example"))), "Name server loop for a.example"),
        (
            failed("a..example", "MX", NOT_A_NAME),
            "Name service error for a..example: invalid host or domain name",
        ),
        (  # 254 characters are a host name for Postfix, and 256 octets in a message are too many for the resolver
            failed(LONG, "MX", NOT_A_NAME),
            f"Host or domain name not found. Name service error for name={LONG} type=MX: Non-recoverable error",
        ),
    ],
)
def test_postfix_words(answer: Answer, text: str) -> None:
    assert postfix_text(answer) == text
