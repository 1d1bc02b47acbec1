"""The judgement of doctor's rows beside the resolver's."""

from datetime import UTC, datetime

import pytest

from scanner.core import doctor
from scanner.core.preflight import Check, State
from scanner.facts import Endpoint, Failure, Probe, Reply
from scanner.vocabulary import FailureKind, Mode, Phase, StartTLS

V4, V6 = "192.0.2.1", "2001:db8::1"
TIMED_OUT = Failure(Phase.CONNECT, FailureKind.TIMEOUT)
REJECTED = Failure(Phase.EHLO, FailureKind.REJECTED, 550, "who are you?")


def visit(address: str, failure: Failure | None = None, *, greeted: bool = True) -> Probe:
    banner = Reply(220, ("hello",)) if greeted else None
    endpoint = Endpoint(address, 25, None, Mode.SMTP, "opportunistic")
    return Probe(endpoint, datetime(2026, 1, 1, tzinfo=UTC), {}, StartTLS.UNKNOWN, banner, failure=failure)


GREETED, TURNED_AWAY, DEAD = visit(V4), visit(V4, REJECTED), visit(V4, TIMED_OUT, greeted=False)


@pytest.mark.parametrize(
    ("probes", "state", "text"),
    [
        ((GREETED,), State.OK, f"{V4} answers"),
        ((DEAD, visit(V6)), State.OK, f"{V6} answers"),
        ((DEAD,), State.FAIL, f"{V4}: connect: timeout"),
        ((TURNED_AWAY,), State.WARN, f"{V4}: ehlo: rejected (who are you?)"),
        ((DEAD, TURNED_AWAY), State.WARN, "who are you?"),
        ((), State.FAIL, "A: nxdomain"),
    ],
)
def test_port_25(probes: tuple[Probe, ...], state: State, text: str) -> None:
    row = doctor.port25("mx.example", probes, "A: nxdomain")
    assert (row.check, row.subject, row.state) == ("port 25", "mx.example", state)
    assert text in row.text
    assert bool(row.advice) == (state is not State.OK)


def test_one_host_that_answers_shows_that_the_port_is_open() -> None:
    ok, bad = doctor.port25("a", (GREETED,)), doctor.port25("b", (DEAD,))
    assert [row.state for row in doctor.any_port25((ok, bad))] == [State.OK, State.WARN]
    assert [row.state for row in doctor.any_port25((bad, bad))] == [State.FAIL, State.FAIL]
    assert doctor.any_port25(()) == ()


@pytest.mark.parametrize(
    ("probes", "has_route", "state"),
    [
        ((visit(V6),), True, State.OK),
        ((visit(V6, TIMED_OUT, greeted=False),), True, State.WARN),
        ((), True, State.WARN),
        ((), False, State.WARN),
    ],
)
def test_ipv6(probes: tuple[Probe, ...], state: State, *, has_route: bool) -> None:
    """Lack of IPv6 is something that a scan can live with: such addresses are skipped."""
    row = doctor.ipv6(probes, has_route=has_route)
    assert row.state is state
    assert bool(row.advice) == (state is not State.OK)


@pytest.mark.parametrize(
    ("name", "forward", "back", "public", "state", "text"),
    [
        ("a.example", (V4, V6), ("a.example",), True, State.OK, "match in forward and reverse DNS"),
        ("A.Example", (V4,), ("a.example",), True, State.OK, "match in forward and reverse DNS"),
        ("a.example", (V4,), ("b.example", "a.example"), False, State.OK, "match in forward and reverse DNS"),
        ("a.example", (V6,), ("a.example",), True, State.WARN, "a.example resolves to other addresses"),
        ("a.example", (), ("a.example",), True, State.WARN, "a.example resolves to no address"),
        ("a.example", (V4,), (), True, State.WARN, "PTR record of the source address is missing"),
        ("a.example", (V4,), ("b.example",), True, State.WARN, "PTR record of the source address is b.example"),
        ("a.example", (), (), False, State.WARN, "the source address is private"),
        # address literals, RFC 5321 section 4.1.3
        (f"[{V4}]", (), (), True, State.OK, "is the source address"),
        ("[192.0.2.7]", (), (), True, State.WARN, "no address"),
    ],
)
def test_ehlo(
    name: str, forward: tuple[str, ...], back: tuple[str, ...], state: State, text: str, *, public: bool
) -> None:
    row = doctor.ehlo(name, V4, forward, back, public=public)
    assert (row.check, row.subject, row.state) == ("ehlo", V4, state)
    assert text in row.text


def test_ipv6_address_literal() -> None:
    assert doctor.ehlo(f"[IPv6:{V6}]", V6, (), (), public=True).state is State.OK


@pytest.mark.parametrize(
    ("limit", "concurrency", "state"),
    [(None, 10**9, State.OK), (1024, 512, State.OK), (1023, 512, State.WARN), (79, 512, State.FAIL)],
)
def test_files(limit: int | None, concurrency: int, state: State) -> None:
    row = doctor.files(limit, concurrency)
    assert row.state is state
    if state is not State.OK:
        assert "ulimit -Hn 1024" in row.advice


def test_advice_on_files_is_a_concurrency_that_fits() -> None:
    advice = doctor.files(1000, 512).advice
    assert doctor.files(1000, int(advice.rpartition(" ")[2])).state is State.OK


def test_trust_store() -> None:
    assert doctor.trust_store(140, "system").state is State.OK
    assert doctor.trust_store(0, "system") == Check(
        "trust store",
        "system",
        State.WARN,
        "no trusted roots: no certificate will be trusted by PKIX",
        "apt-get install ca-certificates, or give --ca-file FILE",
    )
