"""The order of DNS servers: back-off after failures, one trial after each pause."""

from scanner.net.exchange import server_at
from scanner.net.health import FIRST_PAUSE, LONGEST_PAUSE, ServerHealth

A, B, C = (server_at(f"192.0.2.{n}", 53, trust=False) for n in (1, 2, 3))


def test_the_order_of_the_settings_without_failures() -> None:
    health = ServerHealth([A, B, C])
    assert health.order(0) == (A, B, C)
    assert health.servers == (A, B, C)


def test_a_server_that_failed_is_queried_last() -> None:
    health = ServerHealth([A, B, C])
    health.failed(A, 0)
    assert health.order(FIRST_PAUSE - 0.01) == (B, C, A)


def test_one_query_tries_a_server_after_its_pause() -> None:
    health = ServerHealth([A, B])
    health.failed(A, 0)
    assert health.order(FIRST_PAUSE) == (A, B)
    assert health.order(FIRST_PAUSE) == (B, A)  # the trial counts as failed until it succeeds
    health.succeeded(A)
    assert health.order(FIRST_PAUSE) == (A, B)


def test_pauses_double_up_to_the_longest() -> None:
    health = ServerHealth([A, B])
    now, pauses = 0.0, []
    for _ in range(12):
        health.failed(A, now)
        end = now
        while health.order(end)[0] is not A and end < now + 2 * LONGEST_PAUSE:
            end += 0.5
        pauses.append(end - now)
        now = end
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == LONGEST_PAUSE


def test_failures_during_a_pause_do_not_count() -> None:
    health = ServerHealth([A, B])
    for _ in range(100):
        health.failed(A, 0)
    assert health.order(FIRST_PAUSE) == (A, B)


def test_servers_in_back_off_are_sorted_by_the_end_of_their_pause() -> None:
    health = ServerHealth([A, B])
    health.failed(A, 1)
    health.failed(B, 0)
    assert health.order(1) == (B, A)
    health = ServerHealth([A])
    health.failed(A, 0)
    assert health.order(0) == (A,)
