"""Lists as people have them, each from its file to its destinations."""

import gzip
from pathlib import Path

import pytest

from targets.lists import Accept, Form, ListError, Lists, PlainNames, Reader, Reject, Target

DATA = Path(__file__).parents[2] / "data" / "lists"
ACCEPT = frozenset(Accept)
TITLE = "a first line without a dot above names with dots: taken for a header; end a domain with a dot to scan it"
SEVERAL = "several names: list one per line"
GOOD, BAD, THIRD = "good311.test", "bad311.test", "good301.test"


def entries(path: Path, form: Form | None = None, accept: frozenset[Accept] = frozenset()) -> list[str]:
    """Destinations and reasons of rejects, by blocks and line by line alike."""
    slow = [
        e.destination.key if isinstance(e, Target) else f"{e.line}: {e.reason}"
        for e in Lists([path], Reader(accept=accept), form)
    ]
    fast: list[str] = []
    for e in Lists([path], Reader(accept=accept), form).blocks():
        if isinstance(e, PlainNames):
            fast += [name.decode() for name in e.names]
        else:
            fast.append(f"{e.line}: {e.reason}" if isinstance(e, Reject) else e.destination.key)
    assert list(dict.fromkeys(fast)) == slow
    return slow


READ = [
    ("longline-tail.txt", [THIRD, "2: line longer than 65536 octets", "after.test", GOOD]),
    ("list.xz", [GOOD, BAD, THIRD]),
    ("list.zst", [GOOD, BAD, THIRD]),
    ("top-1m.csv.zip", [GOOD, BAD]),
    ("trail.gz", [GOOD, BAD, THIRD]),
    ("utf16le-bom-excel.txt", [GOOD, BAD, THIRD]),
    ("radar.csv", [GOOD]),
    ("noheader-column2.txt", [GOOD, BAD]),
    ("quoted-csv-newline.txt", [GOOD, BAD]),
    ("semicolon-header-nocolumn.txt", [GOOD, BAD]),
]


@pytest.mark.parametrize(("name", "expected"), READ)
def test_lists_that_are_read(name: str, expected: list[str]) -> None:
    assert entries(DATA / name) == expected


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hosts-file.txt", "not a list of domains but a hosts file; --column 2 takes the names"),
        ("urls.txt", "not a list of domains but URLs; --accept urls takes the host of each"),
        ("zone-lines.txt", "not a list of domains but a zone file; --format zone"),
    ],
)
def test_lists_that_are_refused(name: str, words: str) -> None:
    with pytest.raises(ListError, match=words):
        Lists([DATA / name])


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("hosts-file.txt", Form("2"), [GOOD, BAD]),
        ("urls.txt", Form(), [GOOD, BAD, THIRD]),
        ("zone-lines.txt", Form(zone=True), [GOOD, BAD, "test"]),
        ("noheader-column2.txt", Form("2"), [GOOD, BAD]),
        ("semicolon-header-nocolumn.txt", Form("domain"), [GOOD, BAD]),
    ],
)
def test_lists_that_flags_read(name: str, form: Form, expected: list[str]) -> None:
    assert entries(DATA / name, form, ACCEPT) == expected


@pytest.mark.parametrize(("name", "read"), [("trunc.gz", 8904), ("damaged.zst", 0)])
def test_a_list_that_is_not_readable_to_its_end(name: str, read: int) -> None:
    lists = Lists([DATA / name])
    found = list(lists)
    last = found[-1]
    assert isinstance(last, Reject)
    assert last.line == read + 1
    assert lists.cut == [f"{DATA / name}: {last.reason}"]


TEXTS = [
    (b"a.example\rb.example\rc.example", ["a.example", "b.example", "c.example"]),
    ("\ufeffb\u00fccher.example\n".encode("utf-16-be"), ["xn--bcher-kva.example"]),
    (b"domain\na.example\ndomain\nb.example\n", ["a.example", "3: the header, repeated", "b.example"]),
    (b"# x\n; y\n// z\n;zz\na.example # t\n", ["a.example"]),
    (b"999,a.example\n1,000,b.example\n", ["a.example", "b.example"]),
    (b"a.example\r\r\nb.example\r\r\n", ["a.example", "b.example"]),
    (b'"Ow\nner",domain\nA,a.example\nB,b.example\n', ["a.example", "b.example"]),
    (b"Partners;;\n;;\nName;Domain;x\nA;a.example;1\nB;b.example;2\n", ["a.example", "b.example"]),
    (b"a.example,1\nb.example\nc.example,2,3\n", ["a.example", "b.example", "c.example"]),
    (b'domain,n\na.example,"x\nb.example,y\n', ["2: not a CSV record: unexpected end of data", "b.example"]),
    (b"a.example\n10.0.0.0/8\n", ["a.example", "2: a network: list domains, hosts or single addresses"]),
    (gzip.compress(gzip.compress(b"a.example\n")), ["a.example"]),
    (b"Kunde\na.example\nb.example\n", [f"1: {TITLE}", "a.example", "b.example"]),
    (b"kunde\na.example\nb.example\n", [f"1: {TITLE}", "a.example", "b.example"]),
    (b"# x\n\nkunde\na.example\nb.example\n", [f"3: {TITLE}", "a.example", "b.example"]),
    (b"Domain,owner\na.example,1\nDOMAIN,Owner\nb.example,2\n", ["a.example", "3: the header, repeated", "b.example"]),
    (b"Domain\na.example\ndomain\nb.example\n", ["a.example", "3: the header, repeated", "b.example"]),
    (b"a.example\nb.example, c.example\nd.example e.example\n", ["a.example", "b.example", f"3: {SEVERAL}"]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), TEXTS, ids=range(len(TEXTS)))
def test_texts(tmp_path: Path, data: bytes, expected: list[str]) -> None:
    (tmp_path / "list").write_bytes(data)
    assert entries(tmp_path / "list") == expected


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.4", "a PDF, which is not a list"),
        (b"a@b.example\nc@d.example\n", "not a list of domains but e-mail addresses; --accept emails"),
        (b"a.example dane-only\n.b.example may\n", "not a list of domains but a policy map; --column 1"),
        (b"a.example/x\nb.example:80/\n", "not a list of domains but URLs; --accept urls"),
        (b'["a.example", "b.example"]', "a JSON document, which is not a list"),
        (b'{"a": 1}\n', "not a list of domains but JSON lines; --column NAME"),
        (b"||a.example^\n", "not a list of domains but an ad blocker's list"),
        (b"origin,rank\nhttps://a.example,1\n", "not a list of domains but URLs; --accept urls"),
        (b"a.example, b.example, c.example\n", "its only line contains several domains; list one domain per line"),
    ],
)
def test_files_that_are_no_lists(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "list").write_bytes(data)
    with pytest.raises(ListError, match=f"{tmp_path}/list: {words}"):
        Lists([tmp_path / "list"])
