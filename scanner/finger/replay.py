"""Replay of a saved run of ``mxsweep finger``: ports that return saved answers instead of using the network."""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import trio
from OpenSSL import SSL

from scanner.core.dialogue import Dialogue
from scanner.facts import Answer, Failure
from scanner.finger.finger_ports import ProbeRequest
from scanner.finger.saved_case import EventKind, SavedCase, SavedConnection, SavedEvent
from scanner.net.probe import ProbeResult, record
from scanner.net.probe_events import Listener, Reporter, Secured
from scanner.vocabulary import FailureKind, Outcome, Phase, Security


class ReplayPorts:
    """Implementation of ``FingerPorts`` that returns the answers of a saved case.

    For a DNS query, name service query or connection that is not in the saved case, the methods return an error.
    """

    def __init__(self, case: SavedCase) -> None:
        self._case = case
        self._answers: dict[tuple[str, str], list[Answer]] = defaultdict(list)
        for asked in case.questions:
            self._answers[asked.name, asked.rtype].append(asked.answer)
        self._left = list(case.connections)
        self._connection: SavedConnection | None = None
        self.rng = random.Random(case.seed)  # noqa: S311 - the same order as in the run

    def now(self) -> datetime:
        """Return the time of the last connection in the saved case."""
        return self._connection.at if self._connection is not None else datetime.fromtimestamp(0, UTC)

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """Return the next saved answer to a query; after the last saved answer, return the last answer again."""
        del dnssec
        await trio.lowlevel.checkpoint()
        answers = self._answers[name, rtype]
        if not answers:
            return Answer(name, rtype, Outcome.ERROR, Security.INDETERMINATE, error="not in the case")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def native(self, host: str) -> Sequence[str] | str:
        """Return the saved answer of the native name service."""
        await trio.lowlevel.checkpoint()
        found = next((one for one in self._case.native if one.host == host), None)
        if found is None:
            return f"unable to look up host {host}: not in the case"
        return found.error or found.addresses

    async def connect(self, address: str, port: int, seconds: float) -> Failure | None:
        """Return the saved failure of the connection attempt, or None after success."""
        del seconds
        await trio.lowlevel.checkpoint()
        for connection in self._left:
            if (connection.address, connection.port) == (address, port):
                self._left.remove(connection)
                self._connection = connection
                return connection.failure
        return Failure(Phase.CONNECT, FailureKind.LOCAL, text="not in the case")

    async def converse(self, request: ProbeRequest, listener: Listener) -> ProbeResult:
        """Replay the saved dialogue of the most recent connection and return the result of the probe."""
        await trio.lowlevel.checkpoint()
        if self._connection is None:
            raise RuntimeError("a dialogue without a connection")
        return _Playback(request, listener).play(self._connection)

    async def sleep(self, seconds: float) -> None:
        """Return at once."""
        del seconds
        await trio.lowlevel.checkpoint()


class _Playback:
    """An SMTP dialogue in which saved events replace the server."""

    def __init__(self, request: ProbeRequest, listener: Listener) -> None:
        self._request = request
        self._listener = listener
        self._dialogue = Dialogue(
            request.ehlo,
            lmtp=request.endpoint.mode.lmtp,
            implicit_tls=request.endpoint.mode.implicit_tls,
            want_tls=request.want_tls,
            ehlo_after_tls=request.ehlo_after_tls,
            rules=request.rules,
        )
        self._begun = False
        self._reporter = Reporter(self._dialogue, listener)
        self._secured: Secured | None = None
        self._ticket = False

    def play(self, connection: SavedConnection) -> ProbeResult:
        """Replay the saved events of a connection and return the result of the probe.

        If the saved events end before the dialogue, the connection is treated as closed by the peer.
        """
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
        session = cast("SSL.Session", object()) if self._ticket else None  # a placeholder in the session cache
        return ProbeResult(record(self._request.endpoint, connection.at, self._dialogue, handshake), chain, session)

    def _happen(self, event: SavedEvent) -> None:
        match event.what:
            case EventKind.STATE:
                self._listener.state(event.text)
            case EventKind.SENT_TLS | EventKind.HEARD_TLS:
                self._listener.wire(sent=event.what is EventKind.SENT_TLS, data=bytes.fromhex(event.text))
            case EventKind.TICKET:
                self._ticket = True
                self._listener.ticket()
            case _ if not self._dialogue.over:
                self._go_on(event)

    def _go_on(self, event: SavedEvent) -> None:
        dialogue = self._dialogue
        if event.what is EventKind.HEARD:
            dialogue.receive(event.text.encode("latin-1"))
        elif event.what is EventKind.ENDED:
            dialogue.end_of_stream()
        elif event.what is EventKind.BROKE and event.failure is not None:
            self._listener.broke(event.failure, event.errors)
            dialogue.broken(event.failure)
        elif event.handshake is not None and dialogue.phase is Phase.HANDSHAKE:
            self._secured = Secured(event.handshake, event.chain, event.own, event.own_signature)
            self._listener.secured(self._secured)
            dialogue.tls_established()
