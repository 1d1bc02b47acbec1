"""One probe, from connect to the JSON line, beside a bare probe and beside its OpenSSL handshake.

The same server, which runs on another core, is probed with 64 connections in flight by ``bare_probe`` and by a whole
scan of literal addresses: examination, chain, verdict, records in a run directory. The handshake alone is done in
memory, and only the client's part of it counts. The three take turns, and of all turns the cheapest counts.
Processor time is that of this process, the kernel's share included.
"""

import resource
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import trio
from OpenSSL import SSL, crypto

from results.store.writer import Store
from scanner.cli.start import collect_seldom
from scanner.core.pkix import TrustStore
from scanner.facts import Answer, Endpoint
from scanner.model import RunHeader
from scanner.net.probe import ProbeResult, probe
from scanner.net.routes import Routes
from scanner.run import pipeline
from scanner.run.ports import Ports
from scanner.run.stats import Stats
from scanner.settings import OPPORTUNISTIC, PROFILES, Caps, Settings
from scanner.vocabulary import RunState
from targets.destination import parse_destination
from targets.lists import Target
from targets.scope import Scope
from tests.bench.bare_probe import bare_probe
from tests.bench.loopback import BulkServer, serving
from tests.bench.model import Row

PROBES = 600
HANDSHAKES = 300
IN_FLIGHT = 64
TURNS = 12
TO_HANDSHAKE = 3.0
TO_BARE = 1.7
_CHUNK = 16 * 1024


def rows() -> list[Row]:
    """Measure a probe, a bare probe and a handshake."""
    with serving(PROBES) as server:
        collect_seldom()  # as a scan does, and for all three
        turns = [(handshakes(server), bare(server), ours(server)) for _ in range(TURNS + 1)][1:]  # the first warms up
    alone, plain, full = (min(side) for side in zip(*turns, strict=True))
    to_handshake, to_bare = full / alone, full / plain
    return [
        Row("OpenSSL's handshake alone", _text(alone)),
        Row("bare probe, trio and pyOpenSSL", _text(plain)),
        Row("mxsweep, connect to JSON line", _text(full)),
        Row("mxsweep to handshake", f"{to_handshake:.2f}", f"at most {TO_HANDSHAKE}", to_handshake <= TO_HANDSHAKE),
        Row("mxsweep to bare probe", f"{to_bare:.2f}", f"at most {TO_BARE}", to_bare <= TO_BARE),
    ]


def _text(seconds: float) -> str:
    return f"{seconds * 1000:.3f} ms of processor time"


# --- the handshake alone ----------------------------------------------------------------------------------------


def handshakes(server: BulkServer) -> float:
    """Return the processor time of the client's half of one handshake in memory, in seconds."""
    serve = SSL.Context(SSL.TLS_SERVER_METHOD)
    leaf = server.leaves.read_bytes()
    serve.use_certificate(crypto.load_certificate(crypto.FILETYPE_PEM, leaf))
    serve.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, leaf))
    serve.add_extra_chain_cert(crypto.load_certificate(crypto.FILETYPE_PEM, server.chain.read_bytes()))
    client = client_context()
    return sum(_handshake(client, serve) for _ in range(HANDSHAKES)) / HANDSHAKES


def client_context() -> SSL.Context:
    """Return the client's TLS context of a scan."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(f"{OPPORTUNISTIC.ciphers}:@SECLEVEL={OPPORTUNISTIC.security_level}".encode())
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    return context


def _handshake(client: SSL.Context, server: SSL.Context) -> float:
    ours, theirs = SSL.Connection(client, None), SSL.Connection(server, None)
    ours.set_connect_state()
    theirs.set_accept_state()
    spent, done = 0.0, False
    while not done:
        begun = time.thread_time()
        done = _advance(ours)
        hello = ours.bio_read(_CHUNK)
        spent += time.thread_time() - begun
        theirs.bio_write(hello)
        _advance(theirs)
        if not done:
            ours.bio_write(theirs.bio_read(_CHUNK))
    return spent


def _advance(connection: SSL.Connection) -> bool:
    try:
        connection.do_handshake()
    except SSL.WantReadError:
        return False
    return True


# --- over the network -------------------------------------------------------------------------------------------


def bare(server: BulkServer) -> float:
    """Return the processor time of one bare probe in seconds."""
    context = client_context()
    waiting = list(server.addresses)

    async def worker() -> None:
        while waiting:
            await bare_probe(waiting.pop(), server.port, context)

    async def all_of_them() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(IN_FLIGHT):
                nursery.start_soon(worker)

    return _spent(partial(trio.run, all_of_them)) / len(server.addresses)


def ours(server: BulkServer) -> float:
    """Return the processor time of one probe of mxsweep in seconds."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as place:
        return _spent(partial(trio.run, _scan, server, Path(place) / "run")) / len(server.addresses)


async def _scan(server: BulkServer, place: Path) -> None:
    settings = Settings(ehlo="client.test", allow_private=True, caps=Caps(total=IN_FLIGHT))
    trust = TrustStore.from_pem(server.chain.read_bytes())
    stats = Stats()
    scope = Scope(allow_private=True)
    tools = Ports(settings, _no_question, partial(_probe, settings), trust, scope, stats, Routes())
    texts = [f"[{address}]:{server.port}" for address in server.addresses]
    targets = [Target(parse_destination(text), text, "bench", n) for n, text in enumerate(texts)]
    header = RunHeader(version="0", started=datetime.now(UTC), state=RunState.RUNNING)
    with Store.create(place, header) as store:
        await pipeline.scan(iter(targets), tools, store, pipeline.Stop())
        store.finish(RunState.COMPLETE, {}, datetime.now(UTC))
    if stats.tallies["outcome ok"] != len(targets):
        raise RuntimeError(f"not every probe succeeded: {dict(stats.tallies)}")


async def _no_question(name: str, rtype: str, *, fresh: bool = False) -> Answer:
    raise AssertionError(f"a literal address needs no {rtype} of {name} (fresh: {fresh})")


def _probe(settings: Settings, endpoint: Endpoint, *_gates: object) -> Awaitable[ProbeResult]:
    profile = PROFILES[endpoint.profile]
    return probe(endpoint, profile=profile, ehlo=settings.ehlo, timeouts=settings.timeouts)


def _spent(work: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    for row in rows():
        print(*row, sep=" | ")  # noqa: T201 - what it was started for
