"""The comparison as text, Markdown, HTML and JSON; texts from outside are escaped in each form."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from results.diff import text as diff_text
from results.diff.compare import Comparison
from tests.unit.results.diff.runs import BROKEN, SOUND, Runs

HOSTILE = "\x1b[31mred\u202e <script>alert(1)</script> | [x](http://evil.example)"


@pytest.fixture
def compared(runs: Runs) -> Comparison:
    runs.verdicts(broke=SOUND, gone=SOUND, mended=BROKEN)
    runs.verdicts(broke=replace(BROKEN, text=HOSTILE), mended=SOUND)
    return runs.compare()


def test_text_is_escaped(compared: Comparison) -> None:
    out = StringIO()
    diff_text.print_diff(compared, Console(width=80, file=out))
    text = out.getvalue()
    assert "1 newly broken, 1 fixed, 0 still broken" in text
    assert "no TLSA record matches" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_markdown_is_escaped(compared: Comparison) -> None:
    text = diff_text.as_markdown(compared)
    row = next(line for line in text.splitlines() if line.startswith("| broke.example"))
    assert r"\<script\>" in row
    assert r"\[x\](http" in row
    assert row.replace(r"\|", "").count("|") == 5


def test_html_is_escaped_and_self_contained(compared: Comparison) -> None:
    page = diff_text.as_html(compared)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "src=" not in page
    assert page.count("<section") == page.count("</section>") == len(diff_text.tables(compared))


def test_json_has_everything(compared: Comparison) -> None:
    document = json.loads(diff_text.as_json(compared))
    assert [row["domain"] for row in document["new_broken"]] == ["broke.example"]
    assert document["new_broken"][0]["text"] == HOSTILE
    assert document["new_broken"][0]["old"]["dane"] == "protected"


def test_different_levels_are_reported(runs: Runs) -> None:
    runs.verdicts(a=SOUND)
    runs.verdicts(a=SOUND)
    found = runs.compare()
    assert len(diff_text.summary_lines(found)) == 2
    one, other = found.runs
    lines = diff_text.summary_lines(replace(found, runs=(replace(one, level="may"), replace(other, level="dane"))))
    assert "different security levels (may, dane)" in lines[-1]
