"""Owner names of NS records in zone files (RFC 1035 section 5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets import zonefile
from targets.lines import Line
from targets.zonefile import ZoneError, ZoneParser

ZONE = """$ORIGIN example.
$TTL 1d
@ IN SOA ns. root. ( 1 ; serial (
  2 3 4
  5 )
@ NS ns
a 3600 IN NS ns.x.
a IN 3600 NS ns2.x.
  NS ns3.x.
b NS ns ; comment
c IN MX 10 x
d.other. CH NS x.
$ORIGIN sub
e NS x
E NS y
\\101b NS x
t TXT "(" ; no parenthesis
f ns x
"""


def owners(text: str) -> list[tuple[int, str]]:
    lines = (Line(number, line) for number, line in enumerate(text.split("\n"), 1))
    return [(line.number, name or f"! {reason}") for line, name, reason in ZoneParser().owners(lines)]


def test_owners_of_name_servers() -> None:
    assert owners(ZONE) == [
        (6, "example"),
        (7, "a.example"),
        (10, "b.example"),
        (12, "d.other"),
        (14, "e.sub.example"),
        (16, "eb.sub.example"),
        (18, "f.sub.example"),
    ]


def test_a_zone_of_a_top_level_domain() -> None:
    text = "com.\t900\tin\tsoa\ta. b. 1 2 3 4 5\na.com.\t172800\tin\tns\tns1.x.\nb.com.\t172800\tin\tds\t1 8 2 00"
    assert owners(text) == [(2, "a.com")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("$INCLUDE other", "$INCLUDE is refused: put all records into one file"),
        ("$GENERATE 1-9 h$ NS x.", "$GENERATE is refused: put all records into one file"),
        ("$OTHER", "an unknown directive"),
        ("a NS x.", "a relative name without $ORIGIN"),
        ("a.", "not a record of a zone file: no type"),
        ("a. NS", "not a record of a zone file"),
        ("a. NS x. y.", "not a record of a zone file"),
        ("a..b. NS x.", "not a record of a zone file"),
        ('a. NS "x', "not a record of a zone file"),
    ],
)
def test_lines_that_are_no_records(line: str, reason: str) -> None:
    (first, second) = owners(f"{line}\nb. NS x.")
    assert second == (2, "b")
    assert first[1].startswith(f"! {reason}")


def test_a_parenthesis_that_is_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zonefile, "RECORD_LINES", 3)
    assert owners("a. NS (\nx.\ny.\nz.\nb. NS x.") == [(1, "! a parenthesis is not closed"), (5, "b")]


@given(st.text(st.characters(exclude_characters="\n")) | st.text('ab. \t()";$@\\01NSIn', max_size=30))
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        ZoneParser().delegated(line)
    except ZoneError as error:
        assert str(error) != ""  # noqa: PT017 - not all lines raise
