import sys
import threading
from dataclasses import replace
from io import StringIO

import pytest

from results.live.progress import NoProgress, PlainProgress, RichProgress, progress_for
from scanner.cli.raising_console import RaisingConsole
from scanner.model import HeldBack
from scanner.worker_status import WorkerStatus
from tests.unit import records


class Gone(StringIO):
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(text)

    def flush(self) -> None:
        raise BrokenPipeError


def console(file: StringIO | None = None, *, terminal: bool = False) -> RaisingConsole:
    return RaisingConsole(file=file or StringIO(), width=100, force_terminal=terminal, color_system=None)


def printed(to: RaisingConsole) -> str:
    assert isinstance(to.file, StringIO)
    return to.file.getvalue()


BUSY = replace(
    records.status(),
    elapsed=10.0,
    total=1000,
    done=250,
    rate=25.0,
    eta=30.0,
    in_flight={"dns": 0, "gates": 3, "connect": 1200, "closing": 0},
    endpoints_probed=40,
    endpoints_shared=300,
    retrying=7,
    waiting="mx \x1b[2J[red]",
    rss=123_456_789,
    rejects=3,
    outcome={"ok": 250},
    dane={"none": 200, "protected": 50},
)

HELD = replace(BUSY, breakers=5, held_back=tuple(HeldBack(f"p{n}.example", 9 - n, 90.0) for n in range(5)))


def test_a_line_has_every_part_of_the_status() -> None:
    to = console()
    PlainProgress(to).show(BUSY)
    assert printed(to) == (
        "250 of 1,000 domains (25.0 %); 25.0/s, 10 s so far, 30 s to go, 7 to be retried, 123 MB; "
        "in flight: gates 3, connect 1,200; 40 endpoints probed, 300 shared (88.2 %), 3 lines rejected; "
        "dane: none 200, protected 50; outcome: ok 250; waiting: mx \\x1b[2J[red]\n"
    )


def test_lines_come_now_and_then_and_at_the_end() -> None:
    to = console()
    with PlainProgress(to, every=10) as shown:
        for quarter in range(101):
            shown.show(replace(BUSY, elapsed=quarter / 4))
        assert printed(to).count("\n") == 2
        shown.end(replace(BUSY, elapsed=25.5))
    assert printed(to).count("\n") == 3


def test_what_is_not_known_is_not_told() -> None:
    to = console()
    PlainProgress(to).end(replace(records.status(), done=5, elapsed=0.0))
    assert printed(to) == "5 domains; 0.0/s, 0 s so far, 0 MB; 0 endpoints probed, 0 shared\n"


def test_a_live_display_shows_the_state_and_no_thread_runs() -> None:
    to, threads = console(terminal=True), threading.active_count()
    out = sys.stdout
    with RichProgress(to) as shown:
        shown.show(HELD)
        assert threading.active_count() == threads
        assert sys.stdout is out
        shown.end(HELD)
    text = printed(to)
    assert "250 of 1,000 domains (25.0 %)" in text
    assert "30 s to go, 7 to be retried, 123 MB" in text
    assert "in flight: gates 3, connect 1,200" in text
    assert "dane: none 200, protected 50" in text
    assert "mx \\x1b[2J[red]" in text
    assert "\x1b[2J" not in text


def test_a_live_display_without_total() -> None:
    to = console(terminal=True)
    with RichProgress(to) as shown:
        shown.show(records.status())
    assert "reading the list" in printed(to)


@pytest.mark.parametrize("display", [RichProgress, PlainProgress])
def test_a_closed_terminal_does_not_end_the_scan(
    display: type[RichProgress | PlainProgress],
) -> None:
    with display(console(Gone(), terminal=True)) as shown:
        shown.show(BUSY)
        shown.show(replace(BUSY, elapsed=100.0))
        shown.end(BUSY)


def test_a_terminal_gets_a_live_display_and_a_file_gets_lines() -> None:
    assert isinstance(progress_for(console(terminal=True)), RichProgress)
    assert isinstance(progress_for(console()), PlainProgress)


def test_quiet_shows_nothing() -> None:
    to = console(terminal=True)
    with progress_for(to, quiet=True) as shown:
        shown.show(BUSY)
        shown.end(BUSY)
    assert isinstance(shown, NoProgress)
    assert printed(to) == ""


@pytest.mark.parametrize("display", [RichProgress, PlainProgress])
def test_providers_in_back_off_are_named(display: type[RichProgress | PlainProgress]) -> None:
    to = console(terminal=display is RichProgress)
    with display(to) as shown:
        shown.show(HELD)
    assert (
        "in back-off: p0.example (1 min 30 s), p1.example (1 min 30 s), p2.example (1 min 30 s), 2 more"
    ) in " ".join(printed(to).split())


def test_the_jobs_of_a_scan_in_many_processes_are_rows() -> None:
    workers = tuple(WorkerStatus(f"w{n}", f"part {n}", 50, n, 4, 30, 1000) for n in range(18))
    to = console(terminal=True)
    with RichProgress(to) as progress:
        progress.show(replace(BUSY, stage="examining MX hosts: 1 of 9 jobs done", workers=workers))
    shown = printed(to)
    assert "examining MX hosts: 1 of 9 jobs done" in shown
    assert "part 3 at w3: 3 of 50 done, 4 in flight" in shown
    assert "part 16" not in shown
    assert "2 more jobs" in shown
