"""The comparison of runs that are written to disk as a scan writes them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from results.count.base import Count
from results.count.health import Health
from results.diff.compare import alone, compare
from scanner.vocabulary import Outcome, RunState
from tests.unit import records
from tests.unit.records import NOON
from tests.unit.results.diff.runs import ABSENT, BARE, BROKEN, SOUND, UNKNOWN, Runs, bad, down, mx, named, on


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
        Health.SOUND,
        Health.BROKEN,
        Health.UNKNOWN,
        Health.SOUND,
    )


def test_a_domain_is_compared_with_the_latest_run_that_contains_it(runs: Runs) -> None:
    """The damaged list of the second night hides no change of the third night."""
    runs.verdicts(a=SOUND, c=SOUND, gone=SOUND)
    runs.verdicts(b=SOUND, gone=SOUND)
    runs.verdicts(a=BROKEN, b=SOUND, new=SOUND)
    found = runs.compare()
    assert found.compared == 2
    assert (named(found.added), named(found.new_broken)) == (["new"], ["a"])
    assert named(found.removed) == ["gone"], "c was removed before the second run"


def test_a_domain_that_was_not_reached_by_an_incomplete_run_is_not_removed(runs: Runs) -> None:
    runs.verdicts(a=SOUND, b=SOUND)
    runs.verdicts(a=SOUND, state=RunState.INTERRUPTED)
    found = runs.compare()
    assert (named(found.removed), found.not_scanned) == ([], 1)
    runs.verdicts(a=SOUND)
    assert named(runs.compare().removed) == ["b"], "the list of the complete first run is the one to compare with"


def test_protected_domains_that_become_inconclusive_are_newly_unknown_once(runs: Runs) -> None:
    runs.verdicts(a=SOUND, bare=BARE, ill=BROKEN)
    runs.verdicts(a=UNKNOWN, bare=UNKNOWN, ill=UNKNOWN)
    found = runs.compare()
    assert (named(found.new_unknown), named(found.unclear), named(found.changed)) == (["a"], ["ill"], ["bare"])
    runs.verdicts(a=UNKNOWN, bare=UNKNOWN, ill=UNKNOWN)
    found = runs.compare()
    assert (named(found.new_unknown), named(found.changed)) == ([], ["a", "bare"])


def test_a_domain_that_no_longer_exists_is_newly_broken(runs: Runs) -> None:
    """A domain that never existed is counted, but it is neither sound nor a change."""
    runs.verdicts(a=SOUND, never=ABSENT, back=ABSENT, ill=BROKEN)
    runs.verdicts(a=ABSENT, never=ABSENT, back=SOUND, ill=ABSENT)
    found = runs.compare()
    assert (named(found.new_broken), named(found.fixed), named(found.still_broken)) == (["a"], ["back"], ["ill"])
    assert found.absent == 1
    assert found.changed == []


def test_the_counts_by_domain_and_host(runs: Runs) -> None:
    runs.add([on("a", mx()), on("b", mx(), mx("mx2.example")), on("c", bad("mx3.example"))])
    runs.add([on("a", bad()), on("b", bad(), down("mx2.example")), on("c", mx("mx3.example"))])
    counts = runs.compare().counts
    assert counts == {
        "new-broken": Count(2, 1),
        "new-unknown": Count(0, 1),
        "fixed": Count(1, 1),
        "still-broken": Count(0, 0),
        "unclear": Count(0, 0),
    }


def test_a_run_without_earlier_runs_has_no_differences(runs: Runs) -> None:
    runs.verdicts(a=SOUND, b=BROKEN)
    found = alone(runs.runs[0])
    assert found.runs[0].domains == 2
    assert found.counts["new-broken"] == Count(0, 0)


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
