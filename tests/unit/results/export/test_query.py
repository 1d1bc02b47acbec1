"""The output of a query as text, CSV and JSON lines."""

import json
from io import BytesIO, StringIO

from rich.console import Console

from results.export import query

NAMES = ("domain", "broken")
ROWS = [("a.example", False), ("=1+1", True)]


def test_text_is_a_table() -> None:
    out = StringIO()
    query.as_text(NAMES, iter(ROWS), Console(file=out, width=80))
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert lines == [["domain", "broken"], ["a.example", "false"], ["=1+1", "true"]]


def test_long_results_are_cut_in_text_only() -> None:
    out, text = BytesIO(), StringIO()
    many = [(number,) for number in range(query.MAX_SHOWN + 5)]
    query.as_text(("n",), iter(many), Console(file=text, width=80))
    assert "and 5 more" in text.getvalue()
    query.as_json(("n",), iter(many), out)
    assert len(out.getvalue().splitlines()) == len(many)


def test_csv_has_no_formulas() -> None:
    out = StringIO()
    query.as_csv(NAMES, iter(ROWS), out)
    assert out.getvalue().splitlines()[2].startswith("'=1+1,")


HOSTILE = "a\x1b[31m\x07\x9b\x7f\u202eb\u2066\n"


def test_csv_has_no_characters_that_a_terminal_obeys() -> None:
    out = StringIO()
    query.as_csv((HOSTILE,), iter([(HOSTILE,)]), out)
    replaced = "a\ufffd[31m" + 4 * "\ufffd" + "b\ufffd\ufffd"
    assert out.getvalue() == 2 * f"{replaced}\r\n"


def test_json_has_no_characters_that_a_terminal_obeys_and_loses_nothing() -> None:
    out = BytesIO()
    query.as_json((HOSTILE,), iter([(HOSTILE,)]), out)
    shown = out.getvalue().decode().removesuffix("\n")
    assert shown.isprintable()
    assert json.loads(shown) == {HOSTILE: HOSTILE}


def test_json_lines() -> None:
    out = BytesIO()
    query.as_json(NAMES, iter(ROWS), out)
    assert json.loads(out.getvalue().splitlines()[0]) == {"domain": "a.example", "broken": False}
