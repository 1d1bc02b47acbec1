"""Lists: layouts, rejects with their reasons, and that no content of a file ever raises."""

import gzip
import io
import os
import threading
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from targets.lines import LINE_LIMIT
from targets.lists import Form, ListError, Lists, Reader, Reject, Target


def read(data: bytes, *, column: str | None = None, default_port: int | None = None, lmtp: bool = False) -> Lists:
    return Lists(["-"], Reader(default_port, lmtp), Form(column), stdin=io.BytesIO(data))


def targets(data: bytes, *, column: str | None = None) -> list[Target]:
    found = list(read(data, column=column))
    assert not [entry for entry in found if isinstance(entry, Reject)]
    return [entry for entry in found if isinstance(entry, Target)]


def keys(data: bytes, *, column: str | None = None) -> list[str]:
    return [target.destination.key for target in targets(data, column=column)]


def mixed(data: bytes, *, column: str | None = None) -> list[str]:
    """Keys of targets, reasons of rejects."""
    return [e.destination.key if isinstance(e, Target) else e.reason for e in read(data, column=column)]


PLAIN = [
    (b"a.example\nb.example\n", ["a.example", "b.example"]),
    (b"a.example", ["a.example"]),
    (b"", []),
    (b"\n \n\t\n# all\n  # comments\n", []),
    (b"a.example # why\nb.example\t#why\n", ["a.example", "b.example"]),
    (b"A.Example.\n[MX.A.Example.]\n[mx.a.example.]:26\nb.example.:587\n",
     ["a.example", "[mx.a.example]", "[mx.a.example]:26", "b.example:587"]),
    (b"\xef\xbb\xbfa.example\r\nb.example\r\n", ["a.example", "b.example"]),
    ("BÜCHER.Example\n".encode(), ["xn--bcher-kva.example"]),
    (b"192.0.2.1\n[ipv6:2001:DB8::1]\n", ["[192.0.2.1]", "[ipv6:2001:db8::1]"]),
    (b'"a.example","x # no comment"\n', ["a.example"]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), PLAIN)
def test_plain_lists(data: bytes, expected: list[str]) -> None:
    assert keys(data) == expected


def test_a_target_says_where_it_stood() -> None:
    (target,) = targets(b"# list\nA.Example.  \n")
    assert (target.destination.host, target.destination.nexthop) == ("a.example", "a.example")
    assert (target.raw, target.source, target.line, target.rank, target.fields) == (
        "A.Example.",
        "-",
        2,
        None,
        {},
    )


def test_ranked_lists() -> None:
    found = targets(b"1,a.example\r\n2, b.example ,x,y\n")
    assert [(t.destination.key, t.rank, t.fields) for t in found] == [
        ("a.example", 1, {}),
        ("b.example", 2, {"col3": "x", "col4": "y"}),
    ]


def test_tags_without_header() -> None:
    found = targets(b'a.example,bank,"se, north"\nb.example\n')
    assert [(t.destination.key, t.rank, t.fields) for t in found] == [
        ("a.example", None, {"col2": "bank", "col3": "se, north"}),
        ("b.example", None, {}),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_named_column(delimiter: str) -> None:
    rows = ["# list", "Rank,Domain,,Domain,", '7,A.example,"x # y",z,,more']
    data = "\n".join(rows).replace(",", delimiter).encode()
    (target,) = targets(data, column="domain")
    assert (target.destination.key, target.raw, target.line) == ("a.example", "A.example", 3)
    assert target.fields == {"Rank": "7", "col3": "x # y", "col4": "z", "col5": "", "col6": "more"}


def test_the_spelling_of_a_column_counts_first() -> None:
    assert keys(b"DOMAIN,domain\nx,a.example\n", column="domain") == ["a.example"]


def test_a_lone_named_column() -> None:
    assert keys(b"domain\na.example\n", column="domain") == ["a.example"]


def test_default_port() -> None:
    found = list(read(b"a.example\nb.example:25\n", default_port=587))
    assert [e.destination.port for e in found if isinstance(e, Target)] == [587, 25]


def test_lmtp_lists_keep_the_case_of_paths() -> None:
    found = list(read(b"unix:/Run/Lmtp\ninet:MX.example\n", lmtp=True))
    assert [e.destination.key for e in found if isinstance(e, Target)] == ["unix:/Run/Lmtp", "[mx.example]"]


def test_duplicates_count_once_and_the_first_wins() -> None:
    lists = read(b"a.example,1\nA.EXAMPLE.,2\na.example:25,3\na.example:26,4\n192.0.2.1\n[192.0.2.1]\n")
    found = [(e.destination.key, e.line) for e in lists if isinstance(e, Target)]
    assert found == [("a.example", 1), ("a.example:26", 4), ("[192.0.2.1]", 5)]
    assert lists.duplicates == 3


REJECTS = [
    (b"user@a.example", "an e-mail address: list what follows the @, or use --accept emails"),
    (b"https://a.example/", "a URL: list its host name alone, or use --accept urls"),
    (b"*.a.example", "a wildcard: list the domain itself"),
    (b"bad domain", "not a valid host name: it contains white space"),
    (b"2001:db8::1", "an IPv6 address has to stand in brackets"),
    (b",x.example", "no domain in this line"),
    (b"a.example..", "not a valid host name: empty label (a dot too many)"),
    (b".", "not a valid host name: empty label (a dot too many)"),
    (b"a/b.example", "not a valid host name: character '/' is not allowed"),
    (b"a" * 64 + b".example", "not a valid host name: label longer than 63 octets"),
    (b".".join([b"a" * 63] * 3 + [b"a" * 62]), "not a valid host name: longer than 253 octets"),
    (b"a.example:99999", "port is not in 1..65535: 99999"),
    (b"a.\xff.example", "not UTF-8 text; save the list as UTF-8"),
    (b"a\0b.example", "NUL octet in the line"),
    (b"a" * (LINE_LIMIT + 1), "line longer than 65536 octets"),
    (b'"a.example', "not a CSV record: unexpected end of data"),
    (b'"a.example"x,y', "not a CSV record: ',' expected after '\"'"),
    (b"a.example\rb.example", "carriage return within the line (lines end with LF or CRLF)"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "reason"), REJECTS)
def test_a_bad_line_is_a_reject_and_reading_goes_on(line: bytes, reason: str) -> None:
    found = list(read(b"first.example\n" + line + b"\nlast.example\n"))
    assert [e.destination.key for e in found if isinstance(e, Target)] == ["first.example", "last.example"]
    (reject,) = [e for e in found if isinstance(e, Reject)]
    assert (reject.file, reject.line) == ("-", 2)
    assert reject.reason == reason
    assert reject.raw == line.decode(errors="replace")[:300]


def test_the_longest_line_is_read() -> None:
    data = b"a.example," + b"x" * (LINE_LIMIT - 10)
    assert keys(data + b"\n" + data) == ["a.example"]
    assert mixed(b"x" * 3 * LINE_LIMIT + b"\nb.example") == ["line longer than 65536 octets", "b.example"]
    assert mixed(data + b"x\nb.example") == ["line longer than 65536 octets", "b.example"]


def test_layout_comes_from_the_first_good_line() -> None:
    ranked = "rank,domain expected, as in the file's first line"
    assert mixed(b"\xff\n1,a.example\nb.example\nx,c.example\n") == [
        "not UTF-8 text; save the list as UTF-8",
        "a.example",
        ranked,
        ranked,
    ]
    assert mixed(b"a.example\n1,b.example\n") == ["a.example", "not a valid host name: digits only"]


def test_a_header_is_found_without_its_name() -> None:
    (target,) = targets(b"rank,domain\n1,a.example\n")
    assert (target.destination.key, target.fields, target.line) == ("a.example", {"rank": "1"}, 2)


def test_rows_without_the_named_column() -> None:
    assert mixed(b"tag,domain\nx\ny,a.example\nz,\n", column="domain") == [
        "no column 'domain' in this line: it has 1 of 2 columns",
        "a.example",
        "no domain in this line",
    ]


# --- files --------------------------------------------------------------------------------------------------


def test_several_files_share_their_duplicates_not_their_layout(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1,a.example\n")
    two.write_bytes(gzip.compress(b"a.example\n") + gzip.compress(b"b.example\n"))  # RFC 1952: members may follow
    lists = Lists([one, "-", str(two)], stdin=io.BytesIO(b"c.example"))
    found = [(e.destination.key, e.source, e.line) for e in lists if isinstance(e, Target)]
    assert found == [("a.example", str(one), 1), ("c.example", "-", 1), ("b.example", str(two), 2)]
    assert lists.duplicates == 1


def test_named_column_in_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"domain,n\n" + name.encode() + b".example,1\n")
    lists = Lists([tmp_path / "one", tmp_path / "two"], form=Form("domain"))
    assert [(e.destination.key, e.line) for e in lists if isinstance(e, Target)] == [
        ("one.example", 2),
        ("two.example", 2),
    ]


def test_a_named_pipe_is_opened_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"domain\na.example\n",))
    writer.start()
    found = list(Lists([pipe], form=Form("domain")))
    writer.join()
    assert [e.destination.key for e in found if isinstance(e, Target)] == ["a.example"]


def test_gzip_by_content(tmp_path: Path) -> None:
    assert keys(gzip.compress(b"a.example\n")) == ["a.example"]
    plain = tmp_path / "list.gz"
    plain.write_bytes(b"a.example\n")
    assert [type(entry) for entry in Lists([plain])] == [Target]


def packed() -> bytes:
    return gzip.compress(b"".join(b"%d.example\n" % number for number in range(5000)))


def test_truncated_gzip_is_told_once() -> None:
    *found, last = read(packed()[:-20])
    assert len(found) > 4000
    assert all(isinstance(entry, Target) for entry in found)
    assert isinstance(last, Reject)
    assert last.line == len(found) + 1
    assert last.reason.startswith(f"the file cannot be read beyond line {len(found)}, its rest is skipped (")


@pytest.mark.parametrize("at", [3, 30, -6])
def test_corrupt_gzip_is_told_once(at: int) -> None:
    """Method, compressed data and checksum spoilt in turn (RFC 1952 section 2.3)."""
    data = bytearray(packed())
    data[at if at != 3 else 2] ^= 0xFF
    rejects = [e for e in read(bytes(data)) if isinstance(e, Reject) and "the file cannot be read" in e.reason]
    assert len(rejects) == 1


ERRORS = [
    (b"", "domain", "-: line 1: a header with column 'domain' expected: the file is empty"),
    (b"# only\n", "domain", "-: line 1: a header with column 'domain' expected: the file is empty"),
    (b"#\nrank,host\n", "domain", "-: line 2: no column 'domain' in the header 'rank,host'"),
    (b'"domain\n', "domain", "-: line 1: no column 'domain' in the header '\"domain'"),
    (b"\xff\n", "domain", "-: line 1: a header with column 'domain' expected: not UTF-8 text; save the list as UTF-8"),
]


@pytest.mark.parametrize(("data", "column", "message"), ERRORS)
def test_a_missing_column_is_told_before_reading(data: bytes, column: str, message: str) -> None:
    with pytest.raises(ListError) as caught:
        read(data, column=column)
    assert str(caught.value) == message


def test_unreadable_files_are_told_before_reading(tmp_path: Path) -> None:
    good = tmp_path / "good"
    good.write_bytes(b"a.example\n")
    for bad in (tmp_path / "missing", tmp_path, tmp_path / "nul\0"):
        with pytest.raises(ListError, match=r": cannot be read \(.+\); a file with one domain per line was expected"):
            Lists([good, bad])


def test_standard_input_is_read_once() -> None:
    with pytest.raises(ListError, match="only once"):
        Lists(["-", "-"], stdin=io.BytesIO())


def test_a_file_that_went_away(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"a.example\n")
    lists = Lists([path])
    path.unlink()
    with pytest.raises(ListError, match="cannot be read"):
        list(lists)


# --- laws ---------------------------------------------------------------------------------------------------

LINES = st.lists(
    st.binary(max_size=20).map(lambda data: data.replace(b"\n", b""))
    | st.sampled_from([b"a.example", b"B.example.", b"1,c.example", b"d.example,x # y", b'"e', b"\xc3\xbc.example\r"])
)

UNQUOTED = [b"a.example", b"B.example.", b"d.example,x # y", b"bad domain", b"", b"# x", b"-a", b"\xff"]


@given(data=st.binary() | LINES.map(b"\n".join), column=st.none() | st.just("a"))
@example(data=b"\0\r\0\r\0", column=None)  # without LF, CR ends the lines
def test_no_content_raises(data: bytes, column: str | None) -> None:
    for form in (data, gzip.compress(data), gzip.compress(data)[:-9]):
        try:
            lists = read(form, column=column)
        except ListError:
            continue
        entries = list(lists)
        assert len(entries) + lists.duplicates <= data.count(b"\n") + data.count(b"\r") + 2


@given(lines=st.lists(st.sampled_from(UNQUOTED)), cut=st.integers(min_value=0))
def test_a_split_list_gives_the_same(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], cut: int) -> None:
    """With one layout throughout: the first line of every part is a plain one."""
    folder = tmp_path_factory.mktemp("split")
    cut = cut % (len(lines) + 1)
    head, tail = [b"x.example", *lines[:cut]], [b"y.example", *lines[cut:]]
    for name, part in (("whole", head + tail), ("head", head), ("tail", tail)):
        (folder / name).write_bytes(b"\n".join(part) + b"\n")
    whole, parts = Lists([folder / "whole"]), Lists([folder / "head", folder / "tail"])
    assert [shown(entry) for entry in whole] == [shown(entry) for entry in parts]
    assert whole.duplicates == parts.duplicates


def shown(entry: Target | Reject) -> tuple[object, ...]:
    """An entry without its place."""
    if isinstance(entry, Reject):
        return (entry.raw, entry.reason)
    return (entry.destination, entry.raw, entry.rank, entry.fields)


class _Dripping(io.BytesIO):
    """A pipe that gives an octet at a time."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(min(1, size or 1))


@given(data=LINES.map(b"\n".join))
def test_chunks_do_not_matter(data: bytes) -> None:
    assert outcome(_Dripping(data)) == outcome(io.BytesIO(data))


def outcome(stream: io.BytesIO) -> list[Target | Reject] | str:
    """The entries of a list, or why it has none."""
    try:
        return list(Lists(["-"], stdin=stream))
    except ListError as error:
        return str(error)
