"""Layouts, recognised by the first lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.detection import LayoutError, detect
from targets.lines import Line
from targets.tables import TableLayout


def found(text: str, column: str | None = None) -> TableLayout:
    return detect([Line(number, line) for number, line in enumerate(text.split("\n"), 1)], column)


LAYOUTS = [
    ("a.example", TableLayout()),
    ("a.example,x\nb.example,y", TableLayout()),
    ("a.example|x\nb.example|y", TableLayout("|")),
    ("1,a.example\n2,b.example", TableLayout(ranked=True)),
    ("1\ta.example\n2\tb.example", TableLayout("\t", ranked=True)),
    ("1 a.example\n2 b.example", TableLayout(" ", ranked=True)),
    ("domain\na.example", TableLayout(header=("domain",), begins=1)),
    ("Domain;owner\na.example;x", TableLayout(";", 0, ("Domain", "owner"), 1)),
    ("name;domain\nAlice;a.example", TableLayout(";", 1, ("name", "domain"), 1)),
    ("domain;host\nx;mx.a.example\ny;mx.b.example", TableLayout(";", 1, ("domain", "host"), 1)),
    ("origin,rank\nhttps://a.example,1000", TableLayout(",", 0, ("origin", "rank"), 1)),
    ("sep=;\nx;Domain\n1;a.example", TableLayout(";", 1, ("x", "Domain"), 2)),
    ("Firma,Seite\nA,a.example\nB,b.example", TableLayout(",", 1, ("Firma", "Seite"), 1)),
    ("Alice,a.example\nBob,b.example", TableLayout(",", 1)),
    (";x\n;y\na.example", TableLayout()),
    ("com\nnet", TableLayout()),
    ("Kunde\na.example\nb.example", TableLayout(title=1)),
    ("Customer site\na.example\nb.example", TableLayout(title=1)),
    ("Kunde\na.example,x\nb.example,y", TableLayout(title=1)),
    ("Domain:\na.example", TableLayout(title=1)),
    ("localhost", TableLayout()),
    ("mailhost\na.example\nlocalhost", TableLayout()),
    ("mailhost:25\na.example", TableLayout()),
    ("com.\na.example", TableLayout()),
    ("inet:mailhost\nunix:/a.sock", TableLayout()),
    ("Partners\nAs of;2026\nx;y;z\n1;a.example;2\n3;b.example;4", TableLayout(";", 1, ("x", "y", "z"), 3)),
    ("Version;3\nx;Domain\n1;a.example\n2;b.example", TableLayout(";", 1, ("x", "Domain"), 2)),
    ("x;Site\nAlice;\nBob;a.example\nCarl;b.example", TableLayout(";", 1, ("x", "Site"), 1)),
    ("Partners;\nx;Domain\n1;a.example\n2;b.example", TableLayout(";", 1, ("x", "Domain"), 2)),
    ("a.example;\nb.example;x\nc.example;y", TableLayout(";")),
    ("domain owner\na.example x\nb.example y", TableLayout(" ", 0, ("domain", "owner"), 1)),
    ("Dom\u00e4ne;x\na.example;1", TableLayout(";", 0, ("Dom\u00e4ne", "x"), 1)),
]


@pytest.mark.parametrize(("text", "layout"), LAYOUTS)
def test_layouts(text: str, layout: TableLayout) -> None:
    assert found(text) == layout


NAMED = [
    ("x;Domain\n1;2", "domain", TableLayout(";", 1, ("x", "Domain"), 1)),
    ("x;y\n1;a.example", "2", TableLayout(";", 1, ("x", "y"), 1)),
    ("1;a.example\n2;b.example", "2", TableLayout(";", 1)),
    ("0.0.0.0 a.example\n::1\tb.example", "2", TableLayout(" ", 1)),
    ("a.example dane\nb.example secure match=x", "1", TableLayout(" ", 0)),
    ('{"domain": "a.example"}', "domain", TableLayout("{", header=("domain",))),
    ("a.example", "1", TableLayout()),
    ("Partners\nx;Domain\n1;a.example", "domain", TableLayout(";", 1, ("x", "Domain"), 2)),
    ("Partners;\nx;Domain\n1;a.example", "2", TableLayout(";", 1, ("x", "Domain"), 2)),
    ("x Domain\n1 a.example", "domain", TableLayout(" ", 1, ("x", "Domain"), 1)),
    ("127.0.0.1\ta.example\n0.0.0.0 b.example c.example", "2", TableLayout(" ", 1)),
]


@pytest.mark.parametrize(("text", "column", "layout"), NAMED)
def test_layouts_with_a_column(text: str, column: str, layout: TableLayout) -> None:
    assert found(text, column) == layout


REFUSED = [
    ("x,a.example,b.example\ny,c.example,d.example", None, "the columns are 1 'x', 2 'a.example', 3 'b.example'"),
    ("192.0.2.1,a.example\n192.0.2.2,b.example", None, "name it with --column"),
    ("Firma,Ort\nA,Berlin\nB,Bonn", None, "the columns are 1 'Firma', 2 'Ort'; name it with --column"),
    ("a,b", "c", "no column 'c' in the header 'a,b'"),
    ("a,b.example", "3", "no column 3: the columns are 1 'a', 2 'b.example'"),
    ("a,b.example", "0", "no column 0"),
]


@pytest.mark.parametrize(("text", "column", "words"), REFUSED)
def test_layouts_that_no_rule_fits(text: str, column: str | None, words: str) -> None:
    with pytest.raises(LayoutError) as caught:
        found(text, column)
    assert words in str(caught.value)


@given(st.lists(st.text(max_size=20).map(lambda text: text.replace("\n", ""))), st.sampled_from([None, "1", "2", "a"]))
def test_any_lines_have_a_layout_or_none(texts: list[str], column: str | None) -> None:
    try:
        detect([Line(number, text) for number, text in enumerate(texts, 1)], column)
    except LayoutError as error:
        assert str(error) != ""  # noqa: PT017 - not all lists raise
