"""``mxsweep scan --dry-run``: the estimate that is printed, from lookups only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import dry_run as module
from scanner.cli.commands import scan
from scanner.cli.dry_run import TOP, dry_run
from scanner.cli.errors import Exit
from scanner.cli.request import Request, build
from scanner.run.ports import Ports
from scanner.settings import Settings
from targets.lists import Reader, Reject, Target
from targets.spool import Spool
from tests.unit import fakes
from tests.unit.fakes import MX1, MX2, V4, V4B, V6, World


def request() -> Request:
    return build(scan.make_context("scan", ["--domain", "a.example", "--dry-run"]).params)


async def printed(
    world: World,
    items: list[Target | Reject] | None,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> list[str]:
    """Return the lines of an estimate in this world, without the resolver and the network of this machine."""

    @asynccontextmanager
    async def fit_resolver(*_: Any) -> AsyncIterator[None]:
        yield None

    @asynccontextmanager
    async def wired(settings: Settings, *_: Any) -> AsyncIterator[Ports]:
        yield world.ports(settings)

    monkeypatch.setattr(module, "fit_resolver", fit_resolver)
    monkeypatch.setattr(module, "wired", wired)
    spool = Spool.make(place, items, Reader()) if items is not None else None
    assert await dry_run(request(), spool) is Exit.DONE
    world.check()
    assert world.net.calls == [], "no connection is made"
    return capsys.readouterr().out.splitlines()


async def test_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    dns = (
        fakes.mx(f"10 {MX1}", f"20 {MX2}")
        | fakes.mx(f"10 {MX1}", domain="other.test")
        | fakes.addresses(MX1, V4, V6)
        | fakes.addresses(MX2, V4B)
    )
    items: list[Target | Reject] = [
        fakes.target(),
        fakes.target("other.test", 2),
        Reject("list.txt", 3, "no domain", "no-domain"),
    ]
    lines = await printed(World(dns, unrouted=(V6,)), items, tmp_path / "spool", monkeypatch, capsys)
    assert lines == [
        "2 domains, 1 lines not scanned",
        "2 MX hosts of 1 providers, 2 addresses",
        "at most 2 connections, about 2 s at these caps if every server answers",
        "one more connection to each address with TLSA records (--cert-algs)",
        "Most connections go to",
        "       2 secure.test",
        "1 addresses skipped: no-route",
    ]


@pytest.mark.parametrize("items", [None, []])
async def test_nothing_to_contact(
    items: list[Target | Reject] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert await printed(World({}), items, tmp_path / "spool", monkeypatch, capsys) == [
        "0 domains, 0 lines not scanned",
        "0 MX hosts of 0 providers, 0 addresses",
        "at most 0 connections, about 0 s at these caps if every server answers",
    ]


async def test_only_the_largest_providers_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"d{number}.test" for number in range(TOP + 2)]
    dns: dict[fakes.Question, Any] = {}
    for number, name in enumerate(names):
        found = [f"192.0.2.{number + 1}"] + ["198.51.100.1"] * (name == names[-1])
        dns |= fakes.mx(f"10 mx.{name}", domain=name) | fakes.addresses(f"mx.{name}", *found)
    items: list[Target | Reject] = [fakes.target(name, line) for line, name in enumerate(names, 1)]
    lines = await printed(World(dns), items, tmp_path / "spool", monkeypatch, capsys)
    listed = lines[lines.index("Most connections go to") + 1 :]
    assert len(listed) == TOP
    assert listed[0].split() == ["2", names[-1]]
