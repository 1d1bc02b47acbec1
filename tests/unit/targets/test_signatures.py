"""Files that are no lists, by their first octets (the magic numbers of file(1))."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.signatures import binary_name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"%PDF-1.7\n", "a PDF"),
        (b"\x7fELF\2\1\1", "an ELF program"),
        (bytes(257) + b"ustar\0", "a tar archive"),
        (b"\xef\xbb\xbf  <!DOCTYPE HTML>", "an HTML page"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "an old Office file (.xls, .doc) or a workbook with a password; save it as .xlsx or CSV without a password",
        ),
        (bytes(range(256)), "a binary file"),
        (bytes(4096), "a binary file"),
        (b"!<arch>\ndebian-binary", "a Debian package or ar archive"),
        (b"]\0\0\x80\0\xff\xff", "a file packed with lzma"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"PAR1.example\nRIFF.example\n", None),
        (b"\x01\xff\xfe\xfd" + b"abcdefghijklmnopqrst" * 3, None),
        (b"\x01" + b"abcdefgh\xff" * 8, "a binary file"),
        (b'[\n {"domain": "a.example"}]', "a JSON document"),
        (b'{\n "domains": []}', "a JSON document"),
        (b'{"domain": "a.example"}\n', None),
        (b"[mx.a.example]\n", None),
        (b"", None),
        (b"a.example\n" * 10 + b"\0", None),
        ("b\u00fccher.example\n".encode("latin-1") * 100, None),
        (b"pdf.example\nmz.example\n", None),
    ],
)
def test_names(head: bytes, name: str | None) -> None:
    assert binary_name(head) == name


@given(st.lists(st.from_regex(rb"[a-z0-9.-]{1,30}", fullmatch=True)).map(b"\n".join))
def test_names_of_hosts_are_text(data: bytes) -> None:
    assert binary_name(data) is None
