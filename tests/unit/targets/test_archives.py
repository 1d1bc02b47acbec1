"""ZIP archives with a list in them (APPNOTE 6.3.10)."""

import io
import zipfile
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets import archives
from targets.archives import chunks_of_zip
from targets.streams import DamagedError, ListError

NAMES = b"".join(b"name%d.example\n" % number for number in range(20_000))


def archive(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as found:
        for name, data in files:
            found.writestr(name, data)
    return file.getvalue()


def content(data: bytes) -> bytes:
    return b"".join(chunks_of_zip(io.BytesIO(data), []))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_only_file_is_the_list(method: int) -> None:
    more = (("folder/", b""), ("__MACOSX/._list.csv", b"x"))
    assert content(archive(("folder/list.csv", NAMES), *more, method=method)) == NAMES


def octets(value: object) -> str | None:
    """The name of a case with packed octets, which differ by the time at which they were packed."""
    return f"{len(value)} octets" if isinstance(value, bytes) else None


def encrypted() -> bytes:
    data = bytearray(archive(("list", NAMES)))
    data[data.rfind(b"PK\1\2") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (archive(("a", b"x"), ("b", b"x")), "a ZIP archive with 2 files instead of one file"),
        (archive(("a/", b"")), "a ZIP archive with 0 files"),
        (archive(("a", b"x"), method=zipfile.ZIP_LZMA), "neither stored nor deflated"),
        (archive(("word/document.xml", b"x"), ("b", b"x")), "a Word document"),
        (archive(("content.xml", b"x"), ("b", b"x")), "an OpenDocument file"),
        (encrypted(), "an encrypted ZIP archive"),
        (archive(("[Content_Types].xml", NAMES))[:-30], "a damaged ZIP archive"),
        (b"PK\3\4", "a damaged ZIP archive"),
    ],
    ids=octets,
)
def test_archives_that_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(ListError, match=words):
        chunks_of_zip(io.BytesIO(data), [])


def test_a_large_directory_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "DIRECTORY_LIMIT", 10)
    with pytest.raises(ListError, match="very many files"):
        chunks_of_zip(io.BytesIO(archive(("a", b"x"))), [])


@pytest.mark.parametrize("left", [100, 1000, 20_000])
def test_a_file_cut_short_keeps_what_can_be_unpacked(left: int) -> None:
    chunks, read = chunks_of_zip(io.BytesIO(archive(("list.csv", NAMES))[:left]), []), bytearray()
    with pytest.raises(DamagedError):
        deque(map(read.extend, chunks), maxlen=0)
    assert NAMES.startswith(bytes(read))
    assert len(read) > left // 4


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_all_octets_are_read_before_a_wrong_checksum(method: int) -> None:
    data = archive(("list.csv", b"a.example\n"), method=method)
    at = data.index(b"PK\1\2") + 16  # the CRC-32 in the directory (APPNOTE 6.3.10 section 4.3.12)
    chunks = chunks_of_zip(io.BytesIO(data[:at] + b"\0\0\0\0" + data[at + 4 :]), [])
    assert next(chunks) == b"a.example\n"
    with pytest.raises(DamagedError, match="incorrect checksum"):
        next(chunks)


def test_a_file_without_a_name_is_read_or_an_error() -> None:
    """ZipInfo.is_dir of Python 3.11 raises IndexError for an empty name, and a damaged name may begin with NUL."""
    data = archive(("list.csv", b"a.example\n")).replace(b"list.csv", b"\0ist.csv")
    try:
        assert content(data) == b"a.example\n"
    except (DamagedError, ListError):
        return


@given(at=st.integers(0, 300), octet=st.integers(1, 255))
def test_damage_is_an_error(at: int, octet: int) -> None:
    data = bytearray(archive(("list.csv", b"a.example\nb.example\n")))
    data[at % len(data)] ^= octet
    try:
        content(bytes(data))
    except (DamagedError, ListError):
        return
