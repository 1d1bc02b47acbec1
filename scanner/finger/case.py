"""A run of finger kept whole, so that it can be judged again without any network.

A case holds what the run was asked (arguments, parameters), what it had (trust anchors, the EHLO name), what the world
said (answers of the DNS, whether connections came about, the octets of each dialogue after decryption, the facts of
each handshake with the chain's DER, the time) and what it printed. ``Recorder`` is a world that fills a case while it
passes everything on; ``Replay`` is a world made of one.

DNS answers are kept as records, not as wire messages; handshakes are kept as what they agreed on. Both are taken as
given when a case is judged again; everything after them, SMTP replies included, is worked out anew.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import cast

import trio
from OpenSSL import SSL

from scanner.core.dialogue import Dialogue
from scanner.facts import Answer, Failure, Handshake, Reply, TLSARecord
from scanner.finger.world import Talk, World
from scanner.net.probe import ProbeResult, record
from scanner.net.probe_events import Listener, Reporter, Secured
from scanner.vocabulary import FailureKind, Outcome, Phase, Security

SCHEMA = 1
"""Version of the format; it grows when a member changes its meaning."""


class What(StrEnum):
    """What happened on a connection."""

    HEARD = "heard"  # octets of the peer, as Latin-1
    ENDED = "ended"
    BROKE = "broke"
    SECURED = "secured"
    TICKET = "ticket"
    STATE = "state"
    SENT_TLS = "sent-tls"  # octets of TLS, in hex; kept only where they were dumped
    HEARD_TLS = "heard-tls"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; which members are set depends on ``what``."""

    what: What
    text: str = ""
    failure: Failure | None = None
    errors: tuple[str, ...] = ()
    handshake: Handshake | None = None
    chain: tuple[bytes, ...] = ()
    own: bytes | None = None
    own_signature: str | None = None


@dataclass(slots=True)
class Connection:
    """A connection that was asked for: ``failure`` says why there was none."""

    address: str
    port: int
    at: datetime
    failure: Failure | None = None
    events: list[Event] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to the DNS and its answer."""

    name: str
    rtype: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Native:
    """A question to the native name service: addresses, or why there are none."""

    host: str
    addresses: tuple[str, ...] = ()
    error: str = ""


@dataclass(slots=True)
class Case:
    """A run. ``trust`` are the certificates of ``-F`` and ``-P`` in DER, ``lines`` what was printed, unprefixed.

    ``notes`` are the first of these lines, from before the run proper: they depend on files that are not in the case.
    """

    version: str
    argv: tuple[str, ...]
    parameters: dict[str, str]
    ehlo: str
    tls: bool
    trust: tuple[bytes, ...]
    anchors: tuple[TLSARecord, ...]
    digests: tuple[str, ...]
    seed: int
    notes: tuple[str, ...]
    questions: list[Asked] = field(default_factory=list)
    native: list[Native] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    lines: tuple[str, ...] = ()
    status: int = 0
    schema: int = SCHEMA


# --- recording ------------------------------------------------------------------------------------------------


class Recorder:
    """A world that passes everything on and keeps it in a case.

    Args:
        world: the world to ask.
        case: what to fill.
        dumps: keep TLS records and OpenSSL's states too, for a run that prints them.
    """

    def __init__(self, world: World, case: Case, *, dumps: bool) -> None:
        self._world = world
        self._case = case
        self._dumps = dumps

    @property
    def rng(self) -> random.Random:
        """Chance, which the case's seed decides."""
        return self._world.rng

    def now(self) -> datetime:
        """The time of the last connection: a run is judged at that time, now and later."""
        return self._case.connections[-1].at

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """Ask, and keep the answer."""
        answer = await self._world.lookup(name, rtype, dnssec=dnssec)
        self._case.questions.append(Asked(name, rtype, answer))
        return answer

    async def native(self, host: str) -> Sequence[str] | str:
        """Ask, and keep the answer."""
        found = await self._world.native(host)
        kept = Native(host, error=found) if isinstance(found, str) else Native(host, tuple(found))
        self._case.native.append(kept)
        return found

    async def connect(self, address: str, port: int, seconds: float) -> Failure | None:
        """Connect, and keep what came of it."""
        at = self._world.now()
        failure = await self._world.connect(address, port, seconds)
        self._case.connections.append(Connection(address, port, at, failure))
        return failure

    async def converse(self, talk: Talk, listener: Listener) -> ProbeResult:
        """Hold the dialogue, and keep it."""
        tape = _Tape(self._case.connections[-1].events, listener, dumps=self._dumps)
        return await self._world.converse(talk, tape)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._world.sleep(seconds)


class _Tape(Listener):
    """Keeps what it hears and passes it on."""

    def __init__(self, events: list[Event], listener: Listener, *, dumps: bool) -> None:
        self._events = events
        self._listener = listener
        self._dumps = dumps

    def heard(self, data: bytes) -> None:
        self._events.append(Event(What.HEARD, data.decode("latin-1")))
        self._listener.heard(data)

    def ended(self) -> None:
        self._events.append(Event(What.ENDED))
        self._listener.ended()

    def broke(self, failure: Failure, errors: tuple[str, ...]) -> None:
        self._events.append(Event(What.BROKE, failure=failure, errors=errors))
        self._listener.broke(failure, errors)

    def failed(self, failure: Failure, reply: Reply | None) -> None:
        self._listener.failed(failure, reply)

    def line(self, text: str) -> None:
        self._listener.line(text)

    def resume(self, ehlo: Reply | None) -> SSL.Session | None:
        return self._listener.resume(ehlo)

    def secured(self, facts: Secured) -> None:
        self._events.append(
            Event(
                What.SECURED,
                handshake=facts.handshake,
                chain=facts.chain,
                own=facts.own,
                own_signature=facts.own_signature,
            )
        )
        self._listener.secured(facts)

    def ticket(self) -> None:
        self._events.append(Event(What.TICKET))
        self._listener.ticket()

    def state(self, text: str) -> None:
        if self._dumps:
            self._events.append(Event(What.STATE, text))
        self._listener.state(text)

    def wire(self, *, sent: bool, data: bytes) -> None:
        if self._dumps:
            self._events.append(Event(What.SENT_TLS if sent else What.HEARD_TLS, data.hex()))
        self._listener.wire(sent=sent, data=data)


# --- playing back ---------------------------------------------------------------------------------------------


class Replay:
    """A world made of a case. A question that the case does not know is answered with a failure."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._answers: dict[tuple[str, str], list[Answer]] = defaultdict(list)
        for asked in case.questions:
            self._answers[asked.name, asked.rtype].append(asked.answer)
        self._left = list(case.connections)
        self._connection: Connection | None = None
        self.rng = random.Random(case.seed)  # noqa: S311 - the same order as in the run

    def now(self) -> datetime:
        """The time of the last connection."""
        return self._connection.at if self._connection is not None else datetime.fromtimestamp(0, UTC)

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """Answer as the DNS did; asked more often, give the last answer again."""
        del dnssec
        await trio.lowlevel.checkpoint()
        answers = self._answers[name, rtype]
        if not answers:
            return Answer(name, rtype, Outcome.ERROR, Security.INDETERMINATE, error="not in the case")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def native(self, host: str) -> Sequence[str] | str:
        """Answer as the native name service did."""
        await trio.lowlevel.checkpoint()
        found = next((one for one in self._case.native if one.host == host), None)
        if found is None:
            return f"unable to look up host {host}: not in the case"
        return found.error or found.addresses

    async def connect(self, address: str, port: int, seconds: float) -> Failure | None:
        """Connect as it was."""
        del seconds
        await trio.lowlevel.checkpoint()
        for connection in self._left:
            if (connection.address, connection.port) == (address, port):
                self._left.remove(connection)
                self._connection = connection
                return connection.failure
        return Failure(Phase.CONNECT, FailureKind.LOCAL, text="not in the case")

    async def converse(self, talk: Talk, listener: Listener) -> ProbeResult:
        """Play the dialogue back."""
        await trio.lowlevel.checkpoint()
        if self._connection is None:
            raise RuntimeError("a dialogue without a connection")
        return _Playback(talk, listener).play(self._connection)

    async def sleep(self, seconds: float) -> None:
        """Do not wait."""
        del seconds
        await trio.lowlevel.checkpoint()


class _Playback:
    """One dialogue, held with events instead of a server."""

    def __init__(self, talk: Talk, listener: Listener) -> None:
        self._talk = talk
        self._listener = listener
        self._dialogue = Dialogue(
            talk.ehlo,
            lmtp=talk.endpoint.mode.lmtp,
            implicit_tls=talk.endpoint.mode.implicit_tls,
            want_tls=talk.want_tls,
            ehlo_after_tls=talk.ehlo_after_tls,
            polite=False,
        )
        self._begun = False
        self._reporter = Reporter(self._dialogue, listener)
        self._secured: Secured | None = None
        self._ticket = False

    def play(self, connection: Connection) -> ProbeResult:
        """Do it; a dialogue that goes on where the events end is one that the peer left."""
        for event in connection.events:
            if self._dialogue.phase is Phase.HANDSHAKE and not self._begun:
                self._begun = True
                self._listener.resume(self._dialogue.ehlo)
            self._happen(event)
            self._reporter.report()
        if not self._dialogue.over:
            self._dialogue.end_of_stream()
        handshake = self._secured.handshake if self._secured else None
        chain = self._secured.chain if self._secured else ()
        session = cast("SSL.Session", object()) if self._ticket else None  # found again under its key, never used
        return ProbeResult(record(self._talk.endpoint, connection.at, self._dialogue, handshake), chain, session)

    def _happen(self, event: Event) -> None:
        match event.what:
            case What.STATE:
                self._listener.state(event.text)
            case What.SENT_TLS | What.HEARD_TLS:
                self._listener.wire(sent=event.what is What.SENT_TLS, data=bytes.fromhex(event.text))
            case What.TICKET:
                self._ticket = True
                self._listener.ticket()
            case _ if not self._dialogue.over:
                self._go_on(event)

    def _go_on(self, event: Event) -> None:
        dialogue = self._dialogue
        if event.what is What.HEARD:
            dialogue.receive(event.text.encode("latin-1"))
        elif event.what is What.ENDED:
            dialogue.end_of_stream()
        elif event.what is What.BROKE and event.failure is not None:
            self._listener.broke(event.failure, event.errors)
            dialogue.broken(event.failure)
        elif event.handshake is not None and dialogue.phase is Phase.HANDSHAKE:
            self._secured = Secured(event.handshake, event.chain, event.own, event.own_signature)
            self._listener.secured(self._secured)
            dialogue.tls_established()
