"""A scan in parts without processes and without network: jobs are done at once, in threads, in a made-up world."""

import math
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio

from results.store import codec
from results.store.writer import Store
from scanner.cli import scale_child, scan
from scanner.cli.commands import group
from scanner.cli.request import Request, build
from scanner.cli.resume import to_keep
from scanner.cli.work import new_work
from scanner.run.ports import Ports
from scanner.run.stats import Stats
from scanner.scale.cluster import DaskWorkers
from scanner.scale.driver import ScaleDriver, ScanFacts
from scanner.scale.executor import Executor
from scanner.scale.job import Job, JobResult, KnownResolver
from scanner.settings import Settings
from targets.lists import Target
from targets.spool import Spool
from tests.unit import records
from tests.unit.fakes import World

Fault = Callable[[Job], Exception | None]


class InlineWorkers(DaskWorkers):
    """Workers that do each job at once; ``fault`` returns the exception that is the outcome of a job, or None."""

    def __init__(self, fault: Fault = lambda _: None, count: int = 2) -> None:
        self.jobs: list[Job] = []
        self.excluded: list[str] = []
        self.is_lost = False
        self._fault = fault
        self._count = count
        self._ended: list[tuple[str, bytes | Exception, str]] = []

    def require(self, line: bytes) -> None:
        pass

    def tested(self) -> list[JobResult]:
        return []

    def testing(self) -> bool:
        return False

    def count(self) -> int:
        return self._count - len(self.excluded)

    def on_one_machine(self) -> int:
        return self.count()

    def submit(self, line: bytes, key: str) -> None:
        job = codec.decode(Job, line)
        self.jobs.append(job)
        fault = self._fault(job)
        if fault is not None:
            self._ended.append((key, fault, ""))
            return
        with ThreadPoolExecutor(1) as threads:
            result = threads.submit(scale_child.result_of, job).result()
        self._ended.append((key, codec.encode(result), f"tcp://192.0.2.{len(self.excluded)}:1"))

    def finished(self) -> list[tuple[str, bytes | Exception, str]]:
        ended, self._ended = self._ended, []
        return ended

    def exclude(self, worker: str) -> None:
        self.excluded.append(worker)

    def lost(self) -> bool:
        return self.is_lost


async def _forever(*_: object) -> None:
    await trio.sleep(math.inf)


def use(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the jobs examine a made-up world; signals and standard input belong to the tests."""

    @asynccontextmanager
    async def wired(
        settings: Settings, _t: Any, _s: Any, _r: Any, stats: Stats, *_: Any, **_m: Any
    ) -> AsyncIterator[Ports]:
        ports = world.ports(settings)
        yield replace(ports, stats=stats, fetch=ports.fetch if settings.sts else None)

    monkeypatch.setattr(scale_child, "wired", wired)
    monkeypatch.setattr(scan, "wired", wired)
    monkeypatch.setattr(scan, "watch_signals", _forever)
    monkeypatch.setattr(scale_child, "_watch_parent", _forever)
    monkeypatch.setattr(scale_child, "_send", lambda _: None)


def request_of(run: Path, *argv: str) -> Request:
    """Return the request of a scan with these options."""
    context = group.commands["scan"].make_context("scan", [*argv, "--ehlo", "me.example", "--allow-private"])
    return build({**context.params, "resume": str(run), "output": str(run), "sts": bool(context.params["sts"])})


class PartScan:
    """A scan in parts of some domains of a made-up world."""

    def __init__(self, run: Path, domains: tuple[str, ...], *argv: str, parts: int = 3) -> None:
        self.run = run
        self._domains = domains
        self._request = request_of(run, *argv)
        self._parts = parts
        self.said: list[str] = []

    def go(self, workers: InlineWorkers) -> tuple[bool, ScaleDriver]:
        """Begin or resume the scan; return whether it is complete."""
        return trio.run(self._go, workers)

    async def _go(self, workers: InlineWorkers) -> tuple[bool, ScaleDriver]:
        reader = self._request.input.reader
        if self.run.exists():
            store = Store.resume(self.run)
            spool = Spool.open(self.run / "spool", reader)
        else:
            spool = Spool.make(self.run.with_name("spool"), self._targets(), reader)
            store = Store.create(self.run, records.header())
            spool = new_work(spool, store, to_keep(self._request.flags, self._request.settings)).spool
        flags = {key: list(value) if isinstance(value, tuple) else value for key, value in self._request.flags.items()}
        facts = ScanFacts(flags, self._request.settings, KnownResolver((), validated=True, label="test"), self._parts)
        executor = Executor(workers, str(self.run), self.said.append)
        with store:
            driver = ScaleDriver(store, spool, facts, executor)
            return await driver.run(), driver

    def _targets(self) -> list[Target]:
        reader = self._request.input.reader
        return [Target(reader.destination(name), name, "list.txt", n) for n, name in enumerate(self._domains, 1)]
