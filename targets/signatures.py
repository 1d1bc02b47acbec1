"""Recognition of binary file formats and of markup by their first octets."""

import re

_OLE = "an old Office file (.xls, .doc) or a workbook with a password; save it as .xlsx or CSV without a password"

_SIGNATURES = (
    (0, b"%PDF-", "a PDF"),
    (0, b"\x7fELF", "an ELF program"),
    (0, b"MZ\x90\0", "a Windows program"),
    (0, b"\x89PNG\r\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (0, b"SQLite format 3\0", "an SQLite database"),
    (8, b"DUCK", "a DuckDB database"),
    (0, b"PAR1", "a Parquet file"),
    (0, b"ARROW1", "an Arrow file"),
    (0, b"Obj\x01", "an Avro file"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"PK\5\6", "an empty ZIP archive"),
    (0, b"PK\7\x08", "a split ZIP archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
    (0, b"\x1f\x9d", "a file packed with compress (.Z)"),
    (0, b"\x04\x22\x4d\x18", "a file packed with lz4"),
    (0, b"LZIP", "a file packed with lzip"),
    (0, b"]\0\0\x80\0", "a file packed with lzma"),
    (0, b"!<arch>\n", "a Debian package or ar archive"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"-----BEGIN ", "a PEM file"),
    (0, b"wOFF", "a font"),
    (0, b"\x89HDF\r\n", "an HDF5 file"),
    (0, b"II*\0", "a TIFF image"),
    (0, b"MM\0*", "a TIFF image"),
    (4, b"ftyp", "an MP4 media file"),
    (0, b"\x00asm", "a WebAssembly program"),
    (0, b"\xca\xfe\xba\xbe", "a Java class or macOS program"),
    (0, b"\xcf\xfa\xed\xfe", "a macOS program"),
    (0, b"\xd4\xc3\xb2\xa1", "a packet capture"),
    (0, b"\x0a\x0d\x0d\x0a", "a packet capture"),
    (0, b"RIFF", "a RIFF media file"),
    (0, b"OggS", "an Ogg media file"),
    (0, b"ID3", "an MP3 file"),
    (0, b"{\\rtf", "an RTF document"),
)
"""Signatures of binary file formats: offset of the signature, its octets, and the name of the format."""

_MARKUP = ((b"<!doctype html", "an HTML page"), (b"<html", "an HTML page"), (b"<?xml", "an XML document"))

_JSON = re.compile(rb'\[\s*\{|\[[ \t]*"|\{\s*\n')

_TEXT_CONTROLS = b"\t\n\r\f\x1b"
_CONTROLS = bytes(octet for octet in range(32) if octet not in _TEXT_CONTROLS) + b"\x7f"

CONTROL_SHARE = 10
"""A file is binary if more than one in ``CONTROL_SHARE`` octets is a control character or undecodable."""

ENOUGH = 64
"""Minimum size in octets of a file that many control characters and undecodable octets make binary."""


def binary_name(head: bytes) -> str | None:
    """Return the name of a binary file's format from its first octets (4,096 at most); None for a text file."""
    controls = len(head) - len(head.translate(None, _CONTROLS))
    text = not controls and head.isascii()
    found = (name for at, magic, name in _SIGNATURES if head.startswith(magic, at) and not (text and magic.isalnum()))
    known = next(found, None) or _markup(head.removeprefix(b"\xef\xbb\xbf").lstrip())
    if known:
        return known
    if controls:
        controls += head.decode("utf-8", errors="replace").count("\ufffd")
    return "a binary file" if len(head) >= ENOUGH and controls * CONTROL_SHARE > len(head) else None


def _markup(text: bytes) -> str | None:
    if _JSON.match(text):
        return "a JSON document"
    begin = text[:16].lower()
    return next((name for magic, name in _MARKUP if begin.startswith(magic)), None)
