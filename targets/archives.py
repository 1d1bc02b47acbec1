"""Reading of ZIP archives that contain one list, and of Excel workbooks, which are ZIP archives too."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import cast

from targets.spreadsheets import WORKBOOK, rows_as_csv
from targets.streams import CHUNK, DamagedError, ListError, check_ratio

ZIP_MAGIC = b"PK\3\4"

DIRECTORY_LIMIT = 4 * 2**20
"""Maximum size in octets of an archive's central directory, which is held in memory; enough for about 60,000 files."""

_TAIL = 65535 + 22 + 20 + 56
"""Maximum size in octets of an archive's end records (APPNOTE 6.3.10 sections 4.3.14 to 4.3.16) and comment."""

_END, _END64 = b"PK\5\6", b"PK\6\6"
_KINDS = (
    ("xl/workbook.bin", "an Excel binary workbook (.xlsb); save it as .xlsx or CSV"),
    ("word/document.xml", "a Word document; save the list as text"),
    ("ppt/presentation.xml", "a PowerPoint document; save the list as text"),
    ("content.xml", "an OpenDocument file; save it as .xlsx or CSV"),
    ("META-INF/MANIFEST.MF", "a Java archive, which is not a list"),
)
_PARTS = (b".xml", b".rels", b".bin", b".mf", b"mimetype")  # of office documents and Java archives
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def chunks_of_zip(file: io.BufferedIOBase, notes: list[str]) -> Iterator[bytes]:
    """Yield the octets of the list in an archive.

    Args:
        file: the archive, a seekable stream.
        notes: the list to which this function appends notes for the user.

    Returns:
        The octets of the only file in the archive, or the rows of a workbook's first sheet as CSV. The returned
        iterator raises DamagedError at an error in the packed data.

    Raises:
        ListError: the archive does not contain exactly one file, or uses an unsupported packing method.
    """
    try:
        _check_directory(file)
        archive = zipfile.ZipFile(cast("io.BufferedReader", file))
    except (zipfile.BadZipFile, OSError, NotImplementedError, UnicodeError, struct.error) as error:
        return _cut_short(file, error)
    names = {member.filename for member in archive.infolist()}
    if WORKBOOK in names:
        return rows_as_csv(file, archive.infolist(), notes)
    kind = next((words for name, words in _KINDS if name in names), None)
    if kind is not None:
        raise ListError(kind)
    return _member(archive, _only(archive))


def _check_directory(file: io.BufferedIOBase) -> None:
    """Check the size of the archive's central directory before it is read into memory.

    Raises:
        ListError: the archive's central directory is too large.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    file.seek(0)
    end, end64 = tail.rfind(_END), tail.rfind(_END64)
    sizes = [int.from_bytes(tail[end + 12 : end + 16], "little")] if end >= 0 else []
    if end64 >= 0:
        sizes = [int.from_bytes(tail[end64 + 40 : end64 + 48], "little")]
    if any(each > DIRECTORY_LIMIT for each in sizes):
        raise ListError("a ZIP archive with very many files; unpack the list first")


def _only(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    files = [
        each
        for each in archive.infolist()
        if not each.filename.endswith("/") and not each.filename.startswith("__MACOSX/")
    ]
    if len(files) != 1:
        raise ListError(f"a ZIP archive with {len(files)} files instead of one file; unpack the list first")
    if files[0].flag_bits & _ENCRYPTED:
        raise ListError("an encrypted ZIP archive; unpack the list first")
    if files[0].compress_type not in _METHODS:
        raise ListError("a ZIP archive that is neither stored nor deflated; unpack the list first")
    return files[0]


def _cut_short(file: io.BufferedIOBase, error: Exception) -> Iterator[bytes]:
    """Yield the readable octets of the first file in a truncated archive (APPNOTE 6.3.10 section 4.3.7).

    Raises:
        ListError: the first file has no complete header, is not deflated, or is part of an office document or a Java
            archive.
    """
    file.seek(0)
    header = file.read(30)
    method, name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (8, 26, 28))
    if len(header) < 30 or method != zipfile.ZIP_DEFLATED or file.read(name).lower().endswith(_PARTS):  # noqa: PLR2004 - above
        raise ListError(f"a damaged ZIP archive or Excel workbook ({error}); make a new copy of the file") from error
    file.seek(extra, io.SEEK_CUR)
    return _inflated(file)


def _inflated(file: io.BufferedIOBase) -> Iterator[bytes]:
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    given = taken = 0
    try:
        while not decoder.eof and (data := decoder.unconsumed_tail or file.read(CHUNK)):
            out = decoder.decompress(data, CHUNK)
            given, taken = given + len(out), file.tell()
            check_ratio(given, taken)
            yield out
    except zlib.error as error:
        raise DamagedError(f"the ZIP data is damaged: {error}") from error
    raise DamagedError("the ZIP archive is truncated")


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the unpacked octets of a file in the archive.

    The checksum of a file is compared in this function, because zipfile does not return the last octets of a file with
    a wrong checksum.

    Raises:
        DamagedError: the packed data are damaged, or the ratio of unpacked to packed octets is too high.
    """
    given = checksum = 0
    expected = member.CRC
    del member.CRC  # zipfile then compares no checksum
    try:
        with archive.open(member) as stream:
            while chunk := stream.read(CHUNK):
                given += len(chunk)
                checksum = zlib.crc32(chunk, checksum)
                check_ratio(given, member.compress_size)
                yield chunk
    except DamagedError:
        raise
    except Exception as error:  # zipfile also raises errors of zlib and struct
        raise DamagedError(f"the ZIP data is damaged: {error}") from error
    if checksum != expected:
        raise DamagedError("the ZIP data is damaged: incorrect checksum")
