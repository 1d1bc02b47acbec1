"""Post-quantum readiness of a server: its key exchange groups, and the key types of its certificates.

A client that sends a key share for a group that the server does not accept gets a HelloRetryRequest
(RFC 8446 section 4.1.4) and sends a second ClientHello, which costs a round trip.
"""

from collections.abc import Sequence

from scanner.core.algorithms import algorithm_of, refused
from scanner.facts import Probe
from scanner.model import AlgorithmReport
from scanner.settings import CLASSICAL, POST_QUANTUM
from scanner.vocabulary import CertAlg, PostQuantum, Served

_NAMES = ("MLKEM", "KYBER")


def is_post_quantum(group: str) -> bool:
    """Return whether a key exchange group contains a post-quantum algorithm, by its name in OpenSSL."""
    return any(name in group.upper() for name in _NAMES)


def wanted(own: Probe) -> str | None:
    """Return the TLS profile of a probe for post-quantum groups; None if ``own`` shows that no such probe is needed.

    A server that negotiates TLS 1.3 with a classical group may support a post-quantum group. A server that fails on the
    large ClientHello of the first probe would also fail on the large ClientHello of another probe.
    """
    handshake = own.handshake
    if handshake is None or handshake.version != "TLSv1.3" or own.endpoint.profile in CLASSICAL.values():
        return None
    return None if handshake.group is None or is_post_quantum(handshake.group) else POST_QUANTUM.name


def readiness(own: Probe, asked: Probe | None = None) -> PostQuantum:
    """Return the post-quantum readiness of a server's key exchange.

    Args:
        own: the probe with the TLS profile of the requested security level.
        asked: the probe that offered only post-quantum groups, or None.
    """
    handshake = own.handshake
    if handshake is None:
        return PostQuantum.UNKNOWN
    if handshake.group is not None and is_post_quantum(handshake.group):
        return PostQuantum.PREFERRED
    if handshake.version != "TLSv1.3":
        return PostQuantum.TLS12
    if asked is None:
        return PostQuantum.UNKNOWN
    if asked.handshake is not None:
        return PostQuantum.SUPPORTED
    return PostQuantum.NO if refused(asked) else PostQuantum.UNKNOWN


def signature(own: Probe, others: Sequence[AlgorithmReport]) -> Served:
    """Return whether the server has a certificate with a post-quantum key (ML-DSA, only in TLS 1.3)."""
    handshake = own.handshake
    asked = next((other.served for other in others if other.alg is CertAlg.MLDSA), Served.UNKNOWN)
    if handshake is None or asked is not Served.UNKNOWN:
        return asked
    if algorithm_of(handshake) is CertAlg.MLDSA:
        return Served.YES
    return Served.NO if handshake.version != "TLSv1.3" else Served.UNKNOWN
