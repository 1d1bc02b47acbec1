"""Reader of Excel workbooks (.xlsx): conversion of the first sheet to CSV, one line per row."""

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any

from targets.streams import CHUNK, DamagedError, ListError

WORKBOOK = "xl/workbook.xml"

ROWS = 1_048_576
"""Maximum number of rows that are read from a sheet, as in Excel."""

COLUMNS = 256
"""Maximum number of columns that are read from a row; Excel permits 16,384 columns."""

UNPACKED = 512 * 2**20
"""Maximum total size in octets of the unpacked files of a workbook."""

STRINGS = 128 * 2**20
"""Maximum size in octets of a workbook's string table, which is held in memory; a million names use half of it."""

_STRINGS = "xl/sharedstrings.xml"
_BREAKS = str.maketrans("\r\n", "  ")


def rows_as_csv(file: io.BufferedIOBase, parts: Sequence[zipfile.ZipInfo], notes: list[str]) -> Iterator[bytes]:
    """Yield the rows of the first sheet as CSV.

    Line breaks in cells become spaces, so that line N of the CSV is row N of the sheet.

    Args:
        file: the workbook, a seekable stream.
        parts: the directory entries of the files in the workbook.
        notes: the list to which a note is added if the workbook has further sheets.

    Raises:
        ListError: the workbook is too large, or the library that reads it is missing.
    """
    if sum(part.file_size for part in parts) > UNPACKED:
        raise ListError(f"an Excel workbook of more than {UNPACKED >> 20} MiB unpacked; save the sheet as CSV")
    if any(part.filename.lower() == _STRINGS and part.file_size > STRINGS for part in parts):
        raise ListError(f"an Excel workbook with more than {STRINGS >> 20} MiB of text; save the sheet as CSV")
    try:
        import openpyxl  # noqa: F401, PLC0415 - few lists need it; this import detects a missing library
    except ImportError:
        raise ListError("an Excel workbook: pip install openpyxl, or save the sheet as CSV") from None
    return _rows(file, notes)


def _rows(file: io.BufferedIOBase, notes: list[str]) -> Iterator[bytes]:
    """Yield the CSV lines of the first sheet in blocks.

    Raises:
        DamagedError: the workbook is damaged.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    try:
        for cells in islice(_cells(file, notes), ROWS):
            writer.writerow(_trimmed(cells))
            if text.tell() > CHUNK:
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
    except Exception as error:  # hostile XML can raise any exception in the library
        yield text.getvalue().encode("utf-8", errors="replace")
        raise DamagedError(f"the Excel workbook is damaged: {_words(error)}") from error
    yield text.getvalue().encode("utf-8", errors="replace")


def _words(error: Exception) -> str:
    """Return the first sentence of an error message."""
    return re.split(r"\.\s", str(error))[0]


def _cells(file: io.BufferedIOBase, notes: list[str]) -> Iterator[tuple[Any, ...]]:
    import openpyxl  # noqa: PLC0415 - few lists need it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and extensions, which change no cell
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    if not book.worksheets:
        raise DamagedError("it contains no sheet")
    sheet = book.worksheets[0]
    if len(book.worksheets) > 1:
        notes.append(f"only the first of {len(book.worksheets)} sheets is read: {sheet.title!r}")
    sheet.reset_dimensions()  # the dimensions stated in the file may be wrong
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from sheet.iter_rows(max_col=COLUMNS, values_only=True)


def _trimmed(cells: Sequence[Any]) -> list[str]:
    """Return the texts of a row's cells without trailing empty cells."""
    texts = [_text(cell) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return (cell.isoformat() if isinstance(cell, date | datetime | time) else str(cell)).translate(_BREAKS)
