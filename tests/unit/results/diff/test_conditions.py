"""The conditions of --fail-on."""

import pytest

from results.diff.conditions import Condition, parse, violation
from scanner.vocabulary import RunState
from tests.unit.results.diff.runs import BROKEN, SOUND, Runs, bad, down, mx, on


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("new-broken", Condition("new-broken")),
        ("removed", Condition("removed")),
        ("shrunk=10%", Condition("shrunk", 10.0)),
        ("shrunk=2.5", Condition("shrunk", 2.5)),
    ],
)
def test_conditions(text: str, expected: Condition) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["", "shrunk", "shrunk=%", "shrunk=-1%", "fixed", "new-broken=3"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="new-broken, new-unknown, removed or shrunk=PERCENT% was expected"):
        parse(text)


def test_a_broken_host_is_named(runs: Runs) -> None:
    runs.add([on("a", mx()), on("b", mx("mx2.example"))])
    runs.add([on("a", bad()), on("b", down("mx2.example"))])
    found = runs.compare()
    broken, unknown = (violation(found, parse(name)) for name in ("new-broken", "new-unknown"))
    assert (
        broken
        == "1 MX host and 1 domain are newly broken, first mx1.example (no TLSA record matches the certificate chain)"
    )
    assert unknown.startswith("1 MX host and 1 domain are newly unknown, first mx2.example (")
    assert violation(found, parse("removed")) == violation(found, parse("shrunk=0%")) == ""


def test_a_list_that_lost_domains(runs: Runs) -> None:
    runs.verdicts(a=SOUND, b=SOUND, c=SOUND, d=SOUND)
    runs.verdicts(a=SOUND, b=BROKEN, c=SOUND)
    found = runs.compare()
    assert violation(found, parse("removed")) == "1 domain is no longer in the list, first d.example"
    assert violation(found, parse("shrunk=25%")) == "the number of domains fell from 4 to 3, by 25.0 %"
    assert violation(found, parse("shrunk=26%")) == ""


def test_an_incomplete_run_is_no_shrunken_list(runs: Runs) -> None:
    runs.verdicts(a=SOUND, b=SOUND)
    runs.verdicts(a=SOUND, state=RunState.INTERRUPTED)
    found = runs.compare()
    assert violation(found, parse("removed")) == violation(found, parse("shrunk=10%")) == ""
