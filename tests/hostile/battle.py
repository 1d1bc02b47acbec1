"""A scan of good domains beside attacks, in a process of its own, with a meter of its event loop.

Good domains have servers of the bulk lab; hostile domains those of ``manners``. DNS answers come from a table.
``python -m tests.hostile.battle`` is the scanning process: it reads a ``BattlePlan`` and writes a ``ScanResult``.
"""

import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import trio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from results.store.writer import Store
from scanner.cli.start import collect_seldom
from scanner.core.pkix import TrustStore
from scanner.facts import Answer, CertFacts, Endpoint
from scanner.model import DomainRecord, HostReport
from scanner.net import https
from scanner.net.probe import Extra, ProbeResult, probe
from scanner.run import pipeline
from scanner.run.connections import Connections
from scanner.run.ports import Ports
from scanner.run.stats import Stats
from scanner.settings import PROFILES, Caps, Retries, Settings, Timeouts
from scanner.vocabulary import Outcome as Found
from scanner.vocabulary import Security
from targets.scope import Scope
from tests.bench.loopback import BulkServer
from tests.hostile import kinds
from tests.hostile.kinds import KINDS, HostileDomain, Table
from tests.hostile.meter import Meter, peak
from tests.hostile.policy_kinds import policy_answers, policy_domains
from tests.unit import fakes, records

CAPS = Caps(total=128, per_network=1000, per_provider=1000, rate=1e6, spacing=0)


@dataclass(frozen=True, slots=True)
class BattlePlan:
    """What to scan: good domains by address and TLSA record, and the names of kinds of attack.

    ``patience`` is the time limit of each stage of a probe in seconds, ``few`` the maximum number of domains of a kind.
    With a ``policy_port``, the policy hosts of ``policy_kinds`` are scanned too; their certificates lead to
    ``policy_root`` (PEM). ``metered`` is false to measure the time of the scan: the meter of the event loop takes a
    tenth of the time, and more if hostile servers send small pieces.
    """

    good: tuple[str, ...]
    port: int
    records: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    patience: float = 5.0
    few: int = 1000
    policy_port: int = 0
    policy_root: str = ""
    metered: bool = True


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The verdicts of the good domains, and what the scan took.

    ``seconds`` and ``work`` (processor time) end with the last good record, ``whole`` and ``cpu`` (processor time) with
    the scan. ``longest`` and ``busiest`` are the longest steps of the event loop in seconds, by wall clock and by
    processor time; ``memory`` is the peak in MB.
    """

    verdicts: dict[str, str]
    seconds: float
    whole: float
    longest: float
    busiest: float
    task: str
    work: float
    cpu: float
    memory: float
    growth: float
    hostile: dict[str, str]


# --- the scanning process -----------------------------------------------------------------------------------------


class _TimingSink:
    """A sink that notes the time of the last good record, and the verdicts."""

    def __init__(self, store: Store, good: set[str]) -> None:
        self._store = store
        self._good = good
        self.last = self.worked = 0.0  # by wall clock and by processor time
        self.verdicts: dict[str, str] = {}
        self.hostile: dict[str, str] = {}

    def put_domain(self, record: DomainRecord, reports: Sequence[HostReport], certs: Mapping[str, CertFacts]) -> None:
        self._store.put_domain(record, reports, certs)
        verdict = record.verdict
        text = f"{verdict.dane} {verdict.starttls} {verdict.sender} {verdict.outcome} {' '.join(verdict.reasons)}"
        name = record.key.partition(":")[0]
        if name in self._good:
            self.last, self.worked = time.perf_counter(), time.process_time()
            self.verdicts[name] = text
        else:
            self.hostile[name] = f"{text} {verdict.sts or ''}"

    def put_reject(self, file: str, line: int, raw: str, reason: str) -> None:
        self._store.put_reject(file, line, raw, reason)

    def sync(self) -> None:
        self._store.sync()


def hostile_domains(names: Sequence[str], few: int) -> list[HostileDomain]:
    return [domain for kind in KINDS if kind.name in names for domain in kinds.domains_of(kind)[:few]]


def _table(plan: BattlePlan) -> Table:
    table: Table = {}
    for number, (address, record) in enumerate(zip(plan.good, plan.records, strict=True)):
        domain, host = _good_name(number), f"mx{number}.bulk"
        rows = (
            Answer(domain, "MX", Found.DATA, Security.SECURE, (f"10 {host}",), rname=domain),
            Answer(host, "A", Found.DATA, Security.SECURE, (address,), rname=host),
            Answer(f"_25._tcp.{host}", "TLSA", Found.DATA, Security.SECURE, (record,), rname=host),
        )
        table |= {(row.name, row.rtype): row for row in rows}
    for domain_ in hostile_domains(plan.kinds, plan.few):
        table |= kinds.answers(domain_)
    for policy_domain in policy_domains() if plan.policy_port else ():
        table |= policy_answers(policy_domain, "mx0.bulk")
    return {(name.replace("_25.", f"_{plan.port}."), rtype): answer for (name, rtype), answer in table.items()}


def _good_name(number: int) -> str:
    return f"d{number}.good.test"


async def _scan(plan: BattlePlan, place: Path, domains: Sequence[str]) -> _TimingSink:
    table = _table(plan)

    async def lookup(name: str, rtype: str, *, fresh: bool = False) -> Answer:
        del fresh
        await trio.lowlevel.checkpoint()
        return table.get((name, rtype)) or Answer(name, rtype, Found.NODATA, Security.SECURE, rname=name)

    patience = plan.patience
    timeouts = Timeouts(patience, patience, patience, patience, probe=2 * patience)
    settings = Settings(
        ehlo="client.test", allow_private=True, timeouts=timeouts, caps=CAPS,
        retries=Retries(times=0), sts=bool(plan.policy_port),
    )  # fmt: skip
    stats = Stats()
    connections = Connections(settings, stats, partial(_probe, settings, Extra(stages=stats.stages)))
    scope = Scope(allow_private=True)
    fetch = partial(https.fetch, port=plan.policy_port)
    trust = TrustStore.from_pem(*filter(None, [plan.policy_root.encode()]))
    ports = Ports(settings, lookup, connections, trust, scope, stats, lambda _: True, fetch)
    with Store.create(place, records.header()) as store:
        sink = _TimingSink(store, {_good_name(number) for number in range(len(plan.good))})
        targets = [fakes.target(f"{name}:{plan.port}", line) for line, name in enumerate(domains, 1)]
        await pipeline.scan(iter(targets), ports, sink, pipeline.Stop())
    return sink


async def _probe(settings: Settings, extra: Extra, endpoint: Endpoint) -> ProbeResult:
    profile, timeouts = PROFILES[endpoint.profile], settings.timeouts
    return await probe(endpoint, profile=profile, ehlo=settings.ehlo, timeouts=timeouts, extra=extra)


def fight(plan: BattlePlan) -> ScanResult:
    """Scan in this process."""
    collect_seldom()
    https.TOTAL_SECONDS = plan.patience  # a minute in a scan
    meter, before = Meter(), peak()
    domains = [_good_name(number) for number in range(len(plan.good))]
    domains += [domain.name for domain in hostile_domains(plan.kinds, plan.few)]
    domains += [domain.name for domain in policy_domains() if plan.policy_port]
    random.Random(1).shuffle(domains)
    with tempfile.TemporaryDirectory(prefix="mxsweep-hostile-") as place:
        began, cpu = time.perf_counter(), time.process_time()
        sink = trio.run(_scan, plan, Path(place) / "run", domains, instruments=[meter] if plan.metered else [])
        ended, spent = time.perf_counter(), time.process_time() - cpu
    last = sink.last or ended
    return ScanResult(
        sink.verdicts, last - began, ended - began, meter.longest, meter.busiest, meter.task, sink.worked - cpu, spent,
        peak(), peak() - before, sink.hostile,
    )  # fmt: skip


# --- the process that starts it -----------------------------------------------------------------------------------


@contextmanager
def hostile_servers(names: Sequence[str], port: int, cores: set[int] | None = None) -> Iterator[None]:
    """Serve the addresses of the kinds of attack on a port, in a process on these cores."""
    lines = [
        f"{address} {port} {domain.kind.manner}\n"
        for domain in hostile_domains(names, 1000)
        for address in domain.addresses
    ]
    argv = [sys.executable, "-m", "tests.hostile.manners"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            if cores:
                os.sched_setaffinity(server.pid, cores)
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write("".join(lines))
            server.stdin.close()
            if server.stdout.readline() != "listening\n":
                raise RuntimeError("the hostile servers did not start")
            yield
        finally:
            server.terminate()


def plan_for(server: BulkServer, count: int, names: Sequence[str] = (), patience: float = 5.0) -> BattlePlan:
    """Return a plan with that many good domains on the servers of the bulk lab, each with a TLSA record 3 1 1."""
    leaves = x509.load_pem_x509_certificates(_certificates(server.leaves.read_bytes()))
    keys = [leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for leaf in leaves[:count]]
    found = tuple("030101" + hashlib.sha256(key).hexdigest() for key in keys)
    return BattlePlan(server.addresses[:count], server.port, found, tuple(names), patience)


def _certificates(pem: bytes) -> bytes:
    """Return the certificates of a text that contains keys too."""
    return b"".join(re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", pem, re.DOTALL))


def measured(plan: BattlePlan) -> ScanResult:
    """Scan in a process of its own."""
    argv = [sys.executable, "-m", "tests.hostile.battle"]
    done = subprocess.run(argv, input=json.dumps(asdict(plan)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return ScanResult(**json.loads(done.stdout))


if __name__ == "__main__":
    parts = json.load(sys.stdin)
    wanted = BattlePlan(
        tuple(parts["good"]),
        parts["port"],
        tuple(parts["records"]),
        tuple(parts["kinds"]),
        parts["patience"],
        parts["few"],
        parts["policy_port"],
        parts["policy_root"],
        parts["metered"],
    )
    json.dump(asdict(fight(wanted)), sys.stdout)
