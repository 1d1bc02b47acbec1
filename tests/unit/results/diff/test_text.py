"""The comparison as text, Markdown, HTML and JSON; texts from outside are escaped in each form."""

import csv
import json
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from results.diff import text as diff_text
from results.diff.compare import Comparison, alone
from scanner.vocabulary import RunState
from tests.unit.results.diff.runs import BROKEN, NEW_LEAF, OLD_LEAF, PIN_OLD, SOUND, Runs, bad, host, mx, on

HOSTILE = "\x1b[31mred\u202e <script>alert(1)</script> | [x](http://evil.example)"


@pytest.fixture
def compared(runs: Runs) -> Comparison:
    runs.verdicts(broke=SOUND, gone=SOUND, mended=BROKEN)
    runs.verdicts(broke=replace(BROKEN, text=HOSTILE), mended=SOUND)
    return runs.compare()


def shown(found: Comparison, width: int = 80) -> str:
    out = StringIO()
    diff_text.print_diff(found, Console(width=width, file=out))
    return out.getvalue()


def test_text_is_escaped(compared: Comparison) -> None:
    text = shown(compared)
    assert "Newly broken: 0 MX hosts, 1 domain. Newly unknown: none. Fixed: 0 MX hosts, 1" in text
    assert "Domains removed from the list: 1." in text
    assert "no TLSA record matches" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_markdown_is_escaped(compared: Comparison) -> None:
    text = diff_text.as_markdown(compared)
    row = next(line for line in text.splitlines() if line.startswith("- **no TLSA record matches"))
    assert r"\<script\>" in row
    assert r"\[x\](http" in row


def test_json_has_everything(compared: Comparison) -> None:
    document = json.loads(diff_text.as_json(compared))
    assert [row["domain"] for row in document["new_broken"]] == ["broke.example"]
    assert document["new_broken"][0]["text"] == HOSTILE
    assert document["new_broken"][0]["old"]["dane"] == "protected"
    assert [row["kind"] for row in document["groups"]] == ["new-broken", "fixed"]
    assert document["counts"]["new-broken"] == {"domains": 1, "hosts": 0}


def test_csv_has_a_row_for_each_domain(compared: Comparison) -> None:
    rows = list(csv.DictReader(StringIO(diff_text.as_csv(compared))))
    assert [(row["change"], row["domain"]) for row in rows] == [
        ("new-broken", "broke.example"),
        ("fixed", "mended.example"),
        ("removed", "gone.example"),
    ]
    assert rows[0]["verdict"] == "dane protected > broken, outcome ok > fail"
    assert "\x1b" not in rows[0]["text"]


def test_different_levels_and_incomplete_runs_are_reported(runs: Runs) -> None:
    runs.verdicts(a=SOUND)
    runs.verdicts(a=SOUND)
    found = runs.compare()
    assert diff_text.summary_lines(found) == [
        "Runs of 2026-09-01 12:00 > 2026-09-02 12:00 UTC; 1 domain compared.",
        "Newly broken: none. Newly unknown: none. Fixed: none.",
    ]
    one, other = found.runs
    changed = (replace(one, level="may"), replace(other, level="dane", label="partners", state=RunState.RUNNING))
    lines = diff_text.summary_lines(replace(found, runs=changed))
    assert "different security levels (may, dane)" in lines[-1]
    assert lines[0].startswith("Runs of partners, of 2026-09-01")
    assert lines[1] == "The run of 2026-09-02 12:00 is not complete: running."


def test_a_run_without_earlier_runs(runs: Runs) -> None:
    runs.verdicts(a=SOUND)
    assert shown(alone(runs.runs[0])) == ("Run of 2026-09-01 12:00 UTC. There is no earlier run to compare it with.\n")


def test_the_domains_of_a_host_stand_below_its_cause(runs: Runs) -> None:
    names = [f"d{number:03}" for number in range(30)]
    runs.add([on(name, mx(), owner="Ann") for name in names], [host(OLD_LEAF, PIN_OLD)])
    runs.add([on(name, bad(), owner="Ann") for name in names], [host(NEW_LEAF, PIN_OLD)])
    found = runs.compare("owner")
    text, lines = shown(found, 200), [line.strip() for line in shown(found, 40).splitlines()]
    title = "mx1.example: certificate changed, TLSA not: 30 domains"
    assert f"\nNewly broken  1 MX host, 30 domains\n  owner: Ann\n  {title}\n" in text
    assert "d019.example and 10 more" in text
    assert "mx1.example: certificate changed, TLSA" in lines
    assert f"### owner: Ann\n\n- **{title}**" in diff_text.as_markdown(found)
