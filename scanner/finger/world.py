"""Everything outside of a run of finger: the DNS, other machines, the clock, chance.

A run sees it through ``World`` alone, so that the same run can be held again without any of it: ``Network`` is the
real one, ``case`` has one that keeps what happens, and one that plays it back.

TLS is loaded when there is a connection: by then the first packets are on their way.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import trio

from scanner.facts import Answer, Endpoint, Failure
from scanner.finger.addresses import Lookup, native_addresses
from scanner.net import tcp
from scanner.net.failures import failure_of, timed_out
from scanner.settings import Timeouts, TLSProfile
from scanner.vocabulary import Phase

if TYPE_CHECKING:
    from scanner.net.probe import Extra, ProbeResult
    from scanner.net.probe_events import Listener
    from scanner.net.tls import Identity


@dataclass(frozen=True, slots=True)
class Talk:
    """How to hold a dialogue over the connection that was made last; see ``net.probe``."""

    endpoint: Endpoint
    profile: TLSProfile
    ehlo: str
    timeouts: Timeouts
    want_tls: bool
    ehlo_after_tls: bool = True
    identity: "Identity | None" = None
    keep_session: bool = False

    def heard_by(self, listener: "Listener") -> "Extra":
        """The part that a probe takes as its ``extra``."""
        from scanner.net.probe import Extra  # noqa: PLC0415 - see above

        return Extra(self.ehlo_after_tls, self.identity, self.keep_session, listener)


class World(Protocol):
    """What a run needs of the world."""

    @property
    def rng(self) -> random.Random:
        """Chance: it spreads load and protects nothing."""

    def now(self) -> datetime:
        """The time at which certificates are judged."""

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """Ask one DNS question."""

    async def native(self, host: str) -> Sequence[str] | str:
        """Ask the native name service for a host's addresses; a text says why there are none."""

    async def connect(self, address: str, port: int, seconds: float) -> Failure | None:
        """Connect; None when that worked."""

    async def converse(self, talk: Talk, listener: "Listener") -> "ProbeResult":
        """Hold the dialogue over the last connection, and close it."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Network:
    """The world as it is."""

    def __init__(self, lookup: Lookup, seed: int | None = None) -> None:
        self._lookup = lookup
        self._stream: trio.abc.Stream | None = None
        self.rng = random.Random(seed)  # noqa: S311 - spreads load, protects nothing

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    async def lookup(self, name: str, rtype: str, *, dnssec: bool = True) -> Answer:
        """Ask the resolver."""
        return await self._lookup(name, rtype, dnssec=dnssec)

    async def native(self, host: str) -> Sequence[str] | str:
        """Ask the C library."""
        return await native_addresses(host)

    async def connect(self, address: str, port: int, seconds: float) -> Failure | None:
        """Open a TCP connection, or one to a UNIX-domain socket where the port is 0."""
        with trio.move_on_after(seconds):
            try:
                self._stream = await tcp.connect(address, port)
            except ConnectionResetError as error:
                self._stream = _Reset(error)
            except OSError as error:
                return failure_of(error, Phase.CONNECT)
            return None
        return timed_out(Phase.CONNECT)

    async def converse(self, talk: Talk, listener: "Listener") -> "ProbeResult":
        """Hold the dialogue."""
        from scanner.net.probe import converse  # noqa: PLC0415 - see above

        stream, self._stream = self._stream, None
        if stream is None:
            raise RuntimeError("a dialogue without a connection")
        return await converse(
            stream,
            talk.endpoint,
            profile=talk.profile,
            ehlo=talk.ehlo,
            timeouts=talk.timeouts,
            polite=False,
            want_tls=talk.want_tls,
            extra=talk.heard_by(listener),
        )

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await trio.sleep(seconds)


class _Reset(trio.abc.Stream):
    """A connection that was made and reset before anybody looked: a refusal would have been another error."""

    def __init__(self, error: OSError) -> None:
        self._error = error

    async def send_all(self, data: object) -> None:
        """Fail."""
        del data
        raise trio.BrokenResourceError from self._error

    async def wait_send_all_might_not_block(self) -> None:
        """Fail later."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Fail."""
        del max_bytes
        raise trio.BrokenResourceError from self._error

    async def aclose(self) -> None:
        """There is nothing left to close."""
