import sys
import threading
from dataclasses import dataclass, field
from io import StringIO

import pytest
from rich.console import Console

from results.view import NoProgress, PlainProgress, RichProgress, Speed, progress_for


@dataclass
class Counts:
    total: int | None = None
    done: int = 0
    endpoints_probed: int = 0
    endpoints_shared: int = 0
    in_flight: int = 0
    tallies: dict[str, int] = field(default_factory=dict)
    rejects: int = 0
    waiting: str = ""
    breakers: int = 0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Gone(StringIO):
    """A terminal that went away."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(text)

    def flush(self) -> None:
        raise BrokenPipeError


def console(file: StringIO | None = None, *, terminal: bool = False) -> Console:
    return Console(file=file or StringIO(), width=100, force_terminal=terminal, color_system=None)


def printed(to: Console) -> str:
    assert isinstance(to.file, StringIO)
    return to.file.getvalue()


def busy() -> Counts:
    return Counts(
        total=1000,
        done=250,
        endpoints_probed=40,
        endpoints_shared=300,
        in_flight=12,
        tallies={"dane none": 200, "dane protected": 50, "outcome ok": 250},
        rejects=3,
        waiting="mx \x1b[2J[red]",
    )


def test_a_line_tells_all_that_is_known() -> None:
    clock, to = Clock(), console()
    counts = Counts()
    shown = PlainProgress(counts, to, clock=clock)
    shown.refresh()
    clock.now += 10
    counts.__dict__.update(busy().__dict__)
    shown.refresh()
    # 250 in 10 s are 25/s; the other 750 take 30 s
    assert printed(to) == (
        "250 of 1,000 domains (25.0 %); 25.0/s, 10 s so far, 30 s to go; 12 under way, 40 endpoints probed, "
        "300 shared, 3 lines rejected; dane: none 200, protected 50; outcome: ok 250; "
        "waiting: mx \\x1b[2J[red]\n"
    )


def test_lines_come_now_and_then_and_at_the_end() -> None:
    clock, to = Clock(), console()
    with PlainProgress(Counts(), to, every=10, clock=clock) as shown:
        for _ in range(100):
            clock.now += 0.25
            shown.refresh()
        assert printed(to).count("\n") == 2
    assert printed(to).count("\n") == 3


def test_before_the_list_is_read_there_is_no_total() -> None:
    to = console()
    with PlainProgress(Counts(done=5), to):
        pass
    assert printed(to).startswith("5 domains; 0.0/s, 0 s so far; ")


def test_speed_is_that_of_the_last_minute() -> None:
    speed = Speed()
    for second in range(300):
        speed.add(float(second), 10 * min(second, 200))
        if second == 200:
            assert speed.rate(200.0, 2000) == 10.0
        if second == 230:  # half of the minute before went by without
            assert speed.rate(230.0, 2000) == 5.0
    assert speed.rate(299.0, 2000) == 0.0


def test_samples_from_before_the_last_minute_do_not_count() -> None:
    speed = Speed()
    for now, done in ((0.0, 0), (100.0, 1000), (150.0, 1000)):
        speed.add(now, done)
    assert speed.rate(150.0, 1000) == 0.0


def test_speed_is_nothing_before_time_has_passed() -> None:
    speed = Speed()
    assert speed.rate(5.0, 9) == 0.0
    speed.add(5.0, 9)
    assert speed.rate(5.0, 9) == 0.0


def test_a_live_display_shows_the_state_and_no_thread_runs() -> None:
    to, threads = console(terminal=True), threading.active_count()
    out = sys.stdout
    with RichProgress(busy(), to, Clock()) as shown:
        shown.refresh()
        assert threading.active_count() == threads
        assert sys.stdout is out
    text = printed(to)
    assert "250 of 1,000 domains (25.0 %)" in text
    assert "dane: none 200, protected 50" in text
    assert "mx \\x1b[2J[red]" in text
    assert "\x1b[2J" not in text


def test_a_live_display_without_total() -> None:
    to = console(terminal=True)
    with RichProgress(Counts(), to):
        pass
    assert "reading the list" in printed(to)


@pytest.mark.parametrize("display", [RichProgress, PlainProgress])
def test_a_terminal_that_goes_away_does_not_end_the_scan(
    display: type[RichProgress | PlainProgress],
) -> None:
    clock = Clock()
    with display(busy(), console(Gone(), terminal=True), clock=clock) as shown:
        clock.now += 100
        shown.refresh()
        shown.refresh()


def test_the_display_fits_where_it_goes() -> None:
    assert isinstance(progress_for(Counts(), console(terminal=True)), RichProgress)
    assert isinstance(progress_for(Counts(), console()), PlainProgress)


def test_quiet_is_quiet() -> None:
    to = console(terminal=True)
    with progress_for(busy(), to, quiet=True) as shown:
        shown.refresh()
    assert isinstance(shown, NoProgress)
    assert printed(to) == ""


def test_those_who_turned_us_away_are_counted() -> None:
    to = console()
    counts = busy()
    counts.breakers = 2
    with PlainProgress(counts, to):
        pass
    assert "300 shared, 2 providers or networks left alone for now, 3 lines rejected" in printed(to)
