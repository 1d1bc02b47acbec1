"""The log of steps that delayed all other tasks."""

import logging

import pytest

from scanner.net.stalls import STALL, log_stall


@pytest.mark.parametrize(("seconds", "logged"), [(0.0, 0), (STALL - 0.01, 0), (STALL, 1), (9.0, 1)])
def test_a_long_step_is_logged_with_the_host(seconds: float, logged: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        log_stall("mx1.example", seconds)
    assert len(caplog.records) == logged
    assert all("mx1.example: one step took" in message for message in caplog.messages)
