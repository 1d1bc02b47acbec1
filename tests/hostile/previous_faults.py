"""The faults of version 0.1.0 as a program for its Python: ``python previous_faults.py`` in its source directory.

The input is JSON: hostile certificates in hex by name, and a directory for files. The output is JSON: the fault that
each function of ``FAULTS`` returns, by the name of the function. The modules of 0.1.0 do not exist in this version, so
they are imported by name.
"""

import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

MB = 1024 * 1024
HANG = 20
"""Seconds after which a command hangs that otherwise takes two."""

Certificates = dict[str, bytes]

FaultShown = Callable[[Certificates, Path], str]
"""A function that returns a fault, or an empty text for none."""


def endless_path(certificates: Certificates, _: Path) -> str:
    record = import_module("scanner.core.certs").facts(certificates["endless_path"])
    try:
        import_module("results.codec").encode(record)
    except (TypeError, ValueError) as error:
        return f"the writer raises {type(error).__name__}: {error}"
    return ""


def many_addresses(_certificates: Certificates, _: Path) -> str:
    most, total = import_module("trio").run(_most_held)
    return f"one domain holds {most} of {total} connections" if most > total // 2 else ""


async def _most_held() -> tuple[int, int]:
    """Examine a domain with 400 MX hosts of 10 addresses; each connection lasts 0.2 seconds.

    Return the largest number of simultaneous connections, and the limit of the scan.
    """
    trio, facts, words = map(import_module, ("trio", "scanner.facts", "scanner.vocabulary"))
    held = most = 0

    async def attempt(endpoint: Any) -> Any:
        nonlocal held, most
        held += 1
        most = max(most, held)
        await trio.sleep(0.2)
        held -= 1
        failure = facts.Failure(words.Phase.GREETING, words.FailureKind.TIMEOUT)
        probe = facts.Probe(endpoint, datetime.now(UTC), {}, words.StartTLS.UNKNOWN, failure=failure)
        return import_module("scanner.net.probe").Sighting(probe)

    settings = import_module("scanner.settings")
    caps = settings.Caps(per_network=1000, per_provider=1000, rate=1e6, spacing=0)
    wanted, stats = settings.Settings(caps=caps, allow_private=True), import_module("scanner.run.stats").Stats()
    connections = import_module("scanner.run.connections").Connections(wanted, stats, attempt)
    trust = import_module("scanner.core.pkix").TrustStore.from_pem(b"")
    scope = import_module("targets.scope").Scope(allow_private=True)
    tools = import_module("scanner.run.tools").Tools(wanted, _wide_zone, connections, trust, scope, stats, bool)
    destination = import_module("targets.destination").parse_destination("wide.test")
    target = import_module("targets.lists").Target(destination, "wide.test", "list", 1)
    await import_module("scanner.run.examine").Examiner(tools).see(target)
    return most, caps.total


async def _wide_zone(name: str, rtype: str, **_: bool) -> Any:
    """Return the DNS answers of the domain with 400 MX hosts."""
    words = import_module("scanner.vocabulary")
    records = [f"10 h{number}.wide.test" for number in range(400)] if rtype == "MX" else []
    if rtype == "A":
        high, low = divmod(int(name[1:].partition(".")[0]), 200)
        records = [f"127.{high + 1}.{low}.{last}" for last in range(10)]
    outcome = words.Outcome.DATA if records else words.Outcome.NODATA
    answer = import_module("scanner.facts").Answer
    return answer(name, rtype, outcome, words.Security.SECURE, tuple(records), rname=name)


def long_identifier(certificates: Certificates, _: Path) -> str:
    began = time.process_time()
    import_module("scanner.core.certs").facts(certificates["long_oid"])
    seconds = time.process_time() - began
    return f"a step of {seconds:.1f} s of processor time" if seconds > 0.25 else ""


def long_arcs(certificates: Certificates, _: Path) -> str:
    try:
        import_module("scanner.core.certs").facts(certificates["long_arcs"])
    except ValueError as error:
        return f"the reader of certificates raises ValueError: {error}"
    return ""


def cached_names(certificates: Certificates, _: Path) -> str:
    leaves = [der for name, der in certificates.items() if name.startswith("many_names")]
    tracemalloc.start()
    for der in leaves:
        import_module("scanner.core.certs").facts(der)
    kept, _most = tracemalloc.get_traced_memory()
    each, entries = kept / len(leaves) / MB, import_module("scanner.core.certs").CACHED
    return f"{each:.1f} MB for each of {entries:,} cached certificates" if kept > len(leaves) * MB / 4 else ""


def configuration(_certificates: Certificates, _: Path) -> str:
    module = import_module("scanner.net.unbound_conf")
    settings = module.UnboundSettings(root_hints='/x"\nlog-queries: yes\n#"')
    text = module.configuration(settings, Path("/nonexistent"), 53, sign="sign", version=(1, 17))
    return "a file name adds the line 'log-queries: yes'" if "\nlog-queries: yes\n" in text else ""


def _run(place: Path) -> Path:
    """Make a run directory with one domain."""
    records = import_module("tests.unit.records")
    with import_module("results.store").Store.create(place / "run", records.header()) as store:
        store.put_domain(records.domain(), [records.report()], {records.DIGEST: records.cert()})
    return place / "run"


def _mxsweep(*argv: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scanner", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=HANG, **options)


def fifo(_certificates: Certificates, place: Path) -> str:
    run = _run(place / "fifo")
    (run / "domains.jsonl").unlink()
    os.mkfifo(run / "domains.jsonl")
    try:
        _mxsweep("report", run)
    except subprocess.TimeoutExpired:
        return "report hangs at a FIFO in place of domains.jsonl"
    return ""


def query(_certificates: Certificates, place: Path) -> str:
    (place / "secret").write_text("a secret\n")
    done = _mxsweep("query", _run(place / "query"), "SELECT content FROM read_text('secret')", cwd=place)
    return "an SQL query reads any file" if "a secret" in done.stdout else ""


def log_link(_certificates: Certificates, place: Path) -> str:
    public = place / "public"
    public.mkdir()
    public.chmod(0o1777)
    (public / "log").symlink_to(place / "victim")
    _mxsweep("scan", "--domain", "a.test", "--resolver", "127.0.0.1", "--log-file", public / "log")
    return "--log-file follows a link in a directory of others" if (place / "victim").exists() else ""


def closed_output(_certificates: Certificates, place: Path) -> str:
    done = _mxsweep("report", _run(place / "closed"), "--format", "json", preexec_fn=lambda: os.close(1))
    return f"a traceback: {done.stderr.splitlines()[-1]}" if "Traceback" in done.stderr else ""


FAULTS: tuple[FaultShown, ...] = (
    endless_path,
    many_addresses,
    long_identifier,
    long_arcs,
    cached_names,
    configuration,
    fifo,
    query,
    log_link,
    closed_output,
)
"""The functions that show the ten faults, in the order of docs/hostile.md."""


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))  # the records of its tests
    given = json.load(sys.stdin)
    ders = {name: bytes.fromhex(text) for name, text in given["certificates"].items()}
    json.dump({fault.__name__: fault(ders, Path(given["place"])) for fault in FAULTS}, sys.stdout)
