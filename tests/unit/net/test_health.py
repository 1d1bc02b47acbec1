from scanner.net.exchange import server_at
from scanner.net.health import FIRST_REST, LONGEST_REST, Health

A, B, C = (server_at(f"192.0.2.{n}", 53, trust=False) for n in (1, 2, 3))


def test_the_order_of_the_settings_while_all_is_well() -> None:
    health = Health([A, B, C])
    assert health.order(0) == (A, B, C)
    assert health.servers == (A, B, C)


def test_one_that_failed_rests_and_is_asked_last() -> None:
    health = Health([A, B, C])
    health.failed(A, 0)
    assert health.order(FIRST_REST - 0.01) == (B, C, A)


def test_one_question_tries_it_after_its_rest() -> None:
    health = Health([A, B])
    health.failed(A, 0)
    assert health.order(FIRST_REST) == (A, B)
    assert health.order(FIRST_REST) == (B, A)  # the others wait for what comes of it
    health.succeeded(A)
    assert health.order(FIRST_REST) == (A, B)


def test_rests_double_up_to_the_longest() -> None:
    health = Health([A, B])
    now, rests = 0.0, []
    for _ in range(12):
        health.failed(A, now)
        end = now
        while health.order(end)[0] is not A and end < now + 2 * LONGEST_REST:
            end += 0.5
        rests.append(end - now)
        now = end
    assert rests[:4] == [1, 2, 4, 8]
    assert rests[-1] == LONGEST_REST


def test_many_questions_that_fail_together_count_once() -> None:
    health = Health([A, B])
    for _ in range(100):
        health.failed(A, 0)
    assert health.order(FIRST_REST) == (A, B)


def test_all_are_asked_even_if_all_rest_the_first_to_wake_first() -> None:
    health = Health([A, B])
    health.failed(A, 1)
    health.failed(B, 0)
    assert health.order(1) == (B, A)
    health = Health([A])
    health.failed(A, 0)
    assert health.order(0) == (A,)
