"""Domains with very many hosts and addresses: they neither delay nor starve the good domains of the same scan.

``wide.example`` has 400 MX hosts with 10 addresses each, ``deep.example`` has 60 MX hosts with 4,000 addresses each.
Each address accepts a connection and stays silent. The most preferred MX host of ``wide.example`` is the host of a good
domain. The DNS is made up; the servers listen on loopback. A scan of the good domains alone, and a scan with the
hostile domains first, run in processes of their own, whose time and memory are compared.
"""

import json
import resource
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import trio

from scanner.core.pkix import TrustStore
from scanner.facts import Answer, CertFacts, Endpoint
from scanner.model import DomainRecord, HostReport, HostVerdict
from scanner.net.probe import ProbeResult, probe
from scanner.run import pipeline
from scanner.run.connections import Connections
from scanner.run.ports import Ports
from scanner.run.stats import Stats
from scanner.settings import PROFILES, Caps, Retries, Settings, Timeouts
from scanner.vocabulary import Outcome, Security
from targets.destination import parse_destination
from targets.lists import Target
from targets.scope import Scope
from tests.bench.loopback import BulkServer, serving
from tests.bench.model import Row

GOOD = 300
WIDE, DEEP = "wide.example", "deep.example"
HOSTS = {WIDE: 400, DEEP: 60}
ADDRESSES = {WIDE: 10, DEEP: 4000}
SILENCE = 2.0  # seconds until a silent probe fails
TOTAL = 128
TIME_LIMIT, MEMORY_LIMIT = 1.3, 50  # ratio; MB above the scan of the good domains alone

_NETS = {WIDE: 128, DEEP: 192}  # second octet of the first address


@dataclass(slots=True)
class Seen:
    """The observations of one scan; counters are by domain."""

    all_good: trio.Event = field(default_factory=trio.Event)  # set when the good domains have been written
    written: list[str] = field(default_factory=list)
    verdicts: dict[str, Any] = field(default_factory=dict)
    good_after: float = 0.0
    good_work: float = 0.0
    questions: Counter[str] = field(default_factory=Counter)
    connections: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    most_in_flight: Counter[str] = field(default_factory=Counter)
    tasks: int = 0


def address_of(domain: str, number: int) -> str:
    """Return the silent address of a hostile domain by number; addresses with consecutive numbers differ in network."""
    block, place = divmod(number, max(250, ADDRESSES[domain]))
    return f"127.{_NETS[domain] + block}.{place % 250}.{place // 250 + 1}"


def attacker(address: str) -> str:
    """Return the hostile domain of an address; an empty text for the address of a good domain."""
    second = int(address.split(".")[1])
    return next((domain for domain in (DEEP, WIDE) if second >= _NETS[domain]), "")


class MadeUpZone:
    """A ``DNSLookup`` for the good domains ``d0.example`` and so on, and for the hostile domains."""

    def __init__(self, seen: Seen, addresses: Sequence[str]) -> None:
        self._seen = seen
        self._addresses = addresses

    async def __call__(self, name: str, rtype: str, *, fresh: bool = False) -> Answer:
        del fresh
        await trio.lowlevel.checkpoint()
        first = name.removeprefix("_25._tcp.").removesuffix(".example")
        self._seen.questions[{"w": WIDE, "h": DEEP}.get(first[0], name if name in HOSTS else "")] += 1
        records = self._records(name, first, rtype)
        outcome = Outcome.DATA if records else Outcome.NODATA
        return Answer(name, rtype, outcome, Security.SECURE, tuple(records), rname=name)

    def _records(self, name: str, first: str, rtype: str) -> list[str]:
        if rtype == "MX":
            if name not in HOSTS:
                return [f"10 mx{first[1:]}.example"]
            own = [f"20 {name[0].replace('d', 'h')}{number}.example" for number in range(HOSTS[name])]
            return own + ["10 mx0.example"] * (name == WIDE)
        if rtype != "A":
            return []
        if first.startswith("mx"):
            return [self._addresses[int(first[2:])]]
        domain = WIDE if first[0] == "w" else DEEP
        begin = int(first[1:]) * ADDRESSES[domain]
        return [address_of(domain, number) for number in range(begin, begin + ADDRESSES[domain])]


class MemorySink:
    """A sink that keeps the verdicts without times."""

    def __init__(self, seen: Seen, good: int) -> None:
        self._seen = seen
        self._left = good
        self._began = trio.current_time()
        self._worked = time.process_time()

    def put_domain(
        self,
        record: DomainRecord,
        reports: Sequence[HostReport],  # noqa: ARG002 - as the protocol has it
        certs: Mapping[str, CertFacts],  # noqa: ARG002 - the same
    ) -> None:
        self._seen.written.append(record.key)
        if record.key in HOSTS:
            self._seen.verdicts[record.key] = [*record.verdict.reasons, record.verdict.dane]
            return
        self._seen.verdicts[record.key] = [asdict(record.verdict), *map(_without_report, record.hosts)]
        self._left -= 1
        if not self._left:
            self._seen.all_good.set()
            self._seen.good_after = trio.current_time() - self._began
            self._seen.good_work = time.process_time() - self._worked

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        raise AssertionError(f"{file}:{line}: {raw}: {reason}")

    def sync(self) -> None:
        """Do nothing."""


def _without_report(host: HostVerdict) -> dict[str, Any]:
    return asdict(host) | {"report": None}


@contextmanager
def silent() -> Iterator[int]:
    """Listen on all loopback addresses and never accept; yield the port."""
    with socket.create_server(("0.0.0.0", 0), backlog=4096) as listener:  # noqa: S104 - of this machine only
        yield int(listener.getsockname()[1])


async def scan(
    server: BulkServer, hostile: Sequence[str], settings: Settings, silence: float, *, hold: bool = False
) -> Seen:
    """Scan a good domain for each address of the server, after the hostile domains.

    Args:
        server: the server of the good domains.
        hostile: the hostile domains.
        settings: the settings of the scan.
        silence: seconds until the probe of a silent address fails.
        hold: true if the probe of a silent address then lasts until the good domains have been written.
    """
    seen, stats = Seen(), Stats()
    with silent() as port:

        async def attempt(endpoint: Endpoint) -> ProbeResult:
            domain = attacker(endpoint.address)
            seen.connections[domain] += 1
            seen.in_flight[domain] += 1
            seen.most_in_flight[domain] = max(seen.most_in_flight[domain], seen.in_flight[domain])
            seen.tasks = max(seen.tasks, trio.lowlevel.current_statistics().tasks_living)
            try:
                if not domain:
                    return await _probe(replace(endpoint, port=server.port), settings.timeouts)
                result = await _probe(replace(endpoint, port=port), Timeouts(greeting=silence))
                if hold:
                    await seen.all_good.wait()
                return result
            finally:
                seen.in_flight[domain] -= 1

        zone = MadeUpZone(seen, server.addresses)
        trust = TrustStore.from_pem(server.chain.read_bytes())
        scope = Scope(allow_private=True)
        ports = Ports(settings, zone, Connections(settings, stats, attempt), trust, scope, stats, lambda _: True)
        good = [f"d{number}.example" for number in range(len(server.addresses))]
        targets = [Target(parse_destination(text), text, "list", line) for line, text in enumerate([*hostile, *good])]
        await pipeline.scan(iter(targets), ports, MemorySink(seen, len(good)), pipeline.Stop())
    return seen


def _probe(endpoint: Endpoint, timeouts: Timeouts) -> Awaitable[ProbeResult]:
    return probe(endpoint, profile=PROFILES[endpoint.profile], ehlo="client.test", timeouts=timeouts)


def settings_of(**limits: Any) -> Settings:
    """Return settings without rate limits and retry passes."""
    caps = Caps(total=TOTAL, rate=1e9, spacing=0, per_domain=limits.pop("per_domain", 16))
    return replace(Settings(caps=caps, retries=Retries(times=0)), **limits)


# --- figures ----------------------------------------------------------------------------------------------------


def rows() -> list[Row]:
    """Scan the good domains alone, then with each hostile domain, then with both."""
    alone = _measured()
    found = [
        Row(
            f"{GOOD} good domains alone",
            f"{alone['seconds']:.1f} s, {alone['work']:.1f} s of processor time, {alone['memory']:.0f} MB",
        )
    ]
    for hostile in ((WIDE,), (DEEP,), (WIDE, DEEP)):
        found += _rows(hostile, _measured(*hostile), alone)
    return found


def _rows(hostile: Sequence[str], beside: dict[str, Any], alone: dict[str, Any]) -> list[Row]:
    name = " and ".join(f"{HOSTS[domain]} x {ADDRESSES[domain]:,}" for domain in hostile)
    ratio, memory = beside["seconds"] / alone["seconds"], beside["memory"] - alone["memory"]
    work = beside["work"] / alone["work"]
    equal = beside["verdicts"] == alone["verdicts"]
    count, questions = beside["connections"], beside["questions"]
    first = beside["last"] in hostile
    most = len(hostile) * Settings().domain_addresses
    return [
        Row(f"{name}: verdicts of the good domains", "same" if equal else "different", "same as alone", equal),
        Row(f"{name}: written before the hostile end", "all" if first else "not all", "all", first),
        Row(f"{name}: time of the good domains", f"{ratio:.2f} x", f"at most {TIME_LIMIT} x", ratio <= TIME_LIMIT),
        Row(f"{name}: processor time until then", f"{work:.2f} x"),
        Row(f"{name}: more memory", f"{memory:.0f} MB", f"at most {MEMORY_LIMIT} MB", memory <= MEMORY_LIMIT),
        Row(f"{name}: connections", f"{count}", f"at most {most}", count <= most),
        Row(f"{name}: DNS questions", f"{questions}"),
    ]


def _measured(*hostile: str) -> dict[str, Any]:
    argv = [sys.executable, "-m", "tests.hostile.fan_out", *hostile]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def main(hostile: Sequence[str]) -> None:
    """Scan in this process and print the figures as JSON."""
    with serving(GOOD) as server:
        seen = trio.run(scan, server, hostile, settings_of(), SILENCE)
    figures = {
        "seconds": seen.good_after,
        "work": seen.good_work,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "verdicts": {key: verdict for key, verdict in seen.verdicts.items() if key not in HOSTS},
        "last": seen.written[-1],
        "connections": sum(seen.connections[domain] for domain in hostile),
        "questions": sum(seen.questions[domain] for domain in hostile),
    }
    print(json.dumps(figures))  # noqa: T201 - what the other process reads


if __name__ == "__main__":
    main(sys.argv[1:])
