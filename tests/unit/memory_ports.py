"""Ports of finger runs in memory: DNS is a table, servers are scripts at the far end of memory streams, TLS is real."""

import contextlib
import hashlib
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime

import trio
import trio.testing
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import SSL

from scanner.facts import Answer, Failure
from scanner.finger.finger_ports import FingerPorts, ProbeRequest
from scanner.finger.finger_run import FingerRun
from scanner.finger.log_keywords import parse as parse_log
from scanner.finger.options import parse
from scanner.finger.output import Output
from scanner.finger.preparation import Setup
from scanner.net.probe import ProbeResult, converse
from scanner.net.probe_events import Listener
from scanner.vocabulary import Outcome, Security
from tests.unit.mailserver import MailServer, certificate

Script = Callable[[MailServer], Awaitable[None]]

DOMAIN, HOST, ADDRESS = "example.test", "mx.example.test", "192.0.2.25"


def data(name: str, rtype: str, *records: str, security: Security = Security.SECURE) -> Answer:
    """An answer with records, or one that says that there are none."""
    outcome = Outcome.DATA if records else Outcome.NODATA
    return Answer(name, rtype, outcome, security, tuple(records), rname=name)


def good_tlsa(kind: str = "p256") -> str:
    """``3 1 1`` of the test server's key."""
    spki = certificate(kind).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "030101" + hashlib.sha256(spki).hexdigest()


def zone(*tlsa: str, mx: Security = Security.SECURE) -> list[Answer]:
    """A domain with one MX host, its address and its TLSA records."""
    return [
        data(DOMAIN, "MX", f"10 {HOST}", security=mx),
        data(HOST, "A", ADDRESS),
        data(f"_25._tcp.{HOST}", "TLSA", *tlsa),
    ]


class MemoryPorts:
    """Answers from a table; the next script, or failure, for each connection."""

    def __init__(self, answers: Iterable[Answer], ends: Iterable[Script | Failure]) -> None:
        self._answers = {(answer.name, answer.rtype): answer for answer in answers}
        self._ends = list(ends)
        self._script: Script | None = None
        self.rng = random.Random(1)
        self.asked: list[tuple[str, str]] = []
        self.slept: list[float] = []
        self.connected: list[tuple[str, int]] = []

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        del dnssec
        self.asked.append((name, rtype))
        await trio.lowlevel.checkpoint()
        return self._answers.get((name, rtype)) or data(name, rtype)

    async def native(self, host: str) -> Sequence[str] | str:
        await trio.lowlevel.checkpoint()
        return f"unable to look up host {host}: test"

    async def connect(self, address: str, port: int, seconds: float) -> Failure | None:
        del seconds
        self.connected.append((address, port))
        await trio.lowlevel.checkpoint()
        end = self._ends.pop(0)
        if isinstance(end, Failure):
            return end
        self._script = end
        return None

    async def converse(self, request: ProbeRequest, listener: Listener) -> ProbeResult:
        ours, theirs = trio.testing.memory_stream_pair()
        script = self._script
        assert script is not None

        async def serve() -> None:
            with contextlib.suppress(trio.BrokenResourceError, EOFError, SSL.Error):  # a client that gave up
                await script(MailServer(theirs))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            result = await converse(
                ours,
                request.endpoint,
                profile=request.profile,
                ehlo=request.ehlo,
                timeouts=request.timeouts,
                want_tls=request.want_tls,
                extra=request.heard_by(listener),
            )
            nursery.cancel_scope.cancel()
        return result

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await trio.lowlevel.checkpoint()


def setup(ports: FingerPorts, *argv: str) -> Setup:
    """What a run with this command line needs; files are not read."""
    options = parse(argv)
    mask, _ = parse_log(options.log)
    return Setup(options, None, (), tls=True, ehlo="me", mask=mask, ports=ports, output=Output("mxsweep"))


async def lines(ports: FingerPorts, *argv: str) -> list[str]:
    """The lines of a run."""
    given = setup(ports, *argv)
    await FingerRun(given).run()
    return given.output.printed
