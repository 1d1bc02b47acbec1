"""Workbooks, made by openpyxl as a program would save them."""

import io
import sys
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets import spreadsheets
from targets.lists import Form, Lists, Target
from targets.streams import DamagedError, ListError
from targets.wrappings import unwrapped

SHEET = "xl/worksheets/sheet1.xml"


def workbook(*rows: Sequence[object]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(list(row))
    book.create_sheet("second").append(["other.example"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_rows_of_the_first_sheet() -> None:
    day, moment = date(2026, 2, 1), datetime(2026, 2, 1, 12, tzinfo=UTC).replace(tzinfo=None)
    data = workbook(
        ["Domain", "n", None, "note"], [], ["a.example", 1.0, None, 'x, \n"y"'], ["b.example", 2.5, day, moment]
    )
    assert unwrapped(io.BytesIO(data)).stream.read().decode().splitlines() == [
        "Domain,n,,note",
        "",
        'a.example,1,,"x,  ""y"""',
        "b.example,2.5,2026-02-01T00:00:00,2026-02-01T12:00:00",
    ]


def test_a_workbook_is_a_list() -> None:
    data = workbook(["Firma", "Domain"], ["Alice", "a.example"], [None, None], ["Bob", "b.example"])
    found = [
        (e.destination.key, e.line, e.fields) for e in Lists(["-"], stdin=io.BytesIO(data)) if isinstance(e, Target)
    ]
    assert found == [("a.example", 2, {"Firma": "Alice"}), ("b.example", 4, {"Firma": "Bob"})]
    noted = Lists(["-"], stdin=io.BytesIO(data))
    assert len(list(noted)) == len(found)
    assert noted.notes == ["-: only the first of 2 sheets is read: 'Sheet'"]
    by_number = Lists(["-"], form=Form("2"), stdin=io.BytesIO(data))
    assert [e.raw for e in by_number if isinstance(e, Target)] == ["a.example", "b.example"]


def test_a_title_page_is_refused_with_a_note() -> None:
    data = workbook(["Partners"], [None, "Version 3"], ["Owner", "Alice"])
    with pytest.raises(ListError, match=r"no column .* \(only the first of 2 sheets is read: 'Sheet'\)"):
        Lists(["-"], stdin=io.BytesIO(data))


SHARED = b"<sst xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><si><t>a.example</t></si></sst>"
TYPE = (
    b"<Override PartName='/xl/sharedStrings.xml' ContentType='application/vnd.openxmlformats-officedocument."
    b"spreadsheetml.sharedStrings+xml'/></Types>"
)
CELL = (
    b"<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData><row r='1'>"
    b"<c r='A1' t='s'><v>0</v></c></row></sheetData></worksheet>"
)


def test_wrong_dimensions_are_ignored() -> None:
    """Other programs than Excel state wrong dimensions (ECMA-376 part 1 section 18.3.1.35)."""
    source, file = zipfile.ZipFile(io.BytesIO(workbook(["a.example", "x"], ["b.example", "y"]))), io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'ref="A1:B2"', b'ref="A1"'))
    assert unwrapped(io.BytesIO(file.getvalue())).stream.read() == b"a.example,x\nb.example,y\n"


def shared() -> bytes:
    """A workbook as Excel saves it, with a table of strings (ECMA-376 part 1 section 18.4)."""
    source, file = zipfile.ZipFile(io.BytesIO(workbook(["x"]))), io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            data = CELL if name == SHEET else source.read(name)
            target.writestr(name, data.replace(b"</Types>", TYPE) if name == "[Content_Types].xml" else data)
        target.writestr("xl/sharedStrings.xml", SHARED)
    return file.getvalue()


def test_strings_of_the_shared_table() -> None:
    assert unwrapped(io.BytesIO(shared())).stream.read() == b"a.example\n"


@pytest.mark.parametrize(("name", "words"), [("UNPACKED", "MiB unpacked"), ("STRINGS", "MiB of text")])
def test_a_workbook_too_large(monkeypatch: pytest.MonkeyPatch, name: str, words: str) -> None:
    monkeypatch.setattr(spreadsheets, name, 100)
    with pytest.raises(ListError, match=words):
        unwrapped(io.BytesIO(shared()))


def test_rows_beyond_the_last_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "ROWS", 2)
    assert unwrapped(io.BytesIO(workbook(*([f"{n}.example"] for n in range(9))))).stream.read().count(b"\n") == 2


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = workbook(["a.example"])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ListError, match="pip install openpyxl"):
        unwrapped(io.BytesIO(data))


@given(
    st.binary(max_size=200)
    | st.just(b"<worksheet><sheetData><row r='1048576'><c r='XFD1'/></row></sheetData></worksheet>")
)
def test_a_damaged_sheet_is_an_error_of_reading(sheet: bytes) -> None:
    source, file = zipfile.ZipFile(io.BytesIO(workbook(["a.example"]))), io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            target.writestr(name, sheet if name == SHEET else source.read(name))
    try:
        unwrapped(io.BytesIO(file.getvalue())).stream.read()
    except (DamagedError, ListError):
        return
