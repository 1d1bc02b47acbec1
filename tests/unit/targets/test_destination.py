"""The destination grammar. Expected values were seen with posttls-finger 3.7 unless a row says otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.destination import Destination, DestinationError, Kind, parse_destination

# text, nexthop, host, kind, service, port, key
FORMS = [
    ("example.com", "example.com", "example.com", Kind.DOMAIN, "", 25, "example.com"),
    ("example.com:", "example.com", "example.com", Kind.DOMAIN, "", 25, "example.com"),
    ("example.com:25", "example.com", "example.com", Kind.DOMAIN, "25", 25, "example.com"),
    ("Example.COM:0587", "Example.COM", "Example.COM", Kind.DOMAIN, "0587", 587, "example.com:587"),
    (
        "example.com:submission",
        "example.com",
        "example.com",
        Kind.DOMAIN,
        "submission",
        587,
        "example.com:587",
    ),
    ("example.com:smtps", "example.com", "example.com", Kind.DOMAIN, "smtps", 465, "example.com:465"),
    (
        "example.com:submissions",
        "example.com",
        "example.com",
        Kind.DOMAIN,
        "submissions",
        465,
        "example.com:465",
    ),
    ("example.com:lmtp", "example.com", "example.com", Kind.DOMAIN, "lmtp", 24, "example.com:24"),
    ("example.com:smtp", "example.com", "example.com", Kind.DOMAIN, "smtp", 25, "example.com"),
    ("a_b.example", "a_b.example", "a_b.example", Kind.DOMAIN, "", 25, "a_b.example"),
    ("localhost", "localhost", "localhost", Kind.DOMAIN, "", 25, "localhost"),
    ("[MX.example.com]", "MX.example.com", "MX.example.com", Kind.HOST, "", 25, "[mx.example.com]"),
    ("[mx.example.com]:", "mx.example.com", "mx.example.com", Kind.HOST, "", 25, "[mx.example.com]"),
    (
        "[mx.example.com]:2525",
        "mx.example.com",
        "mx.example.com",
        Kind.HOST,
        "2525",
        2525,
        "[mx.example.com]:2525",
    ),
    ("192.0.2.1", "192.0.2.1", "192.0.2.1", Kind.ADDRESS, "", 25, "[192.0.2.1]"),
    ("192.0.2.1:587", "192.0.2.1", "192.0.2.1", Kind.ADDRESS, "587", 587, "[192.0.2.1]:587"),
    ("[192.0.2.1]", "192.0.2.1", "192.0.2.1", Kind.ADDRESS, "", 25, "[192.0.2.1]"),
    ("[ipv6:2001:DB8::1]", "2001:DB8::1", "2001:DB8::1", Kind.ADDRESS, "", 25, "[ipv6:2001:db8::1]"),
    (
        "[IPv6:2001:db8:0::1]:26",
        "2001:db8:0::1",
        "2001:db8:0::1",
        Kind.ADDRESS,
        "26",
        26,
        "[ipv6:2001:db8::1]:26",
    ),
    ("[::1]", "::1", "::1", Kind.ADDRESS, "", 25, "[ipv6:::1]"),
    (
        "[::ffff:192.0.2.1]",
        "::ffff:192.0.2.1",
        "::ffff:192.0.2.1",
        Kind.ADDRESS,
        "",
        25,
        "[ipv6:::ffff:192.0.2.1]",
    ),
]


@pytest.mark.parametrize(("text", "nexthop", "host", "kind", "service", "port", "key"), FORMS)
def test_forms(text: str, nexthop: str, host: str, kind: Kind, service: str, port: int, key: str) -> None:
    found = parse_destination(text)
    assert found == Destination(text, nexthop, host, kind, service, port)
    assert found.key == key


# U-labels and their A-labels
INTERNATIONAL = [
    ("bücher.example", "xn--bcher-kva.example"),
    ("BÜCHER.Example", "xn--bcher-kva.example"),
    ("[straße.example]", "xn--strae-oqa.example"),  # non-transitional: ß stays
    ("a。b", "a.b"),
    ("☕.example", "xn--53h.example"),
    ("é_b.example", "xn--_b-9ia.example"),
    ("א1a.example", "xn--1a-uld.example"),  # a bidi rule broken, not asked for
    ("xn--bcher-kva.é.example", "xn--bcher-kva.xn--9ca.example"),
]


@pytest.mark.parametrize(("text", "host"), INTERNATIONAL)
def test_international_names(text: str, host: str) -> None:
    found = parse_destination(text)
    assert (found.host, found.asciified) == (host, ((text.strip("[]"), host),))
    assert found.nexthop == text.strip("[]")


def test_ascii_names_are_not_converted() -> None:
    assert parse_destination("xn--a.example").asciified == ()  # an invalid A-label, but Postfix looks at none


INVALID = "valid hostname or network address required in server description: "
ERRORS = [
    ("", "missing host information in server description: "),
    (":25", "missing host information in server description: :25"),
    ("[a", 'missing "]" in server description: [a'),
    ("[192.0.2.1", 'missing "]" in server description: [192.0.2.1'),
    ("[a]b", 'garbage after "]" in server description: [a]b'),
    ("[ipv6:zz]", "malformed IPv6 address in server description: [ipv6:zz]"),
    ("[IPv6:192.0.2.1]:25", "malformed IPv6 address in server description: [IPv6:192.0.2.1]:25"),
    ("[]", INVALID + "[]"),
    ("[fe80::1%lo]:1", INVALID + "[fe80::1%lo]:1"),
    ("1.2.3", INVALID + "1.2.3"),
    ("256.1.1.1", INVALID + "256.1.1.1"),
    ("0.1.2.3", INVALID + "0.1.2.3"),
    ("010.0.0.1", INVALID + "010.0.0.1"),  # differs on purpose: posttls-finger connects to 8.0.0.1
    ("2001:db8::1", INVALID + "2001:db8::1"),
    ("a:b:25", INVALID + "a:b:25"),  # the last colon counts
    ("a..b", INVALID + "a..b"),
    (".a", INVALID + ".a"),
    ("example.com.", INVALID + "example.com."),
    ("-a.example", INVALID + "-a.example"),
    ("a-.example", INVALID + "a-.example"),
    ("a*b", INVALID + "a*b"),
    ("a b", INVALID + "a b"),
    ("a\n", INVALID + "a\n"),
    ("é-.example", INVALID + "é-.example"),
    ("éa..b", INVALID + "éa..b"),
    ("é。b.", INVALID + "é。b."),
    ("é*b", INVALID + "é*b"),
    ("ab--é.example", INVALID + "ab--é.example"),
    ("\u0301a.example", INVALID + "\u0301a.example"),
    ("xn--a.é", INVALID + "xn--a.é"),
    ("xn---czba.é", INVALID + "xn---czba.é"),  # decodes, but would be encoded as xn--czba
    ("xn--abc-.é", INVALID + "xn--abc-.é"),  # "abc" in punycode: an A-label of nothing but ASCII
    ("\ud800.example", INVALID + "\ud800.example"),  # not to be typed; what undecodable arguments become
    ("é" * 2000, INVALID + "é" * 2000),
    ("a:1x", "garbage after numerical service in server description: a:1x"),
    ("a..b:1x", INVALID + "a..b:1x"),
    ("a:0", "bad network port: 0 for destination: a:0"),
    ("a:70000", "bad network port: 70000 for destination: a:70000"),
    ("a:65536", "bad network port: 65536 for destination: a:65536"),
    ("[a]:99999999999", "bad network port: 99999999999 for destination: [a]:99999999999"),
    ("a:" + "9" * 5000, f"bad network port: {'9' * 5000} for destination: a:{'9' * 5000}"),
    ("a:no-such", "unknown service: no-such/tcp"),
    ("a:SMTP", "unknown service: SMTP/tcp"),
    ("a:\0", "unknown service: \0/tcp"),
    ("inet:example.com", "unknown service: example.com/tcp"),
    ("unix:/p", "unknown service: /p/tcp"),
]


@pytest.mark.parametrize(("text", "error"), ERRORS)
def test_errors_in_the_words_of_posttls_finger(text: str, error: str) -> None:
    with pytest.raises(DestinationError) as caught:
        parse_destination(text)
    assert str(caught.value) == error


# reasons are our own words
REASONS = [
    ("a" * 64 + ".example", "not a valid host name: label longer than 63 octets"),
    (".".join(["a" * 63] * 4) + ".b", "not a valid host name: longer than 255 octets"),
    ("a..b", "not a valid host name: empty label (a dot too many)"),
    ("a*b", "not a valid host name: character '*' is not allowed"),
    ("[]", "not a valid host name: it is empty"),
    ("1.2.3", "not a valid host name: digits only"),
    ("-a.b", "not a valid host name: label begins or ends with a hyphen"),
    ("a:99999", "port is not in 1..65535: 99999"),
    ("a:x y", "no port and no known service: 'x y'"),
    ("[a", 'no "]" after "["'),
]


@pytest.mark.parametrize(("text", "reason"), REASONS)
def test_reasons_in_plain_words(text: str, reason: str) -> None:
    with pytest.raises(DestinationError) as caught:
        parse_destination(text)
    assert caught.value.reason == reason


def test_reason_defaults_to_the_text() -> None:
    assert DestinationError("unknown").reason == "unknown"


def test_longest_valid_names() -> None:
    """RFC 1035 section 2.3.4 as Postfix counts: 63 octets a label, 255 a name."""
    assert parse_destination("a" * 63).host == "a" * 63
    assert parse_destination(".".join(["a" * 63] * 4)).port == 25


# as with -S; columns: text, raw, host, kind, port, key
LMTP = [
    ("inet:mx.example.com", "mx.example.com", "mx.example.com", Kind.HOST, 24, "[mx.example.com]"),
    ("mx.example.com", "mx.example.com", "mx.example.com", Kind.HOST, 24, "[mx.example.com]"),
    (
        "inet:[mx.example.com]:25",
        "[mx.example.com]:25",
        "mx.example.com",
        Kind.HOST,
        25,
        "[mx.example.com]:25",
    ),
    ("inet:192.0.2.1:lmtp", "192.0.2.1:lmtp", "192.0.2.1", Kind.ADDRESS, 24, "[192.0.2.1]"),
    ("unix:/Run/lmtp:25", "unix:/Run/lmtp:25", "/Run/lmtp:25", Kind.UNIX, 0, "unix:/Run/lmtp:25"),
]


@pytest.mark.parametrize(("text", "raw", "host", "kind", "port", "key"), LMTP)
def test_lmtp_forms(text: str, raw: str, host: str, kind: Kind, port: int, key: str) -> None:
    found = parse_destination(text, lmtp=True)
    assert (found.raw, found.host, found.kind, found.port, found.key) == (raw, host, kind, port, key)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("inet:", "missing host information in server description: "),
        ("inet:[a", 'missing "]" in server description: [a'),
        ("inet:a:0", "bad network port: 0 for destination: a:0"),
        (
            "unix:",
            "missing host information in server description: unix:",
        ),  # our own: Postfix tries to connect
        ("unix:/a\0b", INVALID + "unix:/a\0b"),  # our own: cannot be typed
    ],
)
def test_lmtp_errors(text: str, error: str) -> None:
    with pytest.raises(DestinationError) as caught:
        parse_destination(text, lmtp=True)
    assert str(caught.value) == error


def test_default_port_yields_to_a_given_one() -> None:
    assert parse_destination("a.example", default_port=587).key == "a.example:587"
    assert parse_destination("a.example:25", default_port=587).key == "a.example"


def test_service_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getservbyname", lambda name, protocol: {("imap", "tcp"): 143}[name, protocol])
    assert parse_destination("a.example:imap").port == 143


PIECES = st.lists(
    st.sampled_from(
        ["[", "]", ":", "ipv6:", "inet:", "unix:", "a", "é", "xn--", "-", ".", "1", "25", "::1", "192.0.2.1"]
    )
    | st.text(max_size=3)
).map("".join)


@given(text=st.text() | PIECES, lmtp=st.booleans())
def test_nothing_but_destination_errors(text: str, lmtp: bool) -> None:  # noqa: FBT001 - hypothesis fills it
    try:
        found = parse_destination(text, lmtp=lmtp)
    except DestinationError as error:
        assert (str(error) and error.reason) != ""  # noqa: PT017 - most texts raise, all may
    else:
        assert found.kind is Kind.UNIX or (found.host.isascii() and 1 <= found.port <= 65535)


@given(text=PIECES, lmtp=st.booleans())
def test_a_key_means_itself(text: str, lmtp: bool) -> None:  # noqa: FBT001 - hypothesis fills it
    try:
        key = parse_destination(text, lmtp=lmtp).key
    except DestinationError:
        return
    assert parse_destination(key, lmtp=lmtp).key == key


def test_unspecified_address() -> None:
    """The one address of 0.0.0.0/8 that Postfix takes."""
    assert parse_destination(".".join("0000")).kind is Kind.ADDRESS
