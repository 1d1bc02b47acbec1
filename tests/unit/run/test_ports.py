"""The time of records."""

from datetime import UTC, timedelta

from scanner.run.ports import now


def test_the_time_of_a_record_is_utc() -> None:
    assert now().tzinfo is UTC
    assert timedelta(0) <= -(now() - now()) < timedelta(seconds=60)
