"""Files that only grow, torn ends, full disks."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.store.files import AppendFile, StoreError, cut_torn_tail
from results.store.index import Place


@pytest.mark.parametrize(
    ("content", "kept", "cut"),
    [
        (b"", b"", b""),
        (b"{}\n", b"{}\n", b""),
        (b"{}\n{", b"{}\n", b"{"),
        (b"{", b"", b"{"),
        (b"{}\n" + b"x" * 200_000, b"{}\n", b"x" * 200_000),
        (b"x" * 65_536 + b"\n" + b"y" * 65_536, b"x" * 65_536 + b"\n", b"y" * 65_536),
    ],
)
def test_a_torn_tail_is_cut_off_and_kept_aside(tmp_path: Path, content: bytes, kept: bytes, cut: bytes) -> None:
    path = tmp_path / "domains.jsonl"
    path.write_bytes(content)
    assert cut_torn_tail(path) == len(cut)
    assert path.read_bytes() == kept
    aside = tmp_path / "domains.jsonl.torn"
    assert (aside.read_bytes() if aside.exists() else b"") == (cut + b"\n" if cut else b"")
    assert cut_torn_tail(path) == 0


def test_cutting_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        cut_torn_tail(tmp_path / "domains.jsonl")


def test_a_full_disk_is_named_and_what_waits_is_kept(tmp_path: Path) -> None:
    # /dev/full answers each write with ENOSPC, full(4).
    file = AppendFile(Path("/dev/full"))
    file.put(b"{}\n")
    with pytest.raises(StoreError, match="/dev/full: No space left on device"):
        file.flush()
    assert file.read(0, 3) == b"{}\n"
    file.close()


def test_a_disk_that_takes_a_little_at_a_time_gets_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # write(2) may take less than it is given.
    file = AppendFile(tmp_path / "x.jsonl")
    whole = file._file.write

    class SlowFile:
        fileno = file._file.fileno

        def write(self, octets: bytearray) -> int | None:
            return whole(octets[:7])

    monkeypatch.setattr(file, "_file", SlowFile())
    file.put(b'{"key":"a.example"}\n')
    file.flush()
    assert (tmp_path / "x.jsonl").read_bytes() == b'{"key":"a.example"}\n'


@given(parts=st.lists(st.binary(min_size=1, max_size=9), max_size=9), flushed=st.integers(0, 9))
def test_a_file_gives_back_what_was_put(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], flushed: int
) -> None:
    path = tmp_path_factory.mktemp("file") / "lines"
    path.write_bytes(b"before")
    file = AppendFile(path)
    places = []
    for number, part in enumerate(parts):
        places.append(Place(file.put(part), len(part)))
        if number == flushed:
            file.flush()
    assert [file.read(*each) for each in places] == parts
    whole = b"before" + b"".join(parts)
    assert file.read(0, len(whole)) == whole
    file.close()
