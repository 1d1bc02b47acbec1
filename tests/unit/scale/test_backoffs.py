"""The back-offs that a pass over a part hands to later passes, by files."""

from datetime import timedelta
from pathlib import Path

from scanner.net.breakers import Breakers
from scanner.run.ports import now
from scanner.scale import backoffs
from scanner.scale.backoffs import BackoffHandover, BackoffLine
from scanner.scale.plan_files import PlanPlace, read_lines, write_lines


def place(tmp_path: Path) -> PlanPlace:
    found = PlanPlace(tmp_path)
    found.path.mkdir()
    return found


def test_the_next_pass_over_any_part_continues_a_back_off(tmp_path: Path) -> None:
    plan = place(tmp_path)
    first, found = BackoffHandover(plan, 1, lambda: 100.0), Breakers(300, 600)
    first.begin(found)
    found.rejected("a.example", 100.0)
    first.end()
    later, again = BackoffHandover(plan, 2, lambda: 7.0), Breakers(300, 600)
    later.begin(again)
    assert again.has_opened("a.example")
    assert again.is_open("a.example", 7.0 + 290)
    assert not again.is_open("a.example", 7.0 + 310)


def test_a_part_writes_only_its_own_back_offs_and_keeps_those_of_its_earlier_passes(tmp_path: Path) -> None:
    plan, soon = place(tmp_path), now() + timedelta(seconds=10)
    write_lines(plan.file("backoff", 2), [BackoffLine("b.example", 2, soon)])
    write_lines(plan.file("backoff", 1), [BackoffLine("a.example", 1, soon), BackoffLine("c.example", 1, soon)])
    passed, found = BackoffHandover(plan, 1, lambda: 0.0), Breakers(1, 60)
    passed.begin(found)
    found.rejected("c.example", 50.0)
    passed.end()
    lines = {line.name: line.count for line in read_lines(plan.file("backoff", 1), BackoffLine)}
    assert lines == {"a.example": 1, "c.example": 2}


def test_a_pass_without_back_offs_writes_no_file(tmp_path: Path) -> None:
    plan = place(tmp_path)
    for breakers in (None, Breakers(1, 2)):
        passed = BackoffHandover(plan, 1, lambda: 0.0)
        passed.begin(breakers)
        passed.end()
    assert list(plan.path.iterdir()) == []


def test_of_several_files_the_longest_back_off_of_a_provider_counts(tmp_path: Path) -> None:
    plan, at = place(tmp_path), now()
    for part, count in ((1, 2), (2, 5), (3, 1)):
        write_lines(plan.file("backoff", part), [BackoffLine("a.example", count, at)])
    assert {name: line.count for name, line in backoffs.known(plan).items()} == {"a.example": 5}
