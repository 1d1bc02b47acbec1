"""The comparison of runs that are written to disk as a scan writes them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from results.diff.compare import compare
from results.diff.states import DomainHealth
from scanner.vocabulary import Outcome
from tests.unit import records
from tests.unit.records import NOON
from tests.unit.results.diff.runs import BARE, BROKEN, SOUND, UNKNOWN, Runs, named


def test_each_domain_is_in_one_list(runs: Runs) -> None:
    runs.verdicts(same=SOUND, broke=SOUND, mended=BROKEN, ill=BROKEN, lost=BROKEN, weaker=SOUND, gone=BROKEN)
    runs.verdicts(same=SOUND, broke=BROKEN, mended=SOUND, ill=BROKEN, lost=UNKNOWN, weaker=BARE, come=BROKEN)
    found = runs.compare()
    assert found.compared == 6
    assert named(found.new_broken) == ["broke"]
    assert named(found.fixed) == ["mended"]
    assert named(found.still_broken) == ["ill"]
    assert named(found.unclear) == ["lost"]
    assert named(found.changed) == ["weaker"]
    assert named(found.added) == ["come"]
    assert named(found.removed) == ["gone"]
    assert found.flapping == []
    assert found.transitions["dane"] == {
        "broken > protected": 1,
        "broken > unknown": 1,
        "protected > broken": 1,
        "protected > none": 1,
    }


def test_an_inconclusive_run_hides_no_change(runs: Runs) -> None:
    """Broken, unknown, broken is still broken since the first run; sound, unknown, sound is no change."""
    runs.verdicts(ill=BROKEN, well=SOUND, fresh=SOUND, never=UNKNOWN)
    runs.verdicts(ill=UNKNOWN, well=UNKNOWN, fresh=UNKNOWN, never=UNKNOWN)
    runs.verdicts(ill=BROKEN, well=SOUND, fresh=BROKEN, never=BROKEN)
    found = runs.compare()
    assert named(found.still_broken) == ["ill"]
    assert found.still_broken[0].since == NOON
    assert named(found.new_broken) == ["fresh", "never"]
    assert found.new_broken[0].since == NOON + timedelta(days=2)
    assert (found.fixed, found.unclear, found.changed) == ([], [], [])


def test_a_change_and_a_change_back_is_flapping(runs: Runs) -> None:
    runs.verdicts(flaps=SOUND, breaks=SOUND, doubtful=SOUND, back=BROKEN)
    runs.verdicts(flaps=BROKEN, breaks=BROKEN, doubtful=UNKNOWN, back=SOUND)
    runs.verdicts(flaps=UNKNOWN, breaks=UNKNOWN, doubtful=SOUND, back=BROKEN)
    runs.verdicts(flaps=SOUND, breaks=BROKEN, doubtful=SOUND, back=BROKEN)
    found = runs.compare()
    assert named(found.flapping) == ["back", "flaps"]
    assert found.flapping[1].health == (
        DomainHealth.SOUND,
        DomainHealth.BROKEN,
        DomainHealth.UNKNOWN,
        DomainHealth.SOUND,
    )


def test_a_domain_missing_from_the_previous_run_is_added(runs: Runs) -> None:
    runs.verdicts(a=SOUND)
    runs.verdicts(b=SOUND)
    runs.verdicts(a=BROKEN, b=SOUND)
    found = runs.compare()
    assert (named(found.added), named(found.new_broken)) == (["a"], [])


def test_mx_changes_are_against_the_latest_conclusive_lookup(runs: Runs) -> None:
    failed = replace(records.route(), mx=records.answer("a.example", "MX", outcome=Outcome.ERROR), hosts=())
    runs.add([records.domain(route=records.route("mx1.example", "mx2.example"))])
    runs.add([records.domain(route=failed)])
    assert runs.compare().mx == []
    runs.add([records.domain(route=records.route("mx1.example", "mx3.example"))])
    (change,) = runs.compare().mx
    assert (change.domain, change.added, change.removed) == ("a.example", ("20 mx3.example",), ("20 mx2.example",))


def test_runs_in_the_wrong_order_are_refused(runs: Runs) -> None:
    runs.verdicts(a=SOUND)
    runs.verdicts(a=SOUND)
    with pytest.raises(ValueError, match="give the older run first"):
        compare(runs.runs[::-1])
    with pytest.raises(ValueError, match="two runs or more"):
        compare(runs.runs[:1])
