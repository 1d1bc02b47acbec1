"""The pause after a long computation: longer in a process with other work."""

import time

import pytest

from scanner.net.heavy_work import BUSY, BUSY_PAUSE, INTERVAL, PAUSE, HeavyWork


@pytest.mark.parametrize(
    ("passed", "used", "factor"),
    [
        (10, 10 * BUSY + 3, BUSY_PAUSE),
        (10, 10 * BUSY - 1, PAUSE),
        (10, 10 * BUSY + 2, PAUSE),  # without the two seconds of the computation itself
        (INTERVAL / 2, INTERVAL / 2, PAUSE),  # too short to measure: as before
    ],
)
def test_the_pause_depends_on_the_share_of_the_processor(
    monkeypatch: pytest.MonkeyPatch, passed: float, used: float, factor: int
) -> None:
    now = [100.0, 5.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "process_time", lambda: now[1])
    work = HeavyWork()
    now[:] = [now[0] + passed, now[1] + used]
    assert work.pause(2.0) == 2.0 * factor
    assert work.pause(1.0) == factor
