"""Records of tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets import tables
from targets.lines import Line, Plain
from targets.tables import DELIMITERS, RowError, TableLayout, cells_of, is_rank, is_record, records, separator


@given(
    st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), min_size=2), st.sampled_from(DELIMITERS)
)
def test_quoted_cells_come_back(cells: list[str], delimiter: str) -> None:
    """RFC 4180 section 2, rules 5 to 7."""
    text = delimiter.join('"' + cell.replace('"', '""') + '"' for cell in cells)
    assert cells_of(text, delimiter) == cells


@given(st.text(), st.sampled_from([*DELIMITERS, " "]), st.integers(0, 3))
def test_any_text_is_a_row_or_an_error(text: str, delimiter: str, column: int) -> None:
    for layout in (
        TableLayout(delimiter, column),
        TableLayout(delimiter, ranked=True),
        TableLayout("{", header=("a",)),
    ):
        try:
            layout.row(text)
        except RowError as error:
            assert str(error) != ""  # noqa: PT017 - not all texts raise


@pytest.mark.parametrize("text", ["1", "999", "1,000", "1.234.567", "1 000", "1\u00a0000", "1'000"])
def test_ranks(text: str) -> None:
    assert is_rank(text)


@pytest.mark.parametrize("text", ["", "1.5", "a", "1,00", "1" * 19, "192.0.2.1", "-1"])
def test_what_is_no_rank(text: str) -> None:
    assert not is_rank(text)


def test_ranked_rows() -> None:
    layout = TableLayout(ranked=True)
    assert layout.row("1,a.example,x") == ("a.example", 1, {"col3": "x"})
    assert layout.row("1,234,567,a.example,x") == ("a.example", 1234567, {"col5": "x"})
    assert layout.row('"1,234",a.example') == ("a.example", 1234, {})
    with pytest.raises(RowError, match="rank,domain expected"):
        layout.row("a.example")


def test_headed_rows() -> None:
    layout = TableLayout(";", 1, ("n", "Domain", "", "n"))
    assert layout.row("1;a.example # no comment;x;y;z") == (
        "a.example # no comment",
        None,
        {"n": "1", "col3": "x", "col4": "y", "col5": "z"},
    )
    with pytest.raises(RowError, match="repeated"):
        layout.row("n;Domain;;n")
    with pytest.raises(RowError, match=r"no column 'Domain' in this line: it has 1 of 4 columns"):
        layout.row("1")


def test_json_rows() -> None:
    layout = TableLayout("{", header=("name",))
    assert layout.row('{"name": "a.example", "n": 1, "deep": {}}') == ("a.example", None, {"n": "1"})
    for text in ("[]", "{", '{"name": 1}', "[" * 100_000):
        with pytest.raises(RowError):
            layout.row(text)


@pytest.mark.parametrize(
    ("text", "found"), [("sep=;", ";"), ('"sep=,"', ","), ("SEP=\t", None), ("sep=x", None), ("sep", None)]
)
def test_the_line_that_names_the_delimiter(text: str, found: str | None) -> None:
    assert separator(text) == found


def joined(*texts: str, plain: bool = False) -> list[tuple[int, str]]:
    lines: list[Line | Plain] = [Line(number, text) for number, text in enumerate(texts, 1)]
    if plain:
        lines = [lines[0], Plain(2, [text.encode() for text in texts[1:-1]]), lines[-1]]
    return [
        (line.number, line.text)
        for each in records(iter(lines), is_record)
        for line in (each.lines() if isinstance(each, Plain) else [each])
    ]


def test_records_of_several_lines() -> None:
    """RFC 4180 section 2, rule 6."""
    assert joined('a,"x', 'y ""q""', 'z"', "b") == [(1, 'a,"x\ny ""q""\nz"'), (4, "b")]
    assert joined('a,"x', "y.example", "z.example", 'w",v', plain=True) == [(1, 'a,"x\ny.example\nz.example\nw",v')]


def test_a_quote_that_is_not_closed_costs_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ['a,"x', "b", "c", "d"]
    assert joined(*texts) == list(enumerate(texts, 1))
    texts = ['"a', "b", 'c"']
    assert joined(*texts) == list(enumerate(texts, 1)), "one cell is no record"
    monkeypatch.setattr(tables, "RECORD_LINES", 2)
    texts = ['a,"x', "b", "c", 'd"', "e"]
    assert joined(*texts) == list(enumerate(texts, 1))
    assert joined('a,5" disk', "b") == [(1, 'a,5" disk'), (2, "b")], "a quote within a cell opens nothing"


@given(st.lists(st.sampled_from(['a,"x', 'y"', "b", '"', '""', 'c,"z"', '"e'])))
def test_no_line_is_lost(texts: list[str]) -> None:
    assert "\n".join(text for _, text in joined(*texts)) == "\n".join(texts)
