"""Interfaces of a run of ``mxsweep finger`` to DNS, connections, clock and random numbers.

All input and output of the run except printed lines passes through ``FingerPorts``, so that a saved run can be
repeated offline. ``NetworkPorts`` uses the network, the module ``recorder`` saves every answer, and the module
``replay`` returns the answers of a saved run.

The TLS library is imported after the first connection is open, because the import would delay the connection.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import trio

from scanner.core.dialogue import POSTFIX_RULES, DialogueRules
from scanner.facts import Answer, Endpoint, Failure
from scanner.finger.addresses import AskDNS, native_addresses
from scanner.net import tcp
from scanner.net.failures import failure_of, timed_out
from scanner.settings import Timeouts, TLSProfile
from scanner.vocabulary import Phase

if TYPE_CHECKING:
    from scanner.net.probe import Extra, ProbeResult
    from scanner.net.probe_events import Listener
    from scanner.net.tls import Identity


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """The settings of a probe on the most recent connection; see the module ``net.probe``."""

    endpoint: Endpoint
    profile: TLSProfile
    ehlo: str
    timeouts: Timeouts
    want_tls: bool
    ehlo_after_tls: bool = True
    identity: "Identity | None" = None
    keep_session: bool = False
    rules: DialogueRules = POSTFIX_RULES
    raw_keys: bool = False

    def heard_by(self, listener: "Listener") -> "Extra":
        """Return the argument ``extra`` of ``net.probe.converse``: these settings, and the receiver of probe events."""
        from scanner.net.probe import Extra  # noqa: PLC0415 - see above

        return Extra(
            self.ehlo_after_tls, self.identity, self.keep_session, listener, rules=self.rules, raw_keys=self.raw_keys
        )


class FingerPorts(Protocol):
    """The interface of a run of ``mxsweep finger`` to DNS, connections, clock and random numbers."""

    @property
    def rng(self) -> random.Random:
        """The random generator for load distribution, which has no security function."""

    def now(self) -> datetime:
        """Return the time at which the validity dates of certificates are checked."""

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """Send one DNS query and return its answer."""

    async def native(self, host: str) -> Sequence[str] | str:
        """Return the addresses of a host from the native name service, or a text about the error."""

    async def connect(self, address: str, port: int, seconds: float) -> Failure | None:
        """Connect to an address within a time in seconds; return the failure, or None after success."""

    async def converse(self, request: ProbeRequest, listener: "Listener") -> "ProbeResult":
        """Run the SMTP dialogue on the most recent connection, close the connection, and return the result."""

    async def sleep(self, seconds: float) -> None:
        """Wait for a time in seconds."""


class NetworkPorts:
    """The implementation of ``FingerPorts`` that uses the network."""

    native = staticmethod(native_addresses)
    sleep = staticmethod(trio.sleep)

    def __init__(self, lookup: AskDNS, seed: int | None = None) -> None:
        self.lookup = lookup
        self._stream: trio.abc.Stream | None = None
        self.rng = random.Random(seed)  # noqa: S311 - spreads load, protects nothing

    def now(self) -> datetime:
        """Return the current time."""
        return datetime.now(UTC)

    async def connect(self, address: str, port: int, seconds: float) -> Failure | None:
        """Open a TCP connection, or with port 0 a connection to a UNIX-domain socket."""
        with trio.move_on_after(seconds):
            try:
                self._stream = await tcp.connect(address, port)
            except ConnectionResetError as error:
                self._stream = _Reset(error)
            except OSError as error:
                return failure_of(error, Phase.CONNECT)
            return None
        return timed_out(Phase.CONNECT)

    async def converse(self, request: ProbeRequest, listener: "Listener") -> "ProbeResult":
        """Run the SMTP dialogue on the most recent connection and return the result of the probe."""
        from scanner.net.probe import converse  # noqa: PLC0415 - see above

        stream, self._stream = self._stream, None
        if stream is None:
            raise RuntimeError("a dialogue without a connection")
        return await converse(
            stream,
            request.endpoint,
            profile=request.profile,
            ehlo=request.ehlo,
            timeouts=request.timeouts,
            want_tls=request.want_tls,
            extra=request.heard_by(listener),
        )


class _Reset(trio.abc.Stream):
    """A stream for a TCP connection that the peer accepted and reset before the first octet."""

    def __init__(self, error: OSError) -> None:
        self._error = error

    async def send_all(self, _data: object) -> None:
        raise trio.BrokenResourceError from self._error

    async def wait_send_all_might_not_block(self) -> None:
        """Do nothing."""

    async def receive_some(self, _max_bytes: int | None = None) -> bytes:
        raise trio.BrokenResourceError from self._error

    async def aclose(self) -> None:
        """Do nothing, because the connection is already closed."""
