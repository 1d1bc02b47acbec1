"""A log of stalls, which are steps of one task during which no other task could run."""

import logging

STALL = 0.25
"""Minimum duration in seconds of a logged step; at the usual rate, 25 connections would begin in 0.25 seconds."""

log = logging.getLogger("mxsweep")


def log_stall(what: str, seconds: float) -> None:
    """Log a step of at least ``STALL`` seconds; ``what`` is the host, domain or address that caused the step."""
    if seconds >= STALL:
        log.warning("%s: one step took %.2f s and delayed all other probes", what, seconds)
