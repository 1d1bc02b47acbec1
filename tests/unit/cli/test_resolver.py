"""The choice of a resolver: every mode, with resolvers that pass the preflight or fail it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio

from results.store import codec
from scanner.cli import resolver as module
from scanner.cli.resolver import Resolved, label_of, resolving
from scanner.cli.resolver_choice import ResolverChoice, ResolverMode
from scanner.core.forwarders import Stub
from scanner.core.preflight import Check, PreflightNames, State
from scanner.facts import Answer
from scanner.net.resolver import Resolver
from scanner.net.unbound import Unbound, UnboundError
from scanner.net.unbound_conf import UnboundSettings
from scanner.settings import DNSSettings

SYSTEM, OTHER, OWN = ("127.0.0.1", 53), ("::1", 5353), ("127.0.0.1", 40_000)
ADDRESSES = ResolverChoice(ResolverMode.ADDRESS, (SYSTEM, OTHER))


class Resolvers:
    """A machine: resolvers that validate or not, and an unbound that is installed and starts or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.good: set[tuple[str, int]] = set()
        self.installed = True
        self.broken = ""
        self.started: list[UnboundSettings] = []
        self.running = 0
        self.stub = Stub("127.0.0.1", "unbound 1.17.1")
        monkeypatch.setattr(module, "inspect", self.inspect)
        monkeypatch.setattr(module, "stub_at", self.stub_at)
        monkeypatch.setattr(module, "private_unbound", self.private_unbound)
        monkeypatch.setattr(module, "program", lambda: "/usr/sbin/unbound" if self.installed else None)
        monkeypatch.setattr(module, "system_servers", lambda: (SYSTEM,))

    async def inspect(self, server: tuple[str, int], _dns: DNSSettings, _names: PreflightNames) -> tuple[Check, ...]:
        await trio.lowlevel.checkpoint()
        state = State.OK if server in self.good else State.FAIL
        return (Check("signed name", label_of(server), state, "seen"), Check("tcp", label_of(server), State.OK, "fine"))

    async def stub_at(self, _server: tuple[str, int]) -> Stub:
        await trio.lowlevel.checkpoint()
        return self.stub

    @asynccontextmanager
    async def private_unbound(self, settings: UnboundSettings) -> AsyncIterator[Unbound]:
        await trio.lowlevel.checkpoint()
        if self.broken:
            raise UnboundError(self.broken)
        self.started.append(settings)
        self.running += 1
        try:
            yield cast("Unbound", SimpleNamespace(address=OWN, guarded=self.guarded))
        finally:
            self.running -= 1

    async def guarded(self, ask: Any) -> Answer:
        return cast("Answer", ("guarded", await ask()))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Resolvers:
    return Resolvers(monkeypatch)


async def resolved_in(world: Resolvers, choice: ResolverChoice) -> Resolved:
    async with resolving(DNSSettings(servers=choice.servers), choice) as found:
        assert world.running == (found.child is not None)
    assert world.running == 0
    return found


def rows(found: Resolved) -> list[tuple[str, str, str]]:
    return [(row.check, row.subject, row.state) for row in found.checks]


async def test_auto_takes_this_machines_resolver_if_it_validates(world: Resolvers) -> None:
    world.good = {SYSTEM, OWN}
    found = await resolved_in(world, ResolverChoice())
    assert (found.validated, found.dns.servers, found.label) == (True, (SYSTEM,), "127.0.0.1:53")
    assert world.started == []
    assert found.why_not == ""


async def test_auto_starts_an_unbound_if_not(world: Resolvers) -> None:
    world.good = {OWN}
    found = await resolved_in(world, ResolverChoice(trust_anchor="/a", root_hints="/h", forward=OTHER))
    assert (found.validated, found.dns.servers, found.label) == (True, (OWN,), "unbound")
    assert world.started == [UnboundSettings("/a", "/h", OTHER, DNSSettings().in_flight)]
    assert rows(found) == [("resolver", "system", "ok"), ("signed name", "unbound", "ok"), ("tcp", "unbound", "ok")]
    assert found.checks[0].text == "not used: 127.0.0.1:53: seen"


async def test_auto_without_anything_that_validates(world: Resolvers) -> None:
    found = await resolved_in(world, ResolverChoice())
    assert (found.validated, found.dns.servers, found.child) == (False, (SYSTEM,), None)
    assert [row for row in rows(found) if row[2] == "fail"] == [
        ("signed name", "127.0.0.1:53", "fail"),
        ("signed name", "unbound", "fail"),
    ]
    assert found.why_not == "127.0.0.1:53: seen; unbound: seen"


@pytest.mark.parametrize("mode", [ResolverMode.AUTO, ResolverMode.UNBOUND])
async def test_unbound_is_not_installed(world: Resolvers, mode: ResolverMode) -> None:
    world.installed = False
    world.good = {OWN}
    found = await resolved_in(world, ResolverChoice(mode))
    assert not found.validated
    assert rows(found)[-1] == ("resolver", "unbound", "fail")
    assert "apt-get install unbound" in found.checks[-1].advice


async def test_unbound_does_not_start(world: Resolvers) -> None:
    world.broken = "unbound does not start: bad anchor"
    found = await resolved_in(world, ResolverChoice(ResolverMode.UNBOUND))
    assert not found.validated
    assert found.why_not == "unbound: unbound does not start: bad anchor"


@pytest.mark.parametrize(("good", "mode"), [({OWN}, ResolverMode.SYSTEM), ({SYSTEM}, ResolverMode.UNBOUND)])
async def test_what_was_asked_for_is_not_replaced(
    world: Resolvers, good: set[tuple[str, int]], mode: ResolverMode
) -> None:
    world.good = good
    assert not (await resolved_in(world, ResolverChoice(mode))).validated


@pytest.mark.parametrize(
    ("good", "used"), [({SYSTEM, OTHER}, (SYSTEM, OTHER)), ({OTHER}, (OTHER,)), (set(), (SYSTEM, OTHER))]
)
async def test_only_those_that_validate_are_used(
    world: Resolvers, good: set[tuple[str, int]], used: tuple[tuple[str, int], ...]
) -> None:
    world.good = good
    found = await resolved_in(world, ADDRESSES)
    assert found.dns.servers == used
    assert found.validated == bool(good)
    assert len(found.checks) == 4 + len(good)
    assert found.label == " ".join(label_of(server) for server in used)


class Asked:
    """A resolver that returns the question."""

    async def lookup(self, name: str, rtype: str, **how: Any) -> tuple[Any, ...]:
        await trio.lowlevel.checkpoint()
        return name, rtype, how


@pytest.mark.parametrize(
    ("good", "mode", "answer"),
    [
        ({SYSTEM}, ResolverMode.SYSTEM, ("a", "MX", {"fresh": True})),
        (set(), ResolverMode.SYSTEM, ("a", "MX", {"fresh": True, "dnssec": False})),
        (set(), ResolverMode.UNBOUND, ("a", "MX", {"fresh": True, "dnssec": False})),
        ({OWN}, ResolverMode.UNBOUND, ("guarded", ("a", "MX", {"fresh": True}))),
    ],
)
async def test_how_questions_are_asked(
    world: Resolvers, good: set[tuple[str, int]], mode: ResolverMode, answer: tuple[Any, ...]
) -> None:
    """Without validation nothing may look validated, not even an answer with the AD bit."""
    world.good = good
    lookup: Any = (await resolved_in(world, ResolverChoice(mode))).lookup(cast("Resolver", Asked()))
    assert await lookup("a", "MX", fresh=True) == answer


async def test_record_for_run_json(world: Resolvers) -> None:
    choice = ResolverChoice(ResolverMode.SYSTEM)
    record = (await resolved_in(world, choice)).record(choice)
    written = json.loads(codec.pretty(record))
    assert written["choice"]["mode"] == "system"
    assert written["validated"] is False
    assert written["checks"][0] == {
        "check": "signed name",
        "subject": "127.0.0.1:53",
        "state": "fail",
        "text": "seen",
        "advice": "",
    }


def test_labels() -> None:
    assert label_of(SYSTEM) == "127.0.0.1:53"
    assert label_of(OTHER) == "[::1]:5353"


@pytest.mark.parametrize(
    ("address", "version", "validates"),
    [
        ("127.0.0.1", "unbound 1.17.1", "itself"),
        ("127.0.0.1", "", "unknown"),
        ("127.0.0.11", "", "passes-on"),
    ],
)
async def test_who_validates_is_recorded(world: Resolvers, address: str, version: str, validates: str) -> None:
    world.good = {SYSTEM}
    world.stub = Stub(address, version)
    found = await resolved_in(world, ResolverChoice())
    assert found.validated
    assert found.record(ResolverChoice())["validates"] == validates
    (row,) = [row for row in found.checks if row.check == "validates"]
    assert row.state is (State.WARN if validates == "passes-on" else State.OK)


async def test_a_private_unbound_validates_itself(world: Resolvers) -> None:
    world.good = {OWN}
    found = await resolved_in(world, ResolverChoice())
    assert found.record(ResolverChoice())["validates"] == "itself"
