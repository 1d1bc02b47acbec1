"""Rules for servers with several certificates: the key algorithms to probe, and the DANE verdicts by key algorithm.

A TLS server chooses its certificate by the signature algorithms that the client offers. A probe that offers all
signature algorithms gets one of the certificates. A probe that offers the signature algorithms of one key algorithm
only gets a certificate with a key of this algorithm, or an alert.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from scanner.core.compared import compared
from scanner.core.policy import Peer
from scanner.facts import CertFacts, Handshake, Probe, TLSALookup
from scanner.model import AlgorithmReport
from scanner.settings import CLASSICAL_GROUPS, OF_ALGORITHM, PROFILES
from scanner.vocabulary import CertAlg, Dane, FailureKind, Phase, Served

_SIGNATURES = {
    "rsa_": CertAlg.RSA,
    "ecdsa_": CertAlg.ECDSA,
    "ed25519": CertAlg.EDDSA,
    "ed448": CertAlg.EDDSA,
    "mldsa": CertAlg.MLDSA,
}
"""Key algorithms by the beginning of the IANA name of a signature scheme."""

_REFUSALS = ("handshake failure", "insufficient security", "illegal parameter", "unsupported certificate")
"""TLS alerts of a server without a certificate for the client's offer, as OpenSSL names them after the word "alert"."""


class _Signed(Protocol):
    """The attributes common to a handshake and a partly decoded handshake of a stored run."""

    @property
    def version(self) -> str: ...
    @property
    def cipher(self) -> str: ...
    @property
    def signature(self) -> str | None: ...
    @property
    def chain(self) -> Sequence[str]: ...


def algorithm_of(handshake: _Signed) -> CertAlg:
    """Return the algorithm of the server's key, from the signature of the handshake or else from the cipher suite."""
    if handshake.signature is not None:
        return next((alg for head, alg in _SIGNATURES.items() if handshake.signature.startswith(head)), CertAlg.OTHER)
    if "-ECDSA-" in handshake.cipher:
        return CertAlg.ECDSA
    is_signed = handshake.cipher.startswith(("ECDHE-RSA-", "DHE-RSA-"))
    is_encrypted = "DH" not in handshake.cipher and handshake.version != "TLSv1.3"  # RSA key exchange
    return CertAlg.RSA if handshake.chain and (is_signed or is_encrypted) else CertAlg.OTHER


def wanted(algorithms: Sequence[CertAlg], own: Probe, lookup: TLSALookup) -> list[tuple[CertAlg, str]]:
    """Return the key algorithms to offer in further probes of an address, each with the name of its TLS profile.

    Args:
        algorithms: the algorithms that the settings name.
        own: the probe with the TLS profile of the requested security level.
        lookup: the TLSA lookup of the host; without usable TLSA records, no further probe is needed.
    """
    if lookup.dane is not None or own.handshake is None or not own.handshake.chain:
        return []
    present = algorithm_of(own.handshake)
    groups = CLASSICAL_GROUPS if PROFILES[own.endpoint.profile].groups else None
    return [(alg, OF_ALGORITHM[alg, groups].name) for alg in algorithms if alg is not present]


def served(alg: CertAlg, probe: Probe) -> Served:
    """Return whether a server has a certificate with a key of ``alg``; ``probe`` accepted only keys of ``alg``."""
    if probe.handshake is not None:
        found = probe.handshake.chain and algorithm_of(probe.handshake) is alg
        return Served.YES if found else Served.UNKNOWN
    return Served.NO if refused(probe) else Served.UNKNOWN


def refused(probe: Probe) -> bool:
    """Return whether the server sent an alert which shows that the server supports nothing in the offer of a probe."""
    failure = probe.failure
    if failure is None or failure.phase is not Phase.HANDSHAKE or failure.kind is not FailureKind.TLS:
        return False
    return failure.text.endswith(tuple(f"alert {text}" for text in _REFUSALS))


def algorithm_verdicts(
    peer: Peer,
    lookup: TLSALookup,
    reports: Sequence[AlgorithmReport],
    default: tuple[Handshake, Dane],
    certs: Mapping[str, CertFacts],
) -> dict[CertAlg, Dane]:
    """Return the DANE verdicts on a server's certificates by key algorithm; the default offer's verdict comes first.

    Args:
        peer: the MX host, and the reference identifiers of the domain.
        lookup: the TLSA lookup of the host, with usable records.
        reports: the probes that offered only one key algorithm each.
        default: the handshake with the default offer, and its DANE verdict.
        certs: certificates by SHA-256, including every certificate of the chains of the probes.

    Returns:
        The DANE verdicts by key algorithm; an empty dictionary if ``reports`` is empty. An algorithm for which the
        server has no certificate is omitted.
    """
    if not reports:
        return {}
    found = {algorithm_of(default[0]): default[1]}
    for report in reports:
        if report.served is not Served.NO:
            found.setdefault(report.alg, _verdict(peer, lookup, report, certs))
    return found


def _verdict(peer: Peer, lookup: TLSALookup, report: AlgorithmReport, certs: Mapping[str, CertFacts]) -> Dane:
    handshake = report.probe.handshake
    chain = tuple(certs[digest] for digest in handshake.chain if digest in certs) if handshake is not None else ()
    if report.served is not Served.YES or handshake is None or not chain or len(chain) < len(handshake.chain):
        return Dane.UNKNOWN  # the last two only for a damaged run
    return compared(peer, lookup, report.dane, chain)[0]


def default_verdict(algorithms: Mapping[CertAlg, Dane], dane: Dane) -> Dane:
    """Return the DANE verdict on the certificate of the default offer, from two fields of an ``EndpointVerdict``."""
    return next(iter(algorithms.values()), dane)
