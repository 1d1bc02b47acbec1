"""Certificate rollovers played in labs of their own, in the four ways that operators know; diff tells them apart.

Each day is a lab that is started with that day's certificates and records, and scanned. The certificates are made once
and stay the same from day to day.
"""

from dataclasses import dataclass, replace

import pytest

from results.count.base import Count
from results.diff.compare import Comparison, compare
from results.store.reader import Run
from tests.days import play
from tests.lab.cases_dane import case
from tests.lab.expectations import protected
from tests.lab.model import Scenario
from tests.lab.pki import PKI, Bundle

pytestmark = pytest.mark.lab

OLD, NEW, BOTH = "3 1 1 old", "3 1 1 new", "3 1 1 old, 3 1 1 new"


@dataclass(frozen=True)
class Day:
    """The records that a host publishes, and the certificate that it serves."""

    tlsa: str
    serves: str


STORIES = {
    "correct": (Day(OLD, "old"), Day(BOTH, "old"), Day(NEW, "new")),
    "published-late": (Day(OLD, "old"), Day(OLD, "new"), Day(NEW, "new")),
    "removed-early": (Day(OLD, "old"), Day(NEW, "old"), Day(NEW, "new")),
    "never-updated": (Day(OLD, "old"), Day(OLD, "new"), Day(OLD, "new")),
}


def scenario(story: str, day: int) -> Scenario:
    return case(f"roll-{story}", STORIES[story][day].serves, STORIES[story][day].tlsa, protected(), "")


class Wardrobe(PKI):
    """Makes for each host an old and a new certificate, and has it serve the one that the recipe names."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, dict[str, Bundle]] = {}

    def make(self, recipe: str, host: str, domain: str) -> Bundle:
        """The bundle of the day; its records may be of either certificate."""
        if recipe not in ("old", "new"):
            return super().make(recipe, host, domain)
        if host not in self._made:
            self._made[host] = {age: super(Wardrobe, self).make("good", host, domain) for age in ("old", "new")}
        both = self._made[host]
        named = {age: bundle.named["leaf"] for age, bundle in both.items()}
        return replace(both[recipe], named=both[recipe].named | named)


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    directory, wardrobe = tmp_path_factory.mktemp("rollover"), Wardrobe()
    return [play(tuple(scenario(story, day) for story in STORIES), wardrobe, directory, str(day)) for day in range(3)]


def outcomes(found: Comparison) -> dict[str, str]:
    return {row.host.removeprefix("mx.roll-").removesuffix(".test"): row.outcome for row in found.rollovers}


def stories(rows: list[object]) -> set[str]:
    return {row.domain.removeprefix("roll-").removesuffix(".test") for row in rows}  # type: ignore[attr-defined] # rows of domains


def test_three_runs_tell_all_four_ways(days: list[Run]) -> None:
    found = compare(days)
    assert outcomes(found) == {story: story for story in STORIES}
    assert [row.overlap for row in found.rollovers if row.outcome == "correct"] == [True]
    assert stories([*found.new_broken]) == set()
    assert stories([*found.still_broken]) == {"never-updated"}
    assert stories([*found.fixed]) == {"published-late", "removed-early"}
    assert stories([*found.flapping]) == {"published-late", "removed-early"}


def test_two_runs_tell_what_broke(days: list[Run]) -> None:
    """A certificate without a record is not told from one whose record will come late: the next run does that."""
    found = compare(days[:2])
    assert stories([*found.new_broken]) == {"published-late", "removed-early", "never-updated"}
    told = {"published-late": "never-updated", "removed-early": "removed-early", "never-updated": "never-updated"}
    assert outcomes(found) == told
    causes = {row.host.removeprefix("mx.roll-").removesuffix(".test"): row.words for row in found.groups}
    assert causes == {
        "published-late": "certificate changed, TLSA not",
        "removed-early": "TLSA changed, certificate not",
        "never-updated": "certificate changed, TLSA not",
    }
    assert found.counts["new-broken"] == Count(3, 3)


def test_two_later_runs_tell_how_it_was_mended(days: list[Run]) -> None:
    found = compare(days[1:])
    assert outcomes(found) == {
        "correct": "correct",
        "published-late": "published-late",
        "removed-early": "removed-early",
    }
