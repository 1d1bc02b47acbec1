"""Processor time of scans and of a start, compared with version 0.1.0; the two versions take turns.

Both versions scan the same domains of the bulk lab, in which each mail host has its own key and certificate. The
client runs on one core and the lab's servers on the other, and the resolver has every answer in its cache. The cost of
a start is subtracted; a scan of one domain measures it. The cheapest turn counts, because other work on the machine
only adds time.

The current version runs with ``--cert-algs off``, so that both versions make one connection to an endpoint. One row
states the cost with its default, which makes a second connection where TLSA records exist.
"""

import os
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.bulk_lab import FLAGS, bulk_lab
from tests.bench.loopback import pinned
from tests.bench.model import Row
from tests.bench.previous import VERSION, compared, mxsweep, python
from tests.lab import bulk
from tests.lab.use import Lab

SCALE = 30_000
SHARE, RANK = 10, 3  # the growth row compares all mail hosts with a tenth; these hosts have a tenth of the domains
TURNS = 3
STARTS = 12
DISTINCT, SHARED, START, GROWTH = 0.65, 0.70, 0.65, 1.03
LIMIT = 300.0  # seconds for one scan
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""Environment of both versions: they store the bytecode of their modules, as an installed program has it."""

ONE_CONNECTION = ("--cert-algs", "off")
"""Options with which the current version makes as many connections as version 0.1.0."""

Command = tuple[str, ...]
Lists = dict[str, list[str]]
Costs = dict[str, float]
"""Processor time of a scan in seconds by the name of its list, start included."""


def rows() -> list[Row]:
    """Measure both versions."""
    now_command = (*mxsweep(Path(sys.executable)), "scan")
    commands = ((*now_command, *ONE_CONNECTION), (*mxsweep(python()), "scan"), now_command)
    lists = _lists()
    with pinned() as other, bulk_lab(SCALE) as (lab, place):
        for pid in lab.record.namespaces.inhabitants():
            os.sched_setaffinity(pid, other)
        _scan(lab, place, now_command, lists["all"])  # fills the resolver's cache
        turns = [[_costs(lab, place, command, lists) for command in commands] for _ in range(TURNS)]
    now, before, default = (_least(costs) for costs in zip(*turns, strict=True))
    starts = [(_first_packet(now_command), _first_packet(commands[1])) for _ in range(STARTS)]
    sizes = {name: len(domains) for name, domains in lists.items() if len(domains) > 1}
    each = {name: (_each(now, name, size), _each(before, name, size)) for name, size in sizes.items()}
    growth = each["all"][0] / each["tenth"][0]
    usual = _each(default, "distinct", sizes["distinct"])
    return [
        compared("a mail host and a certificate each: an endpoint", each["distinct"], DISTINCT),
        Row(
            "the same with the second connection of the default --cert-algs",
            f"{usual * 1000:.3f} ms: {usual / each['distinct'][1]:.2f}",
        ),
        compared("ten domains a mail host: a domain", each["all"], SHARED),
        compared("scan --domain, from the start to the first packet", _cheapest(starts), START),
        Row(
            f"a domain: {SCALE:,} domains to {sizes['tenth']:,}",
            f"{growth:.2f} ({each['all'][1] / each['tenth'][1]:.2f} in version {VERSION})",
            f"at most {GROWTH}",
            growth <= GROWTH,
        ),
    ]


def _lists() -> Lists:
    hosts = bulk.mail_host_of(SCALE)
    names = [bulk.domain(number) for number in range(SCALE)]
    return {
        "one": names[:1],
        "distinct": names[: SCALE // bulk.DOMAINS_A_HOST],
        "tenth": [name for name, host in zip(names, hosts, strict=True) if host % SHARE == RANK],
        "all": names,
    }


def _least(turns: Sequence[Costs]) -> Costs:
    return {name: min(costs[name] for costs in turns) for name in turns[0]}


def _cheapest(turns: Sequence[tuple[float, float]]) -> tuple[float, float]:
    now, before = zip(*turns, strict=True)
    return min(now), min(before)


def _each(costs: Costs, name: str, domains: int) -> float:
    return (costs[name] - costs["one"]) / (domains - 1)


def _costs(lab: Lab, place: Path, command: Command, lists: Lists) -> Costs:
    return {name: _scan(lab, place, command, domains) for name, domains in lists.items()}


def _scan(lab: Lab, place: Path, command: Command, domains: Sequence[str]) -> float:
    """Return the processor time of a scan in seconds.

    Raises:
        RuntimeError: the scan failed, or it did not record every domain.
    """
    listed = place / "domains.txt"
    listed.write_text("".join(f"{domain}\n" for domain in domains))
    with tempfile.TemporaryDirectory(dir=place) as temporary:
        run = Path(temporary) / "run"
        before = _children()
        done = lab.run(
            *(*command, str(listed), "-o", str(run), *FLAGS, "--per-provider", "1000"),
            timeout=LIMIT,
            env=COMPILED,
        )
        spent = _children() - before
        recorded = sum(1 for _ in (run / "domains.jsonl").open()) if done.returncode == 0 else 0
    if recorded != len(domains):
        raise RuntimeError(f"{command}: {recorded} records of {len(domains)} domains: {done.stderr[-500:]}")
    return spent


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _first_packet(command: Command) -> float:
    """Return the processor time of ``scan --domain`` in seconds until its first DNS question arrives."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(LIMIT)
        resolver = f"127.0.0.1:{server.getsockname()[1]}"
        argv = [*command, "--domain", "example.test", "--resolver", resolver]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(argv, stdout=quiet, stderr=quiet, env=os.environ | COMPILED) as run:
            server.recvfrom(512)
            spent = int(Path(f"/proc/{run.pid}/schedstat").read_text().split()[0]) / 1e9  # nanoseconds on a processor
            run.kill()
    return spent


if __name__ == "__main__":
    for row in rows():
        print(*row, sep=" | ")  # noqa: T201 - it is a command
