"""Wrappings, by their first octets. Packed data is made by the libraries and commands that pack it."""

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from targets import streams, wrappings
from targets.streams import DamagedError, ListError
from targets.wrappings import DEPTH, unwrapped

NAMES = b"".join(b"name%d.example\n" % number for number in range(3000))


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("top-1m.csv", data)
    return file.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
}


def text(data: bytes) -> bytes:
    return unwrapped(io.BytesIO(data)).stream.read()


@pytest.mark.parametrize("kind", PACKERS)
@given(data=st.binary().map(lambda data: data.hex().encode()), more=st.binary().map(lambda data: data.hex().encode()))
def test_packed_octets_come_back(kind: str, data: bytes, more: bytes) -> None:
    pack = PACKERS[kind]
    assert text(pack(data)) == data
    assert text(pack(data) + pack(more)) == data + more
    assert text(pack(pack(data))) == data
    assert text(zipped(pack(data))) == data


def octets(value: object) -> str | None:
    """The name of a case with packed octets, which differ by the time at which they were packed."""
    return f"{len(value)} octets" if isinstance(value, bytes) else None


class _Pipe(io.BytesIO):
    """A pipe that gives three octets at a time and cannot seek."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(min(3, size or 3))

    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize("data", [*(pack(NAMES) for pack in PACKERS.values()), zipped(NAMES), NAMES], ids=octets)
def test_a_slow_pipe(data: bytes) -> None:
    assert unwrapped(_Pipe(data)).stream.read() == NAMES


@pytest.mark.parametrize("kind", PACKERS)
def test_octets_after_the_end_are_noted(kind: str) -> None:
    found = unwrapped(io.BytesIO(PACKERS[kind](NAMES) + b"garbage"))
    assert found.stream.read() == NAMES
    assert found.notes == [f"octets after the end of the {kind} data are ignored"]
    found = unwrapped(io.BytesIO(PACKERS[kind](NAMES) + bytes(700)))
    assert (found.stream.read(), found.notes) == (NAMES, []), "padding is none"


@pytest.mark.parametrize("kind", PACKERS)
@given(where=st.floats(0, 1, exclude_max=True), octet=st.integers(1, 255), cut=st.booleans())
def test_damage_is_an_error_of_reading_and_what_came_before_is_kept(
    kind: str, where: float, octet: int, *, cut: bool
) -> None:
    packed = bytearray(PACKERS[kind](NAMES))
    at = 16 + int(where * (len(packed) - 16))
    if cut:
        del packed[at:]
    else:
        packed[at] ^= octet
    found, read = None, b""
    try:
        found = unwrapped(io.BytesIO(bytes(packed)))
        while chunk := found.stream.read1(1000):
            read += chunk
    except (DamagedError, ListError):
        pass
    if cut:
        assert NAMES.startswith(read)


def test_a_gzip_file_cut_short_gives_all_that_can_be_unpacked() -> None:
    stream = unwrapped(io.BytesIO(gzip.compress(NAMES)[:-9])).stream
    assert b"".join(stream.readline() for _ in range(NAMES.count(b"\n"))) == NAMES
    with pytest.raises(DamagedError, match="the gzip data is truncated"):
        stream.readline()


@pytest.mark.parametrize(("kind", "at"), [("gzip", -5), ("gzip", -1), ("xz", None), ("zstd", -1)])
@pytest.mark.parametrize("data", [b"a.example\n", NAMES], ids=["short", "long"])
def test_all_octets_are_read_before_a_wrong_checksum(kind: str, at: int | None, data: bytes) -> None:
    """The checksum follows the data: RFC 1952 section 2.3, RFC 8878 section 3.1.1, the xz format section 3.4."""
    checked: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
    packed = bytearray(PACKERS[kind](data) if kind != "zstd" else zstd.compress(data, options=checked))
    index = 4 * (int.from_bytes(packed[-8:-4], "little") + 1)  # its size, in the footer of the xz format
    packed[-13 - index if at is None else at] ^= 1
    stream = unwrapped(io.BytesIO(bytes(packed))).stream
    assert b"".join(stream.readline() for _ in range(data.count(b"\n"))) == data
    with pytest.raises(DamagedError, match=f"the {kind} data is damaged"):
        stream.readline()


def test_octets_before_a_damage_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrappings, "CHUNK", 1000)
    stream = unwrapped(io.BytesIO(gzip.compress(NAMES)[:-8] + bytes(8))).stream
    assert b"".join(stream.readline() for _ in range(NAMES.count(b"\n"))) == NAMES


def test_a_damaged_block_of_bzip2_is_not_read() -> None:
    """A block of bzip2 is out of order until it is decoded completely."""
    packed = bytearray(bz2.compress(b"a.example\n"))
    packed[10] ^= 1  # the checksum of the block
    stream = unwrapped(io.BytesIO(bytes(packed))).stream
    with pytest.raises(DamagedError, match="the bzip2 data is damaged"):
        stream.readline()


def test_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "FREE", 100_000)
    for pack in PACKERS.values():
        stream = unwrapped(io.BytesIO(pack(b"a" * 10_000_000))).stream
        with pytest.raises(DamagedError, match="more than 200 times"):
            stream.read()


def test_a_window_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    level: dict[int, int] = {zstd.CompressionParameter.window_log: 21}
    packed = zstd.ZstdCompressor(options=level).compress(NAMES * 60, zstd.ZstdCompressor.FLUSH_FRAME)
    assert text(packed) == NAMES * 60
    monkeypatch.setattr(wrappings, "ZSTD_WINDOW_LOG", 20)
    with pytest.raises(DamagedError, match="needs too much memory"):
        unwrapped(io.BytesIO(packed)).stream.read()


def test_too_many_wrappings() -> None:
    data = NAMES
    for _ in range(DEPTH):
        data = gzip.compress(data)
    assert text(data) == NAMES
    with pytest.raises(ListError, match="within each other"):
        unwrapped(io.BytesIO(gzip.compress(data)))


def test_a_packed_archive_is_named() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("list"))
    with pytest.raises(ListError, match="a tar archive"):
        unwrapped(io.BytesIO(file.getvalue()))


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("backports", "backports.zstd", "compression", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ListError, match=r"pip install backports\.zstd"):
        unwrapped(io.BytesIO(zstd.compress(NAMES)))


def test_skippable_frames_of_zstd_contain_no_text() -> None:
    skippable = b"\x5a\x2a\x4d\x18\4\0\0\0abcd"  # RFC 8878 section 3.1.2
    assert text(skippable + zstd.compress(NAMES) + skippable + zstd.compress(NAMES)) == NAMES * 2
