"""The roll-up of hosts to a domain, rule by rule; and that an inconclusive result never becomes a "no"."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from scanner.core import rollup
from scanner.facts import Answer, TLSARecord
from scanner.model import HostVerdict, Route, RouteHost
from scanner.reasons import Reason
from scanner.settings import Settings
from scanner.vocabulary import (
    Dane,
    DomainDane,
    DomainOutcome,
    DomainStartTLS,
    FailureKind,
    Level,
    Outcome,
    Phase,
    Security,
    Sender,
)
from tests.unit import fakes
from tests.unit.fakes import DOMAIN, OK_RECORD, V4, WRONG_RECORD, World, addresses, failed, fails, rows, shakes

DOWN = (Reason.HOST_UNREACHABLE,)


def host(**parts: object) -> HostVerdict:
    whole = HostVerdict(
        host="mx.secure.test",
        preference=10,
        report="mx.secure.test:25/smtp",
        dane=Dane.OK,
        starttls=DomainStartTLS.ALL,
        sender=Sender.VERIFIED,
        votes=True,
        conclusive=False,
    )
    return replace(whole, **parts)  # type: ignore[arg-type] # fields by name


def hosts(*parts: Mapping[str, object]) -> list[HostVerdict]:
    return [host(host=f"mx{place}.secure.test", preference=10 * place, **each) for place, each in enumerate(parts, 1)]


def route(security: Security | None = Security.SECURE, **parts: object) -> Route:
    """A route through an MX RRset of this security; None for a domain without MX."""
    mx = fakes.nothing(DOMAIN, "MX") if security is None else fakes.answer(DOMAIN, "MX", "10 m", security=security)
    return replace(Route((RouteHost("mx.secure.test", 10),), mx=mx), **parts)  # type: ignore[arg-type] # by name


SECURE, INSECURE, UNTOLD = Security.SECURE, Security.INSECURE, Security.INDETERMINATE


@pytest.mark.parametrize(
    ("security", "votes", "expected"),
    [
        (SECURE, "ok", "protected"),
        (SECURE, "ok ok", "protected"),
        (None, "ok", "protected"),  # without MX there is no RRset that could be insecure
        (SECURE, "ok mismatch", "broken"),
        (SECURE, "none no_tls", "broken"),
        (INSECURE, "ok no_tls", "broken"),  # broken comes before insecure
        (UNTOLD, "mismatch", "broken"),
        (INSECURE, "ok", "insecure"),
        (INSECURE, "none unknown", "insecure"),
        (UNTOLD, "ok", "unknown"),
        (UNTOLD, "none", "unknown"),
        (SECURE, "ok none", "partial"),
        (SECURE, "ok insecure", "partial"),
        (SECURE, "ok unusable", "partial"),
        (SECURE, "ok none unknown", "partial"),  # partial comes before unknown
        (SECURE, "ok unknown", "unknown"),
        (SECURE, "ok lookup_failed", "unknown"),
        (SECURE, "none unknown", "unknown"),
        (SECURE, "insecure lookup_failed", "unknown"),
        (SECURE, "none", "none"),
        (SECURE, "none insecure unusable", "none"),
    ],
)
def test_dane_of_a_domain(security: Security | None, votes: str, expected: str) -> None:
    judged = hosts(*({"dane": Dane(vote)} for vote in votes.split()))
    assert rollup.judge_domain(Level.DANE, route(security), judged).dane == expected


@pytest.mark.parametrize(
    ("up", "down", "expected"),
    [
        ("ok", "unknown", "protected"),  # a host that is down has no say
        ("ok", "none", "partial"),  # except for what follows from DNS alone
        ("ok", "insecure", "partial"),
        ("ok", "unusable", "partial"),
        ("ok", "lookup_failed", "unknown"),
        ("none", "unknown", "none"),
        ("", "unknown unknown", "unknown"),  # all down: no other host votes
        ("", "none unknown", "none"),
    ],
)
def test_hosts_that_are_down(up: str, down: str, expected: str) -> None:
    judged = hosts(
        *({"dane": Dane(vote)} for vote in up.split()),
        *({"dane": Dane(vote), "reasons": DOWN} for vote in down.split()),
    )
    assert rollup.judge_domain(Level.DANE, route(), judged).dane == expected


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ("all", "all"),
        ("all all", "all"),
        ("none none", "none"),
        ("all none", "some"),
        ("some", "some"),
        ("some unknown", "some"),
        ("all none unknown", "some"),  # yes and no is enough to know
        ("all unknown", "unknown"),
        ("none unknown", "unknown"),
        ("unknown", "unknown"),
    ],
)
def test_starttls_of_a_domain(votes: str, expected: str) -> None:
    judged = hosts(*({"starttls": DomainStartTLS(vote)} for vote in votes.split()))
    assert rollup.judge_domain(Level.DANE, route(), judged).starttls == expected
    silent = [*judged, host(host="down", starttls=DomainStartTLS.UNKNOWN, reasons=DOWN)]
    assert rollup.judge_domain(Level.DANE, route(), silent).starttls == expected


@pytest.mark.parametrize("field", ["dane", "starttls"])
def test_hosts_without_a_vote_never_make_an_every(field: str) -> None:
    skipped = host(dane=Dane.OK, starttls=DomainStartTLS.ALL, sender=Sender.UNKNOWN, votes=False)
    for judged in ([], [skipped]):
        assert getattr(rollup.judge_domain(Level.DANE, route(), judged), field) == "unknown"


@pytest.mark.parametrize(
    ("senders", "conclusive", "expected"),
    [
        ("verified", "n", "verified ok"),
        ("defer encrypted verified", "ynn", "encrypted ok"),  # the first that delivers, not the best
        ("unknown cleartext", "nn", "cleartext ok"),
        ("defer defer", "yy", "defer fail"),
        ("defer defer", "yn", "defer inconclusive"),
        ("defer unknown", "yn", "unknown inconclusive"),
        ("unknown", "y", "unknown inconclusive"),  # our own limits are never a failure of theirs
        ("", "", "defer inconclusive"),
    ],
)
def test_sender_and_outcome(senders: str, conclusive: str, expected: str) -> None:
    judged = hosts(
        *(
            {"sender": Sender(sender), "conclusive": sure == "y"}
            for sender, sure in zip(senders.split(), conclusive, strict=True)
        )
    )
    verdict = rollup.judge_domain(Level.DANE, route(), judged)
    assert f"{verdict.sender} {verdict.outcome}" == expected
    assert (Reason.LEVEL_NOT_MET in verdict.reasons) == (verdict.outcome is DomainOutcome.FAIL)


@pytest.mark.parametrize(
    ("first", "reported"),
    [
        ({}, True),
        ({"sender": Sender.UNKNOWN}, False),  # we do not know that it failed
        ({"votes": False}, False),  # it has no address: no sender tries it
        ({"preference": 20}, False),  # equals: neither is the lesser
    ],
)
def test_a_lesser_mx_is_reported(first: dict[str, object], reported: bool) -> None:  # noqa: FBT001 - a table's column
    preferred = host(**({"sender": Sender.DEFER} | first))
    verdict = rollup.judge_domain(Level.DANE, route(), [preferred, host(host="mx2", preference=20)])
    assert (Reason.DELIVERED_BY_LESSER_MX in verdict.reasons) == reported


# --- inconclusive never becomes "no" -------------------------------------------------------------------------

_HANDSHAKE_SAYS_NO = (FailureKind.TLS, FailureKind.CLOSED, FailureKind.RESET, FailureKind.TOO_LONG)
_REPLIES = {Phase.GREETING: (421, 450, 554, 354, 601), Phase.EHLO: (421, 450, 354, 601), Phase.STARTTLS: (421,)}
UP_TO_HANDSHAKE = (Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.HANDSHAKE)


def _inconclusive(phase: Phase) -> st.SearchStrategy[fakes.Behaviour]:
    """All that can go wrong in a phase and says nothing about whether TLS is to be had."""
    silent = [kind for kind in FailureKind if kind is not FailureKind.REJECTED]
    if phase is Phase.HANDSHAKE:
        silent = [kind for kind in silent if kind not in _HANDSHAKE_SAYS_NO]
    replies = [fails(phase, FailureKind.REJECTED, code) for code in _REPLIES.get(phase, ())]
    return st.sampled_from([*(fails(phase, kind) for kind in silent), *replies])


silence = st.sampled_from(UP_TO_HANDSHAKE).flatmap(_inconclusive)
levels = st.sampled_from([Level.MAY, Level.ENCRYPT, Level.VERIFY, Level.SECURE, Level.DANE, Level.DANE_ONLY])
decided = st.sampled_from([shakes(), fakes.no_starttls, fakes.breaks_handshake])
records = st.sampled_from([[OK_RECORD], [WRONG_RECORD]])


def _tlsa(name: str, answer: Sequence[TLSARecord] | None) -> dict[fakes.Question, Answer]:
    if answer is None:
        return rows(failed(f"_25._tcp.{name}", "TLSA"))
    return fakes.tlsa(name, *answer)


@given(level=levels, servers=st.lists(silence, min_size=1, max_size=3), answer=st.none() | records)
def test_silence_of_every_server_is_never_a_no(
    level: Level, servers: list[fakes.Behaviour], answer: Sequence[TLSARecord] | None
) -> None:
    places = [f"192.0.2.{number}" for number in range(1, len(servers) + 1)]
    dns = fakes.mx() | addresses(fakes.MX1, *places) | _tlsa(fakes.MX1, answer)
    world = World(dns, dict(zip(places, servers, strict=True)))
    record = trio.run(world.examine, DOMAIN, Settings(level=level)).record
    (one,) = record.hosts
    assert one.dane in (Dane.UNKNOWN, Dane.LOOKUP_FAILED)
    assert one.starttls is DomainStartTLS.UNKNOWN
    assert {end.dane for end in one.endpoints} == {one.dane}
    assert {str(end.tls) for end in one.endpoints} == {"unknown"}
    verdict = record.verdict
    assert (verdict.dane, verdict.starttls) == (DomainDane.UNKNOWN, DomainStartTLS.UNKNOWN)
    assert verdict.outcome in (DomainOutcome.INCONCLUSIVE, DomainOutcome.OK)
    if verdict.outcome is DomainOutcome.OK:  # a handshake that timed out leaves clear text where TLS is optional
        assert (verdict.sender, level) == (Sender.CLEARTEXT, Level.MAY)


@given(level=levels, quiet=silence, others=st.lists(decided, min_size=1, max_size=2), answer=records)
def test_one_silent_host_keeps_a_domain_from_failing(
    level: Level, quiet: fakes.Behaviour, others: list[fakes.Behaviour], answer: Sequence[TLSARecord]
) -> None:
    names = [f"mx{number}.secure.test" for number in range(len(others) + 1)]
    places = {name: f"192.0.2.{number}" for number, name in enumerate(names, 1)}
    dns = fakes.mx(*(f"10 {name}" for name in names))
    for name, place in places.items():
        dns |= addresses(name, place) | _tlsa(name, answer)
    servers = dict(zip(places.values(), [quiet, *others], strict=True))
    record = trio.run(World(dns, servers).examine, DOMAIN, Settings(level=level)).record
    assert record.verdict.outcome is not DomainOutcome.FAIL
    if Reason.HOST_UNREACHABLE not in record.verdict.reasons:
        assert record.verdict.starttls in (DomainStartTLS.UNKNOWN, DomainStartTLS.SOME)
        assert record.verdict.dane in (DomainDane.UNKNOWN, DomainDane.BROKEN)


@given(
    level=levels,
    mx=st.sampled_from([None, "failed"]),
    a=st.sampled_from([(V4,), (), None]),
    aaaa=st.sampled_from([("2001:db8::1",), (), None]),
)
def test_failed_lookups_are_never_a_no(
    level: Level, mx: str | None, a: tuple[str, ...] | None, aaaa: tuple[str, ...] | None
) -> None:
    if mx is None and a is not None and aaaa is not None:
        return  # nothing failed
    dns = rows(failed(DOMAIN, "MX")) if mx else fakes.mx()
    for rtype, found in (("A", a), ("AAAA", aaaa)):
        outcome = Outcome.DATA if found else Outcome.NODATA
        dns |= rows(
            failed(fakes.MX1, rtype) if found is None else fakes.answer(fakes.MX1, rtype, *found, outcome=outcome)
        )
    dns |= _tlsa(fakes.MX1, None)
    world = World(dns, {V4: shakes(), "2001:db8::1": shakes()})
    verdict = trio.run(world.examine, DOMAIN, Settings(level=level)).record.verdict
    assert verdict.outcome in (DomainOutcome.INCONCLUSIVE, DomainOutcome.OK)
    assert verdict.dane in (DomainDane.UNKNOWN, DomainDane.LOOKUP_FAILED)
    assert verdict.starttls is not DomainStartTLS.NONE
    assert verdict.sender is not Sender.BOUNCE
