"""The speed of the reference machine, on which the targets in seconds were set."""

from tests.bench.loopback import serving
from tests.bench.probe import handshakes

HANDSHAKE = 0.28
"""Milliseconds of processor time of the client's half of a TLS handshake on the reference machine."""

_TURNS = 5  # measurements of the handshake, of which the least counts


def slower() -> float:
    """Return the processor time of a TLS handshake on this machine, divided by the time on the reference machine."""
    with serving(1) as server:
        return min(handshakes(server) for _ in range(_TURNS)) * 1000 / HANDSHAKE
