"""Whom to leave alone for a while: a provider or network that turned us away.

A breaker opens at once for a reply that turns us away, and for refusals only when there are several in a row. It stays
open for a time that doubles with each opening, up to a limit; whoever has opened it once gets one connection at a time
from then on. Plain arithmetic; the caller says what time it is.
"""

from dataclasses import dataclass, field

from scanner.model import HeldBack

REFUSALS = 5
"""Addresses that refuse us in a row, with none accepting between them, before it is taken to be meant for us."""

KNOWN = 100_000
"""Providers and networks that are remembered; the oldest is forgotten first, and the worst of it is one more 421."""


@dataclass(slots=True)
class _State:
    refusals: set[str] = field(default_factory=set)
    openings: int = 0
    until: float = 0.0
    put_off: int = 0  # connections, since it opened last


class Breakers:
    """The breakers of a scan, by provider and network.

    Args:
        first: seconds that the first opening lasts.
        longest: seconds that any opening lasts at most.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._states: dict[str, _State] = {}
        self._open: dict[str, _State] = {}  # or were so when somebody last asked

    def is_open(self, key: str, now: float) -> bool:
        """Is it to be left alone?"""
        state = self._states.get(key)
        return state is not None and state.until > now

    def careful(self, key: str) -> bool:
        """Has it ever turned us away, so that it gets one connection at a time?"""
        state = self._states.get(key)
        return state is not None and state.openings > 0

    def put_off(self, key: str, now: float) -> None:
        """Note a connection that was not made, if it is for this one's sake."""
        if self.is_open(key, now):
            self._states[key].put_off += 1

    def open(self, now: float) -> list[HeldBack]:
        """Those that are left alone now, the one with most connections put off first."""
        self._open = {key: state for key, state in self._open.items() if state.until > now}
        found = [HeldBack(key, state.put_off, round(state.until - now, 3)) for key, state in self._open.items()]
        return sorted(found, key=lambda each: (-each.endpoints, each.name))

    def turned_away(self, key: str, now: float) -> None:
        """Note a reply that turned us away. Those who were in flight when it opened count no more."""
        state = self._state(key)
        if state.until <= now:
            state.until = now + min(self._first * 2**state.openings, self._longest)
            state.openings = min(state.openings + 1, 16)  # far beyond the longest time
            state.put_off = 0
            self._open[key] = state

    def refused(self, key: str, address: str, now: float) -> None:
        """Note an address that refused a connection."""
        state = self._state(key)
        state.refusals.add(address)
        if len(state.refusals) >= REFUSALS:
            state.refusals.clear()
            self.turned_away(key, now)

    def accepted(self, key: str) -> None:
        """Note a connection that was accepted and greeted."""
        state = self._states.get(key)
        if state is None:
            return
        state.refusals.clear()
        if not state.openings:
            del self._states[key]

    def _state(self, key: str) -> _State:
        state = self._states.setdefault(key, _State())
        if len(self._states) > KNOWN:
            del self._states[next(iter(self._states))]
        return state

    def __len__(self) -> int:
        return len(self._states)
