"""Domain lists: the formats and wrappings in which people have lists, both ways of reading, and the stored rejects.

A list is read from a file line by line, and from standard input in blocks; the targets must be the same.
"""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import openpyxl

from results.store.codec import encode
from targets.lists import STDIN, Accept, Form, ListError, Lists, PlainNames, Reader, Reject, Target
from tests.fuzz.fuzzer import Fuzzer, mutated, packed, unpacked

_NAMES = (
    "example.com", "Example.ORG", "mx.example.net.", "_dmarc.example.com", "b\u00fccher.example",
    "xn--bcher-kva.example", "xn--\u00fc.example", "a" * 64 + ".test", ".".join(["abc"] * 70), "com",
    "localhost", "[mx.example.com]", "example.com:587",
    "192.0.2.1", "[2001:db8::1]", "2001:db8::1", "192.0.2.0/24", "*.example.com", "user@example.com",
    "-a.test", "a..test",
    "https://user:x@example.com:8443/p?q#f", "mailto:me@example.com", "Me <me@example.com>",
    "\U0001f4a9.example", "e\u0301.test",
    "\u202eexample.com", "ex\u00a0ample.com", "unix:/run/x", "example.com.", "1.2.3", "\uff0e.test", "\u212a.test", "",
)  # fmt: skip
_FORMATS: dict[str, Callable[[int, str], str]] = {
    "plain": lambda _at, name: name,
    "rank": lambda at, name: f"{at},{name}",
    "quoted": lambda at, name: f'"{at}","{name}"',
    "thousands": lambda at, name: f'"{at:,}",{name}',
    "last": lambda at, name: f"{name};x;{at}",
    "tab": lambda at, name: f"{at}\t{name}\tx",
    "pipe": lambda at, name: f"{at}|{name}",
    "space": lambda at, name: f"{at} {name}",
    "break": lambda at, name: f'{at},"a\nb",{name}',
    "comment": lambda at, name: f"{name} # {at}" if at % 2 else f"# {at}",
    "hosts": lambda _at, name: f"127.0.0.1 {name}",
    "zone": lambda at, name: f"{name} {at} IN NS ns.{name}",
    "policy": lambda _at, name: f"{name} dane-only",
    "json": lambda at, name: f'{{"domain":"{name}","rank":{at}}}',
    "url": lambda _at, name: f"https://{name}/",
    "e-mail": lambda at, name: f"u{at}@{name}",
    "adblock": lambda _at, name: f"||{name}^",
}
_HEADERS = (
    "",
    "",
    "domain",
    "Rank,Domain",
    "rank;domain;x",
    "sep=;",
    "GlobalRank,TldRank,Domain",
    "$ORIGIN example.",
    "a,b\na,b",
    "#x",
)
_ENDS = ("\n",) * 6 + ("\r\n", "\r\n", "\r", "\n\n", "\n \n")
_CODECS = ("utf-8",) * 8 + ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1")
_ALPHABET = b"ax.,;\t|\"'\n\r\0 #@:/[]{}\xff\xc3\xa4-_\x1b$()"
_COLUMNS = (None, None, None, "1", "2", "domain", "rank", "99", "0", "x")
_ACCEPTED: tuple[frozenset[Accept], ...] = (frozenset(), frozenset(), frozenset(Accept))


def make(chance: random.Random) -> bytes:
    """Return the options of a list and its octets."""
    text = _text(chance).encode(chance.choice(_CODECS), errors="replace")
    if chance.random() < 0.3:
        text = mutated(text, chance, _ALPHABET)
    for _ in range(chance.choice((0, 0, 0, 1, 1, 1, 2, 5))):
        text = chance.choice(_WRAPPINGS)(text)
        if chance.random() < 0.3:
            text = mutated(text, chance, most=2)
        if chance.random() < 0.1:
            text = text[: chance.randrange(len(text) + 1)]
    options = bytes(
        (chance.randrange(len(_COLUMNS)), chance.random() < 0.15, chance.randrange(3), chance.random() < 0.1)
    )
    return packed((options, text))


def _text(chance: random.Random) -> str:
    if chance.random() < 0.02:
        return chance.choice(
            ("", "\n", "#\n" * 500, "a" * 70_000 + "\nexample.com\n", "(" * 3000, '"' * 3001, "[" * 100_000)
        )
    line, end = _FORMATS[chance.choice(list(_FORMATS))], chance.choice(_ENDS)
    odd = chance.choice((0.0, 0.1, 0.5))
    lines = [chance.choice(_HEADERS)]
    for at in range(chance.choice((1, 3, 20, 300))):
        if chance.random() < 0.02:
            line = _FORMATS[chance.choice(list(_FORMATS))]
        name = chance.choice(_NAMES) if chance.random() < odd else f"d{chance.randrange(500)}.example"
        lines.append(line(at, name))
    return end.join(lines) + chance.choice((end, ""))


# --- wrappings ------------------------------------------------------------------------------------------------


def _zip(text: bytes, *names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), text)
    return file.getvalue()


def _tar(text: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("list.txt")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return file.getvalue()


def _zstd(text: bytes) -> bytes:
    from backports import zstd  # noqa: PLC0415 - part of Python from 3.14 on

    return zstd.compress(text)


def _xlsx(text: bytes) -> bytes:
    """Return a workbook with the lines; most of its files are the same for all lists, since it takes long to make."""
    rows = text[:5000].decode("ascii", errors="ignore").splitlines()
    cells = "".join(
        f'<row><c t="inlineStr"><is><t>{"".join(filter(str.isalnum, row))}.test</t></is></c></row>' for row in rows
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _workbook():
            if name == "xl/worksheets/sheet1.xml":
                begin, _, end = content.partition(b"<sheetData />")
                archive.writestr(zipfile.ZipInfo(name), begin + f"<sheetData>{cells}</sheetData>".encode() + end)
            else:
                archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


@cache
def _workbook() -> tuple[tuple[str, bytes], ...]:
    file = io.BytesIO()
    openpyxl.Workbook().save(file)
    with zipfile.ZipFile(file) as archive:
        return tuple((name, archive.read(name)) for name in archive.namelist())


_WRAPPINGS: tuple[Callable[[bytes], bytes], ...] = (
    lambda text: gzip.compress(text, mtime=0),
    lambda text: gzip.compress(text, mtime=0) + gzip.compress(text, mtime=0) + b"\0\0",
    lambda text: gzip.compress(text, mtime=0) + b"garbage",
    bz2.compress,
    lzma.compress,
    _zstd,
    lambda text: _zip(text, "list.csv"),
    lambda text: _zip(text, "a.csv", "b.csv"),
    _zip,
    _tar,
    _xlsx,
)


# --- checks ---------------------------------------------------------------------------------------------------


def check(data: bytes) -> None:
    """Read a list in both ways.

    Raises:
        AssertionError: the two ways disagree, or a target is not read again as itself.
    """
    (column, zone, accept, lmtp), content = unpacked(data)
    form, reader = Form(_COLUMNS[column], zone=bool(zone)), Reader(lmtp=bool(lmtp), accept=_ACCEPTED[accept])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list")
        path.write_bytes(content)
        singly = _entries(lambda: iter(Lists([path], reader, form)), reader)
    blocks = _entries(lambda: Lists([STDIN], reader, form, stdin=io.BytesIO(content)).blocks(), reader)
    assert (singly is None) == (blocks is None), "only one way of reading refuses the list"
    if singly is not None and blocks is not None:
        assert dict.fromkeys(singly) == dict.fromkeys(blocks), "the two ways of reading disagree"
    for key in singly or ():
        _again(key, reader)


def _entries(lists: Callable[[], Iterator[Target | Reject | PlainNames]], reader: Reader) -> list[str] | None:
    """Return the keys of the targets and the places of the rejects; None for a list that is refused as a whole."""
    try:
        return [text for entry in lists() for text in _texts(entry, reader)]
    except ListError as error:
        if not str(error):
            raise ValueError("a refusal without a reason") from error
        return None


def _texts(entry: Target | Reject | PlainNames, reader: Reader) -> list[str]:
    if isinstance(entry, Reject):
        encode(entry)
        assert entry.reason, "a reject without a reason"
        reason = entry.reason.partition(" (the ")[0]  # an error of the library depends on the type of the stream
        return [f"reject {entry.line} {reason}"]
    if isinstance(entry, Target):
        encode(entry.fields)
        return [entry.destination.key]
    return [reader.plain(name.decode("ascii")).key for name in entry.names]


def _again(key: str, reader: Reader) -> None:
    """Check that the key of a target is a destination with the same key."""
    if not key.startswith("reject "):
        assert reader.destination(key).key == key, f"the key {key!r} is not read as itself"


FUZZER = Fuzzer("lists", make, check, inputs=150, calls=400_000, calls_per_octet=2000)
